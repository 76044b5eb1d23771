"""Looking at a page: what is there, and what of it somebody means."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from noctule.browser.commands import Command, Observe, Observed, Result
from noctule.kit.clock import Clock
from noctule.llm.budget import Budget
from noctule.llm.errors import ModelError
from noctule.llm.protocol import Llm, Payer
from noctule.llm.structured import pick
from noctule.page.domain import Category, Line, category_of, kept, matching
from noctule.page.service.sightings import Sightings

log = logging.getLogger(__name__)

_BLANK = "about:blank"
_OBSERVE_SECONDS = 25.0
_IN_ALL_SECONDS = 50.0
_LEAST_MODEL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sight:
    """One observation. ``key`` names it; ``chosen`` are the ids that the instructions mean, the best first, ``None``
    where there were none. ``cost_nanos`` is what a model cost, ``None`` where none was called."""

    started_at: datetime
    ended_at: datetime
    observed: Observed
    key: str
    category: Category
    chosen: tuple[str, ...] | None = None
    cost_nanos: int | None = None

    def metadata(self) -> dict[str, Any]:
        """The contract's ``SnapshotMetadata``. Where nobody has been anywhere yet, there is no address."""
        observed = self.observed
        return {
            "title": observed.title,
            "url": "" if observed.url == _BLANK else observed.url,
            "viewport": observed.place._asdict(),
            "tabs": [{"tab_id": tab.number, "title": tab.title, "url": tab.url} for tab in observed.tabs],
            "timestamp": self.ended_at.isoformat(),
        }

    def as_step(self) -> dict[str, Any]:
        """What the trajectory keeps: the description has a line for each action, and pictures are for recordings."""
        step = {
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "metadata": self.metadata(),
            "space": {"description": self.observed.description, "category": self.category},
        }
        return {name: kept(value) for name, value in step.items()}


class Perceiver:
    """Looks at the pages of sessions. ``run`` takes a command to the session's browser."""

    def __init__(
        self,
        *,
        run: Callable[[str, Command], Awaitable[Result]],
        sightings: Sightings,
        llm: Llm,
        clock: Clock,
        new_budget: Callable[[], Budget],
    ) -> None:
        self._run = run
        self._sightings = sightings
        self._llm = llm
        self._clock = clock
        self._new_budget = new_budget

    async def look(self, payer: Payer, session_id: str, instructions: str | None) -> Sight:
        """The current tab of a session.

        Raises ``CommandFailed``, ``BrowserLost``, ``PaymentRequired`` where nothing is left for the model.
        """
        started_at, started = self._clock.now(), self._clock.monotonic()
        observed = await self._run(session_id, Observe(timeout_seconds=_OBSERVE_SECONDS))
        if not isinstance(observed, Observed):
            raise TypeError(f"the fleet answered an observation with {type(observed).__name__}")
        key = self._sightings.note(session_id)
        lines = [Line(node.id, node.kind, node.role, node.name, node.line) for node in observed.nodes]
        chosen, cost_nanos = None, None
        if instructions is not None and instructions.strip():
            left_seconds = _IN_ALL_SECONDS - (self._clock.monotonic() - started)
            chosen, cost_nanos = await self._choose(payer, instructions, lines, left_seconds)
        category = category_of(observed.url, observed.description, lines)
        return Sight(started_at, self._clock.now(), observed, key, category, chosen, cost_nanos)

    async def _choose(
        self, payer: Payer, instructions: str, lines: list[Line], left_seconds: float
    ) -> tuple[tuple[str, ...], int | None]:
        """What the instructions mean: by the model, or by the words where there is none or it fails."""
        if await self._llm.find(payer.workspace_id) is None:
            return tuple(matching(instructions, lines)), None
        budget = self._new_budget()
        listed = [(line.id, line.text) for line in lines]
        try:
            chosen = await pick(
                self._llm,
                payer,
                instructions,
                listed,
                budget=budget,
                deadline_seconds=max(_LEAST_MODEL_SECONDS, left_seconds),
            )
        except ModelError as error:
            log.warning("the model could not choose among the elements, their words do: %s", error.message)
            chosen = matching(instructions, lines)
        return tuple(chosen), budget.spent_nanos
