"""Identifiers."""

import re
import uuid

from noctule.kit.ids import id_for_key, new_api_key, new_id

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_ids_are_lower_case_uuids_and_fresh() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(_UUID.fullmatch(each) for each in made)


def test_a_key_of_a_workspace_has_one_id() -> None:
    first = id_for_key("w", "k")
    assert _UUID.fullmatch(first)
    assert id_for_key("w", "k") == first
    assert len({first, id_for_key("w", "k2"), id_for_key("w2", "k"), id_for_key("w\x00", "k")}) == 4
    assert uuid.UUID(first).version == 5


def test_api_keys_are_long_and_fresh() -> None:
    made = {new_api_key() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"noct_[A-Za-z0-9_-]{43}", each) for each in made)
