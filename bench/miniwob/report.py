"""The page of the reference that says what was solved, and why the rest was not."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.miniwob.episode import ALLOWED_SECONDS, Outcome
from bench.miniwob.tasks import REASONS

_HEAD = """# MiniWoB++

[MiniWoB++](https://miniwob.farama.org) is a set of small pages, each with a task in words. Here a scripted policy does
them that sees only what `POST /sessions/{session_id}/page/observe` says, and acts only by
`POST /sessions/{session_id}/page/execute`, on ids of the observation (on a tag where a text area is to be scrolled). It
is a script and no model: it understands the sentences that these tasks are made of, and no others, so what the figures
measure is whether an observation tells what has to be known, and whether an action does what a person would do.

Each task is tried with the seeds 0 to LAST of its own random generator, in the original environment's window of
500 × 320 pixels. The harness seeds the page, starts it and reads the reward by `evaluate_js`; the policy may not. Haste
is not asked for: a task may take SECONDS s instead of the 10 or so that it allows by itself, and its reward, before
time is taken off, has to be a full 1.

To measure anew: `python -m bench.miniwob --report docs/reference/miniwob.md`. The tests try twenty of the tasks.
"""


def report(tasks: Sequence[str], outcomes: Iterable[Outcome]) -> str:
    """The whole page. ``tasks`` are all that there are."""
    tries: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        tries[outcome.task].append(outcome)
    seeds = max((len(tried) for tried in tries.values()), default=0)
    always = sum(all(outcome.is_solved for outcome in tried) for tried in tries.values())
    mostly = sum(_solved(tried) * 10 >= len(tried) * 9 for tried in tries.values())
    lines = [
        _HEAD.replace("LAST", str(seeds - 1)).replace("SECONDS", str(ALLOWED_SECONDS)),
        f"Of {len(tasks)} tasks, {always} are solved with every seed, and {mostly} with at least nine of ten.",
        "",
        "## Tried",
        "",
        f"| task | solved of {seeds} | what went wrong |",
        "|---|---:|---|",
    ]
    lines += [f"| {task} | {_solved(tries[task])} | {_why(task, tries[task])} |" for task in tasks if task in tries]
    lines += ["", "## Not tried", "", "| task | why |", "|---|---|"]
    lines += [f"| {task} | {REASONS.get(task, 'no policy yet')} |" for task in tasks if task not in tries]
    return "\n".join(lines) + "\n"


def _solved(tried: Sequence[Outcome]) -> int:
    return sum(outcome.is_solved for outcome in tried)


def _why(task: str, tried: Sequence[Outcome]) -> str:
    if all(outcome.is_solved for outcome in tried):
        return ""
    return REASONS.get(task) or next(outcome.why for outcome in tried if not outcome.is_solved)
