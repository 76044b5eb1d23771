"""One try at one task: the page is seeded and started as the original environment does, and asked for the reward.

Scripts run in the page for that alone. The time that a task allows is lengthened to ``ALLOWED_SECONDS``, as is usual
where the answer is asked for and not the haste; an episode counts as solved if its raw reward, which knows no time, is
a full 1.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.miniwob.page import EpisodeOver, Page, Puzzled, Session

ALLOWED_SECONDS = 300
_READY_ATTEMPTS = 20
# A page that is over covers itself with a button that starts the next problem: a policy must not meet it.
_START = """
core.EPISODE_MAX_TIME = {milliseconds};
Math.seedrandom({seed});
core.setDataMode("train");
core.startEpisodeReal();
core.hideDisplay();
core.cover_div.onclick = null;
const loading = [...document.images].filter((image) => !image.complete);
return Promise.all(loading.map((image) => new Promise((done) => {{ image.onload = image.onerror = done; }})))
  .then(() => WOB_TASK_READY);
"""
_STATE = 'return JSON.stringify({"is_over": WOB_DONE_GLOBAL, "reward": WOB_RAW_REWARD_GLOBAL});'

Policy = Callable[[Page], None]


@dataclass(frozen=True)
class Outcome:
    """How an episode ended. ``reward`` is the raw one, 0 if the policy left before the end; ``why`` is for people."""

    task: str
    seed: int
    reward: float
    why: str = ""

    @property
    def is_solved(self) -> bool:
        """Whether nothing is missing."""
        return self.reward >= 1.0


def play(session: Session, url: str, task: str, seed: int, policy: Policy) -> Outcome:
    """One episode."""
    _done(session.execute({"type": "goto", "url": url}))
    is_ready = _evaluated(session, _START.format(milliseconds=ALLOWED_SECONDS * 1000, seed=seed)) == "true"
    for _ in range(_READY_ATTEMPTS):
        if is_ready:
            break
        _done(session.execute({"type": "wait", "time_ms": 50}))
        is_ready = _evaluated(session, "return WOB_TASK_READY") == "true"
    why = "the policy was done before the task"
    try:
        policy(Page(session, lambda: bool(_state(session)["is_over"])))
    except EpisodeOver:
        why = "the answer was wrong"
    except (Puzzled, LookupError) as error:
        why = str(error)
    state = _state(session)
    reward = float(state["reward"]) if state["is_over"] else 0.0
    return Outcome(task, seed, reward, "" if reward >= 1.0 else why)


def _state(session: Session) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(_evaluated(session, _STATE))
    return state


def _evaluated(session: Session, code: str) -> str:
    reply = session.execute({"type": "evaluate_js", "code": code})
    _done(reply)
    return str(reply["data"]["markdown"])


def _done(reply: dict[str, Any]) -> None:
    if not reply["success"]:
        raise RuntimeError(f"the episode could not be set up: {reply['message']}")
