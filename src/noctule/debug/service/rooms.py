"""Those who watch one session: what happens in it is told to all of them, and its end is the end of their streams.

What must always hold: a room is there while somebody is in it, and no longer; nobody but its watchers makes a session's
screencast run, or asks its browser for its tabs.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from noctule.browser.cdp import CdpError
from noctule.browser.steering import View
from noctule.debug.domain import SHOWN_IN_LOGS, Event
from noctule.debug.service.ports import Hand, Pictures
from noctule.debug.service.watching import Watcher
from noctule.kit.clock import Clock
from noctule.kit.errors import TooManyRequests
from noctule.sessions.service import Step

log = logging.getLogger(__name__)

CLIENTS_PER_SESSION = 32
_LOOK_EVERY_SECONDS = 0.5


def encoded(event: Event) -> str:
    """An event as it goes out."""
    return msgspec.json.encode(event.as_json()).decode()


class Room:
    """The watchers of one session."""

    def __init__(
        self, session_id: str, pictures: Pictures, hand: Hand, clock: Clock, on_empty: "Callable[[Room], None]"
    ) -> None:
        self.session_id = session_id
        self.hand = hand
        self.view: dict[str, Any] | None = None
        self._pictures = pictures
        self._clock = clock
        self._on_empty = on_empty
        self._watchers: set[Watcher] = set()
        self._logs: set[Watcher] = set()
        self._viewers: dict[Watcher, Callable[[], None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        pictures.ended.add_done_callback(self._ended)

    def shows(self, pictures: Pictures) -> bool:
        """Whether it is those pictures that are seen here: a session that is over has none any more."""
        return self._pictures is pictures

    # -- who is there --------------------------------------------------------------------------------------

    def join(self, watcher: Watcher) -> Callable[[], None]:
        """Let a watcher of pictures in; answers how it leaves. Raises ``TooManyRequests``."""
        return self._enter(watcher, self._pictures.join)

    def join_logs(self, watcher: Watcher) -> Callable[[], None]:
        """Let a watcher of observations and actions in, who sees no pictures. Raises ``TooManyRequests``."""
        self._logs.add(watcher)
        try:
            return self._enter(watcher, lambda _: lambda: self._logs.discard(watcher))
        except TooManyRequests:
            self._logs.discard(watcher)
            raise

    def join_viewer(self, watcher: Watcher, on_control: Callable[[], None]) -> Callable[[], None]:
        """Let a viewer in, who sees the tabs as well and hears whenever control changes. Raises ``TooManyRequests``."""
        leave = self._enter(watcher, self._pictures.join)
        self._viewers[watcher] = on_control
        if self.view is not None:
            watcher.tell(self.event("tabs", self.view))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._keep_looking(), name="look at tabs")
        return leave

    def ready(self) -> None:
        """A watcher can take a frame again."""
        self._pictures.ready()

    def check_place(self) -> None:
        """Raise ``TooManyRequests`` if as many watch as may."""
        if len(self._watchers) >= CLIENTS_PER_SESSION:
            raise TooManyRequests(f"{CLIENTS_PER_SESSION} clients are watching this session already.")

    def _enter(self, watcher: Watcher, join: Callable[[Watcher], Callable[[], None]]) -> Callable[[], None]:
        self.check_place()
        self._watchers.add(watcher)
        leave_pictures = join(watcher)
        if self._pictures.ended.done():
            watcher.end(self.event("error", self._pictures.ended.result()))

        def leave() -> None:
            leave_pictures()
            self._watchers.discard(watcher)
            self._viewers.pop(watcher, None)
            if not self._viewers and self._looking is not None:
                self._looking.cancel()
                self._looking = None
            if not self._watchers:
                self._pictures.ended.remove_done_callback(self._ended)
                self._on_empty(self)

        return leave

    # -- what happens --------------------------------------------------------------------------------------

    def event(self, kind: str, data: Any) -> str:
        """An event of now, as it goes out."""
        return encoded(Event(kind, data, self._clock.now()))

    def step(self, step: Step) -> None:
        """Tell of a step of the session's trajectory."""
        text = self.event(step.kind, step.value)
        for watcher in list(self._watchers):
            if watcher not in self._logs or step.kind in SHOWN_IN_LOGS:
                watcher.tell(text)

    def control_changed(self) -> None:
        """Another person has control, or none."""
        for on_control in list(self._viewers.values()):
            on_control()

    def look_soon(self) -> None:
        """Something was done that may have changed the tabs."""
        self._look_now.set()

    def _ended(self, ended: "asyncio.Future[str]") -> None:
        last = self.event("error", "The session is over." if ended.cancelled() else ended.result())
        for watcher in list(self._watchers):
            watcher.end(last)

    async def _keep_looking(self) -> None:
        while True:
            try:
                view = shown(await self.hand.look())
            except CdpError as error:
                log.debug("the tabs of session %s could not be seen: %s", self.session_id, error)
            else:
                if view != self.view:
                    self.view = view
                    text = self.event("tabs", view)
                    for watcher in list(self._viewers):
                        watcher.tell(text)
            self._look_now.clear()
            try:
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    await self._look_now.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(0.03)


def shown(view: View) -> dict[str, Any]:
    """The tabs, as viewers are told."""
    return {
        "tabs": [{"id": tab.id, "title": tab.title, "url": tab.url} for tab in view.tabs],
        "current": view.in_view,
        "loading": view.is_loading,
        "can_go_back": view.can_go_back,
        "can_go_forward": view.can_go_forward,
    }
