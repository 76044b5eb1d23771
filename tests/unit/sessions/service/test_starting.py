"""How a session comes to be, over failures and crashes in between."""

import asyncio

import pytest

from noctule.browser.commands import CaptureLevel, UpstreamRefused
from noctule.kit.errors import BrowserFailed, InvalidRequest
from noctule.sessions.domain import CaptureWish, StartSession, Status
from noctule.sessions.service import Starter
from tests.support.units import read
from tests.unit.sessions.conftest import CALLER, House

WISH = StartSession()
KEYED = Starter("workspace-1", "key-1", "same")


@pytest.mark.parametrize("failures", [1, 3])
def test_a_key_names_one_paid_session_although_attempts_before_it_died(house: House, failures: int) -> None:
    async def story() -> None:
        house.fleet.acquire_error = UpstreamRefused("gone")
        for _ in range(failures):
            with pytest.raises(BrowserFailed):
                await house.sessions.start(KEYED, WISH)
        house.fleet.acquire_error = None
        paid = (await house.sessions.start(KEYED, WISH)).session.id
        # The server dies before it could answer, and its clients ask the next one again.
        next_house = house.reboot()
        await next_house.sessions.ends.recover()
        for _ in range(2):
            again = (await next_house.sessions.start(KEYED, WISH)).session
            assert (again.id, again.status) == (paid, Status.ERROR)

    asyncio.run(story())
    assert read(house.database, house.metering.usage, "workspace-1", None).session_count == 1


def test_a_start_that_failed_is_not_counted_as_live(house: House) -> None:
    async def story() -> None:
        house.fleet.acquire_error = UpstreamRefused("it says 407")
        with pytest.raises(BrowserFailed):
            await house.sessions.start(KEYED, WISH)

    asyncio.run(story())
    with house.database.engine.connect() as connection:
        connection.info["writes"] = False
        rows = connection.exec_driver_sql("SELECT status, error FROM session").all()
    assert [row.status for row in rows] == ["error"]
    assert "407" in rows[0].error


@pytest.mark.parametrize(
    ("most", "wish", "level"),
    [
        ("off", None, "off"),
        ("on", None, "on"),
        ("bodies", None, "on"),
        ("on", "off", "off"),
        ("bodies", "bodies", "bodies"),
        ("off", "off", "off"),
    ],
)
def test_what_is_kept_of_a_session_is_what_it_asks_for_within_what_the_server_allows(
    house: House, most: CaptureLevel, wish: CaptureWish | None, level: str
) -> None:
    house.sessions._starting._capture = most

    async def story() -> None:
        started = await house.sessions.start(CALLER, StartSession(capture=wish))
        assert house.fleet.specs[started.session.id].capture == level
        one_shot = await house.sessions.start(CALLER, StartSession(is_one_shot=True))
        assert house.fleet.specs[one_shot.session.id].capture == "off"

    asyncio.run(story())


@pytest.mark.parametrize(("most", "wish"), [("off", "on"), ("on", "bodies")])
def test_more_than_the_server_allows_is_refused_before_anything_is_done(
    house: House, most: CaptureLevel, wish: CaptureWish
) -> None:
    house.sessions._starting._capture = most

    async def story() -> None:
        with pytest.raises(InvalidRequest, match="NOCTULE_CAPTURE"):
            await house.sessions.start(CALLER, StartSession(capture=wish))
        assert not house.fleet.acquired

    asyncio.run(story())


@pytest.mark.parametrize("is_recorded", [True, False])
def test_whether_it_is_recorded_is_known_to_every_server(house: House, is_recorded: bool) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession(is_recorded=is_recorded))).session.id
        elsewhere = house.reboot().sessions
        assert (await elsewhere.get("workspace-1", session_id)).session.is_recorded is is_recorded

    asyncio.run(story())
