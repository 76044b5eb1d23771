"""Names, keys and where a server may listen."""

import pytest

from noctule.kit.ids import new_api_key
from noctule.workspaces.domain import check_binding, could_be_key, is_loopback, key_hash, key_hint, name_problem

GOOD = "k" * 24


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    assert check_binding(host, None, has_keys=False) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.5", "example.org", "127.0.0.1.example.org"])
def test_listening_to_others_without_any_key_is_refused_and_says_why(host: str) -> None:
    reason = check_binding(host, None, has_keys=False)
    assert reason is not None
    assert "NOCTULE_API_KEY" in reason
    assert "noctule keys create" in reason


@pytest.mark.parametrize(("api_key", "has_keys"), [(GOOD, False), (None, True), (GOOD, True)])
def test_listening_to_others_with_a_key_is_fine(api_key: str | None, has_keys: bool) -> None:
    assert check_binding("0.0.0.0", api_key, has_keys) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("api_key", ["", "short", "k" * 23])
def test_a_short_key_is_refused_everywhere_without_being_repeated(host: str, api_key: str) -> None:
    reason = check_binding(host, api_key, has_keys=True)
    assert reason is not None
    assert "at least 24" in reason
    assert not api_key or api_key not in reason


@pytest.mark.parametrize("api_key", ["k" * 30 + " x", "ключ" * 10, "k" * 256, "k" * 24 + "\n"])
def test_a_key_that_no_header_can_carry_is_refused(api_key: str) -> None:
    reason = check_binding("127.0.0.1", api_key, has_keys=True)
    assert reason is not None
    assert "printable" in reason


def test_our_own_keys_have_the_shape_of_keys() -> None:
    secret = new_api_key()
    assert could_be_key(secret)
    assert key_hint(secret) == secret[-4:]
    assert key_hash(secret) != key_hash(secret + "x")
    assert secret not in key_hash(secret)


@pytest.mark.parametrize("name", ["default", "Acme Ltd.", "a", "x" * 64, "team@site_1-b"])
def test_ordinary_names_are_fine(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", " lead", "x" * 65, "tab\t", "semi;colon", "new\nline", "emoji😀", "-x"])
def test_other_names_are_refused_with_what_is_allowed(name: str) -> None:
    assert "1 to 64" in str(name_problem(name))
