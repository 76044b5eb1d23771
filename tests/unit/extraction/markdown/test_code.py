"""Languages are found in every spelling, code spans and fences hold whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from noctule.extraction.document import Element
from noctule.extraction.markdown.code import code_text, fenced, language, span
from tests.unit.extraction.trees import markdown, tree


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"class": "language-python"}, "python"),
        ({"class": "lang-c++ x"}, "c++"),
        ({"class": "highlight highlight-source-js"}, "js"),
        ({"class": "highlight-text-html-basic"}, "html"),
        ({"class": "brush: php; toolbar: false"}, "php"),
        ({"class": "hljs rust"}, "rust"),
        ({"class": "sourceCode haskell"}, "haskell"),
        ({"data-lang": "Go"}, "go"),
        ({"data-language": "plaintext"}, None),
        ({"class": "language-none"}, None),
        ({"class": "language-plaintext highlighter-rouge"}, None),
        ({"class": "code-block"}, None),
        ({"class": "wide note"}, None),
        ({}, None),
    ],
)
def test_a_language_is_found_in_attributes(attributes: dict[str, str], name: str | None) -> None:
    assert language(Element("code", attributes)) == name


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre>\na\n  b\n\n</pre>", "a\n  b"),
        ("<pre>a<br>b</pre>", "a\nb"),
        ("<pre><div>a</div><div>b</div></pre>", "a\nb"),
        ('<pre><span class="lineno">1</span>a</pre>', "a"),
        ("<pre>a<button>Copy</button></pre>", "a"),
        ('<pre><span class="line">a</span>\n<span class="line">b</span></pre>', "a\nb"),
        ('<pre><span class="line">a</span><span class="line">b</span></pre>', "a\nb"),
        ("<pre>a\r\nb\u00a0c</pre>", "a\nb c"),
        ("<pre><table><tr><td class='hljs-ln-numbers'>1</td><td>a</td></tr><tr><td>b</td></tr></table></pre>", "a\nb"),
    ],
)
def test_code_is_its_lines(html: str, text: str) -> None:
    assert code_text(tree(html)) == text


@given(st.text(st.sampled_from(list("a` \n~\\")), max_size=30))
def test_a_fence_holds_any_code(code: str) -> None:
    (token,) = MarkdownIt("commonmark").parse(fenced(code, "x"))

    assert (token.type, token.info) == ("fence", "x")
    assert token.content == (f"{code}\n" if code else "")


@given(st.text(st.sampled_from(list("a` \\*[<")), min_size=1, max_size=20).filter(lambda text: bool(text.strip())))
def test_a_span_holds_any_code(code: str) -> None:
    tokens = MarkdownIt("commonmark").parse(span(code))
    (child,) = tokens[1].children or []

    assert (child.type, child.content) == ("code_inline", " ".join(code.split()))


def test_an_empty_block_is_nothing() -> None:
    assert markdown("<pre> \n</pre><p><code> </code></p>") == ""


def test_a_picture_in_pre_is_no_code() -> None:
    assert markdown('<pre><img src="/a.png" alt="A"></pre>') == "![A](https://example.org/a.png)"
