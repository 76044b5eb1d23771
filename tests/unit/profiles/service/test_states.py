"""The stored form of a state."""

import pytest

from noctule.browser.commands import BrowserCookie, BrowserState, KeptCookie, OriginItems
from noctule.profiles.service.states import StoredState, decode, encode

STATE = BrowserState(
    (
        KeptCookie(
            BrowserCookie("n", "v", ".a.test", "/p", True, True, "None", 4e9, "https://top.test"),
            "High",
            "Secure",
            443,
            True,
        ),
        KeptCookie(BrowserCookie("session", "", "b.test")),
    ),
    (
        OriginItems("https://c.test", (("half a pair \ud83e", "\x00 and \U0001f987"),), None),
        OriginItems("https://d.test", None, (("draft", "x"),), True),
        OriginItems("https://nothing.test", (), ()),
    ),
    True,
)


def test_a_state_comes_back_as_it_was_whatever_text_a_page_has_put_there() -> None:
    stored = StoredState(STATE, ("e.test",))
    assert decode(encode(stored)) == stored


def test_domains_are_those_that_something_is_kept_of() -> None:
    assert StoredState(STATE, ("e.test",)).domains == ("a.test", "b.test", "c.test", "d.test", "e.test")


@pytest.mark.parametrize("data", [b"[]", b"{}", b"no json", b'{"version":2}', b'{"version":1,"state":3}'])
def test_what_is_no_state_is_not_read_as_one(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data)


def test_neither_values_nor_items_are_in_a_repr() -> None:
    assert "half a pair" not in repr(STATE)
    assert ".a.test" not in repr(STATE)
