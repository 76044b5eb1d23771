"""What was sent and what was given up, on both databases."""

import asyncio

import pytest

from noctule.kit.errors import NotFound
from noctule.kit.paging import PageQuery
from noctule.webhooks.service import DeliveryState, EventType
from noctule.webhooks.store import endpoints
from tests.support.units import write
from tests.unit.webhooks.conftest import HOME, House
from tests.unit.webhooks.receiver import OK, status

DAY = 24 * 3600


async def _all_dead(house: House, *keys: str) -> str:
    """An endpoint whose messages were all given up."""
    house.receiver.answer("/hook", status(500))
    endpoint_id = (await house.endpoint()).view.endpoint.id
    house.announce(*keys)
    for _ in range(10):
        await house.deliver()
        house.clock.advance(2 * DAY)
    return endpoint_id


def test_a_test_message_is_sent_whatever_the_endpoint_wants(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint("/hook", EventType.BUDGET)).view.endpoint.id
        sent = await house.webhooks.deliveries.test(HOME, endpoint_id)
        assert (sent.state, sent.attempts, sent.type) == (DeliveryState.PENDING, 0, "webhook.test")
        await house.deliver()
        assert [each.id for each in house.receiver.requests] == [sent.message_id]
        found = await house.webhooks.deliveries.get(HOME, endpoint_id, sent.message_id)
        assert (found.state, found.last_status, found.last_error) == (DeliveryState.DELIVERED, 204, None)

    asyncio.run(story())


def test_a_test_that_is_retried_under_its_key_is_sent_once(house: House) -> None:
    async def story() -> None:
        deliveries = house.webhooks.deliveries
        one = (await house.endpoint("/one")).view.endpoint.id
        two = (await house.endpoint("/two")).view.endpoint.id
        first = await deliveries.test(HOME, one, idempotency_key="once")
        assert await deliveries.test(HOME, one, idempotency_key="once") == first
        assert (await deliveries.test(HOME, two, idempotency_key="once")).message_id != first.message_id
        await house.deliver()
        assert sorted(each.path for each in house.receiver.requests) == ["/one", "/two"]

    asyncio.run(story())


def test_deliveries_are_listed_newest_first_by_state_and_in_pages(house: House) -> None:
    async def story() -> None:
        house.receiver.answer("/hook", OK, status(500))
        endpoint_id = (await house.endpoint()).view.endpoint.id
        for number in range(3):
            house.announce(f"ended:{number}")
            house.clock.advance(1)
            await house.deliver()
        every = await house.deliveries(endpoint_id=endpoint_id)
        assert [each.state.value for each in every] == ["pending", "pending", "delivered"]
        pages = [
            await house.webhooks.deliveries.page(
                HOME, PageQuery(page, 1), endpoint_id=endpoint_id, state=DeliveryState.PENDING
            )
            for page in (1, 2)
        ]
        assert [list(page.items) for page in pages] == [[every[0]], [every[1]]]
        assert [page.has_next for page in pages] == [True, False]
        assert await house.deliveries(state=DeliveryState.DEAD) == []

    asyncio.run(story())


def test_a_dead_letter_can_be_sent_again_with_a_whole_schedule(house: House) -> None:
    async def story() -> None:
        endpoint_id = await _all_dead(house, "ended:1", "ended:2")
        view = await house.webhooks.get(HOME, endpoint_id)
        assert (view.pending, view.dead) == (0, 2)
        one, two = await house.deliveries(state=DeliveryState.DEAD)
        assert (one.attempts, one.last_status, one.last_error) == (10, 500, "answered 500")
        house.receiver.answer("/hook", status(500), OK)
        again = await house.webhooks.deliveries.redeliver(HOME, endpoint_id, one.message_id)
        assert (again.state, again.attempts) == (DeliveryState.PENDING, 0)
        await house.deliver()
        house.clock.advance(6)
        await house.deliver()
        found = await house.webhooks.deliveries.get(HOME, endpoint_id, one.message_id)
        assert (found.state, found.attempts, found.settled_at) == (DeliveryState.DELIVERED, 2, house.clock.now())
        assert await house.deliveries(state=DeliveryState.DEAD) == [two]

    asyncio.run(story())


def test_all_dead_letters_of_an_endpoint_can_be_sent_again(house: House) -> None:
    async def story() -> None:
        endpoint_id = await _all_dead(house, "ended:1", "ended:2", "ended:3")
        house.receiver.answer("/hook", OK)
        assert await house.webhooks.deliveries.redeliver_dead(HOME, endpoint_id) == 3
        assert await house.webhooks.deliveries.redeliver_dead(HOME, endpoint_id) == 0
        await house.deliver()
        assert {each.state for each in await house.deliveries()} == {DeliveryState.DELIVERED}

    asyncio.run(story())


def test_what_was_delivered_can_be_sent_again_under_the_same_id(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        sent = await house.webhooks.deliveries.test(HOME, endpoint_id)
        await house.deliver()
        await house.webhooks.deliveries.redeliver(HOME, endpoint_id, sent.message_id)
        await house.deliver()
        assert [each.id for each in house.receiver.requests] == [sent.message_id] * 2
        with pytest.raises(NotFound):
            await house.webhooks.deliveries.redeliver(HOME, endpoint_id, "msg_unknown")

    asyncio.run(story())


def test_what_was_queued_while_its_endpoint_was_being_disabled_does_not_wait_for_ever(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        house.announce("ended:1")
        # As if the announcement had been committed just after the endpoint's queue was given up.
        values = {"disabled_at": house.clock.now(), "disabled_reason": "a test"}
        write(house.database, lambda connection: endpoints.change(connection, endpoint_id, **values))
        await house.deliver()
        assert house.receiver.requests == []
        await house.webhooks.deliveries.purge()
        [dead] = await house.deliveries()
        assert (dead.state, dead.last_error) == (DeliveryState.DEAD, "the endpoint is disabled")

    asyncio.run(story())


def test_what_was_delivered_goes_after_30_days_and_what_is_dead_after_90(house: House) -> None:
    async def story() -> None:
        deliveries = house.webhooks.deliveries
        house.receiver.answer("/bad", status(410))
        good = (await house.endpoint("/good")).view.endpoint.id
        await house.endpoint("/bad")
        house.announce("ended:1")
        await house.deliver()
        house.clock.advance(29 * DAY)
        assert await deliveries.purge() == 0
        house.clock.advance(2 * DAY)
        waiting = await deliveries.test(HOME, good)
        assert await deliveries.purge() == 1
        assert {each.state.value for each in await house.deliveries()} == {"dead", "pending"}
        house.clock.advance(60 * DAY)
        assert await deliveries.purge() == 1
        assert [each.message_id for each in await house.deliveries()] == [waiting.message_id]
        assert await deliveries.purge() == 0
        # The key of what is forgotten means nothing any more.
        house.announce("ended:1")
        assert len(await house.deliveries()) == 2

    asyncio.run(story())
