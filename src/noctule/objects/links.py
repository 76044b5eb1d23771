"""Addresses that open one object until a time, for clients that send no key: ``{root}/files/{token}/{name}``.

The token says which object it is and is signed; it carries no key and no name of a folder that was not ours to tell.
The name at the end is for people, and for clients that call a file by the end of its address.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from noctule.kit.clock import Clock
from noctule.kit.errors import NotFound
from noctule.kit.files import cut_name
from noctule.kit.seal import Sealer

PATH = "/files/"
"""Where every such address begins, after the root."""

_PURPOSE = "link"


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link leads to. ``content_type`` is what it is served as; ``is_inline`` lets a browser show it."""

    key: str
    name: str
    content_type: str
    is_inline: bool = False


class Links:
    """Makes links and reads them."""

    def __init__(self, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def url(self, base_url: str, linked: Linked, lasts: timedelta) -> str:
        """An address under ``base_url`` that opens the object for that long."""
        expires = int((self._clock.now() + lasts).timestamp())
        name = cut_name(linked.name)
        payload = msgspec.json.encode([expires, linked.key, name, linked.content_type, linked.is_inline])
        return f"{base_url}{PATH}{self._sealer.sign(_PURPOSE, payload)}/{quote(_in_address(name), safe='')}"

    def open(self, token: str) -> Linked:
        """What a token leads to. Raises ``NotFound`` for one that is not ours, or has expired."""
        payload = self._sealer.verify(_PURPOSE, token)
        if payload is None:
            raise NotFound("This link leads nowhere: it is not complete, or not one of this server's.")
        fields: list[Any] = msgspec.json.decode(payload)
        expires, key, name, content_type, is_inline = fields
        if self._clock.now() >= datetime.fromtimestamp(expires, UTC):
            raise NotFound("This link has expired; ask for a new one.")
        return Linked(key, name, content_type, is_inline)


def _in_address(name: str) -> str:
    """A name that stays the last part of an address, whoever tidies that up."""
    return "".join("_" if sign < " " or sign in "/\\\x7f" else sign for sign in name).strip(".") or "file"
