"""The files that links lead to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from noctule.kit.errors import NotFound
from noctule.objects.links import Linked, Links
from noctule.objects.store import ObjectMissing, ObjectStore


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """What a link leads to, and how many bytes it has."""

    linked: Linked
    size: int


class LinkedFiles:
    """Opens links."""

    def __init__(self, store: ObjectStore, links: Links) -> None:
        self._store = store
        self._links = links

    async def open(self, token: str) -> LinkedFile:
        """The file of a link. Raises ``NotFound`` for a link that leads nowhere, or to a file that is gone."""
        linked = self._links.open(token)
        try:
            return LinkedFile(linked, await self._store.size(linked.key))
        except ObjectMissing:
            raise NotFound("The file of this link is gone.") from None

    async def read(self, file: LinkedFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Its bytes from ``start`` to before ``end``. Raises ``NotFound``, ``Unavailable``, before anything is read."""
        try:
            return await self._store.begin(file.linked.key, start, end)
        except ObjectMissing:
            raise NotFound("The file of this link is gone.") from None
