"""Requests a minute."""

from noctule.http.rates import RateLimiter
from tests.support.clock import FrozenClock


def test_a_window_admits_its_limit_and_opens_again_after_a_minute() -> None:
    clock = FrozenClock()
    rates = RateLimiter(clock)
    assert [rates.hit("a", 2).allowed for _ in range(4)] == [True, True, False, False]
    clock.advance(59.9)
    assert not rates.hit("a", 2).allowed
    clock.advance(0.1)
    assert rates.hit("a", 2).allowed


def test_what_the_client_is_told_is_never_too_early() -> None:
    clock = FrozenClock()
    rates = RateLimiter(clock)
    rates.hit("a", 1)
    clock.advance(30.5)
    told = rates.hit("a", 1)
    assert not told.allowed
    clock.advance(told.retry_after_seconds)
    assert told.resets_at <= clock.now().timestamp() + 1
    assert rates.hit("a", 1).allowed


def test_a_wall_clock_that_jumps_neither_frees_nor_locks_anybody() -> None:
    clock = FrozenClock()
    rates = RateLimiter(clock)
    rates.hit("a", 1)
    clock.jump(86_400)
    assert not rates.hit("a", 1).allowed
    clock.jump(-2 * 86_400)
    clock.advance(60)
    assert rates.hit("a", 1).allowed


def test_a_plan_that_changes_holds_inside_the_window() -> None:
    rates = RateLimiter(FrozenClock())
    assert rates.hit("a", 5).remaining == 4
    assert rates.hit("a", 1).allowed is False
    assert rates.hit("a", 1).remaining == 0
    assert rates.hit("a", 10).remaining == 8


def test_a_limit_of_nothing_admits_nothing() -> None:
    assert not RateLimiter(FrozenClock()).hit("a", 0).allowed


def test_memory_is_bounded_and_old_windows_go_first() -> None:
    clock = FrozenClock()
    rates = RateLimiter(clock, most_windows=100)
    for index in range(1000):
        rates.hit(f"address {index}", 1)
    assert len(rates) == 100
    assert not rates.hit("address 999", 1).allowed
    clock.advance(61)
    rates.hit("somebody", 1)
    assert len(rates) == 1
