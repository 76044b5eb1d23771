"""Small type, on the line."""

import pytest

from tests.unit.extraction.trees import markdown


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("x<sup>2</sup>", "x²"),
        ("10<sup>-12</sup>", "10⁻¹²"),
        ("H<sub>2</sub>O", "H₂O"),
        ("1<sup>st</sup>", "1st"),
        ("Name<sup>®</sup>", "Name®"),
        ("Name<sup>TM</sup>", "Name™"),
        ("Name<sup>℠</sup>", "Name℠"),
        ("$459<sup>99</sup>", "$459.99"),
        ("<span>$</span><span>1,459</span><sup>.99</sup>", "$1,459.99"),
        ("<sub>A whole sentence in small type.</sub>", "A whole sentence in small type."),
        ("x<sub>max</sub>", "x<sub>max</sub>"),
        ("a<sup> </sup>b", "a b"),
        ("a<sup><a href='https://example.org/'>1</a></sup>", "a[1](https://example.org/)"),
    ],
)
def test_small_type_is_written(html: str, written: str) -> None:
    assert markdown(html) == written
