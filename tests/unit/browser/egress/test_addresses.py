"""Every spelling of an address means that address, and every special address falls under a rule."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.browser.egress.addresses import RULES, is_own, parse_host, rule_of

LOOPBACK = ipaddress.ip_address("127.0.0.1")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0X7F.1",
        "0177.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "127.0x1",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "１２７.0.0.1",
    ],
)
def test_every_spelling_of_an_ipv4_address_is_that_address(text: str) -> None:
    assert parse_host(text) == LOOPBACK


@pytest.mark.parametrize("text", ["[::1]", "::1", "0:0:0:0:0:0:0:1", "[0000::0001]"])
def test_ipv6_is_understood_with_and_without_brackets(text: str) -> None:
    assert parse_host(text) == ipaddress.ip_address("::1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "127.0.0.1..",
        "256.1.1.1",
        "1.2.3.4.5",
        "08.1",
        "0x100000000",
        "4294967296",
        "a.1",
        "[::1%25lo]",
        "fe80::1%eth0",
        "[127.0.0.1]",
        "[::1",
        "a b",
        "a/b",
        "a@b",
        "-a.example",
        "a..b",
        "127.0.0.1 x",
        "a\0b",
        "x" * 64 + ".example",
        ".".join(["abcdefgh"] * 30),
    ],
)
def test_what_is_neither_name_nor_address_is_malformed(text: str) -> None:
    with pytest.raises(ValueError):
        parse_host(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Example.COM.", "example.com"), ("a_b.example", "a_b.example"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_names_come_out_in_one_spelling(text: str, name: str) -> None:
    assert parse_host(text) == name


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_carries(address: ipaddress.IPv4Address) -> None:
    assert parse_host(f"[::ffff:{address}]") == address
    assert parse_host(str(int(address))) == address


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0.0.0.0", "unspecified-address"),
        ("0.1.2.3", "reserved-address"),
        ("127.0.0.1", "loopback-address"),
        ("127.255.255.254", "loopback-address"),
        ("169.254.169.254", "metadata"),
        ("169.254.1.1", "link-local-address"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("192.0.0.192", "metadata"),
        ("10.1.2.3", "private-address"),
        ("172.16.0.1", "private-address"),
        ("172.31.255.255", "private-address"),
        ("192.168.0.1", "private-address"),
        ("100.64.0.1", "shared-address"),
        ("100.127.255.255", "shared-address"),
        ("192.0.0.1", "reserved-address"),
        ("192.0.2.1", "reserved-address"),
        ("192.88.99.1", "reserved-address"),
        ("198.18.0.1", "reserved-address"),
        ("198.51.100.1", "reserved-address"),
        ("203.0.113.1", "reserved-address"),
        ("224.0.0.1", "multicast-address"),
        ("239.255.255.255", "multicast-address"),
        ("240.0.0.1", "reserved-address"),
        ("255.255.255.255", "broadcast-address"),
        ("::", "unspecified-address"),
        ("::1", "loopback-address"),
        ("::7f00:1", "embedded-address"),
        ("::ffff:0:7f00:1", "embedded-address"),
        ("64:ff9b::7f00:1", "embedded-address"),
        ("64:ff9b::a00:1", "embedded-address"),
        ("64:ff9b::a9fe:a9fe", "embedded-address"),
        ("64:ff9b:1::808:808", "embedded-address"),
        ("2002:7f00:1::", "embedded-address"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "embedded-address"),
        ("fe80::1", "link-local-address"),
        ("fec0::1", "private-address"),
        ("fc00::1", "private-address"),
        ("fd12:3456::1", "private-address"),
        ("fd00:ec2::254", "metadata"),
        ("ff02::1", "multicast-address"),
        ("2001:db8::1", "reserved-address"),
        ("100::1", "reserved-address"),
        ("4000::1", "reserved-address"),
    ],
)
def test_a_special_address_falls_under_its_rule(text: str, rule: str) -> None:
    assert rule_of(ipaddress.ip_address(text)) == rule
    assert rule in RULES


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_a_public_address_falls_under_none(text: str) -> None:
    assert rule_of(ipaddress.ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_no_address_that_is_not_global_is_free(address: ipaddress.IPv4Address) -> None:
    assert rule_of(address) is not None or (address.is_global and not address.is_multicast)


def test_this_machine_knows_its_own_addresses() -> None:
    assert is_own(LOOPBACK)
    assert is_own(ipaddress.ip_address("127.8.8.8"))
    assert is_own(ipaddress.ip_address("0.0.0.0"))
    assert not is_own(ipaddress.ip_address("8.8.8.8"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8", 9))
        except OSError:
            pytest.skip("this machine has no way out")
        assert is_own(ipaddress.ip_address(probe.getsockname()[0]))
