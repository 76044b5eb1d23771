"""uvicorn's HTTP protocol with bounds on the head of a request, which nothing further in can see.

Until a head is complete there is no request, no key and no rate limit. So its size and time are bounded
here: the parser's work on an endless header grows with the square of its length, for everybody. What is
no HTTP is answered in the API's error shape as well.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from noctule.http.replies import error_reply

# Well over what the gate lets pass, which can say more about it.
LARGEST_HEAD = 256 * 1024
HEAD_SECONDS = 30.0


class BoundedHttp(HttpToolsProtocol):
    """To give uvicorn as ``http``. A head that is larger than 256 KiB or takes over 30 seconds ends its connection."""

    head_seconds = HEAD_SECONDS
    _head_size = 0
    _in_head = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._head_size += len(data)
        if self._head_size > LARGEST_HEAD:
            self._refuse(431, f"The headers are larger than {LARGEST_HEAD // 1024} KiB.")
        elif self._deadline is None:
            self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_size = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_is_there()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This cannot be read as a request in HTTP/1.1.")

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(
            self.head_seconds, self._refuse, 408, f"The request did not arrive within {self.head_seconds:g} seconds."
        )

    def _head_is_there(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, message: str) -> None:
        self._head_is_there()
        self._in_head = False
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            reply: Any = error_reply(status, message, "", headers={"connection": "close"})
            head = b"".join(name + b": " + value + b"\r\n" for name, value in reply.raw_headers)
            self.transport.write(b"HTTP/1.1 %d \r\n%b\r\n%b" % (status, head, reply.body))
        self.transport.close()
