"""Where most tests of the door need one database only."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from noctule.db.engine import Database
from tests.unit.http.door import Door, open_door


class Asker:
    """One application for many questions, where no question changes what the next one meets."""

    def __init__(self, runner: asyncio.Runner, door: Door) -> None:
        self._runner = runner
        self.door = door

    def __call__(self, method: str, url: str | httpx.URL, key: str | None = "own", **options: Any) -> httpx.Response:
        """Send one request; ``key=None`` sends none."""

        async def story() -> httpx.Response:
            async with self.door.client(key) as client:
                return await client.request(method, url, **options)

        return self._runner.run(story())


@pytest.fixture(scope="module")
def ask(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Questions to one application that the tests of a module share."""
    path = tmp_path_factory.mktemp("door") / "door.db"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    with asyncio.Runner() as runner:
        opened = open_door(database)
        yield Asker(runner, runner.run(opened.__aenter__()))
        runner.run(opened.__aexit__(None, None, None))
    database.close()
