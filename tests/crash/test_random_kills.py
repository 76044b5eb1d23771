"""SIGKILL at any moment of a server under load, two hundred times: no figure is ever lost, doubled or taken back.

Both engines run side by side, which halves the time. ``NOCTULE_TEST_KILLS`` sets the kills per engine, and
``NOCTULE_TEST_SEED`` repeats the load and the instants of an earlier run (as far as the machine's own timing allows).
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from tests.support.forge import Forge
from tests.support.lives import House, house
from tests.support.load import Load

pytestmark = pytest.mark.slow

_KILLS = int(os.environ.get("NOCTULE_TEST_KILLS", "100"))
_SEED = int(os.environ.get("NOCTULE_TEST_SEED", "20261123"))
# A life ends a moment after so many answers, which on an idle machine is after half a second to two.
_FEWEST_ANSWERS, _MOST_ANSWERS = 1, 40
_LONGEST_SECONDS = 2.5
_DIES_BEFORE_READY = 0.1
_SETTINGS = {"NOCTULE_WARM_POOL_SIZE": "2", "NOCTULE_MAX_SESSIONS": "12", "NOCTULE_ACQUIRE_TIMEOUT_SECONDS": "10"}
# Films take more of a machine than all else here.
_IS_FILMED = 0.25


@pytest.fixture
def forge() -> Iterator[Forge]:
    """Where servers come from."""
    forge = Forge()
    yield forge
    forge.close()


async def _life(home: House, chance: random.Random) -> None:
    """Start, check what the life before left, work until death."""
    if chance.random() < _DIES_BEFORE_READY:
        home.server.spawn()
        await asyncio.sleep(chance.uniform(0.2, 2.0))
        home.server.kill()
        return
    home.start({"NOCTULE_RECORDING": str(chance.random() < _IS_FILMED).lower()})
    await home.check()
    load = Load(home.server, home.tenants, home.journal, chance, extra=home.change_credit)
    working = asyncio.create_task(load.run())
    enough = home.journal.answers.total() + chance.randint(_FEWEST_ANSWERS, _MOST_ANSWERS)
    deadline = time.monotonic() + _LONGEST_SECONDS
    while home.journal.answers.total() < enough and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    await asyncio.sleep(chance.uniform(0, 0.1))
    home.server.kill()
    await working


async def _lives(folder: Path, database_url: str | None, forge: Forge, seed: int, give_up: Event) -> str:
    chance = random.Random(seed)
    async with house(folder, database_url, _SETTINGS, forge) as home:
        try:
            for _ in range(_KILLS):
                if give_up.is_set():
                    return "given up"
                await _life(home, chance)
            home.start()
            await home.check()
            assert home.strangers() == []
            home.server.terminate()
        except BaseException:
            give_up.set()
            raise
        deadline = time.monotonic() + 15
        while home.server.browsers() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        assert home.server.browsers() == []
        journal = home.journal
        assert len(journal.stops) > _KILLS / 4
        assert sum(journal.steps.values()) > _KILLS
        doubtful = sum(start.is_in_doubt for start in journal.starts)
        active = sum(facts[0].activated_at is not None for facts in journal.finished.values())
        return (
            f"{active} sessions of {len(journal.starts)} wishes ({doubtful} never answered),"
            f" {len(journal.stops)} stops, {sum(journal.steps.values())} steps, {len(journal.top_ups)} top-ups;"
            f" answers {dict(sorted(journal.answers.items()))}"
        )


@pytest.mark.timeout(60 + 15 * _KILLS)
def test_no_figure_is_lost_doubled_or_taken_back_by_kills_at_any_moment(
    tmp_path: Path, postgres_url: str, forge: Forge
) -> None:
    give_up = Event()
    urls = {"sqlite": None, "postgres": postgres_url}
    print(f"\n{_KILLS} kills per engine, seed {_SEED}")
    with ThreadPoolExecutor(len(urls)) as pool:
        lives = {
            engine: pool.submit(asyncio.run, _lives(tmp_path / engine, url, forge, _SEED + number, give_up))
            for number, (engine, url) in enumerate(urls.items())
        }
    for engine, each in lives.items():
        print(f"{engine}: {each.result()}")
