"""Feeds are lists of links."""

import pytest

from noctule.extraction.feeds import MAX_ENTRIES, read
from noctule.extraction.markdown import to_markdown

URL = "https://example.org/feed"


def _read(xml: str | bytes) -> str | None:
    feed = read(xml.encode() if isinstance(xml, str) else xml, URL)
    return None if feed is None else to_markdown(feed).text


def test_an_rss_feed() -> None:
    text = _read(
        "<rss version='2.0'><channel><title>News &amp; more</title><link>/</link><description>About</description>"
        "<item><title>First *one*</title><link>https://example.org/1</link><pubDate>Mon, 5 Jan 2026</pubDate>"
        "<description>&lt;p&gt;Some &lt;b&gt;words&lt;/b&gt;.&lt;/p&gt;</description></item>"
        "<item><title>Second</title><guid>https://example.org/2</guid></item></channel></rss>"
    )

    assert text == (
        "# News & more\n\nAbout\n\n"
        "- [First \\*one\\*](https://example.org/1) (Mon, 5 Jan 2026)\n\n  Some words.\n"
        "- [Second](https://example.org/2)"
    )


def test_an_atom_feed() -> None:
    text = _read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry><title type="html">&lt;i&gt;One&lt;/i&gt;'
        '</title><link rel="self" href="/self"/><link href="/one"/><updated>2026-01-05</updated></entry></feed>'
    )

    assert text == "# Blog\n\n- [One](https://example.org/one) (2026-01-05)"


def test_an_rdf_feed_has_its_items_beside_the_channel() -> None:
    text = _read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        "<channel><title>C</title></channel><item><title>I</title><link>/i</link></item></rdf:RDF>"
    )

    assert text == "# C\n\n- [I](https://example.org/i)"


def test_an_entry_without_a_title_is_called_by_its_address() -> None:
    assert _read("<rss><channel><item><link>https://example.org/x</link></item></channel></rss>") == (
        "- [https://example.org/x](https://example.org/x)"
    )


def test_its_length_is_bounded() -> None:
    items = "<item><title>t</title></item>" * (MAX_ENTRIES + 5)

    text = _read(f"<rss><channel>{items}</channel></rss>")

    assert text is not None
    assert text.count("- t") == MAX_ENTRIES
    assert text.endswith("… and 5 more entries.")


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<a>",
        b"<html><body/></html>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><rss/>',
        b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><channel><title>&a;</title></channel></rss>',
    ],
)
def test_what_is_no_feed_is_none(xml: bytes) -> None:
    assert read(xml, URL) is None
