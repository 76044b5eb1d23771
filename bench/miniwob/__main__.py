"""How many of the 130 tasks of MiniWoB++ a scripted policy does that sees only observations of the API and acts only
by its actions.

Every task is tried with ten seeds, through a real server and a real browser. The package must be there.

    python -m bench.miniwob [--seeds 10] [--workers 2] [--report docs/reference/miniwob.md] [TASK ...]
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from bench.miniwob.episode import Outcome, play
from bench.miniwob.pages import Missing, Pages, serving
from bench.miniwob.report import report
from bench.miniwob.session import HttpSession, session
from bench.miniwob.tasks import POLICIES
from tests.support.server import Server


def try_task(client: httpx.Client, pages: Pages, task: str, seeds: Sequence[int]) -> list[Outcome]:
    """The outcomes of one task, in a session of its own."""
    with session(client) as browser:
        return [_outcome(browser, pages.url(task), task, seed) for seed in seeds]


def _outcome(browser: HttpSession, url: str, task: str, seed: int) -> Outcome:
    try:
        return play(browser, url, task, seed, POLICIES[task])
    except (RuntimeError, httpx.HTTPError) as error:
        return Outcome(task, seed, 0.0, str(error))


def _told(outcomes: Sequence[Outcome]) -> None:
    failed = [outcome for outcome in outcomes if not outcome.is_solved]
    why = f"   seed {failed[0].seed}: {failed[0].why}" if failed else ""
    print(f"{outcomes[0].task:<32} {len(outcomes) - len(failed):>3} of {len(outcomes)}{why}", flush=True)


def _run(pages: Pages, tasks: Sequence[str], seeds: Sequence[int], workers: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", {"NOCTULE_EGRESS_ALLOW": pages.allow}).start()
        try:
            with server.client() as client, ThreadPoolExecutor(workers) as pool:
                for tried in pool.map(lambda task: try_task(client, pages, task, seeds), tasks):
                    _told(tried)
                    outcomes += tried
        finally:
            server.close()
    return outcomes


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="python -m bench.miniwob")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path)
    parser.add_argument("tasks", nargs="*", metavar="TASK")
    wanted = parser.parse_args()
    unknown = [task for task in wanted.tasks if task not in POLICIES]
    if unknown or wanted.seeds < 1 or wanted.workers < 1:
        parser.error(f"no policy for {', '.join(unknown)}" if unknown else "seeds and workers are at least 1")
    try:
        with serving() as pages:
            outcomes = _run(pages, wanted.tasks or list(POLICIES), range(wanted.seeds), wanted.workers)
            tasks = pages.tasks
    except Missing as missing:
        sys.exit(str(missing))
    solved = {task for task in POLICIES if all(one.is_solved for one in outcomes if one.task == task)}
    print(f"solved with every seed: {len(solved & {one.task for one in outcomes})} of {len(tasks)}")
    if wanted.report:
        wanted.report.write_text(report(tasks, outcomes))


if __name__ == "__main__":
    main()
