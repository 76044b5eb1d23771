"""Carrying messages: once each among servers, again after failures, fairly, on both databases."""

import asyncio
from collections import Counter
from datetime import timedelta

from standardwebhooks import Webhook

from noctule.kit.seal import Sealer
from noctule.webhooks.domain import RETRY_SECONDS
from noctule.webhooks.service import Courier, DeliveryState, Wish
from noctule.webhooks.service.courier import MOST_AT_ONCE, MOST_OF_A_WORKSPACE, MOST_OF_AN_ENDPOINT
from tests.unit.webhooks.conftest import HOME, OTHER, House, idle
from tests.unit.webhooks.receiver import OK, Receiver, status


async def _wait_for(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(20):
        while len(receiver.requests) < count:
            await asyncio.sleep(0.005)


def test_a_message_arrives_signed_and_is_recorded(house: House) -> None:
    async def story() -> None:
        made = await house.endpoint()
        house.announce("ended:1")
        assert await house.courier.deliver_due() == 1
        await idle(house.courier)
        [came] = house.receiver.requests
        told = Webhook(made.secret).verify(came.body, came.headers)
        assert told["data"] == {"what": "ended:1"}
        assert came.headers["content-type"] == "application/json"
        [delivery] = await house.deliveries()
        assert delivery.message_id == came.id
        assert delivery.body.encode() == came.body
        assert (delivery.state, delivery.attempts, delivery.last_status) == (DeliveryState.DELIVERED, 1, 204)
        assert delivery.settled_at == delivery.last_attempt_at == house.clock.now()
        assert await house.courier.deliver_due() == 0

    asyncio.run(story())


def test_a_failure_is_tried_again_on_schedule_with_one_id_until_it_is_dead(house: House) -> None:
    async def story() -> None:
        house.receiver.answer("/hook", status(500))
        await house.endpoint()
        house.announce("ended:1")
        for attempts, seconds in enumerate(RETRY_SECONDS, start=1):
            await house.deliver()
            [waiting] = await house.deliveries()
            assert (waiting.state, waiting.attempts) == (DeliveryState.PENDING, attempts)
            wait = (waiting.next_attempt_at - house.clock.now()).total_seconds()
            assert seconds <= wait <= seconds * 1.1
            house.clock.advance(wait - 0.001)
            await house.deliver()
            assert len(house.receiver.requests) == attempts
            house.clock.advance(0.001)
        await house.deliver()
        [dead] = await house.deliveries()
        assert (dead.state, dead.attempts, dead.last_error) == (DeliveryState.DEAD, 10, "answered 500")
        assert dead.settled_at == house.clock.now()
        house.clock.advance(10 * 86_400)
        await house.deliver()
        assert len(house.receiver.requests) == 10
        assert len({each.id for each in house.receiver.requests}) == 1
        assert len({each.headers["webhook-timestamp"] for each in house.receiver.requests}) == 10

    asyncio.run(story())


def test_a_receiver_that_asks_for_time_gets_it(house: House) -> None:
    async def story() -> None:
        house.receiver.answer("/hook", status(429, Retry_After="1800"), OK)
        await house.endpoint()
        house.announce("ended:1")
        await house.deliver()
        [waiting] = await house.deliveries()
        assert waiting.next_attempt_at == house.clock.now() + timedelta(minutes=30)
        house.clock.advance(1800)
        await house.deliver()
        assert (await house.deliveries())[0].state is DeliveryState.DELIVERED

    asyncio.run(story())


def test_a_receiver_that_is_gone_is_left_alone(house: House) -> None:
    async def story() -> None:
        house.receiver.answer("/hook", status(410))
        endpoint_id = (await house.endpoint()).view.endpoint.id
        for number in range(6):
            house.announce(f"ended:{number}")
        await house.deliver()
        view = await house.webhooks.get(HOME, endpoint_id)
        assert (view.pending, view.dead) == (0, 6)
        assert view.endpoint.disabled_reason == "the receiver answered 410 (gone)"
        came = len(house.receiver.requests)
        assert came <= MOST_OF_AN_ENDPOINT
        house.announce("ended:late")
        await house.deliver()
        assert len(house.receiver.requests) == came

    asyncio.run(story())


def test_a_refused_target_is_a_failed_attempt_that_names_the_rule(house: House) -> None:
    async def story() -> None:
        await house.endpoint()
        house.announce("ended:1")
        house.policy.own_ports.add(house.receiver.port)
        await house.deliver()
        assert house.receiver.requests == []
        [refused] = await house.deliveries()
        assert (refused.state, refused.attempts, refused.last_status) == (DeliveryState.PENDING, 1, None)
        assert "egress rule 'own-port'" in (refused.last_error or "")

    asyncio.run(story())


def test_a_secret_that_cannot_be_read_fails_until_it_is_rotated(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        house.announce("ended:1")
        courier = Courier(house.database, house.clock, Sealer(b"x" * 32), house.poster)
        await courier.deliver_due()
        await idle(courier)
        [failed] = await house.deliveries()
        assert "rotate" in (failed.last_error or "")
        assert house.receiver.requests == []
        rotated = await house.webhooks.rotate(HOME, endpoint_id)
        house.clock.advance(6)
        await house.deliver()
        [came] = house.receiver.requests
        assert Webhook(rotated.secret).verify(came.body, came.headers)["data"] == {"what": "ended:1"}

    asyncio.run(story())


def test_several_servers_deliver_each_message_once(house: House) -> None:
    async def story() -> None:
        for path in ("/a", "/b", "/c"):
            await house.endpoint(path)
        house.announce(*(f"ended:{number}" for number in range(20)))
        couriers = [house.another_courier() for _ in range(3)]
        async with asyncio.timeout(30):
            while any(each.state is DeliveryState.PENDING for each in await house.deliveries()):
                await asyncio.gather(*(each.deliver_due() for each in couriers))
                await asyncio.sleep(0.01)
        for each in couriers:
            await idle(each)
        came = Counter((each.path, each.id) for each in house.receiver.requests)
        assert len(came) == 60
        assert set(came.values()) == {1}

    asyncio.run(story())


def test_a_backlog_goes_on_without_waiting_for_the_next_beat(house: House) -> None:
    async def story() -> None:
        await house.endpoint()
        house.announce(*(f"ended:{number}" for number in range(30)))
        await house.courier.deliver_due()
        await idle(house.courier)
        assert len(house.receiver.requests) == 30
        assert house.receiver.most_at_once["/hook"] <= MOST_OF_AN_ENDPOINT

    asyncio.run(story())


def test_a_slow_endpoint_holds_up_no_other(house: House) -> None:
    async def story() -> None:
        for number in range(6):
            await house.endpoint(f"/hold/{number}")
        await house.endpoint("/quick", workspace_id=OTHER)
        house.announce(*(f"ended:{number}" for number in range(10)))
        await house.courier.deliver_due()
        await _wait_for(house.receiver, MOST_OF_A_WORKSPACE)
        house.announce("ended:theirs", workspace_id=OTHER)
        await house.courier.deliver_due()
        async with asyncio.timeout(20):
            while not house.receiver.at("/quick"):
                await asyncio.sleep(0.005)
        held = [each for each in house.receiver.requests if each.path.startswith("/hold")]
        assert len(held) == MOST_OF_A_WORKSPACE
        assert len({each.path for each in held}) == 6
        house.receiver.release()
        await idle(house.courier)
        assert len(house.receiver.requests) == 61

    asyncio.run(story())


def test_what_is_under_way_is_bounded(house: House) -> None:
    async def story() -> None:
        homes = [f"home-{number}" for number in range(5)]
        for home in homes:
            for number in range(3):
                await house.endpoint(f"/hold/{home}/{number}", workspace_id=home)
            house.announce(f"ended:{home}", workspace_id=home)
        assert await house.courier.deliver_due() == 15
        house.announce("ended:a", "ended:b", workspace_id=homes[0])
        assert await house.courier.deliver_due() == 1
        assert await house.courier.deliver_due() == 0
        await _wait_for(house.receiver, MOST_AT_ONCE)
        house.receiver.release()
        await idle(house.courier)
        assert len(house.receiver.requests) == 15 + 6

    asyncio.run(story())


def test_a_claim_that_nobody_carried_out_is_taken_over_and_repeated(house: House) -> None:
    async def story() -> None:
        receiver = house.receiver
        dying = house.another_courier()
        await house.endpoint("/hold")
        house.announce("ended:1")
        await dying.deliver_due()
        await _wait_for(receiver, 1)
        # Cut off with the message sent and nothing recorded, as by a kill.
        await dying.close(timeout_seconds=0)
        await house.deliver()
        assert len(receiver.requests) == 1
        receiver.release()
        house.clock.advance(31)
        await house.deliver()
        assert [each.id for each in receiver.requests] == [receiver.requests[0].id] * 2
        [delivery] = await house.deliveries()
        assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
        assert await dying.deliver_due() == 0

    asyncio.run(story())


def test_a_failure_is_not_recorded_over_a_redelivery_that_came_meanwhile(house: House) -> None:
    async def story() -> None:
        house.receiver.answer("/hold", status(500))
        endpoint_id = (await house.endpoint("/hold")).view.endpoint.id
        sent = await house.webhooks.deliveries.test(HOME, endpoint_id)
        await house.courier.deliver_due()
        await _wait_for(house.receiver, 1)
        await house.webhooks.deliveries.redeliver(HOME, endpoint_id, sent.message_id)
        house.receiver.release()
        await idle(house.courier)
        # The redelivery began at once, since the first failure did not put it off.
        assert len(house.receiver.requests) == 2
        found = await house.webhooks.deliveries.get(HOME, endpoint_id, sent.message_id)
        assert (found.state, found.attempts) == (DeliveryState.PENDING, 1)

    asyncio.run(story())


def test_a_success_counts_although_the_endpoint_was_disabled_meanwhile(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint("/hold")).view.endpoint.id
        sent = await house.webhooks.deliveries.test(HOME, endpoint_id)
        await house.courier.deliver_due()
        await _wait_for(house.receiver, 1)
        off = await house.webhooks.update(HOME, endpoint_id, Wish(enabled=False))
        assert off.dead == 1
        house.receiver.release()
        await idle(house.courier)
        found = await house.webhooks.deliveries.get(HOME, endpoint_id, sent.message_id)
        assert (found.state, found.last_error) == (DeliveryState.DELIVERED, None)

    asyncio.run(story())


def test_a_wall_clock_that_goes_back_stops_nothing_that_comes_after(house: House) -> None:
    async def story() -> None:
        await house.endpoint()
        house.clock.jump(-86_400)
        house.announce("ended:1")
        await house.deliver()
        assert (await house.deliveries())[0].state is DeliveryState.DELIVERED

    asyncio.run(story())
