"""Where a session is looked at, as far as it needs no browser."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from noctule.browser.steering import OpenTab, View
from noctule.debug.service import Control, DebugService
from noctule.debug.service.ports import Browsers, Keys, Runs, Sessions
from noctule.kit.errors import Conflict, InvalidRequest
from noctule.sessions.service import Session, SessionView, Step, Use
from tests.support.clock import FrozenClock
from tests.unit.sessions.service.test_tokens import SESSION

_TABS = tuple(OpenTab(f"T{number}", number, "Title", "https://example.com/") for number in range(3))


class _Pictures:
    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def join(self, taker: object) -> Callable[[], None]:
        return lambda: None

    def ready(self) -> None: ...


class _Hand:
    view = View(_TABS, "T1")

    async def look(self) -> View:
        return self.view


class _House:
    """The sessions and browsers of one session that its tokens open."""

    def __init__(self) -> None:
        self.pictures, self.hand = _Pictures(), _Hand()
        self.control = Control(FrozenClock())
        self.debug = DebugService(
            sessions=cast(Sessions, self),
            browsers=cast(Browsers, self),
            runs=cast(Runs, None),
            keys=cast(Keys, None),
            control=self.control,
            clock=FrozenClock(),
        )

    def on_step(self, listener: Callable[[str, Step], None]) -> None: ...

    async def use(self, workspace_id: str, session_id: str) -> tuple[str, ...]:
        return ()

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        return SessionView(SESSION)

    async def authorize_stream(self, session_id: str, token: str, *uses: Use) -> Use:
        return uses[0]

    def new_token(self, use: Use, session: Session) -> str:
        return "t"

    def cdp_url(self, base_url: str, view: SessionView) -> str:
        return "ws://cdp"

    def viewer_url(self, base_url: str, view: SessionView) -> str:
        return "http://viewer"

    def screen(self, session_id: str) -> _Pictures:
        return self.pictures

    def steering(self, session_id: str) -> _Hand:
        return self.hand

    def has_devtools(self, session_id: str) -> bool:
        return True


@pytest.mark.parametrize(("number", "id"), [(None, "T1"), (0, "T0"), (2, "T2"), (-1, "T2")])
def test_a_tab_is_found_by_its_number_and_the_one_in_view_without_one(number: int | None, id: str) -> None:
    async def act() -> None:
        found = await _House().debug.tab_links("w", SESSION.id, "http://h", number)
        assert found.tab.id == id
        assert f"/devtools/{id}?" in found.ws_url

    asyncio.run(act())


@pytest.mark.parametrize("number", [3, -2, 10**30])
def test_a_number_that_no_tab_has_is_refused(number: int) -> None:
    async def act() -> None:
        with pytest.raises(InvalidRequest, match="0 to 2"):
            await _House().debug.tab_links("w", SESSION.id, "http://h", number)

    asyncio.run(act())


@pytest.mark.parametrize("number", [None, 0, -1])
def test_a_browser_without_tabs_has_none_to_show(number: int | None) -> None:
    async def act() -> None:
        house = _House()
        house.hand.view = View(())
        with pytest.raises(Conflict, match="no tab open"):
            await house.debug.tab_links("w", SESSION.id, "http://h", number)

    asyncio.run(act())


def test_the_end_of_the_session_ends_control_though_nobody_watches_any_more() -> None:
    async def act() -> None:
        house = _House()
        for _ in range(3):
            (await house.debug.watch(SESSION.id, "t")).leave()
        house.control.take(SESSION.id, "ada-ada-ada")
        house.pictures.ended.set_result("over")
        await asyncio.sleep(0)
        assert house.control.holder(SESSION.id) is None

    asyncio.run(act())
