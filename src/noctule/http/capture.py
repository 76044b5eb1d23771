"""Holding a response back until it is stored, so that no answer is seen that a retry would not see again."""

from starlette.types import Message, Send

from noctule.http.idempotency import LARGEST_ANSWER, Answer


class Capture:
    """Holds a response back until it is complete; one that streams or grows too large passes through."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._passing = False
        self._complete = False

    async def send(self, message: Message) -> None:
        """Take a message of the response."""
        if self._passing:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
            self._passing = _is_stream(message)
            if self._passing:
                await self._send(message)
        elif message["type"] == "http.response.body":
            self._chunks.append(message.get("body", b""))
            self._size += len(self._chunks[-1])
            more = message.get("more_body", False)
            if self._size > LARGEST_ANSWER and self._start is not None:
                self._passing = True
                await self._send(self._start)
                await self._send({"type": "http.response.body", "body": b"".join(self._chunks), "more_body": more})
                self._chunks.clear()
            else:
                self._complete = not more

    def answer(self) -> Answer | None:
        """The complete response; ``None`` if it has passed through."""
        if self._passing:
            return None
        if self._start is None or not self._complete:
            raise RuntimeError("the route ended without a complete response")
        return Answer(self._start["status"], list(self._start["headers"]), b"".join(self._chunks))


def _is_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in start["headers"]
    )


async def send_answer(answer: Answer, send: Send, *, replay: bool) -> None:
    """Send a whole response; a replay says that it is one."""
    headers = list(answer.headers)
    if replay:
        headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
