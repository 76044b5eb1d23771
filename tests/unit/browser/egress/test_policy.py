"""The policy hands out checked addresses and nothing else."""

import asyncio
from collections.abc import Sequence

import pytest

from noctule.browser.egress.policy import EgressPolicy, EgressRefused
from noctule.browser.egress.resolver import ResolveFailed
from tests.unit.browser.egress.wire import Names


def resolve(policy: EgressPolicy, host: str, port: int = 80) -> list[tuple[str, int]]:
    return asyncio.run(policy.resolve(host, port))


def refused(policy: EgressPolicy, host: str, port: int = 80) -> EgressRefused:
    with pytest.raises(EgressRefused) as caught:
        resolve(policy, host, port)
    return caught.value


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        ("127.0.0.1", "loopback-address"),
        ("2130706433", "loopback-address"),
        ("[::1]", "loopback-address"),
        ("[::ffff:10.0.0.1]", "private-address"),
        ("localhost", "loopback-address"),
        ("LOCALHOST.", "loopback-address"),
        ("a.b.localhost", "loopback-address"),
        ("metadata.google.internal", "metadata"),
        ("metadata.google.internal.", "metadata"),
        ("169.254.169.254", "metadata"),
        ("0.0.0.0", "unspecified-address"),
        ("256.256.256.256", "malformed-host"),
        ("[fe80::1%25eth0]", "malformed-host"),
    ],
)
def test_a_destination_that_is_not_public_is_refused(host: str, rule: str) -> None:
    names = Names()
    error = refused(EgressPolicy([], resolver=names), host)
    assert error.rule == rule
    assert f"'{rule}'" in error.message
    assert host.lower() in error.message.lower()
    assert ("NOCTULE_EGRESS_ALLOW" in error.message) == (rule != "malformed-host")
    assert names.asked == []


def test_a_public_address_is_handed_out_as_it_is() -> None:
    assert resolve(EgressPolicy([]), "8.8.8.8", 443) == [("8.8.8.8", 443)]
    assert resolve(EgressPolicy([]), "[2606:4700::1111]", 443) == [("2606:4700::1111", 443)]


def test_a_name_is_judged_by_all_its_addresses_and_keeps_the_good_ones() -> None:
    names = Names(mixed_example=["10.0.0.1", "8.8.8.8", "::1", "8.8.4.4"], bad_example=["::ffff:10.0.0.1", "127.0.0.1"])
    policy = EgressPolicy([], resolver=names)
    assert resolve(policy, "mixed.example") == [("8.8.8.8", 80), ("8.8.4.4", 80)]
    assert refused(policy, "bad.example").rule == "private-address"
    assert "it leads to a private address" in refused(policy, "bad.example").message
    assert "10.0.0.1" not in refused(policy, "bad.example").message


def test_a_name_is_looked_up_once_for_each_connection() -> None:
    names = Names(a_example=["8.8.8.8"])
    assert resolve(EgressPolicy([], resolver=names), "A.example.") == [("8.8.8.8", 80)]
    assert names.asked == ["a.example"]


