"""Once-only writes: what ``Idempotency-Key`` promises, over crashes too.

::

    (no record) ──> running ──> done       the answer is stored, sealed, before it is sent
         ^             │
         └─────────────┘                   the answer was a failure that passes: nothing is kept

A record that is ``running`` although no request of this process carries it out was left by a crash. The
retry takes it over and runs again under the same key, from which services derive the ids of what they
create, so that what the first attempt did is met again and not done twice.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.http import store
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest, NoctuleError
from noctule.kit.failpoints import failpoint
from noctule.kit.seal import Sealer

LARGEST_ANSWER = 1024 * 1024
RETENTION = timedelta(hours=24)

# Under the 45 seconds that the official CLI gives a call.
WAIT_SECONDS = 30.0
# Longer than any write may run: after this, a server that still holds a record is dead.
_ABANDONED_AFTER = timedelta(minutes=20)
_PURGE_STEP = 500
_PURGE_STEPS = 20
_PURPOSE = "idempotency"
# Failures that pass: nothing was done, and the same request may well succeed later.
_PASSING = frozenset({401, 402, 408, 413, 425, 429})
_KEY = re.compile(rb"[!-~]{1,255}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response of a route."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def is_final(self) -> bool:
        """Whether a retry must get this very answer."""
        return self.status < 500 and self.status not in _PASSING


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out the one request under a key; ``close`` must follow."""

    workspace_id: str
    key: str


def parse_key(value: bytes) -> str:
    """The key of a header. Raises ``InvalidRequest``."""
    if _KEY.fullmatch(value) is None:
        raise InvalidRequest(
            "header.idempotency-key: a key is 1 to 255 printable ASCII characters without spaces",
            detail=[
                {
                    "loc": ["header", "idempotency-key"],
                    "msg": "a key is 1 to 255 printable ASCII characters without spaces",
                    "type": "value_error",
                    "input": value[:300].decode("latin-1"),
                }
            ],
        )
    return value.decode("ascii")


def fingerprint(method: str, path: str, query: bytes, content_type: bytes, body: bytes) -> str:
    """What makes two requests the same one. The boundary of a form is chance and does not count."""
    _, found, boundary = content_type.partition(b"boundary=")
    if found and (boundary := boundary.split(b";", 1)[0].strip(b' "')):
        body = body.replace(boundary, b"")
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode("utf-8", "surrogatepass"), query, body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


class Idempotency:
    """The records of one server on one database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        *,
        instance_id: str,
        boot_id: str,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._wait_seconds = wait_seconds
        self._in_flight: dict[Claim, asyncio.Event] = {}

    async def open(self, workspace_id: str, key: str, print_of_request: str) -> Claim | Answer:
        """The right to run the request, or the answer that it had before.

        Waits for a request in flight under the same key. Raises ``Conflict`` if that takes too long, if
        the key stands for another request, or if the answer was too large to keep.
        """
        claim = Claim(workspace_id, key)
        deadline = self._clock.monotonic() + self._wait_seconds
        while (running := self._in_flight.get(claim)) is not None:
            left = deadline - self._clock.monotonic()
            try:
                async with asyncio.timeout(max(0.0, left)):
                    await running.wait()
            except TimeoutError:
                raise Conflict(
                    "A request with this Idempotency-Key is still being carried out; try again in a while."
                ) from None
        # Nothing is awaited between the look above and this, so one request alone gets through.
        event = self._in_flight[claim] = asyncio.Event()
        try:
            record = await self._database.write(lambda connection: self._claim(connection, claim, print_of_request))
            answer = None if record is None else self._recorded(record, print_of_request)
        except BaseException:
            self._release(claim, event)
            raise
        if answer is None:
            return claim
        self._release(claim, event)
        return answer

    async def close(self, claim: Claim, answer: Answer | None, *, done: bool = True) -> None:
        """End what ``open`` began: keep a final answer, or forget the request.

        ``answer`` is ``None`` if it cannot be kept; ``done`` says whether the request was carried out.
        """
        event = self._in_flight[claim]
        try:
            await self._database.write(lambda connection: self._end(connection, claim, answer, done))
            failpoint("idempotency.stored")
        except NoctuleError as error:
            # The record stays "running" and in nobody's hands, so a retry runs the request again.
            _log.warning("could not store the answer of a write: %s", error)
        finally:
            self._release(claim, event)

    async def purge(self) -> int:
        """Delete what is older than the retention, a bounded number of records; how many."""
        before = self._clock.now() - RETENTION
        total = 0
        for _ in range(_PURGE_STEPS):
            deleted = await self._database.write(lambda connection: store.purge(connection, before, _PURGE_STEP))
            total += deleted
            if deleted < _PURGE_STEP:
                break
        return total

    def _claim(self, connection: Connection, claim: Claim, print_of_request: str) -> store.Record | None:
        """``None`` if the request is this caller's to run, else the record of the one that ran or runs."""
        mine = {"instance_id": self._instance_id, "boot_id": self._boot_id}
        record = store.find(connection, claim.workspace_id, claim.key)
        if record is None:
            if store.add(
                connection, claim.workspace_id, claim.key, print_of_request, created_at=self._clock.now(), **mine
            ):
                return None
            record = store.find(connection, claim.workspace_id, claim.key)
        if record is None or record.fingerprint != print_of_request or record.state == store.DONE:
            return record
        abandoned = self._clock.now() - record.created_at > _ABANDONED_AFTER
        if record.instance_id == self._instance_id or abandoned:
            store.take_over(connection, claim.workspace_id, claim.key, **mine)
            return None
        return record

    def _recorded(self, record: store.Record, print_of_request: str) -> Answer:
        if record.fingerprint != print_of_request:
            raise Conflict("This Idempotency-Key was used for another request; every new request needs a new key.")
        if record.state != store.DONE:
            raise Conflict("A request with this Idempotency-Key is being carried out by another server.")
        if record.answer is None:
            raise Conflict(
                "The request with this Idempotency-Key was carried out, but its answer was too large to keep."
            )
        return self._unsealed(record.answer)

    def _end(self, connection: Connection, claim: Claim, answer: Answer | None, done: bool) -> None:
        if not done or (answer is not None and not answer.is_final):
            store.forget(connection, claim.workspace_id, claim.key)
        else:
            kept = answer is not None and len(answer.body) <= LARGEST_ANSWER
            sealed = self._sealed(answer) if kept and answer is not None else None
            store.finish(connection, claim.workspace_id, claim.key, sealed)

    def _sealed(self, answer: Answer) -> bytes:
        head = msgspec.json.encode(
            [answer.status, [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]]
        )
        return self._sealer.seal(_PURPOSE, head + b"\n" + answer.body)

    def _unsealed(self, blob: bytes) -> Answer:
        try:
            head, _, body = self._sealer.open(_PURPOSE, blob).partition(b"\n")
        except ValueError:
            raise Conflict(
                "The request with this Idempotency-Key was carried out, but its answer can no longer be read."
            ) from None
        status, headers = msgspec.json.decode(head)
        return Answer(status, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers], body)

    def _release(self, claim: Claim, event: asyncio.Event) -> None:
        self._in_flight.pop(claim, None)
        event.set()
