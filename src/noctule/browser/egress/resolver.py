"""Names to addresses: bounded, off the event loop, the same question asked once at a time.

A look-up in the system's resolver cannot be interrupted, so each runs on a daemon thread that nobody waits
for at exit; there are never more than ``_MAX_LOOKUPS`` of them.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from typing import Protocol

_MAX_LOOKUPS = 64
_MAX_CACHED = 1024
_CACHE_SECONDS = 10.0


class ResolveFailed(Exception):
    """A name has no address, or none could be learnt. ``timed_out`` says which of the two."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.timed_out = timed_out


class Resolver(Protocol):
    """Whoever knows the addresses of names."""

    async def resolve(self, host: str) -> Sequence[str]:
        """Addresses of a lower-case name, best first. Raises ``ResolveFailed``."""
        ...


class SystemResolver:
    """The machine's own resolver: hosts file, DNS and what else it is set up for.

    Answers are kept for ten seconds, since a page opens many connections to few hosts.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Future[tuple[str, ...]]] = {}
        self._cache: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> Sequence[str]:
        cached = self._cache.get(host)
        if cached is not None and time.monotonic() - cached[0] < _CACHE_SECONDS:
            return cached[1]
        running = self._running.get(host)
        if running is None:
            if len(self._running) >= _MAX_LOOKUPS:
                raise ResolveFailed(f"{host} was not looked up: too many look-ups are under way", timed_out=True)
            running = self._begin(host)
        return await asyncio.shield(running)

    def _begin(self, host: str) -> asyncio.Future[tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[str, ...]] = loop.create_future()
        self._running[host] = answer

        def look_up() -> None:
            result: tuple[str, ...] | Exception
            try:
                result = _addresses(host)
            except (OSError, UnicodeError) as error:
                result = error
            try:
                loop.call_soon_threadsafe(self._finish, host, answer, result)
            except RuntimeError:
                return  # The loop is closed: nobody is left to answer.

        threading.Thread(target=look_up, name="noctule-resolver", daemon=True).start()
        return answer

    def _finish(self, host: str, answer: asyncio.Future[tuple[str, ...]], result: tuple[str, ...] | Exception) -> None:
        del self._running[host]
        if isinstance(result, tuple):
            self._cache.pop(host, None)
            if len(self._cache) >= _MAX_CACHED:
                del self._cache[next(iter(self._cache))]
            self._cache[host] = (time.monotonic(), result)
            answer.set_result(result)
        else:
            answer.set_exception(ResolveFailed(f"{host} could not be resolved"))
            answer.exception()  # Whoever asked may have gone; that is no error.


def _addresses(host: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))
