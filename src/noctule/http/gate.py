"""What every request passes before a route sees it, in this order: shape, path, key, rate, scope, body, once-only.

The gate is a pure ASGI middleware. It leaves a ``Caller`` in the scope, gives every response its request
id and rate headers, writes the request log, and answers whatever was raised further in: nothing leaves
this server but the API's own error shape.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from noctule.http.addresses import base_url, client_network, normal_path
from noctule.http.bodies import ClientGone, check_json, has_body, is_json, read_body, replayed
from noctule.http.capture import Capture, send_answer
from noctule.http.exchange import Exchange
from noctule.http.idempotency import Answer, Claim, Idempotency, fingerprint, parse_key
from noctule.http.rates import Allowance, RateLimiter
from noctule.http.replies import error_reply, reply_to
from noctule.http.uploads import Upload, is_upload, stand_in
from noctule.kit.clock import Clock
from noctule.kit.errors import Forbidden, InvalidRequest, NoctuleError, TooManyRequests, Unauthenticated
from noctule.kit.log import redact
from noctule.kit.scope import KeyScope
from noctule.kit.tasks import Owned
from noctule.kit.web import CALLER_IN_SCOPE, Caller
from noctule.workspaces.domain import Identity

PUBLIC_PATHS: Final = frozenset({"/health", "/ready", "/openapi.json", "/docs", "/favicon.ico", "/viewer"})
PUBLIC_PREFIXES: Final = ("/files/", "/viewer/", "/devtools/")
"""Below these the address itself is the credential."""
_NEVER_LIMITED: Final = frozenset({"/health", "/ready"})
_OPERATOR: Final = "/operator"
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# Headers of ours say what is wanted, as a body does: with others it is another request.
_OUR_HEADERS: Final = b"x-noctule-"

ANONYMOUS_REQUESTS_PER_MINUTE: Final = 600
# DevTools is made of some two hundred files, which a browser asks for at once.
_MANY_FILES: Final = "/devtools/"
FILES_PER_MINUTE: Final = 6000
_LIMIT_KEPT_SECONDS: Final = 5.0
_MOST_LIMITS_KEPT: Final = 10_000

_LONGEST_PATH: Final = 4096
_LONGEST_QUERY: Final = 16 * 1024
_LARGEST_HEADERS: Final = 64 * 1024
_LONGEST_CLIENT_HEADER: Final = 100
_LONGEST_ENDPOINT: Final = 512
# A write may wait for a browser or a user's function, and must still end some time.
_LONGEST_WRITE_SECONDS: Final = 900.0

_log = logging.getLogger(__name__)


class PathTooLong(NoctuleError):
    """The address is longer than any of ours."""

    status = 414


class HeadersTooLarge(NoctuleError):
    """More header than any client of ours sends."""

    status = 431


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One authenticated request, for the request log. ``endpoint`` is the path as called, without query."""

    workspace_id: str
    key_id: str
    method: str
    endpoint: str
    status: int
    duration_ms: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Gatekeeping:
    """What the gate needs of others.

    ``authenticate`` knows whom a key speaks for; ``limit_of`` knows a workspace's requests a minute and is
    asked again after a few seconds; ``record`` takes a line of the request log and must not block.
    """

    authenticate: Callable[[str], Awaitable[Identity | None]]
    limit_of: Callable[[str], Awaitable[int]]
    record: Callable[[RequestLine], None]
    idempotency: Idempotency
    clock: Clock
    tasks: Owned


