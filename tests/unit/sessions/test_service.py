"""Sessions from start to end, on both engines."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from noctule.browser.commands import BrowserCookie, UpstreamRefused
from noctule.kit.errors import (
    BrowserFailed,
    Conflict,
    InvalidRequest,
    NotFound,
    Overloaded,
    PaymentRequired,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from noctule.kit.paging import PageQuery
from noctule.sessions import store
from noctule.sessions.domain import CloseReason, ProxyChoice, StartSession, Status
from noctule.sessions.service import Starter
from tests.unit.sessions.conftest import CALLER, House, Pool, build

WISH = StartSession()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's story."""
    asyncio.run(asyncio.wait_for(work, 30))


async def _cost(house: House) -> int:
    usage = await house.database.read(lambda connection: house.metering.usage(connection, "workspace-1", None))
    return usage.total_nanos


async def _settled(house: House) -> None:
    """Let what was begun behind the caller's back come to its end."""
    for _ in range(200):
        await asyncio.sleep(0.005)
        if not house.sessions.ends.busy:
            return


def test_a_started_session_is_active_paid_and_listed(house: House) -> None:
    async def story() -> None:
        view = await house.sessions.start(CALLER, WISH)
        assert view.session.status is Status.ACTIVE
        assert await _cost(house) == 833_333
        found = await house.sessions.page("workspace-1", PageQuery(), only_active=True, key_id=None)
        assert [each.session.id for each in found.items] == [view.session.id]
        assert (await house.sessions.get("workspace-1", view.session.id)).session.status is Status.ACTIVE

    run(story())


def test_a_stop_bills_started_minutes_and_a_second_stop_changes_nothing(house: House) -> None:
    async def story() -> None:
        view = await house.sessions.start(CALLER, WISH)
        house.clock.advance(61)
        first = await house.sessions.stop("workspace-1", view.session.id)
        house.clock.advance(600)
        second = await house.sessions.stop("workspace-1", view.session.id)
        assert first.session.status is Status.CLOSED
        assert first.session.close_reason is CloseReason.MANUAL
        assert second.session.closed_at == first.session.closed_at
        assert await _cost(house) == 833_333 + 833_334
        assert house.fleet.released == [view.session.id]

    run(story())


