"""A store of objects in a folder, and one in a bucket: what holds of one holds of both."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from noctule.objects.store import ObjectStore
from tests.support import s3


@dataclass
class Place:
    """A store, and what is really where it keeps things."""

    store: ObjectStore
    folder: Path | None = None
    bucket: s3.Bucket | None = None

    def keys(self) -> list[str]:
        """Every key that is there, what is unfinished included."""
        if self.folder is not None:
            return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())
        assert self.bucket is not None
        return sorted(
            [key.removeprefix("some/where/") for key in self.bucket.stored()] + ["?"] * self.bucket.unfinished()
        )

    def everything(self) -> list[str]:
        """What the store itself lists below ``files``."""

        async def listed() -> list[str]:
            return sorted([found.key async for found in self.store.list("files")])

        return asyncio.run(listed())


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store, once in a folder and once in a bucket."""
    if request.param == "folder":
        folder = tmp_path / "objects"
        return Place(ObjectStore.at(folder), folder=folder)
    bucket = request.getfixturevalue("s3_server").bucket()
    return Place(ObjectStore.at(bucket.url, bucket.options), bucket=bucket)
