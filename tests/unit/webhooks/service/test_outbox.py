"""The outbox, on both databases."""

import asyncio
import json

import pytest
from sqlalchemy import Connection

from noctule.kit.errors import Conflict
from noctule.kit.paging import PageQuery
from noctule.webhooks.service import EventType, Wish
from tests.support.units import submit, write
from tests.unit.webhooks.conftest import HOME, OTHER, House

ALL = PageQuery(1, 100)


def test_what_nobody_wants_is_not_written(house: House) -> None:
    asyncio.run(house.endpoint("/hook", EventType.BUDGET))
    asyncio.run(house.endpoint("/theirs", workspace_id=OTHER))
    house.announce("ended:1")
    house.announce()
    assert house.counts() == (0, 0)


def test_a_message_goes_to_every_endpoint_of_its_workspace_that_wants_it(house: House) -> None:
    async def story() -> None:
        every = (await house.endpoint("/every")).view.endpoint.id
        some = (await house.endpoint("/some", EventType.SESSION_ENDED, EventType.BUDGET)).view.endpoint.id
        await house.endpoint("/none", EventType.BUDGET)
        off = (await house.endpoint("/off")).view.endpoint.id
        await house.webhooks.update(HOME, off, Wish(enabled=False))
        theirs = (await house.endpoint("/theirs", workspace_id=OTHER)).view.endpoint.id
        house.announce("ended:1")
        house.announce("ended:2", workspace_id=OTHER)
        mine = await house.deliveries()
        assert {each.endpoint_id for each in mine} == {every, some}
        assert len({each.message_id for each in mine}) == 1
        assert [each.endpoint_id for each in await house.deliveries(OTHER)] == [theirs]
        body = json.loads(mine[0].body)
        assert body["data"] == {"what": "ended:1"}
        assert body["workspace_id"] == HOME

    asyncio.run(story())


def test_a_key_is_announced_once_however_often_it_is_tried(house: House) -> None:
    asyncio.run(house.endpoint())
    house.announce("ended:1", "ended:1")
    house.announce("ended:2", "ended:1")
    assert house.counts() == (2, 2)


def test_a_transaction_that_is_rolled_back_announces_nothing(house: House) -> None:
    def fails_after_announcing(connection: Connection) -> None:
        house.add(connection, "ended:1")
        raise Conflict("and then it failed")

    asyncio.run(house.endpoint())
    with pytest.raises(Conflict):
        write(house.database, fails_after_announcing)
    assert house.counts() == (0, 0)
    house.announce("ended:1")
    assert house.counts() == (1, 1)


def test_announcements_at_once_do_not_stand_in_each_others_way(house: House) -> None:
    asyncio.run(house.endpoint())
    keys = [f"ended:{number}" for number in range(20)]
    waiting = [submit(house.database, house.add, *order) for order in (keys, keys[::-1]) for _ in range(4)]
    for each in waiting:
        each.result(timeout=30)
    assert house.counts() == (20, 20)
