"""Which images a page has, what they are for, and what they are called."""

import pytest

from noctule.extraction.document import Box, Document, Element
from noctule.extraction.images import MAX_IMAGES, Category, Image, images
from noctule.extraction.parser import parse
from tests.unit.extraction.trees import document


def _only(html: str) -> Image:
    (image,) = images(document(html))
    return image


@pytest.mark.parametrize(
    ("html", "category"),
    [
        ('<img src="/photo.jpg" width="640" height="480" alt="A bridge">', Category.CONTENT_IMAGE),
        ('<img src="/photo.jpg">', Category.CONTENT_IMAGE),
        ('<img src="/u.png" width="24" height="24" alt="User">', Category.ICON),
        ('<img src="/u.png" class="site-logo" alt="Home">', Category.ICON),
        ('<img src="/chart.svg" width="600" height="300" alt="Chart">', Category.SVG_CONTENT),
        ('<img src="/cart.svg" width="20" height="20" alt="Cart">', Category.SVG_ICON),
        ('<img src="/x.png" alt="">', Category.DECORATIVE),
        ('<img src="/x.png" role="presentation" width="800" height="90">', Category.DECORATIVE),
        ('<img src="/p.gif" width="1" height="1">', Category.DECORATIVE),
        ('<img src="/x.png" class="divider" alt="line">', Category.DECORATIVE),
        ('<img src="/large.jpg" alt="" width="1200" height="600">', Category.CONTENT_IMAGE),
        ('<link rel="shortcut icon" href="/favicon.ico">', Category.FAVICON),
        ('<link rel="apple-touch-icon" href="/touch.png">', Category.FAVICON),
        ('<meta property="og:image" content="/share.jpg">', Category.CONTENT_IMAGE),
        ("<div data-background=\"url('/bg.jpg')\"></div>", Category.DECORATIVE),
        ('<svg width="16" height="16"><path d="M0 0"></path></svg>', Category.SVG_ICON),
        ('<svg width="400" height="300"><path d="M0 0"></path></svg>', Category.SVG_CONTENT),
        ('<video poster="/still.jpg"></video>', Category.CONTENT_IMAGE),
    ],
)
def test_each_image_has_its_category(html: str, category: Category) -> None:
    assert _only(html).category is category


@pytest.mark.parametrize(
    ("html", "description"),
    [
        ('<img src="/a" alt=" A  bridge ">', "A bridge"),
        ('<img src="/a" title="Titled">', "Titled"),
        ('<img src="/a" aria-label="Labelled">', "Labelled"),
        ('<figure><img src="/a"><figcaption>The <b>caption</b></figcaption></figure>', "The caption"),
        ('<h2>Before</h2><p>text</p><img src="/a">', "Before"),
        ('<a href="/" aria-label="Home"><img src="/a"></a>', "Home"),
        ('<svg><title>Search</title><path d="M0 0"></path></svg>', "Search"),
        ('<img src="/a">', None),
        ('<h2>Before</h2><img src="/a" alt="">', None),
    ],
)
def test_each_image_is_called_what_the_page_calls_it(html: str, description: str | None) -> None:
    assert _only(html).description == description


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<img src="a.png">', "https://example.org/docs/a.png"),
        ('<img src="small.png" srcset="/s.png 400w, /l.png 800w">', "https://example.org/l.png"),
        ('<img src="data:image/gif;base64,AAAA" data-src="/late.png">', "https://example.org/late.png"),
        ('<picture><source srcset="/w.webp 1x"><img alt="x"></picture>', "https://example.org/w.webp"),
        ('<img src="data:image/png;base64,AAAA">', "data:image/png;base64,AAAA"),
        ('<div data-background="/plain.jpg"></div>', "https://example.org/plain.jpg"),
    ],
)
def test_addresses_are_absolute_and_the_best_there_is(html: str, url: str) -> None:
    assert _only(html).url == url


def test_each_address_appears_once_in_the_order_of_the_page() -> None:
    frame = document('<img src="/c.png"><img src="/a.png">', url="https://example.org/f")

    found = images(document('<img src="/b.png"><img src="/a.png"><img src="b.png"><img src="/b.png">', frame))

    assert [image.url.rpartition("/")[2] for image in found] == ["b.png", "a.png", "b.png", "c.png"]
    assert len({image.url for image in found}) == 4


def test_the_size_on_the_page_counts_more_than_what_attributes_say() -> None:
    image = Element("img", {"src": "/a.png", "width": "640", "height": "480"}, [], Box(0, 0, 20, 20))

    (found,) = images(Document("https://example.org/", "", Element("body", {}, [image])))

    assert found.category is Category.ICON


def test_an_inline_picture_holds_nothing_that_runs() -> None:
    found = _only(
        '<svg onload="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)"><circle r="1"></circle></a>'
        '<use href="#x"></use><text>a &lt; b</text></svg>'
    )

    assert found.url.startswith("data:image/svg+xml,")
    assert "alert" not in found.url
    assert "script" not in found.url
    assert "%3Ccircle r=%221%22%3E" in found.url


def test_an_inline_picture_is_written_as_svg_spells_it() -> None:
    found = _only(
        '<svg viewBox="0 0 8 8"><linearGradient id="g" gradientUnits="userSpaceOnUse"></linearGradient></svg>'
    )

    assert "viewBox=" in found.url
    assert "%3ClinearGradient id=%22g%22 gradientUnits=%22userSpaceOnUse%22%3E%3C/linearGradient%3E" in found.url


def test_the_images_of_a_documents_html_are_those_of_its_tree() -> None:
    html = (
        '<head><link rel="icon" href="/i.png"><meta property="og:image" content="/share.jpg"></head><body>'
        '<a href="/"><svg width="16" height="16"><title>Home</title><path d="M0 0"></path></svg></a>'
        '<video poster="/still.jpg"><source src="/film.mp4"></video>'
    )

    found = images(parse(html, "https://example.org/"))

    assert [(image.category, image.description) for image in found] == [
        (Category.FAVICON, None),
        (Category.CONTENT_IMAGE, None),
        (Category.SVG_ICON, "Home"),
        (Category.CONTENT_IMAGE, None),
    ]


@pytest.mark.parametrize(
    "html",
    [
        '<img src="javascript:alert(1)">',
        '<img src="">',
        '<img src="http://[">',
        f'<img src="data:image/png;base64,{"A" * 100_000}">',
        "<svg></svg>",
        f"<svg><path d='{'M0 0' * 20_000}'></path></svg>",
        '<link rel="stylesheet" href="/a.css">',
        '<meta name="description" content="/a">',
    ],
)
def test_what_is_no_image_or_too_large_is_left_out(html: str) -> None:
    assert images(document(html)) == ()


def test_their_number_is_bounded() -> None:
    root = Element("body", {}, [Element("img", {"src": f"/{number}.png"}) for number in range(MAX_IMAGES + 10)])

    assert len(images(Document("https://example.org/", "", root))) == MAX_IMAGES
