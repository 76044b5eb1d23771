"""Small pages of the kinds that main content is looked for in; what is content says so in its text."""

from noctule.extraction.document import Document, Element
from noctule.extraction.parser import parse

URL = "https://example.org/section/page"

PROSE = (
    "The lesser horseshoe bat sleeps through the winter in caves, and it wakes when the nights are warm enough for "
    "the insects that it lives on. It is one of the smallest of its family, and was long thought to be lost here."
)
_HEAD = """
    <header class="site-header"><a href="/">Home of bats</a>
      <nav class="main-nav"><ul><li><a href="/a">Species</a></li><li><a href="/b">Roosts</a></li>
        <li><a href="/c">Shop online</a></li><li><a href="/d">Contact</a></li></ul></nav></header>"""
_FOOT = """
    <aside class="sidebar related"><h3>Related posts</h3><ul><li><a href="/1">Ten caves to visit</a></li>
      <li><a href="/2">The sound of bats</a></li><li><a href="/3">Moths at night</a></li></ul></aside>
    <footer class="site-footer"><p>© 2024 Home of bats. All rights reserved.</p>
      <ul><li><a href="/privacy">Privacy policy</a></li><li><a href="/terms">Terms of use</a></li></ul></footer>
    <div class="cookie-banner"><p>We use cookies.</p><button>Accept all</button></div>"""


def page(content: str) -> Document:
    """``content`` between a site's head and foot."""
    return parse(f"<title>Bats</title>{_HEAD}<main>{content}</main>{_FOOT}", URL)


def article(paragraphs: int = 8) -> Document:
    """An article of numbered paragraphs."""
    texts = "".join(f"<p>Paragraph {number}. {PROSE}</p>" for number in range(paragraphs))
    return page(f'<article class="post"><h1>Bats</h1><h2>In winter</h2>{texts}</article>')


def said(element: Element) -> str:
    """The text of a tree, runs of space as one."""
    return " ".join("".join(_texts(element)).split())


def _texts(element: Element) -> list[str]:
    texts: list[str] = []
    for child in element.children:
        texts += [child] if isinstance(child, str) else [" ", *_texts(child), " "]
    return texts
