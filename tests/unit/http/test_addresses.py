"""Paths and addresses."""

from typing import Any

import pytest

from noctule.http.addresses import base_url, client_network, normal_path


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("//a///b//", "/a/b"),
        ("/a/../b", "/a/../b"),
        ("/a b/", "/a b"),
    ],
)
def test_paths_have_one_form(path: str, normal: str) -> None:
    assert normal_path(path) == normal
    assert normal_path(normal) == normal


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("10.1.2.3", 5), "10.1.2.3"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::1", 5), "2001:db8:1:2::"),
        (("::ffff:10.1.2.3", 5), "10.1.2.3"),
        (("a socket", 5), "a socket"),
        (None, "unknown"),
    ],
)
def test_a_stranger_is_a_network(client: Any, network: str) -> None:
    assert client_network({"type": "http", "client": client}) == network


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (("127.0.0.1", 8484), "http://127.0.0.1:8484"),
        (("::1", 8484), "http://[::1]:8484"),
        (None, "http://127.0.0.1"),
    ],
)
def test_without_a_usable_host_header_the_listening_address_stands(server: Any, expected: str) -> None:
    scope = {"type": "http", "scheme": "http", "server": server}
    assert base_url(scope, {b"host": b"not a host"}, None) == expected
