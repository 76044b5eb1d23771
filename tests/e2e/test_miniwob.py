"""Twenty tasks of MiniWoB++ through the API: an agent that knows observations alone finds and does what they ask.

All of them, with ten seeds each: ``python -m bench.miniwob``.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.miniwob.episode import play
from bench.miniwob.pages import Missing, Pages, serving
from bench.miniwob.session import session
from bench.miniwob.tasks import GATE, POLICIES, REASONS
from tests.support.server import Server

pytestmark = pytest.mark.slow

# Which seed is of no account; these two are as good as any.
_SEEDS = (3, 7)


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    """The pages of the package."""
    try:
        with serving() as pages:
            yield pages
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def client(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server whose browsers may reach them."""
    folder: Path = tmp_path_factory.mktemp("miniwob")
    server = Server(folder / "data", {"NOCTULE_EGRESS_ALLOW": pages.allow})
    try:
        with server.start().client() as client:
            yield client
    finally:
        server.close()


@pytest.mark.parametrize("task", GATE)
def test_the_task_is_done(task: str, pages: Pages, client: httpx.Client) -> None:
    with session(client) as browser:
        outcomes = [play(browser, pages.url(task), task, seed, POLICIES[task]) for seed in _SEEDS]
    assert [outcome for outcome in outcomes if not outcome.is_solved] == []


def test_every_task_has_a_policy_or_a_reason(pages: Pages) -> None:
    assert set(pages.tasks) == POLICIES.keys() | REASONS.keys()
    assert len(pages.tasks) == 130
