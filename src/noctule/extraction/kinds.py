"""What a page says that it is, in what it tells search engines: a product, an article, a list of either.

Pages say so by types of schema.org (in JSON-LD and in ``itemtype``) and by Open Graph's ``og:type``. What must always
hold: however much a page says, what is kept of it are kinds of a known, small set.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType

_TYPES = MappingProxyType(
    {
        "product": "product productgroup offer aggregateoffer",
        "article": "article newsarticle blogposting techarticle report scholarlyarticle medicalwebpage",
        "collection": "collectionpage itemlist searchresultspage offercatalog productcollection categorypage",
        "discussion": "discussionforumposting qapage question comment",
        "faq": "faqpage",
        "service": "service localbusiness professionalservice softwareapplication financialproduct",
        "breadcrumbs": "breadcrumblist",
        "review": "review aggregaterating",
        "instructions": "recipe howto event course",
    }
)
_OPEN_GRAPH = ("product", "article", "website")
KINDS = (*_TYPES, *(f"og_{name}" for name in _OPEN_GRAPH))
_KIND_OF = MappingProxyType({name: kind for kind, names in _TYPES.items() for name in names.split()})

_LINKED_TYPE = re.compile(r'"@type"\s*:\s*(\[[^\]]{0,500}\]|"[^"]{0,100}")')
_NAME = re.compile(r'"([^"]*)"')
_PREFIX = "og:"


def linked_types(text: str) -> Iterable[str]:
    """The types that a script of JSON-LD names, however well it is formed."""
    return (name for found in _LINKED_TYPE.findall(text) for name in _NAME.findall(found))


def kinds_of(said: Iterable[str]) -> frozenset[str]:
    """The ``KINDS`` among types of schema.org, by name or address, and those of Open Graph after ``og:``."""
    found: set[str] = set()
    for name in said:
        lower = name.strip().lower()
        if lower.startswith(_PREFIX):
            found.update(f"og_{kind}" for kind in _OPEN_GRAPH if kind in lower)
        elif (kind := _KIND_OF.get(lower.rstrip("/").rpartition("/")[2])) is not None:
            found.add(kind)
    return frozenset(found)
