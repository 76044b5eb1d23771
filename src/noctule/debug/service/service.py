"""Where a session is looked at, and letting in those who do.

What must always hold: every address that is handed out opens one session for one use and holds no API key; an API key
is taken on the websockets, since older clients put it there, and opens the sessions of its workspace alone.
"""

from dataclasses import dataclass
from urllib.parse import quote

from noctule.browser.cdp import CdpError
from noctule.browser.devtools import START_PAGE, Resource
from noctule.browser.steering import OpenTab, View
from noctule.debug.service.control import Control
from noctule.debug.service.ports import Browsers, Hand, Keys, Pictures, Runs, Sessions
from noctule.debug.service.rooms import Room
from noctule.debug.service.seats import Seat, Watch
from noctule.debug.service.watching import Watcher
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict, InvalidRequest, NotFound, Unauthenticated, Unavailable
from noctule.sessions.service import Session, SessionView, Step, Use, websocket_root

_RECORDING_FRAMES_PER_SECOND = 15.0


@dataclass(frozen=True, slots=True)
class TabLinks:
    """Where one tab is looked at."""

    tab: OpenTab
    debug_url: str
    ws_url: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where a session is looked at; each address is a credential."""

    debug_url: str
    cdp_url: str
    recording_url: str
    logs_url: str
    view_only_url: str
    tabs: tuple[TabLinks, ...]


class DebugService:
    """Lets people and programs see sessions while they run."""

    def __init__(
        self, *, sessions: Sessions, browsers: Browsers, runs: Runs, keys: Keys, control: Control, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._browsers = browsers
        self._runs = runs
        self._keys = keys
        self._control = control
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._followed: set[str] = set()
        sessions.on_step(self._on_step)
        control.on_change = self._on_control

    # -- where -----------------------------------------------------------------------------------------------

    async def links(self, workspace_id: str, session_id: str, base_url: str) -> Links:
        """Where a live session is looked at.

        Raises ``NotFound``, ``Conflict`` for one that is over, ``BrowserFailed`` where its tabs cannot be told.
        """
        view, seen = await self._look(workspace_id, session_id)
        tabs = tuple(self._tab_links(base_url, view, tab) for tab in seen.tabs)
        in_view = next((tab.debug_url for tab in tabs if tab.tab.id == seen.in_view), None)
        viewer_url, cdp_url = self._sessions.viewer_url(base_url, view), self._sessions.cdp_url(base_url, view)
        if viewer_url is None or cdp_url is None:
            raise Conflict(f"Session {session_id} is not active.")
        return Links(
            in_view or viewer_url,
            cdp_url,
            self._stream_url(base_url, view.session, Use.RECORDING),
            self._stream_url(base_url, view.session, Use.LOGS),
            self._sessions.view_only_url(base_url, view.session),
            tabs,
        )

    async def tab_links(self, workspace_id: str, session_id: str, base_url: str, number: int | None) -> TabLinks:
        """Where one tab is looked at: that of a number (-1 is the last one), or the one in view.

        Raises ``NotFound``, ``Conflict``, ``BrowserFailed``, ``InvalidRequest`` for a number that no tab has.
        """
        view, seen = await self._look(workspace_id, session_id)
        if not seen.tabs:
            raise Conflict(f"Session {session_id} has no tab open at the moment.")
        chosen: OpenTab | None
        if number is None:
            chosen = next((tab for tab in seen.tabs if tab.id == seen.in_view), seen.tabs[-1])
        else:
            chosen = seen.tabs[number] if -1 <= number < len(seen.tabs) else None
        if chosen is None:
            last = len(seen.tabs) - 1
            raise InvalidRequest.at(
                ("query", "tab_idx"), f"the tabs are numbered 0 to {last}, and -1 is the last one", number
            )
        return self._tab_links(base_url, view, chosen)

    # -- who may ---------------------------------------------------------------------------------------------

    async def check_viewer(self, session_id: str, token: str) -> None:
        """Say whether the viewer of a session may be opened. Raises ``Unauthenticated``, ``Conflict``."""
        await self._sessions.authorize_stream(session_id, token, Use.INTERACT, Use.VIEW)

    def check_place(self, session_id: str) -> None:
        """Say whether one more may watch. Raises ``TooManyRequests``."""
        if (room := self._rooms.get(session_id)) is not None:
            room.check_place()

    async def watch(self, session_id: str, credential: str) -> Watch:
        """A place to see pictures and steps from, by a token or an API key.

        Raises ``Unauthenticated``, ``NotFound``, ``Conflict`` for a session that is over, ``TooManyRequests``.
        """
        await self._admit(session_id, credential, Use.RECORDING, Use.VIEW, Use.INTERACT)
        room = self._room(session_id)
        watcher = Watcher(_RECORDING_FRAMES_PER_SECOND)
        return Watch(room, watcher, room.join(watcher))

    async def watch_logs(self, session_id: str, credential: str) -> Watch:
        """A place to hear observations and actions from; errors as of ``watch``."""
        await self._admit(session_id, credential, Use.LOGS)
        room = self._room(session_id)
        watcher = Watcher(1.0)
        return Watch(room, watcher, room.join_logs(watcher))

    async def view(self, session_id: str, credential: str, *, interactive: bool) -> Seat:
        """A viewer's place. What the credential does not allow is not allowed whatever is asked for, and less is
        allowed if less is asked for; errors as of ``watch``."""
        use = await self._admit(session_id, credential, Use.INTERACT, Use.VIEW)
        return Seat(
            self._room(session_id),
            interactive=interactive and use is Use.INTERACT,
            control=self._control,
            browsers=self._browsers,
            runs=self._runs,
        )

    async def front_end(self, token: str, path: str) -> Resource:
        """A file of DevTools, from the browser of the session that the token opens.

        Raises ``Unauthenticated``, ``Conflict``, ``NotFound``, ``Unavailable``.
        """
        session_id = self._sessions.opened(token, Use.DEVTOOLS)
        if not self._browsers.has_devtools(session_id):
            raise Conflict("The session is over, and its browser with it.")
        try:
            found = await self._browsers.front_end(session_id, path)
        except OSError:
            raise Unavailable("The session's browser does not answer.") from None
        if found is None:
            raise NotFound("There is no such file in DevTools.")
        return found

    # -- inside ----------------------------------------------------------------------------------------------

    async def _admit(self, session_id: str, credential: str, *uses: Use) -> Use:
        try:
            return await self._sessions.authorize_stream(session_id, credential, *uses)
        except Unauthenticated:
            workspace_id = await self._keys.workspace_of(credential)
            if workspace_id is None:
                raise
            await self._sessions.use(workspace_id, session_id)
            return uses[0]

    async def _look(self, workspace_id: str, session_id: str) -> tuple[SessionView, View]:
        await self._sessions.use(workspace_id, session_id)
        view = await self._sessions.get(workspace_id, session_id)
        _, hand = self._streams(session_id)
        try:
            return view, await hand.look()
        except CdpError as error:
            raise BrowserFailed(f"The tabs of session {session_id} could not be seen: {error}") from error

    def _streams(self, session_id: str) -> tuple[Pictures, Hand]:
        pictures, hand = self._browsers.screen(session_id), self._browsers.steering(session_id)
        if pictures is None or hand is None:
            raise Conflict(f"Session {session_id} has no browser of this server's to look at.")
        return pictures, hand

    def _room(self, session_id: str) -> Room:
        pictures, hand = self._streams(session_id)
        room = self._rooms.get(session_id)
        if room is None or not room.shows(pictures):
            room = self._rooms[session_id] = Room(session_id, pictures, hand, self._clock, self._close)
        if session_id not in self._followed:
            # Not the room's to do: control may outlive those who watch by a moment.
            self._followed.add(session_id)
            pictures.ended.add_done_callback(lambda _: self._ended(session_id))
        return room

    def _ended(self, session_id: str) -> None:
        self._followed.discard(session_id)
        self._control.end(session_id)

    def _close(self, room: Room) -> None:
        if self._rooms.get(room.session_id) is room:
            del self._rooms[room.session_id]

    def _on_step(self, session_id: str, step: Step) -> None:
        if (room := self._rooms.get(session_id)) is not None:
            room.step(step)

    def _on_control(self, session_id: str) -> None:
        if (room := self._rooms.get(session_id)) is not None:
            room.control_changed()

    def _stream_url(self, base_url: str, session: Session, use: Use) -> str:
        token = self._sessions.new_token(use, session)
        return f"{websocket_root(base_url)}/sessions/{session.id}/debug/{use.value}?token={token}"

    def _tab_links(self, base_url: str, view: SessionView, tab: OpenTab) -> TabLinks:
        """DevTools on this very page; of somebody else's browser, which has its own, the viewer."""
        session = view.session
        viewer_url, cdp_url = self._sessions.viewer_url(base_url, view), self._sessions.cdp_url(base_url, view)
        if viewer_url is None or cdp_url is None:
            raise Conflict(f"Session {session.id} is not active.")
        if not self._browsers.has_devtools(session.id):
            return TabLinks(tab, viewer_url, cdp_url)
        token = self._sessions.new_token(Use.DEVTOOLS, session)
        ws_url = f"{websocket_root(base_url)}/sessions/{session.id}/devtools/{tab.id}?token={token}"
        scheme, _, rest = ws_url.partition("://")
        debug_url = f"{base_url.rstrip('/')}/devtools/{token}/{START_PAGE}?{scheme}={quote(rest, safe='')}"
        return TabLinks(tab, debug_url, ws_url)
