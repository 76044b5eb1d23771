"""Endpoints, on both databases."""

import asyncio
import json
import logging

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from noctule.kit.errors import Conflict, InvalidRequest, NoctuleError, NotFound
from noctule.kit.paging import PageQuery
from noctule.webhooks.domain import MOST_ENDPOINTS, MOST_OLD_SECRETS
from noctule.webhooks.service import DeliveryState, EventType, Wish
from noctule.webhooks.store.tables import webhook_endpoint
from tests.support.units import read
from tests.unit.webhooks.conftest import HOME, OTHER, House

ALL = PageQuery(1, 100)


# -- endpoints -----------------------------------------------------------------------------------------------


def test_a_secret_is_told_once_and_kept_sealed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        with caplog.at_level(logging.DEBUG):
            made = await house.endpoint()
            found = await house.webhooks.get(HOME, made.view.endpoint.id)
            await house.webhooks.deliveries.test(HOME, made.view.endpoint.id)
            await house.deliver()
        assert made.secret.startswith("whsec_")
        assert found == await _only(house)
        for text in (repr(made), repr(found), caplog.text):
            assert made.secret.removeprefix("whsec_") not in text
        [stored] = read(house.database, lambda link: link.execute(select(webhook_endpoint.c.secrets)).scalars().all())
        assert made.secret.encode() not in stored

    asyncio.run(story())


async def _only(house: House) -> object:
    [view] = (await house.webhooks.page(HOME, ALL)).items
    return view


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/hook", "loopback-address"),
        ("http://localhost:9/hook", "loopback-address"),
        ("http://169.254.169.254/latest", "metadata"),
        ("http://10.1.2.3/", "private-address"),
        ("http://[::1]/", "loopback-address"),
        ("http://0x7f.1/", "loopback-address"),
        ("https://me:hidden@example.com/", "user name"),
        ("https://nowhere.invalid/", "could not be resolved"),
        ("http://-bad-.example/", "malformed-host"),
    ],
)
def test_a_url_that_may_not_be_reached_is_refused_by_the_name_of_the_rule(house: House, url: str, reason: str) -> None:
    async def story() -> None:
        made = await house.endpoint()
        with pytest.raises(InvalidRequest, match=reason) as refused:
            await house.webhooks.create(HOME, url)
        assert "hidden" not in f"{refused.value.message} {refused.value.detail}"
        with pytest.raises(InvalidRequest, match=reason):
            await house.webhooks.update(HOME, made.view.endpoint.id, Wish(url=url))
        with pytest.raises(NotFound):
            await house.webhooks.update(OTHER, made.view.endpoint.id, Wish(url=url))

    asyncio.run(story())


@pytest.mark.parametrize("text", ["two\nlines", "a" * 201, "\x00", "\ud800"])
def test_a_description_is_one_short_line(house: House, text: str) -> None:
    async def story() -> None:
        made = await house.endpoint()
        with pytest.raises(InvalidRequest, match="description"):
            await house.webhooks.create(HOME, house.receiver.url("/hook"), description=text)
        with pytest.raises(InvalidRequest, match="description"):
            await house.webhooks.update(HOME, made.view.endpoint.id, Wish(description=text))

    asyncio.run(story())


def test_a_workspace_has_a_bounded_number_of_endpoints(house: House) -> None:
    async def story() -> None:
        asked = [house.endpoint(f"/hook/{number}") for number in range(MOST_ENDPOINTS + 4)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in answers) == 4
        assert len((await house.webhooks.page(HOME, ALL)).items) == MOST_ENDPOINTS
        await house.endpoint(workspace_id=OTHER)

    asyncio.run(story())


def test_endpoints_are_listed_newest_first_in_pages(house: House) -> None:
    async def story() -> None:
        for path in ("/1", "/2", "/3"):
            await house.endpoint(path)
            house.clock.advance(1)
        first = await house.webhooks.page(HOME, PageQuery(1, 2))
        second = await house.webhooks.page(HOME, PageQuery(2, 2))
        paths = [view.endpoint.url[-1] for page in (first, second) for view in page.items]
        assert paths == ["3", "2", "1"]
        assert (first.has_next, second.has_next) == (True, False)

    asyncio.run(story())


def test_a_create_that_is_retried_under_its_key_meets_what_it_made(house: House) -> None:
    async def story() -> None:
        url = house.receiver.url("/hook")
        first = await house.webhooks.create(HOME, url, idempotency_key="once")
        again = await house.webhooks.create(HOME, url, idempotency_key="once")
        assert (again.secret, again.view) == (first.secret, first.view)
        house.clock.advance(25 * 3600)
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await house.webhooks.create(HOME, url, idempotency_key="once")

    asyncio.run(story())


