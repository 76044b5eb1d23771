"""The only hands and eyes of a policy: it looks through ``observe`` and acts through ``execute``.

What must always hold: no policy gets at the page in any other way, an episode ends the policy at once when the task
says that it is over, and a policy that gets nowhere ends by the number of its actions.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from bench.miniwob.observation import Observation, Thing, observation_of

MAX_ACTIONS = 400
_MOST_LOOKS = 25
_LOOK_MS = 120


class Session(Protocol):
    """A browser session, as a client of the API has it."""

    def observe(self) -> dict[str, Any]:
        """The reply to an observation."""
        ...

    def execute(self, action: dict[str, Any]) -> dict[str, Any]:
        """The reply to an action."""
        ...


class EpisodeOver(Exception):
    """The task has given its reward, whatever it is."""


class Puzzled(Exception):
    """The policy does not know what to do, or could not do it; the message says why."""


class Page:
    """A page in the hands of a policy. ``is_over`` asks the task, and is not the policy's to call."""

    def __init__(self, session: Session, is_over: Callable[[], bool]) -> None:
        self._session = session
        self._is_over = is_over
        self._actions = 0
        self._seen: Observation | None = None
        self._task = ""

    @property
    def task(self) -> str:
        """The utterance, as it was to be seen at the start."""
        if not self._task:
            self._task = self.look().task
        return self._task

    @property
    def seen(self) -> Observation:
        """What was seen last."""
        return self._seen or self.look()

    def look(self) -> Observation:
        """See the page as it is now."""
        self._seen = observation_of(self._session.observe())
        return self._seen

    def await_thing(self, things: Callable[[Observation], Iterable[Thing]]) -> Thing:
        """Look until there is such a thing: what opens slowly, or is fetched. Raises ``LookupError``."""
        for _ in range(_MOST_LOOKS):
            for thing in things(self.look()):
                return thing
            self.wait(_LOOK_MS)
        raise LookupError("it does not appear")

    def await_named(self, name: str) -> Thing:
        """Look until something has that name. Raises ``LookupError``."""
        return self.await_thing(lambda seen: seen.all_named(name))

    def asked(self, pattern: str) -> tuple[str, ...]:
        """The groups of a pattern in the utterance. Raises ``Puzzled``."""
        found = re.search(pattern, self.task)
        if found is None:
            raise Puzzled(f"the task reads {self.task!r}")
        return tuple(group or "" for group in found.groups())

    def quoted(self) -> list[str]:
        """What stands in quotation marks in the utterance."""
        return re.findall(r'"([^"]*)"', self.task)

    # -- acting: each raises ``EpisodeOver``, or ``Puzzled`` where it could not be done ----------------------------

    def click(self, thing: Thing) -> None:
        """Click."""
        self._act(type="click", id=thing.id)

    def point_at(self, thing: Thing) -> None:
        """Bring the mouse there by a click that may meet what appears under it."""
        try:
            self._act(type="click", id=thing.id, timeout=500)
        except Puzzled:
            return

    def click_named(self, name: str) -> None:
        """Look, and click the first thing of that name. Raises ``LookupError``."""
        self.click(self.look().named(name))

    def fill(self, thing: Thing, value: str, *, press_enter: bool = False) -> None:
        """Put a value into a field, in place of what is there."""
        self._act(type="fill", id=thing.id, value=value, press_enter=press_enter)

    def type_slowly(self, thing: Thing, value: str, *, press_enter: bool = False) -> None:
        """Click and type key by key."""
        self._act(type="fallback_fill", id=thing.id, value=value, press_enter=press_enter)

    def check(self, thing: Thing, value: bool = True) -> None:
        """Turn a box or a radio button on or off."""
        self._act(type="check", id=thing.id, value=value)

    def choose(self, option: Thing) -> None:
        """Choose an option of a list."""
        self._act(type="select_dropdown_option", id=option.id, value=option.id)

    def press(self, key: str, times: int = 1) -> None:
        """Press a key or a combination."""
        for _ in range(times):
            self._act(type="press_key", key=key)

    def scroll_down(self, tag: str | None = None, amount: int | None = None) -> None:
        """Scroll by some pixels, or about a page: the first element of that tag, or what scrolls of the page."""
        self._act(type="scroll_down", amount=amount, **({"selector": tag} if tag else {}))

    def wait(self, milliseconds: int) -> None:
        """Let the page be."""
        self._act(type="wait", time_ms=milliseconds)

    def _act(self, **action: Any) -> None:
        self._actions += 1
        if self._actions > MAX_ACTIONS:
            raise Puzzled(f"not done after {MAX_ACTIONS} actions")
        reply = self._session.execute(action)
        if self._is_over():
            raise EpisodeOver
        if not reply["success"]:
            raise Puzzled(f"{action['type']} failed: {reply['message']}")