class Gate:
    """The middleware."""

    def __init__(self, app: ASGIApp, keeping: Gatekeeping, public_url: str | None = None) -> None:
        self._app = app
        self._public_url = public_url
        self._keeping = keeping
        self._rates = RateLimiter(keeping.clock)
        self._limits: dict[str, tuple[float, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                scope["path"] = normal_path(scope["path"])
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, send)
        began_at, began = self._keeping.clock.now(), self._keeping.clock.monotonic()
        await self._answered(exchange, receive, self._admitted(exchange, receive))
        caller = exchange.caller
        if caller is not None:
            self._keeping.record(
                RequestLine(
                    workspace_id=caller.workspace_id,
                    key_id=caller.key_id,
                    method=scope["method"],
                    endpoint=exchange.path[:_LONGEST_ENDPOINT],
                    status=exchange.status,
                    duration_ms=round((self._keeping.clock.monotonic() - began) * 1000),
                    created_at=began_at,
                )
            )

    async def _answered(self, exchange: Exchange, receive: Receive, work: Coroutine[None, None, None]) -> None:
        """Do the work and answer whatever it raises."""
        try:
            await work
        except ClientGone:
            return
        except NoctuleError as error:
            await self._answer(exchange, receive, error)
        except Exception:
            await self._fail(exchange, receive)

    async def _admitted(self, exchange: Exchange, receive: Receive) -> None:
        scope = exchange.scope
        # A repeated header counts once, and the first one stands.
        for name, value in scope["headers"]:
            exchange.headers.setdefault(name, value)
        _check_shape(scope)
        exchange.path = scope["path"] = normal_path(scope["path"])
        if exchange.path in PUBLIC_PATHS or exchange.path.startswith(PUBLIC_PREFIXES):
            self._limit_anonymous(exchange)
            await self._app(scope, receive, exchange.send)
            return
        caller = await self._authenticate(exchange)
        await self._limit(exchange, caller)
        self._admit(exchange, caller)
        _check_scope(caller.scope, exchange.path)
        if scope["method"] in _WRITES:
            work = self._write(exchange, caller, receive)
            await self._keeping.tasks.finish(self._answered(exchange, receive, work))
        else:
            await self._app(scope, receive, exchange.send)

    # -- who ---------------------------------------------------------------------------------------------

    async def _authenticate(self, exchange: Exchange) -> Caller:
        scheme, _, secret = exchange.headers.get(b"authorization", b"").partition(b" ")
        identity = None
        if scheme.lower() == b"bearer":
            identity = await self._keeping.authenticate(secret.strip().decode("latin-1"))
        if identity is None:
            self._limit_anonymous(exchange)
            raise Unauthenticated(
                "The API key is unknown or revoked."
                if scheme.lower() == b"bearer" and secret.strip()
                else "An API key is required: send the header Authorization: Bearer <key>.",
                headers={"www-authenticate": 'Bearer realm="noctule"'},
            )
        return Caller(
            workspace_id=identity.workspace_id,
            key_id=identity.key_id,
            key_name=identity.key_name,
            sdk_version=_client_header(exchange, b"x-notte-sdk-version"),
            origin=_client_header(exchange, b"x-notte-request-origin"),
            idempotency_key=self._idempotency_key(exchange),
            base_url=base_url(exchange.scope, exchange.headers, self._public_url),
            scope=identity.scope,
        )

    def _idempotency_key(self, exchange: Exchange) -> str | None:
        value = exchange.headers.get(b"idempotency-key")
        return parse_key(value) if value is not None and exchange.scope["method"] in _WRITES else None

    # -- how often ---------------------------------------------------------------------------------------

    def _limit_anonymous(self, exchange: Exchange) -> None:
        who, limit = "address:" + client_network(exchange.scope), ANONYMOUS_REQUESTS_PER_MINUTE
        if exchange.path.startswith(_MANY_FILES):
            who, limit = "files:" + who, FILES_PER_MINUTE
        exchange.allowance = self._rates.hit(who, limit)
        if not exchange.allowance.allowed and exchange.path not in _NEVER_LIMITED:
            raise _too_many(exchange.allowance)

    async def _limit(self, exchange: Exchange, caller: Caller) -> None:
        limit = await self._limit_of(caller.workspace_id)
        exchange.allowance = self._rates.hit("key:" + caller.key_id, limit)
        if not exchange.allowance.allowed:
            raise _too_many(exchange.allowance)

    async def _limit_of(self, workspace_id: str) -> int:
        now = self._keeping.clock.monotonic()
        known = self._limits.get(workspace_id)
        if known is not None and now < known[0]:
            return known[1]
        limit = await self._keeping.limit_of(workspace_id)
        if len(self._limits) >= _MOST_LIMITS_KEPT:
            self._limits.clear()
        self._limits[workspace_id] = (now + _LIMIT_KEPT_SECONDS, limit)
        return limit

    # -- what --------------------------------------------------------------------------------------------

    def _admit(self, exchange: Exchange, caller: Caller) -> None:
        """From here on the request is the caller's: it is logged, and routes see who calls."""
        exchange.caller = caller
        exchange.scope[CALLER_IN_SCOPE] = caller

    async def _write(self, exchange: Exchange, caller: Caller, receive: Receive) -> None:
        """Read the body and carry the write out; runs to its end whatever becomes of the client."""
        scope, headers = exchange.scope, exchange.headers
        content_type = headers.get(b"content-type", b"")
        if is_upload(scope):
            exchange.upload = Upload(receive)
            body, receive = stand_in(headers), exchange.upload.receive
        else:
            body = await read_body(receive, headers) if has_body(headers) else b""
            if body and is_json(content_type):
                check_json(body)
            receive = replayed(body, receive)
        if caller.idempotency_key is None:
            await self._bounded(exchange, receive, exchange.send)
            return
        wishes = b"".join(
            b"\0" + name + b":" + value for name, value in scope["headers"] if name.startswith(_OUR_HEADERS)
        )
        print_of_request = fingerprint(
            scope["method"], exchange.path, scope["query_string"], content_type, body + wishes
        )
        outcome = await self._keeping.idempotency.open(caller.workspace_id, caller.idempotency_key, print_of_request)
        if isinstance(outcome, Answer):
            await send_answer(outcome, exchange.send, replay=True)
        else:
            await self._once(exchange, receive, outcome)

    async def _once(self, exchange: Exchange, receive: Receive, claim: Claim) -> None:
        """Run the request of a claim, store its answer, and only then send it."""
        capture = Capture(exchange.send)
        answer: Answer | None = None
        done = False
        try:
            try:
                await self._bounded(exchange, receive, capture.send)
            except NoctuleError as error:
                await reply_to(error, exchange.path)(exchange.scope, receive, capture.send)
            answer, done = capture.answer(), True
        finally:
            await self._keeping.idempotency.close(claim, answer, done=done)
        if answer is not None:
            await send_answer(answer, exchange.send, replay=False)

    async def _bounded(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Run the app with a deadline for the beginning of its answer; a stream may then go on."""
        began = False
        try:
            async with asyncio.timeout(_LONGEST_WRITE_SECONDS) as deadline:

                async def sending(message: Message) -> None:
                    nonlocal began
                    if not began:
                        began = True
                        deadline.reschedule(None)
                    await send(message)

                await self._app(exchange.scope, receive, sending)
        except TimeoutError:
            if began or not deadline.expired():
                raise
            raise NoctuleError(f"The request took longer than {_LONGEST_WRITE_SECONDS:.0f} seconds.") from None

    # -- answers -----------------------------------------------------------------------------------------

    async def _answer(self, exchange: Exchange, receive: Receive, error: NoctuleError) -> None:
        if exchange.started:
            _log.error("request %s broke off: %s", exchange.request_id, redact(error.message))
            return
        if exchange.allowance is None:
            who = "address:" + client_network(exchange.scope)
            exchange.allowance = self._rates.hit(who, ANONYMOUS_REQUESTS_PER_MINUTE)
        await reply_to(error, exchange.path)(exchange.scope, receive, exchange.send)

    async def _fail(self, exchange: Exchange, receive: Receive) -> None:
        _log.error(
            "request %s, %s %s, failed unexpectedly\n%s",
            exchange.request_id,
            exchange.scope["method"],
            redact(exchange.path),
            redact(traceback.format_exc()),
        )
        if exchange.started:
            return
        reply = error_reply(
            500,
            f"Something went wrong inside the server. Its log has more under the request id {exchange.request_id}.",
            exchange.path,
        )
        await reply(exchange.scope, receive, exchange.send)


def _check_shape(scope: Scope) -> None:
    path, query = scope["path"], scope["query_string"]
    if len(path) > _LONGEST_PATH or len(query) > _LONGEST_QUERY:
        scope["path"] = path[:200]
        raise PathTooLong(
            f"The address is too long: at most {_LONGEST_PATH} characters of path and {_LONGEST_QUERY} of query."
        )
    if sum(len(name) + len(value) for name, value in scope["headers"]) > _LARGEST_HEADERS:
        raise HeadersTooLarge(f"The headers are larger than {_LARGEST_HEADERS // 1024} KiB.")
    if "\x00" in path or b"%00" in query or b"\x00" in query:
        raise InvalidRequest("The address contains a NUL character (%00).")


def _check_scope(scope: KeyScope, path: str) -> None:
    """Raise ``Forbidden`` unless keys of that scope open that path, which is judged as the router will read it."""
    is_operators = path == _OPERATOR or path.startswith(_OPERATOR + "/")
    if is_operators and scope is not KeyScope.OPERATOR:
        raise Forbidden("This is the operator's API, and this key is a workspace's: `noctule keys create --operator`.")
    if scope is KeyScope.OPERATOR and not is_operators:
        raise Forbidden(
            "This key is an operator's and opens /operator alone; here a workspace's key is needed: "
            "`noctule keys create`."
        )


def _client_header(exchange: Exchange, name: bytes) -> str | None:
    value = exchange.headers.get(name)
    return None if value is None else value[:_LONGEST_CLIENT_HEADER].decode("latin-1")


def _too_many(allowance: Allowance) -> TooManyRequests:
    return TooManyRequests(
        f"More than {allowance.limit} requests a minute; the next one is welcome in "
        f"{allowance.retry_after_seconds} seconds.",
        headers={"retry-after": str(allowance.retry_after_seconds)},
    )