def test_an_endpoint_changes_only_in_what_is_asked(house: House) -> None:
    async def story() -> None:
        made = (await house.endpoint("/a", EventType.BUDGET)).view.endpoint
        changed = await house.webhooks.update(HOME, made.id, Wish(description="for billing"))
        assert changed.endpoint.description == "for billing"
        assert (changed.endpoint.url, changed.endpoint.types) == (made.url, made.types)
        wish = Wish(url=house.receiver.url("/b"), types=(EventType.TEST, EventType.BUDGET, EventType.TEST))
        changed = await house.webhooks.update(HOME, made.id, wish)
        assert changed == await house.webhooks.get(HOME, made.id)
        assert changed.endpoint.url.endswith("/b")
        assert changed.endpoint.types == ("usage.budget", "webhook.test")
        assert (await house.webhooks.update(HOME, made.id, Wish(types=()))).endpoint.types == ()

    asyncio.run(story())


def test_disabling_gives_up_what_is_on_its_way_and_enabling_begins_anew(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        house.announce("ended:1")
        off = await house.webhooks.update(HOME, endpoint_id, Wish(enabled=False))
        assert (off.pending, off.dead) == (0, 1)
        assert off.endpoint.disabled_at == house.clock.now()
        house.announce("ended:2")
        with pytest.raises(Conflict, match="disabled"):
            await house.webhooks.deliveries.test(HOME, endpoint_id)
        with pytest.raises(Conflict, match="disabled"):
            await house.webhooks.deliveries.redeliver_dead(HOME, endpoint_id)
        await house.deliver()
        assert house.receiver.requests == []
        on = await house.webhooks.update(HOME, endpoint_id, Wish(enabled=True))
        assert (on.endpoint.disabled_at, on.endpoint.disabled_reason) == (None, None)
        house.announce("ended:3")
        await house.deliver()
        assert [json.loads(each.body)["data"]["what"] for each in house.receiver.requests] == ["ended:3"]

    asyncio.run(story())


def test_deleting_takes_the_deliveries_along_and_leaves_those_of_others(house: House) -> None:
    async def story() -> None:
        one = (await house.endpoint("/one", EventType.SESSION_ENDED)).view.endpoint.id
        two = (await house.endpoint("/two")).view.endpoint.id
        house.announce("ended:1")
        await house.webhooks.deliveries.test(HOME, one)
        await house.webhooks.delete(HOME, one)
        assert house.counts() == (1, 1)
        assert [each.endpoint_id for each in await house.deliveries()] == [two]
        with pytest.raises(NotFound):
            await house.webhooks.delete(HOME, one)
        await house.deliver()
        assert [each.path for each in house.receiver.requests] == ["/two"]

    asyncio.run(story())


def test_after_a_rotation_both_secrets_verify_for_a_day(house: House) -> None:
    async def story() -> None:
        made = await house.endpoint()
        rotated = await house.webhooks.rotate(HOME, made.view.endpoint.id)
        assert rotated.secret != made.secret
        house.announce("ended:1")
        await house.deliver()
        [came] = house.receiver.requests
        for secret in (made.secret, rotated.secret):
            assert Webhook(secret).verify(came.body, came.headers)["type"] == "session.ended"
        house.clock.advance(24 * 3600)
        house.announce("ended:2")
        await house.deliver()
        assert len(house.receiver.requests[1].headers["webhook-signature"].split()) == 1

    asyncio.run(story())


def test_rotations_in_a_day_are_bounded(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        for _ in range(MOST_OLD_SECRETS):
            await house.webhooks.rotate(HOME, endpoint_id)
        with pytest.raises(Conflict, match="later"):
            await house.webhooks.rotate(HOME, endpoint_id)

    asyncio.run(story())


def test_nothing_of_one_workspace_is_there_for_another(house: House) -> None:
    async def story() -> None:
        endpoint_id = (await house.endpoint()).view.endpoint.id
        sent = await house.webhooks.deliveries.test(HOME, endpoint_id)
        webhooks, deliveries = house.webhooks, house.webhooks.deliveries
        attempts = (
            lambda home: webhooks.get(home, endpoint_id),
            lambda home: webhooks.update(home, endpoint_id, Wish(description="x")),
            lambda home: webhooks.rotate(home, endpoint_id),
            lambda home: webhooks.delete(home, endpoint_id),
            lambda home: deliveries.test(home, endpoint_id),
            lambda home: deliveries.page(home, ALL, endpoint_id=endpoint_id),
            lambda home: deliveries.get(home, endpoint_id, sent.message_id),
            lambda home: deliveries.redeliver(home, endpoint_id, sent.message_id),
            lambda home: deliveries.redeliver_dead(home, endpoint_id),
        )
        for attempt in attempts:
            with pytest.raises(NoctuleError) as refused:
                await attempt(OTHER)
            assert type(refused.value) is NotFound
        assert list((await webhooks.page(OTHER, ALL)).items) == []
        assert await house.deliveries(OTHER) == []
        assert (await deliveries.get(HOME, endpoint_id, sent.message_id)).state is DeliveryState.PENDING

    asyncio.run(story())
