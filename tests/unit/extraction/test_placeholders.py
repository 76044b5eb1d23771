"""Addresses come back in the place of their placeholders, and nowhere else."""

from hypothesis import given
from hypothesis import strategies as st

from noctule.extraction.markdown import Options, to_markdown
from noctule.extraction.placeholders import restore
from tests.unit.extraction.trees import document

MAPPING = {"link1": "https://example.org/a", "link2": "https://example.org/b", "img1.png": "https://example.org/i.jpg"}


def test_a_placeholder_is_restored_wherever_json_holds_it() -> None:
    value = {"url": "link1", "all": ["link2", {"picture": "img1.png"}], "count": 2, "none": None, "yes": True}

    assert restore(value, MAPPING) == {
        "url": "https://example.org/a",
        "all": ["https://example.org/b", {"picture": "https://example.org/i.jpg"}],
        "count": 2,
        "none": None,
        "yes": True,
    }


def test_a_placeholder_inside_a_text_is_restored() -> None:
    assert restore("See [a](link1), or link2.", MAPPING) == (
        "See [a](https://example.org/a), or https://example.org/b."
    )


def test_what_only_looks_like_one_stays() -> None:
    for text in ("link10", "link3", "uplink1", "link1s", "my-link1", "img1.pngx", "https://x.example/link1", "Link1"):
        assert restore(text, MAPPING) == text


def test_keys_stay() -> None:
    assert restore({"link1": "x"}, MAPPING) == {"link1": "x"}


def test_nothing_to_restore_changes_nothing() -> None:
    value = ["link1"]

    assert restore(value, {}) is value


@given(
    st.lists(st.sampled_from(["/a", "/b", "https://x.example/?q=1", "mailto:a@example.org"]), min_size=1, max_size=12)
)
def test_what_markdown_replaced_is_what_comes_back(references: list[str]) -> None:
    page = document("".join(f'<p><a href="{reference}">t</a></p>' for reference in references))

    short = to_markdown(page, Options(placeholders=True))

    assert restore(short.text, short.placeholders) == to_markdown(page).text
