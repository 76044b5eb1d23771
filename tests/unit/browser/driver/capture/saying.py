"""A capture that is told messages as a browser sends them, without a browser."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from noctule.browser.cdp import CdpConnection
from noctule.browser.commands import CapturedEvent, CaptureLevel
from noctule.browser.driver.capture import Capture

PAGE = "session-page"
TAB = "tab-1"


class Told:
    """A started capture with one tab, and all that it told."""

    def __init__(self, level: CaptureLevel = "on", *, is_ours: bool = True) -> None:
        self.connection = CdpConnection("nowhere", "/")
        self.capture = Capture(self.connection, is_ours=is_ours)
        self.events: list[CapturedEvent] = []
        self.batches: list[tuple[int, bool]] = []
        self.attach(PAGE, TAB)
        self.capture.start(level, self._listen)

    def attach(self, session_id: str, target_id: str, *, kind: str = "page", parent: str = "", **more: str) -> None:
        """Another target."""
        info = {"targetId": target_id, "type": kind, "url": "about:blank", "browserContextId": "default", **more}
        params = {"sessionId": session_id, "targetInfo": info}
        self.capture.on_event(parent, "Target.attachedToTarget", params)

    def say(self, method: str, *, session: str = PAGE, **params: Any) -> None:
        """One message that is taken as it comes."""
        message = {"method": method, "params": params, "sessionId": session}
        assert self.connection.on_taken is not None
        self.connection.on_taken(json.dumps(message, separators=(",", ":")).encode())

    def request(self, request_id: str, url: str, *, at: float = 1.0, session: str = PAGE, **more: Any) -> None:
        """A request that a page makes."""
        self.say(
            "Network.requestWillBeSent",
            session=session,
            requestId=request_id,
            timestamp=at,
            request={"url": url, "method": "GET", "headers": {"Accept": "*/*"}},
            type="Fetch",
            **more,
        )

    def response(self, request_id: str, *, at: float = 1.1, has_extra: bool = False, **more: Any) -> None:
        """The head of an answer."""
        head = {"status": 200, "headers": {"Content-Type": "text/plain"}, "mimeType": "text/plain", **more}
        self.say(
            "Network.responseReceived",
            requestId=request_id,
            timestamp=at,
            type="Fetch",
            response=head,
            hasExtraInfo=has_extra,
        )

    def finished(self, request_id: str, size: int, *, at: float = 1.2) -> None:
        """The end of an answer."""
        self.say("Network.loadingFinished", requestId=request_id, timestamp=at, encodedDataLength=size)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """What was told of a kind."""
        return [event.data for event in self.events if event.kind == kind]

    def _listen(self, events: tuple[CapturedEvent, ...], is_last: bool) -> None:
        self.events += events
        self.batches.append((len(events), is_last))


def told(body: Callable[[Told], None], level: CaptureLevel = "on", *, is_ours: bool = True) -> Told:
    """Run ``body``, end the capture, and answer what it told."""

    async def main() -> Told:
        told = Told(level, is_ours=is_ours)
        body(told)
        told.capture.finish()
        async with asyncio.timeout(10):
            while not told.batches or not told.batches[-1][1]:
                await asyncio.sleep(0.005)
        return told

    return asyncio.run(main())
