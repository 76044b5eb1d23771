"""One live session of a node: its browser, its streams, when it was last active."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from noctule.browser.assembly import Browser
from noctule.browser.commands import Traffic
from noctule.browser.door import Closer, Door
from noctule.browser.relay.targets import is_web
from noctule.browser.screen import Screen
from noctule.browser.steering import Steering
from noctule.kit.clock import Clock

log = logging.getLogger(__name__)

# How long a client's own handler may take to answer a native dialog before we do.
_DIALOG_GRACE_SECONDS = 0.3


class LiveBrowser:
    """A browser that a session has. ``commands`` is how many it carries out now."""

    def __init__(self, browser: Browser, clock: Clock) -> None:
        driver = browser.driver
        self.browser = browser
        self.screen = Screen(driver.tabs)
        self.steering = Steering(driver.tabs, lambda: driver.acting, has_window=lambda: driver.has_window)
        self.commands = 0
        self._clock = clock
        self._active_at = clock.monotonic()
        self._closers: dict[int, Closer] = {}
        self._next_closer = 0
        self._ended_because: str | None = None
        driver.dialog_grace_seconds = self._dialog_grace_seconds

    def touch(self) -> None:
        """Something happened in the session."""
        self._active_at = self._clock.monotonic()

    def traffic(self) -> Traffic:
        """What it has moved, and for how long nothing has happened."""
        idle = 0.0 if self.commands else max(0.0, self._clock.monotonic() - self._active_at)
        return self.browser.traffic(idle)

    def door(self) -> Door | None:
        """Where the CDP proxy finds the browser; ``None`` for somebody else's, whose clients go there themselves."""
        endpoint = self.browser.endpoint
        if endpoint is None:
            return None
        host, port, path, downloads = endpoint
        return Door(
            host,
            port,
            path,
            downloads,
            touch=self.touch,
            on_release=self._on_release,
            downloads_denied=self.browser.driver.downloads.deny,
            downloads_left=self.browser.driver.downloads.renew,
            has_window=not self.browser.is_headless_shell,
        )

    def page_door(self, tab_id: str) -> Door | None:
        """Where the CDP proxy finds one page, which is let through while it is a page of the web; ``None`` where
        there is no such tab, and where ``door`` has none."""
        door = self.door()
        tab = next((tab for tab in self.browser.driver.tabs.all if tab.target_id == tab_id), None)
        if door is None or tab is None:
            return None
        return replace(door, path=f"/devtools/page/{tab_id}", page_is_open=lambda: not tab.closed and is_web(tab.url))

    def end(self, reason: str) -> None:
        """The session is over: close its streams and tell them why, and tell the last of what was captured."""
        self._ended_because = reason
        self.screen.close(reason)
        self.steering.close()
        self.browser.driver.capture.finish()
        for closer in list(self._closers.values()):
            try:
                closer(reason)
            except Exception:
                log.exception("a stream of a session could not be closed")

    def _on_release(self, closer: Closer) -> Callable[[], None]:
        if self._ended_because is not None:
            asyncio.get_running_loop().call_soon(closer, self._ended_because)
        self._next_closer += 1
        number = self._next_closer
        self._closers[number] = closer

        def take_back() -> None:
            self._closers.pop(number, None)

        return take_back

    def _dialog_grace_seconds(self) -> float:
        return _DIALOG_GRACE_SECONDS if self._closers else 0.0