@pytest.mark.parametrize(
    ("entry", "host", "port", "good"),
    [
        ("10.0.0.0/8", "10.1.2.3", 99, True),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]", 99, True),
        ("10.0.0.0/8", "11.0.0.1", 99, True),
        ("10.0.0.0/8", "192.168.0.1", 99, False),
        ("127.0.0.1", "127.0.0.1", 99, True),
        ("127.0.0.1", "127.0.0.2", 99, False),
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "localhost", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 8081, False),
        ("::1", "[::1]", 1, True),
        ("[::1]", "[::1]", 1, True),
        ("[::1]:7", "[::1]", 7, True),
        ("[::1]:7", "[::1]", 8, False),
        ("fd00::/8", "[fd12::1]", 8, True),
        ("intranet.example", "intranet.example", 8, True),
        ("intranet.example", "Intranet.Example.", 8, True),
        ("intranet.example", "other.intranet.example", 8, False),
        ("intranet.example", "10.0.0.9", 8, False),
        ("intranet.example:8", "intranet.example", 8, True),
        ("intranet.example:8", "intranet.example", 9, False),
        ("0.0.0.0/0", "169.254.169.254", 80, False),
        ("169.254.0.0/16", "169.254.169.254", 80, False),
        ("169.254.0.0/16", "169.254.1.1", 80, True),
        ("169.254.169.254", "169.254.169.254", 80, True),
        ("169.254.169.254:80", "169.254.169.254", 80, True),
        ("metadata.example", "metadata.example", 80, False),
        ("metadata.google.internal", "metadata.google.internal", 80, True),
        ("64:ff9b::/96", "[64:ff9b::7f00:1]", 80, True),
    ],
)
def test_the_allow_list_opens_what_it_names(entry: str, host: str, port: int, good: bool) -> None:
    names = Names(
        intranet_example=["10.0.0.9"],
        other_intranet_example=["10.0.0.9"],
        metadata_example=["169.254.169.254"],
        metadata_google_internal=["169.254.169.254"],
    )
    policy = EgressPolicy([entry], resolver=names)
    if good:
        assert resolve(policy, host, port)
    else:
        refused(policy, host, port)


@pytest.mark.parametrize(
    "entry",
    ["", "10.0.0.1/8", "10.0.0.0/8:80", "a b", "host:", "host:0", "host:70000", "[::1", "[::1]x", "host:x", "*"],
)
def test_a_bad_entry_of_the_allow_list_is_named(entry: str) -> None:
    with pytest.raises(ValueError) as caught:
        EgressPolicy(["127.0.0.1", entry])
    assert repr(entry) in str(caught.value)
    assert "NOCTULE_EGRESS_ALLOW" in str(caught.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "localhost"]
)
def test_a_port_of_our_own_is_refused_at_every_local_address_whatever_is_allowed(host: str) -> None:
    policy = EgressPolicy(["0.0.0.0/0", "::/0", "localhost"])
    policy.own_ports.add(8484)
    error = refused(policy, host, 8484)
    assert error.rule == "own-port"
    assert "NOCTULE_EGRESS_ALLOW" not in error.message
    assert resolve(policy, host, 8485)
    policy.own_ports.discard(8484)
    assert resolve(policy, host, 8484)


def test_a_port_of_our_own_is_free_elsewhere() -> None:
    policy = EgressPolicy([])
    policy.own_ports.add(443)
    assert resolve(policy, "8.8.8.8", 443)


def test_the_operators_own_choice_may_be_private_but_not_us() -> None:
    policy = EgressPolicy([])
    policy.own_ports.add(8484)
    assert asyncio.run(policy.resolve_trusted("10.0.0.1", 3128)) == [("10.0.0.1", 3128)]
    with pytest.raises(EgressRefused):
        asyncio.run(policy.resolve_trusted("127.0.0.1", 8484))


def test_a_name_without_an_address_is_no_refusal() -> None:
    with pytest.raises(ResolveFailed) as caught:
        resolve(EgressPolicy([], resolver=Names(empty_example=[])), "empty.example")
    assert not caught.value.timed_out
    with pytest.raises(ResolveFailed):
        resolve(EgressPolicy([], resolver=Names()), "nowhere.example")


@pytest.mark.slow
def test_a_resolver_that_hangs_is_left_after_five_seconds() -> None:
    class Hanging:
        async def resolve(self, host: str) -> Sequence[str]:
            await asyncio.sleep(60)
            return ()

    with pytest.raises(ResolveFailed) as caught:
        resolve(EgressPolicy([], resolver=Hanging()), "slow.example")
    assert caught.value.timed_out


def test_a_long_or_odd_host_is_shown_short_and_printable() -> None:
    message = refused(EgressPolicy([]), "\x1b[31m" + "a" * 500).message
    assert "\x1b" not in message
    assert len(message) < 300
