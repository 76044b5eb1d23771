"""Addresses that open one object until a time."""

from datetime import timedelta
from urllib.parse import unquote

import pytest

from noctule.kit.errors import NotFound
from noctule.kit.seal import Sealer
from noctule.objects.links import Linked, Links
from tests.support.clock import FrozenClock

LASTS = timedelta(minutes=15)


def parts(url: str) -> tuple[str, str]:
    """The token and the name of an address."""
    root, token, name = url.rsplit("/", 2)
    assert root == "https://noctule.example/base/files"
    return token, unquote(name)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def links(clock: FrozenClock) -> Links:
    return Links(Sealer(bytes(32)), clock)


def made(links: Links, linked: Linked) -> tuple[str, str]:
    return parts(links.url("https://noctule.example/base", linked, LASTS))


@pytest.mark.parametrize(
    "linked",
    [
        Linked("files/w/1", "a.txt", "text/plain"),
        Linked("files/w/1", "naïve 日本/..\\%2f?#.mp4", "video/mp4", is_inline=True),
        Linked("files/w/1", "..", "application/octet-stream"),
    ],
)
def test_an_address_leads_to_what_it_was_made_for(links: Links, linked: Linked) -> None:
    token, _ = made(links, linked)
    assert links.open(token) == linked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("naïve 日本.mp4", "naïve 日本.mp4"),
        ("100%25?.txt", "100%25?.txt"),
        (".env", "env"),
        ("..", "file"),
        ("", "file"),
        ("../a\r\nb\\c", "_a__b_c"),
    ],
)
def test_the_name_in_an_address_stays_its_last_part(links: Links, name: str, shown: str) -> None:
    token, told = made(links, Linked("files/w/1", name, "text/plain"))
    assert told == shown
    assert links.open(token).name == name


def test_a_name_that_is_too_long_is_cut_and_keeps_its_ending(links: Links) -> None:
    for name, ending in (("日" * 300 + ".pdf", ".pdf"), ("x" * 300, "xxx"), ("z" + "y" * 400, "yyy")):
        token, cut = made(links, Linked("files/w/1", name, "text/plain"))
        assert len(cut.encode()) <= 255
        assert cut.endswith(ending)
        assert links.open(token).name == cut


def test_an_address_ends_when_its_time_is_over(links: Links, clock: FrozenClock) -> None:
    token, _ = made(links, Linked("files/w/1", "a.txt", "text/plain"))
    clock.advance(LASTS.total_seconds() - 1)
    links.open(token)
    clock.advance(1)
    with pytest.raises(NotFound, match="expired"):
        links.open(token)


def test_a_token_that_is_not_ours_or_was_changed_opens_nothing(links: Links, clock: FrozenClock) -> None:
    linked = Linked("files/w/1", "a.txt", "text/plain")
    token, _ = made(links, linked)
    foreign, _ = made(Links(Sealer(bytes([1]) * 32), clock), linked)
    other_use = Sealer(bytes(32)).sign("cdp", b"x")
    for wrong in (foreign, other_use, token[:-1], token + "A", token.swapcase(), "", "x", "日本", "A" * 10_000):
        with pytest.raises(NotFound, match="leads nowhere"):
            links.open(wrong)
