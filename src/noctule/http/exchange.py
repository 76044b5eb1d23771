"""One request on its way through the gate, and what becomes of it."""

import secrets

from starlette.types import Message, Scope, Send

from noctule.http.rates import Allowance
from noctule.http.uploads import Upload
from noctule.kit.web import Caller


class Exchange:
    """What the gate learns of a request, and its way out: every answer goes through ``send``."""

    __slots__ = (
        "_send",
        "allowance",
        "caller",
        "headers",
        "path",
        "request_id",
        "scope",
        "started",
        "status",
        "upload",
    )

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = {}
        self.request_id = secrets.token_hex(8)
        self.caller: Caller | None = None
        self.allowance: Allowance | None = None
        self.started = False
        self.status = 500
        self.upload: Upload | None = None
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass a message of the response on, with the headers that every response has."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            added = [(b"x-request-id", self.request_id.encode())]
            if self.allowance is not None:
                added += self.allowance.headers()
            if self.upload is not None and not self.upload.is_over:
                added.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        elif self.upload is not None and not self.upload.is_over and not message.get("more_body", False):
            # The answer is out, and its end waits for what the client was about to send.
            await self._send({**message, "more_body": True})
            await self.upload.drop_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)
