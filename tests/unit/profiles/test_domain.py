"""Ids, domains and who holds a profile."""

from datetime import UTC, datetime, timedelta

from noctule.profiles.domain import Holder, domains_of, is_profile_id, new_profile_id, within

NOW = datetime(2031, 5, 17, tzinfo=UTC)


def test_an_id_has_the_shape_that_clients_know_and_a_key_leads_to_the_same_one() -> None:
    one, other = new_profile_id("w", None), new_profile_id("w", None)
    assert one != other
    assert is_profile_id(one)
    assert len(one) == 30
    assert new_profile_id("w", "k") == new_profile_id("w", "k") != new_profile_id("v", "k")
    assert is_profile_id(new_profile_id("w", "k"))
    for text in ("", "notte-profile-", one.upper(), one + "0", one + "\n", "\x00" * 30):
        assert not is_profile_id(text)


def test_domains_are_told_once_and_in_order() -> None:
    assert domains_of([".Example.com", "example.com", "b.test", "a.test", "", "."]) == (
        "a.test",
        "b.test",
        "example.com",
    )


def test_a_host_belongs_to_its_domain_and_those_above_and_to_no_lookalike() -> None:
    belongs = within(["example.com", ".Other.TEST", "down.deep.example"])
    assert all(map(belongs, (".shop.example.com", "Example.com", "other.test", "www.down.deep.example")))
    assert not any(map(belongs, ("notexample.com", "deep.example", "com", "", ".", "a." * 500_000 + "example.com")))


def test_what_an_earlier_run_of_this_server_held_is_free_and_what_another_holds_is_not() -> None:
    held = Holder("s", "server", "boot-1")
    assert held.holds(instance_id="server", boot_id="boot-1", now=NOW)
    assert not held.holds(instance_id="server", boot_id="boot-2", now=NOW)
    assert held.holds(instance_id="elsewhere", boot_id="boot-2", now=NOW)


def test_a_hold_with_an_end_ends() -> None:
    held = Holder("s", "server", "boot-1", NOW)
    assert held.holds(instance_id="server", boot_id="boot-1", now=NOW - timedelta(seconds=1))
    assert not held.holds(instance_id="server", boot_id="boot-1", now=NOW)
