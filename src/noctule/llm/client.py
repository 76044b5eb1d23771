"""One request to a model's API and its reply, through the openai library.

What must hold: the key goes to the route's host alone, since nothing is redirected, no proxy or credential of the
environment is used and only named headers leave; a reply is read up to a bound, uncompressed, within a time; and
whatever comes back ends as a ``Reply`` or one ``ModelError``, with none of the provider's words in it.
"""

import asyncio
import importlib
import logging
import re
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2

from noctule import __version__
from noctule.llm.errors import (
    AnswerRefused,
    BadReply,
    ModelError,
    ModelOverloaded,
    ModelRefusedKey,
    ModelRejected,
    ModelTimedOut,
    ModelUnknown,
    ModelUnreachable,
    PromptTooLarge,
    QuotaUsedUp,
    ReplyTooLarge,
)
from noctule.llm.routing import Route
from noctule.llm.wire import Reply, is_passing, parse_complaint, parse_reply

if TYPE_CHECKING:
    import openai

MOST_CONNECTIONS = 64
_MOST_KEPT_ALIVE = 16
_KEEPALIVE_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_MOST_REPLY_BYTES = 4 * 1024 * 1024
_LONGEST_RETRY_AFTER = 12
_LIBRARY = "openai.resources.chat.completions"
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")
_SENT_HEADERS = frozenset({"host", "connection", "authorization", "content-type", "content-length", "accept"})
_REJECTING_STATUSES = frozenset({400, 422})


class Client:
    """The connections to models' APIs. ``most_reply_bytes`` bounds what is read of one reply."""

    def __init__(self, *, most_reply_bytes: int = _MOST_REPLY_BYTES) -> None:
        _quieten()
        limits = httpx2.Limits(
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_KEPT_ALIVE,
            keepalive_expiry=_KEEPALIVE_SECONDS,
        )
        self._http = httpx2.AsyncClient(
            transport=_Guarded(httpx2.AsyncHTTPTransport(limits=limits, trust_env=False), most_reply_bytes),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, route: Route, body: Mapping[str, Any], timeout_seconds: float) -> Reply:
        """Ask, and read the reply. Raises ``ModelError``."""
        if not _KEY.fullmatch(route.key):
            raise ModelRefusedKey(f"The key for {route.provider.id} holds characters that no key has; store it anew.")
        try:
            async with asyncio.timeout(timeout_seconds):
                content, content_type = await self._post(route, body, timeout_seconds)
        except TimeoutError:
            raise ModelTimedOut(f"{route.where} did not answer within {timeout_seconds:g} seconds.") from None
        return parse_reply(content, content_type, route)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _post(self, route: Route, body: Mapping[str, Any], timeout_seconds: float) -> tuple[bytes, str]:
        await _load_library()
        import openai

        api = openai.AsyncOpenAI(
            api_key=route.key,
            base_url=route.url,
            http_client=self._http,
            max_retries=0,
            timeout=httpx2.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds)),
        )
        try:
            reply = await api.chat.completions.with_raw_response.create(**body)
        except openai.APIStatusError as error:
            raise _refused(route, error.response.status_code, error.response.headers, error.response.content) from None
        except openai.APIConnectionError as error:
            raise _unreached(route, error) from None
        except openai.OpenAIError:
            raise BadReply(f"{route.where} answered with something that cannot be read.") from None
        return reply.http_response.content, reply.headers.get("content-type", "")


async def _load_library() -> None:
    # It takes a third of a second to import, which a server without a model never needs, and others must not wait for.
    if _LIBRARY not in sys.modules:
        await asyncio.to_thread(importlib.import_module, _LIBRARY)
        # The environment can make it talkative when it is imported.
        _quieten()


def _quieten() -> None:
    # At their debug level the libraries write prompts into the log, and a line for each request above that.
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _unreached(route: Route, error: "openai.APIConnectionError") -> ModelError:
    cause = error.__cause__
    if isinstance(cause, _TooLarge):
        return ReplyTooLarge(f"{route.where} answered with more than the gateway reads.")
    if isinstance(cause, _Compressed):
        return BadReply(f"{route.where} answered compressed, which it was asked not to do.")
    if isinstance(cause, httpx2.ConnectTimeout | httpx2.ConnectError):
        return ModelUnreachable(f"{route.where} cannot be reached.")
    if isinstance(cause, httpx2.TimeoutException):
        return ModelTimedOut(f"{route.where} did not answer in time.")
    return ModelUnreachable(f"{route.where} broke the connection off before the whole reply was there.")


def _refused(route: Route, status: int, headers: Mapping[str, str], content: bytes) -> ModelError:
    where, complaint = route.where, parse_complaint(content)
    owner = "the workspace's key" if route.is_byok else "the key of NOCTULE_LLM_API_KEY"
    if 300 <= status < 400:
        return BadReply(f"{where} answered {status}, a redirect, which is not followed.")
    if status == 402 or complaint.is_about_quota:
        return QuotaUsedUp(f"The account behind {owner} has no credit left at {route.provider.id}.")
    if complaint.is_about_filter:
        return AnswerRefused(f"The filter of {route.provider.id} kept the prompt back.")
    if status in (401, 403):
        return ModelRefusedKey(f"{where} answered {status}: it does not take {owner}, or not for {route.model}.")
    if status == 404:
        return ModelUnknown(f"{where} answered 404: it has no model {route.model}, or the address is not an API's.")
    if status == 413 or complaint.is_about_length:
        return PromptTooLarge(f"{where} answered {status}: the prompt does not fit into the context of {route.model}.")
    if is_passing(status):
        wait = retry_after_seconds(headers, datetime.now(UTC))
        what = "too many requests" if status == 429 else "it cannot answer right now"
        return ModelOverloaded(f"{where} answered {status}: {what}.", retry_after_seconds=wait)
    may_be_schema = status in _REJECTING_STATUSES
    return ModelRejected(f"{where} answered {status}: it does not take the request.", may_be_schema=may_be_schema)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long a provider asks us to wait: milliseconds, seconds or a date; ``None`` if it says nothing clear."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if not text:
            continue
        if len(text) <= _LONGEST_RETRY_AFTER and text.replace(".", "", 1).isdecimal() and text.isascii():
            return float(text) * unit
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError, IndexError, TypeError):
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    return None


class _TooLarge(httpx2.TransportError):
    """A reply beyond the bound."""


class _Compressed(httpx2.TransportError):
    """A reply whose real size nobody knows before it is unpacked."""


class _Guarded(httpx2.AsyncBaseTransport):
    """Lets only named headers out, and replies in up to a bound."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, most_bytes: int) -> None:
        self._inner = inner
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # A request of our own: the library still reads what it wrote into its own one.
        headers = [(name, value) for name, value in request.headers.multi_items() if name in _SENT_HEADERS]
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=[*headers, ("user-agent", f"noctule/{__version__}"), ("accept-encoding", "identity")],
            stream=request.stream,
            extensions=request.extensions,
        )
        response = await self._inner.handle_async_request(sent)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise _Compressed("a compressed reply")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, self._most_bytes)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, most_bytes: int) -> None:
        self._inner = inner
        self._left = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._left -= len(piece)
            if self._left < 0:
                raise _TooLarge("a reply beyond the bound")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
