"""The commands of one browser, one after the other.

What must always hold: a command ends inside its bound; whatever goes wrong comes out as ``CommandFailed`` (the
browser is still there) or ``BrowserLost`` (it is not); commands of one browser never overlap.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpError, CdpTimeout
from noctule.browser.commands import (
    DEFAULT_VIEWPORT,
    Acting,
    BrowserLost,
    BrowserSpec,
    BrowserState,
    CloseTab,
    Command,
    CommandFailed,
    Done,
    EvaluateJs,
    GetCookies,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    Observe,
    ReadPage,
    Reload,
    Result,
    Screenshot,
    SetCookies,
    ShowTab,
    ShutTab,
    SwitchTab,
    Viewport,
    Wait,
)
from noctule.browser.driver import cookies
from noctule.browser.driver.acting import Actor
from noctule.browser.driver.acting.settling import before, follow
from noctule.browser.driver.capture import Capture
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.downloads import Downloads
from noctule.browser.driver.evaluate import evaluate
from noctule.browser.driver.identity import default_user_agent, identity
from noctule.browser.driver.navigation import Navigator, Refusals
from noctule.browser.driver.observe import observe
from noctule.browser.driver.picture import screenshot
from noctule.browser.driver.reading import read_page
from noctule.browser.driver.remembering import remember, restore, revisit
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Outfit, Tabs
from noctule.browser.driver.world import is_gone

log = logging.getLogger(__name__)

_MAX_WAITING = 32
_MAX_WAIT_SECONDS = 30.0
_MAX_WAIT_MS = 30_000
_QUIT_SECONDS = 5.0
_SETTLE_ATTEMPTS = 5
_SETTLE_SECONDS = 2.0


class Driver:
    """Our hand on one browser. Make it with ``prepare`` (one of ours) or ``attach`` (somebody else's)."""

    def __init__(self, connection: CdpConnection, refusals: Refusals | None) -> None:
        self.product = ""
        self.user_agent = ""
        self.viewport = DEFAULT_VIEWPORT
        self.dialog_grace_seconds: Callable[[], float] = lambda: 0.0
        self._connection = connection
        self._tabs = Tabs(connection, lambda: self.dialog_grace_seconds())
        self._navigator = Navigator(refusals)
        self.downloads = Downloads(connection)
        self._tabs.on_download = self.downloads.on_event
        self._tabs.on_context = self.downloads.follow_context
        self._actor = Actor(self.downloads, self._tabs)
        self.capture = Capture(connection, is_ours=refusals is not None)
        self._tabs.capture = self.capture
        self._outfit = Outfit()
        self._is_headless_shell = True
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._acting: asyncio.Future[None] | None = None

    @property
    def closed(self) -> "asyncio.Future[str]":
        """Done, with the reason, once the browser cannot be reached any more."""
        return self._connection.closed

    @property
    def tabs(self) -> Tabs:
        """The tabs of this browser."""
        return self._tabs

    @property
    def acting(self) -> "asyncio.Future[None] | None":
        """Done once the command that acts on the page right now has ended; ``None`` where none does."""
        return self._acting

    @property
    def has_window(self) -> bool:
        """Whether the browser has shortcuts of its own, as full Chromium does."""
        return self._actor.has_window

    def use_downloads(self, folder: Path) -> None:
        """Where this browser may put files that are downloaded, and where we can read them."""
        self.downloads.folder = folder

    async def prepare(self, *, is_headless_shell: bool) -> None:
        """Make a fresh browser of ours what a session without wishes gets: the default identity and
        viewport, one page at about:blank. Raises ``CdpError``."""
        version = await self._connection.call("Browser.getVersion")
        self.product = version["product"]
        self.user_agent = default_user_agent(self.product)
        self._is_headless_shell = is_headless_shell
        self._actor.has_window = not is_headless_shell
        # The window of full Chromium has a frame, so that its page is smaller than asked for.
        viewport = None if is_headless_shell else DEFAULT_VIEWPORT
        self._outfit = Outfit(identity(self.user_agent, self.product), viewport)
        self.downloads.start()
        await self._settle(await self._tabs.start(self._outfit))

    async def prepare_context(self, like: "Driver", proxy_port: int) -> None:
        """Make a context of its own in the browser that ``like`` has prepared: what a session without wishes gets,
        one empty page. The context ends with our connection. Raises ``CdpError``."""
        self.product, self.user_agent = like.product, like.user_agent
        self._is_headless_shell = like._is_headless_shell
        self._actor.has_window = like._actor.has_window
        self._outfit = like._outfit
        self._tabs.capture = None
        await self._tabs.start_context(self._outfit, proxy_port, is_headless_shell=self._is_headless_shell)

    async def start_hosting(self) -> None:
        """Be nothing but the process of contexts, whose pages are no business of ours. Raises ``CdpError``."""
        await self._tabs.start_hosting()

    async def attach(self) -> None:
        """Drive somebody else's browser, as it is. Raises ``CdpError``."""
        version = await self._connection.call("Browser.getVersion")
        self.product, self.user_agent = version["product"], version["userAgent"]
        self._is_headless_shell = "Headless" in self.product
        self._actor.has_window = not self._is_headless_shell
        tab = await self._tabs.start(self._outfit)
        metrics = await tab.call("Page.getLayoutMetrics")
        view = metrics["cssLayoutViewport"]
        self.viewport = Viewport(int(view["clientWidth"]), int(view["clientHeight"]))

    async def dress(self, spec: BrowserSpec) -> None:
        """Apply what the session asked for. Costs nothing where it asked for nothing. Raises ``CdpError``."""
        outfit = self._outfit
        if spec.user_agent is not None:
            self.user_agent = spec.user_agent
            outfit = Outfit(identity(spec.user_agent, self.product), outfit.viewport, outfit.headers)
        if spec.viewport is not None and spec.viewport != self.viewport:
            self.viewport = spec.viewport
            outfit = Outfit(outfit.identity, spec.viewport, outfit.headers)
        if spec.extra_http_headers:
            outfit = Outfit(outfit.identity, outfit.viewport, spec.extra_http_headers)
        if outfit != self._outfit:
            if outfit.viewport != self._outfit.viewport:
                await self._resize_window()
            self._outfit = outfit
            await self._tabs.dress(outfit)
        if self.capture.is_on:
            self._outfit = replace(outfit, capture=spec.capture)
            self._tabs.start_capture(self._outfit)

    async def remember(self, *, is_last: bool = False) -> BrowserState:
        """What this browser remembers now, beside commands that are under way. ``is_last``: its tabs are not wanted any
        more, and may be taken to where they have been to ask what is left there. Raises ``CdpError``."""
        tabs = self._tabs.all
        current = await self._tabs.current() if tabs else None
        state = await remember(self._connection, tabs, current)
        return await revisit(state, tabs) if is_last else state

    async def restore(self, state: BrowserState) -> None:
        """Let a fresh browser remember that, before it is dressed. Raises ``CdpError``."""
        await restore(self._connection, self._tabs.current, state, self._settle)

    async def quit(self) -> None:
        """Ask the browser to write everything down and to end. Raises ``CdpError``."""
        await self._connection.call("Browser.close", timeout_seconds=_QUIT_SECONDS)

    async def run(self, command: Command) -> Result:
        """Carry out one command, after those that were there before it."""
        if self.closed.done():
            raise BrowserLost(self.closed.result())
        if self._waiting >= _MAX_WAITING:
            raise CommandFailed("ActionExecutionError", f"{_MAX_WAITING} commands are already waiting for this session")
        self._waiting += 1
        try:
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise CommandFailed(
                "ActionExecutionError",
                f"Other commands of this session kept it busy for {_MAX_WAIT_SECONDS:g} s",
            ) from None
        finally:
            self._waiting -= 1
        try:
            return await self._carry_out(command)
        except CdpTimeout:
            raise CommandFailed(
                "ActionExecutionError", "The page did not answer in time; a script of it may not come to an end"
            ) from None
        except CdpClosed as error:
            if self.closed.done():
                raise BrowserLost(self.closed.result()) from None
            raise CommandFailed("ActionExecutionError", f"The command was cut short: {error}") from None
        except CdpError as error:
            raise CommandFailed("ActionExecutionError", _explained(error)) from None
        except (KeyError, ValueError) as error:
            # Somebody else's browser may be of a kind that answers in other forms.
            log.warning("%s: an answer of %s was not understood: %r", type(command).__name__, self.product, error)
            raise CommandFailed("ActionExecutionError", "The browser's answer was not understood") from None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the browser."""
        self.downloads.close()
        self.capture.drop()
        self._connection.abort()

    # -- inside --------------------------------------------------------------------------------------------

    async def _carry_out(self, command: Command) -> Result:
        match command:
            case GetCookies():
                return await cookies.get_cookies(self._connection)
            case SetCookies():
                return await cookies.set_cookies(self._connection, command.cookies)
            case Wait():
                return await self._wait(command)
        tab = await self._tabs.current()
        match command:
            case Goto():
                return await self._goto(tab, command)
            case GoBack() | GoForward():
                return await self._navigator.step(tab, command)
            case Reload():
                return await self._navigator.reload(tab, command)
            case EvaluateJs():
                return await evaluate(tab, command)
            case Screenshot():
                # Tabs of full Chromium share one window; one that is not in front is not drawn.
                in_front = self._is_headless_shell or self._tabs.count == 1
                return await screenshot(tab, command, bring_to_front=not in_front)
            case Observe():
                return await observe(self._tabs, tab, command)
            case ReadPage():
                return await read_page(tab, command)
            case GotoNewTab():
                return await self._navigator.goto_new_tab(self._tabs, tab, command)
            case SwitchTab() | CloseTab():
                return await self._navigator.change_tab(self._tabs, tab, command)
            case ShowTab() | ShutTab():
                return await self._navigator.pick_tab(self._tabs, command)
            case _ if isinstance(command, Acting):
                self._acting = asyncio.get_running_loop().create_future()
                try:
                    return await self._actor.run(tab, command)
                finally:
                    self._acting.set_result(None)
                    self._acting = None
        raise CommandFailed("ActionExecutionError", f"{type(command).__name__} is not known here")

    async def _wait(self, command: Wait) -> Done:
        time_ms = min(max(command.time_ms, 0), _MAX_WAIT_MS)
        await asyncio.wait((self.closed,), timeout=time_ms / 1000)
        if self.closed.done():
            raise CdpClosed(self.closed.result())
        return Done(f"Waited {time_ms} ms")

    async def _goto(self, tab: Tab, command: Goto) -> Done:
        if tab.stuck:
            tab = await self._tabs.replace(tab)
        was = before(self._tabs, tab)
        done = await self._navigator.goto(tab, command)
        opened = await follow(self._tabs, tab, was)
        return done if opened is None else Done(f"{done.message}; it opened a new tab, now the current one")

    async def _settle(self, tab: Tab) -> None:
        """Be sure that the first page is there. The browser may still be on its way to it, and that would end
        the session's first navigation; going to the same address again leaves no trace in the history."""
        for _ in range(_SETTLE_ATTEMPTS):
            answer = await tab.call("Page.navigate", {"url": "about:blank"})
            loaded = partial(tab.has_reached, "load", answer.get("loaderId", ""))
            if "errorText" not in answer and await tab.until(loaded, Deadline(_SETTLE_SECONDS)):
                return
        raise CdpError("the browser does not open its first page")

    async def _resize_window(self) -> None:
        """Let ``window.outerWidth`` agree with the viewport."""
        tab = await self._tabs.current()
        window = await tab.call("Browser.getWindowForTarget")
        bounds = {"width": self.viewport.width, "height": self.viewport.height}
        await tab.call("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": bounds})


def _explained(error: CdpError) -> str:
    if is_gone(error):
        return "The page navigated away while the command was running"
    return f"The browser could not do it: {error}"
