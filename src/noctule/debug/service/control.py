"""Taking a session over, and handing it back.

While a person has control, programs are held: ``page/execute`` waits for the hand-back for a while, since "let me do
this part by hand" should end with the program going on and not with its error, and is then refused (409) with nothing
done, since its client would not wait longer. Reading goes on all the time.

What must always hold: control never outlives the person who has it. Who is gone, their tab closed or their connection
broken, keeps it for a moment in which they may come back, and no longer. A person may have several connections, since
the server often hears of a broken one long after they are back.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from noctule.debug.domain import Holder
from noctule.debug.service.ports import NoNotes, Notes
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict

# Clients of the API give up after 60 seconds, and the action that waits here has to be carried out as well.
HOLD_SECONDS = 25.0
COME_BACK_SECONDS = 5.0
_KIND = "takeover"


class _Held:
    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.leaving: asyncio.TimerHandle | None = None

    def stay(self) -> None:
        if self.leaving is not None:
            self.leaving.cancel()
            self.leaving = None


class Control:
    """Which person has control of which session. All methods belong to one event loop.

    ``on_change`` is called with the id of a session whose holder is another now.
    """

    def __init__(
        self,
        clock: Clock,
        notes: Notes | None = None,
        *,
        hold_seconds: float = HOLD_SECONDS,
        come_back_seconds: float = COME_BACK_SECONDS,
    ) -> None:
        self.on_change: Callable[[str], None] = lambda session_id: None
        self._clock = clock
        self._notes = notes or NoNotes()
        self._hold_seconds = hold_seconds
        self._come_back_seconds = come_back_seconds
        self._held: dict[str, _Held] = {}
        self._connections: Counter[tuple[str, str]] = Counter()

    def holder(self, session_id: str) -> Holder | None:
        """Who has control; ``None`` if the programs have it."""
        held = self._held.get(session_id)
        return held.holder if held is not None else None

    async def free(self, session_id: str) -> None:
        """Wait until no person has control of the session. Raises ``Conflict`` if one keeps it for too long."""
        try:
            async with asyncio.timeout(self._hold_seconds):
                while (held := self._held.get(session_id)) is not None:
                    await asyncio.shield(held.freed)
        except TimeoutError:
            raise Conflict(
                f"A person has taken session {session_id} over in the viewer, so this was not done. Try again once "
                "they have handed it back.",
                headers={"retry-after": "5"},
            ) from None

    def take(self, session_id: str, who: str) -> None:
        """Give control to a person, whoever has it now."""
        held = self._held.get(session_id)
        if held is not None and held.holder.who == who:
            held.stay()
            return
        now = self._clock.now()
        if held is None:
            self._held[session_id] = _Held(Holder(who, now))
            self._notes.note(session_id, _KIND, {"state": "begun"})
        else:
            held.stay()
            held.holder = Holder(who, now)
        self.on_change(session_id)

    def hand_back(self, session_id: str, who: str) -> None:
        """Give control back to the programs, if that person has it."""
        held = self._held.get(session_id)
        if held is not None and held.holder.who == who:
            self._free(session_id, "handed back")

    def leave(self, session_id: str, who: str) -> None:
        """A connection of the person is gone. After the last one they keep control for a moment."""
        self._connections[session_id, who] -= 1
        if self._connections[session_id, who] > 0:
            return
        del self._connections[session_id, who]
        held = self._held.get(session_id)
        if held is not None and held.holder.who == who and held.leaving is None:
            loop = asyncio.get_running_loop()
            held.leaving = loop.call_later(self._come_back_seconds, self._free, session_id, "gone")

    def come(self, session_id: str, who: str) -> None:
        """The person is there (again), by one more connection."""
        self._connections[session_id, who] += 1
        held = self._held.get(session_id)
        if held is not None and held.holder.who == who:
            held.stay()

    def end(self, session_id: str) -> None:
        """The session is over."""
        if session_id in self._held:
            self._free(session_id, "session ended")

    def _free(self, session_id: str, reason: str) -> None:
        held = self._held.pop(session_id)
        held.stay()
        held.freed.set_result(None)
        seconds = (self._clock.now() - held.holder.since).total_seconds()
        self._notes.note(session_id, _KIND, {"state": "ended", "reason": reason, "seconds": round(seconds, 3)})
        self.on_change(session_id)
