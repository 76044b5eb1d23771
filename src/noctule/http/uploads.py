"""Bodies that are not read before their route: files, which go on to where they are kept as they come.

What must always hold: a client that is silent, or slow as a whole, is not waited for; whoever reads learns of one that
leaves; a client that is refused half-way can read why, for what it still sends is taken in for a while and dropped.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from starlette.types import Message, Receive, Scope

from noctule.http.bodies import BodyTooSlow, ClientGone

SILENCE_SECONDS = 60.0
WHOLE_SECONDS = 600.0
_DROP_SECONDS = 10.0
_DROP_BYTES = 256 * 1024 * 1024

_PATHS: Final = re.compile(r"/storage/uploads/.+|/storage/[^/]+/downloads/.+|/sessions/[^/]+/files", re.DOTALL)


def is_upload(scope: Scope) -> bool:
    """Whether the route of a request reads its body as it comes."""
    return scope["method"] == "POST" and _PATHS.fullmatch(scope["path"]) is not None


def stand_in(headers: Mapping[bytes, bytes]) -> bytes:
    """What stands for the body in the fingerprint of an upload, which cannot wait for all of it: its length."""
    return b"content-length:" + headers.get(b"content-length", b"")


class Upload:
    """A body on its way in; ``receive`` is what the application gets."""

    def __init__(
        self, receive: Receive, *, silence_seconds: float = SILENCE_SECONDS, whole_seconds: float = WHOLE_SECONDS
    ) -> None:
        self.is_over = False
        self._receive = receive
        self._silence_seconds = silence_seconds
        self._end_at = asyncio.get_running_loop().time() + whole_seconds

    async def receive(self) -> Message:
        """The next message; after the last, what the server tells. Raises ``BodyTooSlow``, ``ClientGone``."""
        if self.is_over:
            return await self._receive()
        silent_at = asyncio.get_running_loop().time() + self._silence_seconds
        try:
            async with asyncio.timeout_at(min(silent_at, self._end_at)):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(
                f"The file did not arrive: nothing came for {self._silence_seconds:g} seconds, or not all in time."
            ) from None
        if message["type"] == "http.disconnect":
            self.is_over = True
            raise ClientGone
        self.is_over = not message.get("more_body", False)
        return message

    async def drop_rest(self) -> None:
        """Take in what a refused client still sends, within bounds: one that is cut off may never read the answer."""
        left = _DROP_BYTES
        try:
            async with asyncio.timeout(_DROP_SECONDS):
                while not self.is_over and left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self.is_over = not message.get("more_body", False)
        except TimeoutError:
            return
