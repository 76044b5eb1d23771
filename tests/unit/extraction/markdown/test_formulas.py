"""Formulas as TeX, once each."""

import pytest

from noctule.extraction.markdown.formulas import written
from tests.unit.extraction.trees import markdown


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<mi>x</mi><mo>+</mo><mn>1</mn>", "x+1"),
        ("<msup><mi>x</mi><mn>10</mn></msup>", "x^{10}"),
        ("<msub><mi>a</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub>", "a_{ij}"),
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", r"\frac{1}{2}"),
        ("<msqrt><mn>2</mn></msqrt>", r"\sqrt{2}"),
        ("<mi>α</mi><mi>b</mi>", r"\alpha b"),
        ("<mi>sin</mi><mi>x</mi>", r"\sin x"),
        ("<mi>max</mi>", r"\max"),
        ("<mi>foo</mi>", r"\mathrm{foo}"),
        ("<mover><mi>x</mi><mo>^</mo></mover>", r"\hat{x}"),
        ("<munder><mo>lim</mo><mrow><mi>n</mi><mo>→</mo><mi>∞</mi></mrow></munder>", r"\lim_{n\to\infty}"),
        ("<mfenced open='[' close=']'><mi>a</mi><mi>b</mi></mfenced>", r"\left[ a,b \right]"),
        ("<mtext>50% & more</mtext>", r"\text{50\% \& more}"),
        ("<mo>{</mo><mi>x</mi><mo>}</mo>", r"\{x\}"),
        ("<mi>x</mi><mo>\u2062</mo><mi>y</mi>", "xy"),
        ("<mphantom><mi>x</mi></mphantom><mi>y</mi>", "y"),
        ("<mfrac><mn>1</mn></mfrac>", "1"),
    ],
)
def test_presentation_is_read(mathml: str, tex: str) -> None:
    assert markdown(f"<p><math>{mathml}</math></p>") == f"${tex}$"


@pytest.mark.parametrize(
    ("tex", "is_display", "formula"),
    [
        ("x", False, "$x$"),
        ("x", True, "$$x$$"),
        (" a\n  b ", False, "$a b$"),
        (r"\[ x \]", True, "$$x$$"),
        (r"{\displaystyle x^2}", False, "$x^2$"),
        ("a % comment\nb", False, "$a b$"),
        (r"5\% $", False, r"$5\% \$$"),
        ("x\\", False, "$x$"),
        (" ", True, ""),
        ("\u202e", False, ""),
    ],
)
def test_tex_is_put_in_dollars(tex: str, is_display: bool, formula: str) -> None:
    assert written(tex, is_display=is_display) == formula


def test_a_formula_of_its_own_is_displayed() -> None:
    assert markdown('<p>a</p><math display="block"><mi>x</mi></math><p>b</p>') == "a\n\n$$x$$\n\nb"


def test_prices_are_escaped_only_beside_formulas() -> None:
    assert markdown("<p>$5 or $6</p>") == "$5 or $6"
    assert markdown("<p>$5 or <math><mi>x</mi></math></p>") == "\\$5 or $x$"


def test_a_wrapper_that_only_sounds_like_one_keeps_its_text() -> None:
    assert markdown('<div class="latex-intro"><p>About <b>TeX</b></p></div>') == "About **TeX**"


def test_deep_nesting_ends() -> None:
    assert markdown(f"<p><math>{'<msqrt>' * 200}<mi>x</mi>{'</msqrt>' * 200}</math></p>").startswith(r"$\sqrt{\sqrt{")
