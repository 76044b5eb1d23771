"""Puts one browser together: egress listener, process, our DevTools connection, a prepared first page.

What must always hold: whatever ``make`` raises, nothing of the browser stays; a browser's DevTools port is in the
egress policy's list of ports that no browser may reach (its proxy's port puts itself there).
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from noctule.browser.cdp import CdpConnection
from noctule.browser.commands import Traffic, Upstream
from noctule.browser.driver import Driver
from noctule.browser.driver.identity import default_user_agent
from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.egress.proxy import EgressProxy
from noctule.browser.launcher import Furnish, Launcher
from noctule.browser.process import BrowserProcess

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_PREPARE_SECONDS = 15.0
_LAST_WORDS_SECONDS = 1.0
_DESTROY_SECONDS = 10.0


class Browser:
    """A browser that can be driven: one of ours, or with neither process nor proxy somebody else's.

    ``gone`` is done, with a sentence for people, once the browser cannot be used any more.
    """

    def __init__(
        self,
        driver: Driver,
        process: BrowserProcess | None,
        proxy: EgressProxy | None,
        forget_port: Callable[[], None],
    ) -> None:
        self.driver = driver
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        self._proxy = proxy
        self._forget_port = forget_port
        self._watch = asyncio.create_task(self._watched(), name="watch a browser")

    @property
    def endpoint(self) -> tuple[str, int, str, Path] | None:
        """Host, port and path of its DevTools endpoint and its download folder; ``None`` for a foreign one."""
        if self._process is None:
            return None
        return self._process.host, self._process.port, self._process.path, self._process.downloads

    @property
    def process(self) -> BrowserProcess | None:
        """Its process; ``None`` for a foreign one, and for a context."""
        return self._process

    @property
    def is_headless_shell(self) -> bool:
        """Whether it is the shell and not full Chromium."""
        return self._process is not None and self._process.is_headless_shell

    def traffic(self, idle_seconds: float) -> Traffic:
        """What it has moved since ``begin``."""
        if self._proxy is None:
            return Traffic(idle_seconds=idle_seconds)
        return Traffic(
            request_bytes=self._proxy.request_bytes,
            response_bytes=self._proxy.response_bytes,
            proxied_bytes=self._proxy.proxied_bytes,
            idle_seconds=idle_seconds,
        )

    async def begin(self, upstream: Upstream | None) -> None:
        """Start the session's count, through its upstream. Raises ``UpstreamRefused``."""
        if self._proxy is None:
            return
        if upstream is not None:
            await self._proxy.use_upstream(upstream)
        self._proxy.reset_counters()

    async def retire(self) -> None:
        """Cut it off from the network and stop watching it, for what only its keeper still wants of it; it must be
        destroyed in the end."""
        self._watch.cancel()
        if self._proxy is not None:
            await self._proxy.close()

    async def destroy(self, *, after_seconds: float = 0.0) -> None:
        """Leave nothing of it. Bounded.

        It is cut off from the network and from us at once; its processes may be ended a little later, so
        that the end of a hundred threads does not stand between a caller and the answer.
        """
        self._watch.cancel()
        self.driver.close()
        # Before the end of the process: a later browser may be given the same port.
        self._forget_port()
        try:
            async with asyncio.timeout(_DESTROY_SECONDS):
                if self._proxy is not None:
                    await self._proxy.close()
                await asyncio.sleep(after_seconds)
                if self._process is not None:
                    await self._process.destroy()
        except TimeoutError:
            log.error("a browser was not gone after %g s", _DESTROY_SECONDS)

    async def _watched(self) -> None:
        """The end of the process explains more than the end of the connection, so it gets a moment."""
        if self._process is None:
            await asyncio.wait((self.driver.closed,))
            self.gone.set_result(self.driver.closed.result())
            return
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait((ended, self.driver.closed), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((ended,), timeout=_LAST_WORDS_SECONDS)
            self.gone.set_result(ended.result() if ended.done() else self.driver.closed.result())
        finally:
            ended.cancel()


class Assembler:
    """Makes browsers of ours."""

    def __init__(self, launcher: Launcher, policy: EgressPolicy) -> None:
        self._launcher = launcher
        self._policy = policy
        self._user_agents: dict[bool, str] = {}

    async def make(
        self,
        *,
        wants_chromium: bool,
        chrome_args: tuple[str, ...] = (),
        timeout_seconds: float,
        furnish: Furnish | None = None,
    ) -> Browser:
        """A browser with nothing applied but the defaults; ``furnish`` as of ``Launcher.launch``.

        Raises ``LaunchFailed``, ``CdpError``, ``ValueError`` (an argument that is refused), ``TimeoutError``.
        """
        if wants_chromium not in self._user_agents:
            # What the browser calls itself is on the command line too, for the requests that belong to no
            # page; the very first one of a kind has to be asked for its version.
            browser = await self._make(wants_chromium, chrome_args, timeout_seconds)
            self._user_agents[wants_chromium] = default_user_agent(browser.driver.product)
            await browser.destroy()
        if not any(argument.lstrip("-").startswith("user-agent=") for argument in chrome_args):
            chrome_args = (f"--user-agent={self._user_agents[wants_chromium]}", *chrome_args)
        return await self._make(wants_chromium, chrome_args, timeout_seconds, furnish)

    async def make_context(self, host: Browser, on_end: Callable[[], None]) -> Browser:
        """A browser that is a context in the process of ``host``: with cookies, a cache and an egress proxy of its own.

        ``on_end`` is called once, when it is destroyed. Raises ``CdpError``, ``TimeoutError``.
        """
        process = host.process
        assert process is not None
        proxy = EgressProxy(self._policy)
        connection: CdpConnection | None = None
        try:
            await proxy.start()
            connection = await _connected(process, proxy)
            driver = Driver(connection, proxy)
            async with asyncio.timeout(_PREPARE_SECONDS):
                await driver.prepare_context(host.driver, proxy.port)
            return Browser(driver, None, proxy, on_end)
        except BaseException:
            if connection is not None:
                connection.abort()
            await proxy.close()
            raise

    async def _make(
        self,
        wants_chromium: bool,
        chrome_args: tuple[str, ...],
        timeout_seconds: float,
        furnish: Furnish | None = None,
    ) -> Browser:
        proxy = EgressProxy(self._policy)
        process: BrowserProcess | None = None
        connection: CdpConnection | None = None
        try:
            await proxy.start()
            process = await self._launcher.launch(
                wants_chromium=wants_chromium,
                proxy_port=proxy.port,
                chrome_args=chrome_args,
                timeout_seconds=timeout_seconds,
                furnish=furnish,
            )
            self._policy.own_ports.add(process.port)
            connection = await _connected(process, proxy)
            driver = Driver(connection, proxy)
            driver.use_downloads(process.downloads)
            process.on_log(driver.capture.on_log)
            async with asyncio.timeout(_PREPARE_SECONDS):
                await driver.prepare(is_headless_shell=process.is_headless_shell)
            return Browser(driver, process, proxy, partial(self._policy.own_ports.discard, process.port))
        except BaseException:
            if connection is not None:
                connection.abort()
            await proxy.close()
            if process is not None:
                self._policy.own_ports.discard(process.port)
                await process.destroy()
            raise


async def _connected(process: BrowserProcess, proxy: EgressProxy) -> CdpConnection:
    """A connection to a process, which alone may use the proxy from now on where it has a user of its own."""
    if process.uid is not None:
        proxy.serve_only(process.uid)
    return await CdpConnection.connect(process.host, process.port, process.path, timeout_seconds=_CONNECT_SECONDS)
