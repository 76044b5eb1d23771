"""Puts the browser's messages about one request together to exchanges.

A redirect ends one exchange and begins the next under the same id. The heads as they were on the wire come in messages
of their own, before or after the rest and possibly late, so a finished exchange waits for its own a moment.

What must always hold: what is known of a request is told once, however many targets speak of it; no more than
``MAX_OPEN`` requests are held, and of all that was said of them no more than ``MAX_HELD_BYTES``: an address may have
two million characters. Where there is no room the oldest is told as far as it has come.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from noctule.browser.driver.capture import shaping
from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.hops import Hop, Place
from noctule.browser.driver.capture.messages import (
    DataReceived,
    LoadingFailed,
    LoadingFinished,
    Message,
    ReceivedExtra,
    RequestWillBeSent,
    ResponseReceived,
    SentExtra,
    ServedFromCache,
)

MAX_OPEN = 2000
MAX_HELD_BYTES = 16 * 1024 * 1024
_LINGER_SECONDS = 0.5
_MAX_HOPS = 30

Tell = Callable[[float, dict[str, Any]], None]
"""Takes an exchange that is over, and when that was, in seconds on the browser's clock."""


@dataclass(slots=True)
class _Chain:
    """All hops of one id. ``matched`` counts the hops that have had heads of their own."""

    place: Place
    hops: list[Hop] = field(default_factory=list)
    sent: list[SentExtra] = field(default_factory=list)
    received: list[ReceivedExtra] = field(default_factory=list)
    matched: int = 0
    counted_by: Place | None = None
    is_over: bool = False
    held_bytes: int = 0


