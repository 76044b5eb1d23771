"""What this tag needs of others, each as narrow as its use."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from noctule.browser.commands import Command, Result
from noctule.browser.devtools import Resource
from noctule.browser.screen import Taker
from noctule.browser.steering import Input, View
from noctule.sessions.service import Session, SessionView, Step, Use


class Pictures(Protocol):
    """A session's page as pictures; ``browser/screen`` has them."""

    @property
    def ended(self) -> "asyncio.Future[str]":
        """Done, with a sentence for people, when the session is over."""
        ...

    def join(self, taker: Taker) -> Callable[[], None]:
        """Give the taker frames from now on; answers how to leave."""
        ...

    def ready(self) -> None:
        """A taker wants frames again."""
        ...


class Hand(Protocol):
    """A person's hand on a session's browser; ``browser/steering`` has it."""

    def steer(self, given: Input) -> str | None:
        """Take one input in; answers ``None``, or why it will not be carried out."""
        ...

    async def look(self) -> View:
        """The tabs as they are now. Raises ``CdpError``."""
        ...

    async def selection(self) -> str:
        """The text that is selected."""
        ...

    async def cursor(self, x: float, y: float) -> str:
        """The shape of the mouse at a place."""
        ...


class Browsers(Protocol):
    """The streams of this machine's browsers, by session; the node has them."""

    def screen(self, session_id: str) -> Pictures | None:
        """The session's pictures; ``None`` for an unknown session."""
        ...

    def steering(self, session_id: str) -> Hand | None:
        """The hand on the session's browser; ``None`` for an unknown session."""
        ...

    def touch(self, session_id: str) -> None:
        """Something happened in the session: its idle time begins again."""
        ...

    async def front_end(self, session_id: str, path: str) -> Resource | None:
        """A file of the browser's own DevTools front end; ``None`` where there is none of that path."""
        ...

    def has_devtools(self, session_id: str) -> bool:
        """Whether the session's browser is one of ours, whose pages can be debugged here."""
        ...


class Runs(Protocol):
    """Carries commands to a session's browser; the fleet does."""

    async def run(self, session_id: str, command: Command) -> Result:
        """Carry out one command. Raises ``BrowserLost``, ``CommandFailed``."""
        ...


class Sessions(Protocol):
    """What this tag needs of sessions."""

    async def use(self, workspace_id: str, session_id: str) -> tuple[str, ...]:
        """Note an operation. Raises ``NotFound`` or ``Conflict`` for a session that cannot be used."""
        ...

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        """A session as its owner sees it. Raises ``NotFound``."""
        ...

    async def authorize_stream(self, session_id: str, token: str, *uses: Use) -> Use:
        """Which use the token opens the session for. Raises ``Unauthenticated``, ``Conflict``."""
        ...

    def new_token(self, use: Use, session: Session) -> str:
        """A token that opens the session for that use alone."""
        ...

    def opened(self, token: str, use: Use) -> str:
        """The id of the session that a token is for. Raises ``Unauthenticated``."""
        ...

    def cdp_url(self, base_url: str, view: SessionView) -> str | None:
        """Where a CDP client connects; ``None`` once the session is over."""
        ...

    def viewer_url(self, base_url: str, view: SessionView) -> str | None:
        """Where a person sees the session; ``None`` once it is over."""
        ...

    def view_only_url(self, base_url: str, session: Session) -> str:
        """Where a person sees a session and cannot act in it."""
        ...

    def on_step(self, listener: Callable[[str, Step], None]) -> None:
        """Call ``listener`` with every step of a live session."""
        ...


class Keys(Protocol):
    """Whom API keys speak for."""

    async def workspace_of(self, secret: str) -> str | None:
        """The workspace of a key that is known and not an operator's."""
        ...


class Notes(Protocol):
    """Where it is kept that a person took over."""

    def note(self, session_id: str, kind: str, data: dict[str, Any]) -> None:
        """Keep what happened. Never blocks, never raises."""
        ...


class NoNotes:
    """Keeps nothing."""

    def note(self, session_id: str, kind: str, data: dict[str, Any]) -> None:
        """Keep nothing."""
