"""Names that are too long become ones that are not."""

import pytest

from noctule.kit.files import LONGEST_NAME_BYTES, cut_name


@pytest.mark.parametrize("name", ["", "a.txt", "日" * 85, "x" * LONGEST_NAME_BYTES])
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert cut_name(name) == name


@pytest.mark.parametrize(
    ("name", "ending"),
    [("日" * 300 + ".pdf", ".pdf"), ("a." + "x" * 300, "x"), ("z" * 300 + ".", ""), ("\ud800" * 300, "")],
)
def test_a_name_that_does_not_fit_keeps_its_ending(name: str, ending: str) -> None:
    cut = cut_name(name)
    assert LONGEST_NAME_BYTES - 3 <= len(cut.encode()) <= LONGEST_NAME_BYTES
    assert cut.endswith(ending)
