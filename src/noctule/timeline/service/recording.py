"""Takes in what is captured, and writes it down in batches.

What must always hold: whoever tells is never kept waiting; a server that is killed loses the batch in hand and nothing
else; memory has a bound per session, and what had no room in it is counted; nothing leaves here that was not masked.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from noctule.browser.commands import Captured
from noctule.kit.clock import Clock
from noctule.kit.tasks import Owned
from noctule.timeline.domain import NETWORK, Event, Masker
from noctule.timeline.service.keeping import Keeping, masked_events

log = logging.getLogger(__name__)

_EVERY_SECONDS = 10.0
_AGAIN_SECONDS = 2.0
_BATCH_EVENTS = 500
_BATCH_BYTES = 2 * 1024 * 1024
_MAX_EVENTS = 5000
_MAX_BYTES = 16 * 1024 * 1024
_TRIES_AFTER_THE_END = 30
_EVENT_BYTES = 1500
_CLOSE_SECONDS = 5.0


@dataclass
class _Taking:
    """A session in hand. ``pending`` are not written yet, of which ``writing`` are being written."""

    session_id: str
    prefix: str = field(default_factory=lambda: secrets.token_hex(3))
    pending: list[Event] = field(default_factory=list)
    pending_bytes: int = 0
    secrets: frozenset[str] = frozenset()
    masker: Masker = field(default_factory=Masker)
    taken: int = 0
    left_out: int = 0
    is_captured: bool = False
    failures: int = 0
    number: int | None = None
    timer: asyncio.TimerHandle | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def hide(self, texts: Collection[str]) -> None:
        """Know more secrets."""
        if not self.secrets.issuperset(texts):
            self.secrets = self.secrets.union(texts)
            self.masker = Masker(self.secrets)


class Recorder:
    """The sessions whose events are being taken in."""

    def __init__(self, keeping: Keeping, clock: Clock) -> None:
        self._keeping = keeping
        self._clock = clock
        self._sessions: dict[str, _Taking] = {}
        self._tasks = Owned()

    def take(self, captured: Captured) -> None:
        """Take a batch of a node's in, which may be of any size."""
        taking = self._taking(captured.session_id)
        taking.is_captured = not captured.is_last
        taking.hide(captured.secrets)
        for event in captured.events:
            self._add(taking, Event(self._next_id(taking), event.at, event.kind, event.data))
        self._schedule(taking, soon=captured.is_last)

    def note(self, session_id: str, kind: str, data: dict[str, Any]) -> None:
        """Put in what happened outside of the browser, right now."""
        taking = self._taking(session_id)
        self._add(taking, Event(self._next_id(taking), self._clock.now(), kind, data))
        self._schedule(taking, soon=False)

    def hide(self, session_id: str, texts: Collection[str]) -> None:
        """From now on these texts are secrets of the session; what of it is not written yet is masked as well."""
        taking = self._taking(session_id)
        taking.hide(texts)
        self._schedule(taking, soon=False)

    async def pending(self, session_id: str) -> list[Event]:
        """What is not written yet, masked."""
        taking = self._sessions.get(session_id)
        if taking is None or not taking.pending:
            return []
        return await asyncio.to_thread(masked_events, list(taking.pending), taking.masker)

    async def flush(self, session_id: str) -> None:
        """Write what there is now, if there are exchanges in it. Raises ``Unavailable``."""
        taking = self._sessions.get(session_id)
        if taking is not None and any(event.kind == NETWORK for event in taking.pending):
            await self._tasks.finish(self._write(taking))

    async def close(self) -> None:
        """Write all that is left; bounded."""
        for taking in list(self._sessions.values()):
            self._spawn(taking)
        await self._tasks.drain(_CLOSE_SECONDS)
        for taking in self._sessions.values():
            if taking.timer is not None:
                taking.timer.cancel()

    # -- inside --------------------------------------------------------------------------------------------

    def _taking(self, session_id: str) -> _Taking:
        return self._sessions.setdefault(session_id, _Taking(session_id))

    def _next_id(self, taking: _Taking) -> str:
        taking.taken += 1
        return f"{taking.prefix}-{taking.taken:07d}"

    def _add(self, taking: _Taking, event: Event) -> None:
        size = _size(event)
        if len(taking.pending) >= _MAX_EVENTS or taking.pending_bytes + size > _MAX_BYTES:
            taking.left_out += 1
            return
        taking.pending.append(event)
        taking.pending_bytes += size

    def _schedule(self, taking: _Taking, *, soon: bool) -> None:
        is_full = len(taking.pending) >= _BATCH_EVENTS or taking.pending_bytes >= _BATCH_BYTES
        if soon or (is_full and not taking.failures and not taking.lock.locked()):
            self._spawn(taking)
        elif taking.timer is None and (taking.pending or not taking.is_captured):
            # One that nothing is captured of is forgotten when it is written.
            loop = asyncio.get_running_loop()
            taking.timer = loop.call_later(_EVERY_SECONDS, self._spawn, taking)

    def _spawn(self, taking: _Taking) -> None:
        self._tasks.spawn(self._try_to_write(taking))

    async def _try_to_write(self, taking: _Taking) -> None:
        if taking.timer is not None:
            taking.timer.cancel()
            taking.timer = None
        try:
            await self._write(taking)
            taking.failures = 0
        except Exception as error:
            taking.failures += 1
            # It may have been written all the same, and its number be taken.
            taking.number = None
            log.error("events of session %s could not be written yet: %s", taking.session_id, error)
            if taking.is_captured or taking.failures < _TRIES_AFTER_THE_END:
                taking.timer = asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._spawn, taking)
                return
        if not taking.is_captured and (not taking.pending or taking.failures):
            self._sessions.pop(taking.session_id, None)

    async def _write(self, taking: _Taking) -> None:
        async with taking.lock:
            while taking.pending:
                if taking.left_out:
                    data = {"count": taking.left_out, "why": "events came faster than they could be written"}
                    taking.pending.append(Event(self._next_id(taking), self._clock.now(), "left_out", data))
                    taking.pending_bytes += _EVENT_BYTES
                    taking.left_out = 0
                events = taking.pending[:_BATCH_EVENTS]
                if taking.number is None:
                    taking.number = await self._keeping.next_number(taking.session_id)
                await self._keeping.keep(taking.session_id, taking.number, events, taking.masker)
                taking.number += 1
                del taking.pending[: len(events)]
                taking.pending_bytes -= sum(map(_size, events))


def _size(event: Event) -> int:
    """About how much memory an event takes: heads, bodies and what went through sockets count, the rest is alike."""
    if event.kind != NETWORK:
        return _EVENT_BYTES
    size = _EVENT_BYTES
    for part in (event.data.get("request"), event.data.get("response")):
        if part:
            size += sum(len(name) + len(value) for name, value in part.get("headers", ()))
            size += len((part.get("body") or {}).get("text", ""))
    messages = (event.data.get("websocket") or {}).get("messages", ())
    return size + sum(len(message.get("data", "")) for message in messages)