def test_another_workspace_sees_nothing(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        for attempt in (
            house.sessions.get("workspace-2", session_id),
            house.sessions.stop("workspace-2", session_id),
            house.sessions.offset("workspace-2", session_id),
            house.sessions.cookies("workspace-2", session_id),
            house.sessions.use("workspace-2", session_id),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert (await house.sessions.get("workspace-1", session_id)).session.status is Status.ACTIVE

    run(story())


def test_an_empty_balance_refuses_a_start_before_any_work(house: House) -> None:
    async def story() -> None:
        await house.database.write(lambda connection: house.metering.open_account(connection, "poor", "prepaid"))
        with pytest.raises(PaymentRequired):
            await house.sessions.start(Starter("poor", "key"), WISH)
        assert house.fleet.acquired == []

    run(story())


def test_fifty_starts_at_once_on_a_balance_of_one_minute_let_one_through(house: House) -> None:
    async def story() -> None:
        def one_minute(connection: Any) -> None:
            house.metering.open_account(connection, "poor", "prepaid")
            house.metering.top_up(connection, "poor", 833_333, "once")

        await house.database.write(one_minute)
        starts = [house.sessions.start(Starter("poor", "key"), WISH) for _ in range(50)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(not isinstance(result, BaseException) for result in results) == 1
        # The plan's concurrency may refuse some before the money does.
        refused = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(result, PaymentRequired | TooManyRequests) for result in refused)
        assert len(house.fleet.specs) == 1

    run(story())


def test_the_plan_s_concurrency_answers_429(house: House) -> None:
    async def story() -> None:
        await house.database.write(lambda connection: house.metering.open_account(connection, "small", "free"))
        limit = await house.database.read(lambda connection: house.metering.plan_of(connection, "small").concurrency)
        starts = [house.sessions.start(Starter("small", "key"), WISH) for _ in range(limit + 3)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(isinstance(result, TooManyRequests) for result in results) == 3
        assert len(house.fleet.specs) == limit

    run(story())


def test_a_full_machine_answers_529_before_any_work(house: House) -> None:
    async def story() -> None:
        house.fleet.limit = 0
        with pytest.raises(Overloaded):
            await house.sessions.start(CALLER, WISH)
        assert await _cost(house) == 0
        found = await house.sessions.page("workspace-1", PageQuery(), only_active=False, key_id=None)
        assert found.items == ()

    run(story())


def test_a_browser_that_never_comes_is_not_billed(house: House) -> None:
    async def story() -> None:
        house.fleet.acquire_delay_seconds = 60
        with pytest.raises(Overloaded):
            await house.sessions.start(CALLER, WISH)
        house.fleet.acquire_delay_seconds = 0
        house.fleet.acquire_error = UpstreamRefused("it says 407")
        with pytest.raises(BrowserFailed, match="407"):
            await house.sessions.start(CALLER, WISH)
        assert await _cost(house) == 0
        assert house.fleet.specs == {}

    run(story())


def test_a_repeated_start_with_one_idempotency_key_is_one_session(house: House) -> None:
    async def story() -> None:
        starter = Starter("workspace-1", "key-1", "same")
        first = await house.sessions.start(starter, WISH)
        second = await house.sessions.start(starter, WISH)
        assert second.session.id == first.session.id
        assert await _cost(house) == 833_333

    run(story())


def test_a_start_that_died_unpaid_does_not_stand_in_the_way_of_its_retry(house: House) -> None:
    async def story() -> None:
        starter = Starter("workspace-1", "key-1", "same")
        house.fleet.acquire_error = UpstreamRefused("gone")
        with pytest.raises(BrowserFailed):
            await house.sessions.start(starter, WISH)
        house.fleet.acquire_error = None
        assert (await house.sessions.start(starter, WISH)).session.status is Status.ACTIVE

    run(story())


def test_an_idle_session_times_out(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession(idle_timeout_minutes=1))).session.id
        house.fleet.set_idle(session_id, 59)
        await house.sessions.ends.end_overdue()
        await _settled(house)
        assert (await house.sessions.get("workspace-1", session_id)).session.status is Status.ACTIVE
        house.fleet.set_idle(session_id, 60)
        await house.sessions.ends.end_overdue()
        await _settled(house)
        found = (await house.sessions.get("workspace-1", session_id)).session
        assert (found.status, found.close_reason) == (Status.TIMED_OUT, CloseReason.IDLE_TIMEOUT)

    run(story())


def test_a_session_that_is_used_all_the_time_ends_at_its_maximum_duration(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession(max_duration_minutes=2))).session.id
        house.fleet.set_idle(session_id, 0)
        house.clock.advance(119)
        await house.workers.beat()
        house.clock.advance(1.4)
        await house.sessions.ends.end_overdue()
        await house.workers.beat()
        await _settled(house)
        found = (await house.sessions.get("workspace-1", session_id)).session
        assert (found.status, found.close_reason) == (Status.TIMED_OUT, CloseReason.MAX_DURATION)
        assert await _cost(house) == 833_333 + 833_334

    run(story())


def test_a_wall_clock_that_jumps_a_day_ends_and_bills_nothing(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        house.clock.jump(86_400)
        await house.workers.beat()
        assert (await house.sessions.get("workspace-1", session_id)).session.status is Status.ACTIVE
        assert await _cost(house) == 833_333
        house.clock.jump(-2 * 86_400)
        await house.workers.beat()
        assert (await house.sessions.get("workspace-1", session_id)).session.status is Status.ACTIVE

    run(story())


def test_a_browser_that_dies_makes_an_error_with_its_reason(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        house.fleet.crash(session_id, "The browser ended with signal 11.")
        await _settled(house)
        found = (await house.sessions.get("workspace-1", session_id)).session
        assert (found.status, found.error) == (Status.ERROR, "The browser ended with signal 11.")
        with pytest.raises(Conflict):
            await house.sessions.use("workspace-1", session_id)

    run(story())


def test_the_end_of_the_money_stops_at_the_end_of_the_paid_minute(house: House) -> None:
    async def story() -> None:
        def one_minute(connection: Any) -> None:
            house.metering.open_account(connection, "poor", "prepaid")
            house.metering.top_up(connection, "poor", 833_333, "once")

        await house.database.write(one_minute)
        session_id = (await house.sessions.start(Starter("poor", "key"), WISH)).session.id
        house.clock.advance(59)
        await house.workers.beat()
        assert (await house.sessions.get("poor", session_id)).session.status is Status.ACTIVE
        house.clock.advance(2)
        await house.workers.beat()
        await _settled(house)
        found = (await house.sessions.get("poor", session_id)).session
        assert (found.status, found.close_reason) == (Status.CLOSED, CloseReason.CREDITS_EXHAUSTED)
        usage = await house.database.read(lambda connection: house.metering.usage(connection, "poor", None))
        assert usage.total_nanos == 833_333

    run(story())


def test_minutes_are_charged_while_a_session_runs(house: House) -> None:
    async def story() -> None:
        await house.sessions.start(CALLER, WISH)
        for _ in house.tick(125):
            await house.workers.beat()
        assert await _cost(house) == 833_333 + 833_334 + 833_333

    run(story())


def test_after_a_crash_what_was_open_is_closed_and_nothing_more_billed(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        house.clock.advance(30)
        later = house.reboot()
        assert await later.sessions.ends.recover() == 1
        found = (await later.sessions.get("workspace-1", session_id)).session
        assert found.status is Status.ERROR
        assert found.error is not None
        assert "unexpectedly" in found.error
        assert await _cost(later) == 833_333
        assert await later.sessions.ends.recover() == 0

    run(story())


def test_cookies_are_set_and_read(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        cookie = BrowserCookie("a", "b", "example.org")
        await house.sessions.set_cookies("workspace-1", session_id, (cookie,))
        assert await house.sessions.cookies("workspace-1", session_id) == (cookie,)

    run(story())


def test_steps_keep_their_order_and_count_as_the_offset(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        records = [house.sessions.record_step(session_id, "execution_result", {"n": n}) for n in range(20)]
        await asyncio.gather(*records)
        assert await house.sessions.offset("workspace-1", session_id) == 20
        view = await house.sessions.get("workspace-1", session_id)
        assert sorted(step.value["n"] for step in view.steps) == list(range(20))

    run(story())


def test_a_token_opens_its_own_live_session_and_no_other(house: House) -> None:
    async def story() -> None:
        first = await house.sessions.start(CALLER, WISH)
        second = await house.sessions.start(CALLER, WISH)
        url = house.sessions.cdp_url("http://host:1/api/", first)
        assert url is not None
        assert url.startswith(f"ws://host:1/api/sessions/{first.session.id}/cdp?token=")
        token = url.partition("token=")[2]
        await house.sessions.authorize_stream(first.session.id, token)
        for session_id, wrong in ((second.session.id, token), (first.session.id, token[:-1] + "x"), ("x", "")):
            with pytest.raises(Unauthenticated):
                await house.sessions.authorize_stream(session_id, wrong)
        await house.sessions.stop("workspace-1", first.session.id)
        with pytest.raises(Conflict):
            await house.sessions.authorize_stream(first.session.id, token)
        stopped = await house.sessions.get("workspace-1", first.session.id)
        assert house.sessions.cdp_url("http://host", stopped) is None

    run(story())


def test_a_token_expires_after_the_session_s_last_possible_minute(house: House) -> None:
    async def story() -> None:
        view = await house.sessions.start(CALLER, StartSession(max_duration_minutes=5, idle_timeout_minutes=5))
        token = str(house.sessions.cdp_url("https://host", view)).partition("token=")[2]
        house.clock.jump(5 * 60 + 59)
        await house.sessions.authorize_stream(view.session.id, token)
        house.clock.jump(2)
        with pytest.raises(Unauthenticated):
            await house.sessions.authorize_stream(view.session.id, token)

    run(story())


def test_a_pool_proxy_is_direct_without_a_pool_and_an_error_for_a_country_it_has_not(house: House) -> None:
    async def story() -> None:
        wish = StartSession(proxy=ProxyChoice("pool", country="de"))
        assert (await house.sessions.start(CALLER, wish)).session.proxies is False
        pooled = build(house.database, house.clock, house.sealer, pool=Pool("us"))
        with pytest.raises(InvalidRequest, match="us"):
            await pooled.sessions.start(CALLER, wish)
        view = await pooled.sessions.start(CALLER, StartSession(proxy=ProxyChoice("pool")))
        assert view.session.proxies is True
        upstream = pooled.fleet.specs[view.session.id].upstream
        assert upstream is not None
        assert upstream.from_pool

    run(story())


def test_bytes_through_the_pool_are_billed_and_kept(house: House) -> None:
    async def story() -> None:
        pooled = build(house.database, house.clock, house.sealer, pool=Pool("us"))
        session_id = (await pooled.sessions.start(CALLER, StartSession(proxy=ProxyChoice("pool")))).session.id
        pooled.fleet.set_traffic(session_id, request_bytes=1_000, response_bytes=9_000, proxied_bytes=10_000)
        await pooled.sessions.ends.note_traffic()
        stopped = (await pooled.sessions.stop("workspace-1", session_id)).session
        assert (stopped.request_bytes, stopped.response_bytes) == (1_000, 9_000)
        assert await _cost(house) == 833_333 + 100_000

    run(story())


def test_a_server_that_goes_ends_its_sessions_and_takes_no_new_ones(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, WISH)).session.id
        house.fleet.acquire_delay_seconds = 0.2
        late = asyncio.create_task(house.sessions.start(CALLER, WISH))
        await asyncio.sleep(0.05)
        await house.sessions.close()
        assert (await late).session.status is Status.ACTIVE
        with pytest.raises(Unavailable):
            await house.sessions.start(CALLER, WISH)
        for each in (session_id, late.result().session.id):
            found = await house.database.read(lambda connection, each=each: store.find(connection, each))  # type: ignore[misc]
            assert found is not None
            assert found.status is Status.CLOSED
        assert house.fleet.specs == {}

    run(story())


def test_a_caller_who_goes_away_does_not_leave_half_a_session(house: House) -> None:
    async def story() -> None:
        house.fleet.acquire_delay_seconds = 0.1
        start = asyncio.create_task(house.sessions.start(CALLER, WISH))
        await asyncio.sleep(0.05)
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        await asyncio.sleep(0.3)
        found = await house.sessions.page("workspace-1", PageQuery(), only_active=True, key_id=None)
        assert len(found.items) == 1
        assert len(house.fleet.specs) == 1

    run(story())
