"""Which look was a session's last."""

from noctule.page.service.sightings import Sightings


def test_the_last_look_of_a_session_is_known_by_its_key() -> None:
    seen = Sightings()
    first = seen.note("a")
    second = seen.note("a")
    assert seen.is_last("a", second)
    assert not seen.is_last("a", first)
    assert not seen.is_last("b", second)
    assert "a" in seen
    assert "b" not in seen


def test_a_session_that_is_over_is_forgotten() -> None:
    seen = Sightings()
    key = seen.note("a")
    seen.forget("a")
    seen.forget("never was")
    assert "a" not in seen
    assert not seen.is_last("a", key)


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    seen = Sightings(most_sessions=2)
    for session_id in ("a", "b", "a", "c"):
        seen.note(session_id)
    assert [each in seen for each in ("a", "b", "c")] == [True, False, True]
