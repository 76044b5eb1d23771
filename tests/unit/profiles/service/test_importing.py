"""What an import adds and what it replaces."""

import pytest

from noctule.browser.commands import BrowserState, KeptCookie, OriginItems
from noctule.profiles.service.importing import StateImport, checked_origin, with_cookies, with_import
from tests.unit.profiles.conftest import cookie

A, B, C = "https://a.test", "https://b.test", "https://www.a.test"
BEFORE = BrowserState(
    (KeptCookie(cookie("one", domain="a.test"), priority="High"), KeptCookie(cookie("two", domain="b.test"))),
    (OriginItems(A, (("k", "old"),), (("s", "old"),)), OriginItems(B, None, (("s", "of b"),))),
)


def _names(state: BrowserState) -> list[tuple[str, str]]:
    return [(kept.cookie.name, kept.cookie.value) for kept in state.cookies]


def _local(state: BrowserState) -> dict[str, object]:
    return {each.origin: dict(each.local) for each in state.origins if each.local is not None}


def _session(state: BrowserState) -> dict[str, object]:
    return {each.origin: dict(each.session) for each in state.origins if each.session}


def test_cookies_replace_all_or_join_those_that_are_there() -> None:
    given = (cookie("two", "new", "b.test"), cookie("three", "3"))
    assert _names(with_cookies(BEFORE, given, "replace")) == [("two", "new"), ("three", "3")]
    joined = with_cookies(BEFORE, given, "append")
    assert _names(joined) == [("one", "hidden-thing"), ("two", "new"), ("three", "3")]
    assert joined.cookies[0].priority == "High"
    assert joined.origins == BEFORE.origins


def test_a_kind_that_is_not_given_stays() -> None:
    after = with_import(BEFORE, StateImport(cookies=()))
    assert _names(after) == []
    assert after.origins == BEFORE.origins
    after = with_import(BEFORE, StateImport(session={B: {"s": "new"}}))
    assert (after.cookies, _local(after)) == (BEFORE.cookies, {A: {"k": "old"}})
    assert _session(after) == {B: {"s": "new"}}


def test_local_items_without_domains_replace_all_that_there_are_in_files_too() -> None:
    after = with_import(BEFORE, StateImport(local={B: {"k": "new"}}))
    assert _local(after) == {B: {"k": "new"}}
    assert after.forgets_local


def test_in_the_scope_of_origins_the_others_stay() -> None:
    after = with_import(BEFORE, StateImport(local={B: {"k": "new"}}, session={A: {"t": "1"}}, scope="origins"))
    assert _local(after) == {A: {"k": "old"}, B: {"k": "new"}}
    assert _session(after) == {A: {"t": "1"}, B: {"s": "of b"}}
    assert not after.forgets_local


def test_items_that_are_added_join_those_of_the_files() -> None:
    after = with_import(
        BEFORE, StateImport(local={A: {"l": "1"}, B: {"m": "2"}}, session={A: {"t": "3"}}, mode="append")
    )
    assert _local(after) == {A: {"k": "old", "l": "1"}, B: {"m": "2"}}
    assert {each.origin: each.adds_local for each in after.origins} == {A: False, B: True}
    assert _session(after) == {A: {"s": "old", "t": "3"}, B: {"s": "of b"}}


def test_domains_limit_what_is_taken_and_what_is_replaced() -> None:
    given = StateImport(
        cookies=(cookie("new", "1", ".www.a.test"), cookie("foreign", "2", "nota.test")),
        local={C: {"k": "1"}, B: {"k": "2"}},
        session={B: {"k": "2"}},
        domains=("a.test",),
    ).within_domains()
    assert (len(given.cookies or ()), given.local, given.session) == (1, {C: {"k": "1"}}, {})
    after = with_import(BEFORE, given)
    assert _names(after) == [("two", "hidden-thing"), ("new", "1")]
    assert _local(after) == {C: {"k": "1"}}
    assert _session(after) == {B: {"s": "of b"}}
    assert not after.forgets_local


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Example.com", "https://example.com"),
        ("https://example.com:443/", "https://example.com"),
        ("http://example.com:8080", "http://example.com:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, origin: str) -> None:
    assert checked_origin(text) == origin


@pytest.mark.parametrize(
    "text", ["", "null", "example.com", "file:///etc", "https://a.test/path", "https://u@a.test", "https://a.test:x",
             "https://a.test?q", "about:blank", "https://"]
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        checked_origin(text)
