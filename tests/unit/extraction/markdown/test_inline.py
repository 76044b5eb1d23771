"""Words, links and images in a line."""

import pytest

from tests.unit.extraction.trees import markdown, read_back


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("a <a href=/x> b </a>c", "a [b](https://example.org/x) c"),
        ("<a href=/x></a>", ""),
        ("<a href=/x title=T></a>", "[T](https://example.org/x)"),
        ("<a href=/x><svg><title>S</title></svg></a>", "[S](https://example.org/x)"),
        ("<a href=/x title=T></a><a href=/x>x</a>", "[x](https://example.org/x)"),
        ("<a href=/x aria-label='[L]'><i></i></a>", "[[L]](https://example.org/x)"),
        ("<a href=/x>a <a href=/y>b</a></a>", "[a b](https://example.org/x)"),
        ("<a name=x>a</a>", "a"),
        ("wow!<a href=/x>b</a>", "wow\\![b](https://example.org/x)"),
        ("[a]<b>(b)</b>", "[a]**(b)**"),
        ("<span>[a]</span>(b)", "[a]\\(b)"),
        ("<img alt='only words'>", "![only words]()"),
        ("<img src='data:image/gif;base64,AA=='>", ""),
        ("<img src=/a.png alt=' x  y '>", "![x y](https://example.org/a.png)"),
        ("<img src=/a.png title=T>", "![T](https://example.org/a.png)"),
        ("<video src=/v.mp4></video>", "[video](https://example.org/v.mp4)"),
        ("<audio aria-label=Talk><source src=/a.mp3></audio>", "[Talk](https://example.org/a.mp3)"),
        ("<noscript><img src=/a.png></noscript>", "![](https://example.org/a.png)"),
        ("<img src=/a.png><img src=/a.png>", "![](https://example.org/a.png)"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢(kan)"),
        ("a<wbr>b", "ab"),
        ("<time datetime='2026-01-02'></time>", "2026-01-02"),
        ("<q>a <q>b</q></q>", "“a ‘b’”"),
        ("<h2>A <a href='#a'>¶</a></h2>", "## A"),
    ],
)
def test_inline_content_is_written(html: str, written: str) -> None:
    assert markdown(html) == written


@pytest.mark.parametrize("text", ["\\", "`", "[", "]", "<", "*", "_", "!", "&", "~"])
def test_a_character_beside_an_element_stays_itself(text: str) -> None:
    shown = text.replace("&", "&amp;").replace("<", "&lt;")

    assert f'{shown}<a href="https://example.org/x">{shown}</a>{shown}' in read_back(
        markdown(f"<p>{shown}<a href='/x'>{shown}</a>{shown}</p>")
    )