class Exchanges:
    """The requests of one browser that are under way. ``tell`` gets each exchange once."""

    def __init__(self, clock: BrowserClock, tell: Tell, *, wants_body: Callable[[str, Hop], bool]) -> None:
        self._clock = clock
        self._tell = tell
        self._wants_body = wants_body
        self._chains: OrderedDict[str, _Chain] = OrderedDict()
        self._late: dict[str, float] = {}
        self._held_bytes = 0

    def take(self, place: Place, message: Message, now: float, size: int) -> None:
        """Take one message of ``size`` bytes in; ``now`` is the time on the browser's clock."""
        self._take(place, message, now)
        if not isinstance(message, DataReceived):
            self._hold(message.request_id, size)  # type: ignore[union-attr]

    def _take(self, place: Place, message: Message, now: float) -> None:
        chain = self._chains.get(message.request_id)  # type: ignore[union-attr]
        match message:
            case RequestWillBeSent():
                self._sent(place, chain, message)
            case SentExtra():
                chain = chain or self._begin(place, message.request_id)
                if len(chain.sent) < _MAX_HOPS:
                    chain.sent.append(message)
                self._match(message.request_id, chain)
            case ReceivedExtra():
                chain = chain or self._begin(place, message.request_id)
                if len(chain.received) < _MAX_HOPS:
                    chain.received.append(message)
                self._match(message.request_id, chain)
            case _ if chain is not None and chain.hops and not chain.is_over and chain.place.tab == place.tab:
                # What a page asked for on behalf of a frame or worker of its own ends there.
                self._went_on(chain, place, message, now)

    def give_body(self, request_id: str, body: dict[str, Any] | None) -> None:
        """The body that ``wants_body`` asked for, or that there is none."""
        chain = self._chains.get(request_id)
        if chain is not None and chain.hops:
            chain.hops[-1].body = body
            chain.hops[-1].waits_for_body = False
            self._release(request_id, chain)

    def settle(self, now: float) -> None:
        """Let go of what waited long enough for heads that did not come."""
        for request_id, at in list(self._late.items()):
            chain = self._chains.get(request_id)
            if chain is None:
                del self._late[request_id]
            elif now - at >= _LINGER_SECONDS and not any(hop.waits_for_body for hop in chain.hops):
                self._drop(request_id, chain)

    def leave(self, places: Collection[Place], now: float) -> None:
        """These targets are gone: what they waited for will not come."""
        for request_id, chain in list(self._chains.items()):
            if chain.place in places and not chain.is_over:
                if chain.hops:
                    gone = LoadingFailed(request_id, now, "the page was closed", canceled=True)
                    chain.hops[-1].ended, chain.hops[-1].failure = now, gone
                self._drop(request_id, chain)

    def finish(self) -> Iterable[dict[str, Any]]:
        """All that is still under way, as far as it has come; nothing is held afterwards."""
        for request_id, chain in list(self._chains.items()):
            self._forget(request_id)
            for hop in chain.hops:
                if hop.ended:
                    self._tell(hop.ended, shaping.exchange(request_id, hop, self._clock))
                else:
                    hop.sent = hop.sent or (chain.sent[chain.matched] if len(chain.sent) > chain.matched else None)
                    if hop.response is not None:
                        hop.response_bytes = hop.response.encoded_data_length + hop.content_bytes
                    yield shaping.exchange(request_id, hop, self._clock)

    # -- inside --------------------------------------------------------------------------------------------

    def _begin(self, place: Place, request_id: str) -> _Chain:
        if len(self._chains) >= MAX_OPEN:
            self._drop_oldest()
        chain = self._chains[request_id] = _Chain(place)
        return chain

    def _sent(self, place: Place, chain: _Chain | None, message: RequestWillBeSent) -> None:
        request_id = message.request_id
        if chain is not None and not chain.hops:
            # Its heads came first, possibly by way of another target.
            chain.place = place
        elif chain is not None and (chain.place is not place or message.redirect_response is None):
            return
        chain = chain or self._begin(place, request_id)
        if chain.hops and (response := message.redirect_response) is not None:
            hop = chain.hops[-1]
            hop.response, hop.redirect_to, hop.ended = response, message.request.url, message.timestamp
            hop.response_bytes, hop.has_extra = response.encoded_data_length, message.redirect_has_extra_info
        chain.hops.append(
            Hop(
                place,
                message.request,
                message.initiator,
                message.loader_id,
                message.frame_id,
                message.type,
                message.timestamp,
            )
        )
        self._match(request_id, chain)

    def _went_on(self, chain: _Chain, place: Place, message: Message, now: float) -> None:
        hop = chain.hops[-1]
        match message:
            case ResponseReceived():
                hop.response, hop.has_extra, hop.type = message.response, message.has_extra_info, message.type
                self._match(message.request_id, chain)
            case ServedFromCache():
                hop.from_memory = True
            case DataReceived():
                chain.counted_by = chain.counted_by or place
                if chain.counted_by is place:
                    hop.content_bytes += message.data_length
            case LoadingFinished():
                hop.place = place
                hop.ended, hop.response_bytes = message.timestamp or now, message.encoded_data_length
                self._over(message.request_id, chain, hop)
            case LoadingFailed():
                hop.ended, hop.failure = message.timestamp or now, message
                hop.has_extra = hop.has_extra or len(chain.sent) > chain.matched
                if hop.response is not None:
                    hop.response_bytes = hop.response.encoded_data_length
                self._over(message.request_id, chain, hop)

    def _over(self, request_id: str, chain: _Chain, hop: Hop) -> None:
        chain.is_over = True
        hop.waits_for_body = hop.failure is None and self._wants_body(request_id, hop)
        self._late[request_id] = hop.ended
        self._match(request_id, chain)

    def _match(self, request_id: str, chain: _Chain) -> None:
        """Give the heads to their hops, in order: each hop that has any has one of each."""
        index = 0
        for hop in chain.hops:
            if hop.has_extra:
                at = chain.matched + index
                hop.sent = chain.sent[at] if at < len(chain.sent) else hop.sent
                hop.received = chain.received[at] if at < len(chain.received) else hop.received
                index += 1
        self._release(request_id, chain)

    def _release(self, request_id: str, chain: _Chain) -> None:
        """Tell what is complete, from the front."""
        while chain.hops:
            hop = chain.hops[0]
            waits_for_heads = hop.lacks_extra and not (hop.failure is not None and hop.sent is not None)
            if not hop.ended or waits_for_heads or hop.waits_for_body:
                return
            chain.hops.pop(0)
            chain.matched += hop.has_extra
            self._tell(hop.ended, shaping.exchange(request_id, hop, self._clock))
        if chain.is_over:
            self._forget(request_id)

    def _hold(self, request_id: str, size: int) -> None:
        if (chain := self._chains.get(request_id)) is not None:
            chain.held_bytes += size
            self._held_bytes += size
            while self._held_bytes > MAX_HELD_BYTES:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._chains))
        self._drop(oldest, self._chains[oldest])

    def _forget(self, request_id: str) -> None:
        self._late.pop(request_id, None)
        if (chain := self._chains.pop(request_id, None)) is not None:
            self._held_bytes -= chain.held_bytes

    def _drop(self, request_id: str, chain: _Chain) -> None:
        self._forget(request_id)
        for hop in chain.hops:
            self._tell(hop.ended or self._clock.now, shaping.exchange(request_id, hop, self._clock))
