"""The operator's pool: its file, whose turn it is, and that no password is shown."""

from pathlib import Path

import pytest

from noctule.browser.proxy_pool import PoolFileError, ProxyPool

POOL = """
[[proxy]]
server = "http://de.example:8080"
country = "DE"
id = "de-1"

[[proxy]]
server = "socks5://us1.example:1080"
username = "user"
password = "hunter2"
country = "us"
id = "us-1"

[[proxy]]
server = "http://us2.example:8080"
country = "us"

[[proxy]]
server = "http://anywhere.example:8080"
"""


def pool(folder: Path, text: str = POOL) -> ProxyPool:
    path = folder / "pool.toml"
    path.write_text(text)
    return ProxyPool.load(path)


def servers(pool: ProxyPool, country: str | None, proxy_id: str | None, times: int) -> list[str | None]:
    chosen = [pool.choose(country, proxy_id) for _ in range(times)]
    return [upstream.server.partition("//")[2].partition(":")[0] if upstream else None for upstream in chosen]


def test_no_file_is_an_empty_pool() -> None:
    empty = ProxyPool.load(None)
    assert len(empty) == 0
    assert empty.choose(None, None) is None
    assert empty.countries() == ()


def test_proxies_of_a_country_take_turns(tmp_path: Path) -> None:
    assert servers(pool(tmp_path), "us", None, 3) == ["us1.example", "us2.example", "us1.example"]
    assert servers(pool(tmp_path), "US", None, 1) == ["us1.example"]
    assert servers(pool(tmp_path), "de", None, 2) == ["de.example"] * 2
    assert servers(pool(tmp_path), "fr", None, 1) == [None]


def test_without_a_wish_the_united_states_come_first(tmp_path: Path) -> None:
    assert servers(pool(tmp_path), None, None, 3) == ["us1.example", "us2.example", "us1.example"]
    elsewhere = pool(tmp_path, POOL.replace('"us"', '"fr"'))
    assert servers(elsewhere, None, None, 5) == [
        "de.example",
        "us1.example",
        "us2.example",
        "anywhere.example",
        "de.example",
    ]


def test_a_proxy_is_found_by_its_id(tmp_path: Path) -> None:
    assert servers(pool(tmp_path), None, "de-1", 2) == ["de.example"] * 2
    assert servers(pool(tmp_path), "us", "de-1", 1) == [None]
    assert servers(pool(tmp_path), None, "nobody", 1) == [None]


def test_the_countries_of_the_pool_are_known(tmp_path: Path) -> None:
    assert pool(tmp_path).countries() == ("any", "de", "us")


def test_a_proxy_of_the_pool_is_marked_and_hides_its_password(tmp_path: Path) -> None:
    chosen = pool(tmp_path).choose(None, "us-1")
    assert chosen is not None
    assert chosen.from_pool
    assert (chosen.username, chosen.password) == ("user", "hunter2")
    assert "hunter2" not in repr(chosen) + repr(pool(tmp_path)._entries)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[proxy]", "is not TOML"),
        ("proxy = 3", "[[proxy]]"),
        ("[proxies]\na = 1", "proxies"),
        ("[[proxy]]\ncountry = 'us'", "proxy 1: server is missing"),
        ("[[proxy]]\nserver = 'ftp://a:1'", "proxy 1: The address of the upstream proxy must be"),
        ("[[proxy]]\nserver = 'http://user:hunter2@a:1'", "keys of their own"),
        ("[[proxy]]\nserver = 'http://a:1'\npassword = 7", "password must be text"),
        ("[[proxy]]\nserver = 'http://a:1'\npasword = 'hunter2'", "pasword: no such key"),
        ("[[proxy]]\nserver = 'http://a:1'\ncountry = 'usa'", "two letters"),
        (
            "[[proxy]]\nserver = 'http://a:1'\nid = 'x'\n[[proxy]]\nserver = 'http://b:1'\nid = 'x'",
            "proxy 2: the id 'x'",
        ),
        ("[[proxy]]\nserver = 'socks5://a:1'\nusername = 'u'\npassword = 'hunter2é'", "cannot be sent"),
    ],
)
def test_a_bad_file_says_where_and_why_without_a_password(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PoolFileError) as caught:
        pool(tmp_path, text)
    assert said in str(caught.value)
    assert "pool.toml" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PoolFileError, match="cannot be read"):
        ProxyPool.load(tmp_path / "nothing.toml")
