"""What the names in a page's markup say of the role of its parts.

Authors name what they build: classes, ids, roles and semantic tags say "nav", "related", "price". Each known word
belongs to one ``Hint``; which of them speak for or against content, and how loudly, is for the weights to know.
"""

import re
from functools import lru_cache
from types import MappingProxyType

from noctule.extraction.document import Element

_WORDS = {
    "navigation": "nav navbar navigation menu menus submenu megamenu mega sitemap menubar topnav "
    "sidenav subnav topbar gnb navlinks navbox",
    "breadcrumb": "breadcrumb breadcrumbs crumb crumbs",
    "masthead": "header masthead banner logo brand branding toolbar announcement",
    "footer": "footer foot colophon copyright legal disclaimer footnote contentinfo",
    "aside": "aside sidebar side rail widget widgets complementary secondary column infobox sidecolumn",
    "related": "related recommend recommended recommendation recommendations recommends similar also more upsell cross "
    "suggested suggestions suggestion trending popular latest recent recently viewed readmore next prev previous "
    "explore discover",
    "paging": "pagination pager paging paginator page pages loadmore",
    "social": "share sharing social follow facebook twitter instagram linkedin pinterest whatsapp youtube addthis",
    "comment": "comment comments disqus respond commentlist replies discussion",
    "byline": "author byline meta metadata date time published timestamp tags tag category categories avatar bio "
    "info username user profile poster signature badge",
    "promotion": "promo promotion promotions ad ads advert advertisement advertising sponsor sponsored cta callout "
    "subscribe subscription newsletter signup offer marketing donate campaign",
    "overlay": "popup modal overlay dialog cookie cookies consent gdpr onetrust drawer offcanvas toast tooltip popover "
    "lightbox flyout interstitial notice alert alertdialog privacy",
    "content": "content article post entry body main story text description desc detail details prose copy richtext "
    "markdown rte articlebody wysiwyg paragraph",
    "thread": "message reply thread topic topics forum question answer answers posts messages bbwrapper quote "
    "topicbody postbody crayons",
    "product": "product products sku spec specs specification specifications feature features variant variants pdp "
    "ingredients material materials dimensions",
    "price": "price prices pricing cost sale discount money currency msrp",
    "purchase": "cart buy add stock quantity qty checkout basket wishlist purchase atc availability shipping delivery "
    "payment",
    "review": "review reviews rating ratings stars star testimonial testimonials score feedback ugc",
    "card": "card cards item items grid list listing listings result results tile tiles teaser collection gallery "
    "feed stream row",
    "carousel": "carousel slider swiper slick slide slides slideshow owl splide glide flickity marquee",
    "form": "form forms input search searchbox filter filters sort sorting facet facets login dropdown select field "
    "signin register combobox listbox refine refinement",
    "headline": "hero title headline heading intro introduction lead lede summary excerpt subtitle tagline subheading",
    "disclosure": "faq faqs accordion collapse collapsible expand expandable toggle tab tabs panel tabpanel tablist",
    "outline": "toc contents outline onthispage anchors index",
    "hidden": "hidden hide sr visually screen skip skiplink invisible offscreen clone cloned duplicate "
    "collapsed noscript",
    "code": "code highlight codehilite pre snippet terminal syntax example",
    "actions": "action actions button buttons btn btns link links toolbar controls control vote votes like likes copy "
    "edit print report",
    "contact": "contact address phone email location map hours store locator",
    "image": "caption figcaption credit image img photo media video figure thumbnail thumb icon",
}
HINTS = tuple(_WORDS)
# For a section with no name above it that hints at anything: no depth for any hint.
HINT_DEPTHS_OF_NONE = (-1,) * len(HINTS)
_HINT_OF = MappingProxyType({word: number for number, words in enumerate(_WORDS.values()) for word in words.split()})
_TAG_HINTS = MappingProxyType(
    {
        "nav": "navigation",
        "footer": "footer",
        "aside": "aside",
        "header": "masthead",
        "dialog": "overlay",
        "form": "form",
        "main": "content",
        "article": "content",
        "menu": "navigation",
        "noscript": "hidden",
        "button": "actions",
        "address": "contact",
        "figcaption": "image",
        "summary": "disclosure",
    }
)
_NONE: frozenset[int] = frozenset()
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MAX_NAME_CHARACTERS = 400


def hints_of(element: Element) -> frozenset[int]:
    """The numbers, in ``HINTS``, of what the names of ``element`` hint at."""
    attributes = element.attributes
    if not attributes and element.tag not in _TAG_HINTS:
        return _NONE
    names = " ".join(
        attributes[key] for key in ("class", "id", "role", "aria-label", "itemprop", "data-testid") if key in attributes
    )
    if attributes.get("aria-hidden") == "true":
        names += " hidden"
    return _hints_in(element.tag, names[:_MAX_NAME_CHARACTERS])


@lru_cache(maxsize=8_192)
def _hints_in(tag: str, names: str) -> frozenset[int]:
    words = {word.lower() for word in _WORD.findall(names)}
    found = {_HINT_OF[word] for word in words if word in _HINT_OF}
    if tag in _TAG_HINTS:
        found.add(HINTS.index(_TAG_HINTS[tag]))
    return frozenset(found)
