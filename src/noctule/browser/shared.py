"""Browser processes that the one-shot sessions of one owner share, each session as a context of its own.

A context has cookies, storage, a cache and a proxy of its own, and is gone with its session; to launch a process for a
page that is read once would take longer than the page. What must always hold:

- A process serves one owner and no other, and nothing but contexts: its default context is never used.
- It serves so many contexts at a time and so many in all, then no more; once nobody uses it, it ends after a moment.
- Processes that nobody uses are bounded, and make way at once where room is needed.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from noctule.browser.assembly import Assembler, Browser
from noctule.browser.cdp import CdpError

log = logging.getLogger(__name__)

# Nobody watches these pages: their compositor needs no thread, and a page costs a fifth less without one.
_ARGUMENTS = ("--disable-threaded-compositing",)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many contexts a process has at a time and in all, how long it stays unused, and how many such may stay."""

    at_a_time: int = 8
    in_all: int = 200
    idle_seconds: float = 20.0
    most_idle: int = 4


@dataclass(eq=False)
class _Host:
    """One process; ``browser`` is done when it is there. ``users`` counts its contexts, ``served`` all that it had."""

    owner: str
    browser: "asyncio.Task[Browser]"
    is_failing: bool = False
    users: int = 0
    served: int = 0
    retiring: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def is_alive(self) -> bool:
        if self.is_failing:
            return False
        if not self.browser.done():
            return True
        return not self.browser.cancelled() and not self.browser.exception() and not self.browser.result().gone.done()


class SharedBrowsers:
    """Hands out contexts.

    ``discard`` takes a process that is not wanted any more; ``has_room`` says whether one may stay that nobody uses.
    """

    limits = Limits()

    def __init__(
        self,
        assembler: Assembler,
        discard: Callable[[Browser], None],
        has_room: Callable[[], bool],
        *,
        launch_seconds: float,
    ) -> None:
        self._assembler = assembler
        self._has_room = has_room
        self._discard = discard
        self._launch_seconds = launch_seconds
        self._hosts: list[_Host] = []

    @property
    def processes(self) -> int:
        """How many there are, those being launched among them."""
        return len(self._hosts)

    async def take(self, owner: str) -> Browser:
        """A context for one session of this owner. Raises as ``Assembler.make`` and ``make_context``."""
        try:
            return await self._take(owner)
        except CdpError:
            # The process may have died a moment ago; the one who asks next would get another one, so let it be him.
            return await self._take(owner)

    async def _take(self, owner: str) -> Browser:
        host = next((host for host in self._hosts if host.owner == owner and self._takes_another(host)), None)
        if host is None:
            host = self._launch(owner)
        self._keep(host)
        try:
            # Whoever waits for the launch may give up; the others go on waiting.
            browser = await asyncio.shield(host.browser)
            return await self._assembler.make_context(browser, lambda: self._let_go(host))
        except BaseException as error:
            if isinstance(error, CdpError):
                host.is_failing = True
            self._let_go(host)
            raise

    def make_room(self) -> None:
        """End the processes that nobody uses."""
        for host in [host for host in self._hosts if host.users == 0]:
            self._retire(host)

    def close(self) -> None:
        """End them all."""
        for host in list(self._hosts):
            self._retire(host)

    def _launch(self, owner: str) -> _Host:
        host = _Host(owner, asyncio.create_task(self._launched(), name="launch a shared browser"))
        self._hosts.append(host)
        return host

    async def _launched(self) -> Browser:
        browser = await self._assembler.make(
            wants_chromium=False, chrome_args=_ARGUMENTS, timeout_seconds=self._launch_seconds
        )
        try:
            await browser.driver.start_hosting()
        except BaseException:
            self._discard(browser)
            raise
        return browser

    def _takes_another(self, host: _Host) -> bool:
        return host.users < self.limits.at_a_time and host.served < self.limits.in_all and host.is_alive

    def _keep(self, host: _Host) -> None:
        host.users += 1
        host.served += 1
        if host.retiring is not None:
            host.retiring.cancel()
            host.retiring = None

    def _let_go(self, host: _Host) -> None:
        host.users -= 1
        if host.users or host not in self._hosts:
            return
        idle = [other for other in self._hosts if other.users == 0]
        if host.served >= self.limits.in_all or not host.is_alive or not self._has_room():
            self._retire(host)
        else:
            if len(idle) > self.limits.most_idle:
                self._retire(idle[0])
            host.retiring = asyncio.get_running_loop().call_later(self.limits.idle_seconds, self._retire, host)

    def _retire(self, host: _Host) -> None:
        if host not in self._hosts:
            return
        self._hosts.remove(host)
        if host.retiring is not None:
            host.retiring.cancel()
        if host.browser.done():
            self._end(host.browser)
        else:
            host.browser.cancel()
            host.browser.add_done_callback(self._end)

    def _end(self, browser: "asyncio.Task[Browser]") -> None:
        if not browser.cancelled() and browser.exception() is None:
            self._discard(browser.result())
