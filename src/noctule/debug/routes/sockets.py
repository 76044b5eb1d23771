"""The streams: what a session looks like, what happens in it, and the viewer's own, which carries a person's hand as
well.

What must always hold: a client that does not read is let go after a while, and waits for nobody else's sake; what a
client sends is bounded, and what cannot be understood ends its stream with words.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from noctule.browser import commands
from noctule.browser.screen import Frame
from noctule.browser.steering import Compose, Key, Mouse, Text, Wheel
from noctule.debug import wire
from noctule.debug.service import DebugService, Seat, Watch
from noctule.kit.web import LooseBool

_STUCK_SECONDS = 30.0
_CLOSE_SECONDS = 5.0

_NORMAL: Final = 1000
_NOT_UNDERSTOOD: Final = 1007
_TOO_BIG: Final = 1009
_TOO_SLOW: Final = 1013

# The load of a page is not waited for: the person sees how far it is.
_GO_SECONDS = 15.0
_STEP_SECONDS = 10.0

Token = Annotated[str, Query(max_length=4096)]


def add(routes: APIRouter, service: DebugService) -> None:
    """Add them."""

    @routes.websocket("/sessions/{session_id}/debug/recording")
    async def recording(socket: WebSocket, session_id: str, token: Token = "") -> None:
        """Pictures as JPEG, steps as JSON. A client may acknowledge pictures, and need not."""
        watch = await service.watch(session_id, token)
        await _serve(socket, watch, lambda frame: frame.jpeg, lambda text: _receipt(watch, text))

    @routes.websocket("/sessions/{session_id}/debug/logs")
    async def logs(socket: WebSocket, session_id: str, token: Token = "") -> None:
        """Observations and actions as JSON."""
        watch = await service.watch_logs(session_id, token)
        await _serve(socket, watch, lambda frame: frame.jpeg, lambda text: _receipt(watch, text))

    @routes.websocket("/sessions/{session_id}/debug/view")
    async def view(
        socket: WebSocket, session_id: str, token: Token = "", interactive: Annotated[LooseBool, Query()] = True
    ) -> None:
        """The viewer's stream: pictures with their measures, what is around them, and the person's hand."""
        seat = await service.view(session_id, token, interactive=interactive)
        await _serve(socket, seat, _measured, lambda text: _said(seat, text))


async def _serve(
    socket: WebSocket, watch: Watch, encode: Callable[[Frame], bytes], hear: Callable[[str], None]
) -> None:
    """Speak and listen until one side has had enough."""
    try:
        await socket.accept()
        speaking = asyncio.ensure_future(_speak(socket, watch, encode))
        listening = asyncio.ensure_future(_listen(socket, hear))
        try:
            done, _ = await asyncio.wait((speaking, listening), return_when=asyncio.FIRST_COMPLETED)
            code, reason = next(iter(done)).result()
        finally:
            for task in (speaking, listening):
                task.cancel()
            await asyncio.wait((speaking, listening), timeout=_CLOSE_SECONDS)
        if socket.client_state is WebSocketState.CONNECTED:
            await _bounded(socket.close(code, reason), _CLOSE_SECONDS)
    finally:
        watch.leave()


async def _speak(socket: WebSocket, watch: Watch, encode: Callable[[Frame], bytes]) -> tuple[int, str]:
    while (item := await watch.watcher.next()) is not None:
        sending = socket.send_text(item) if isinstance(item, str) else socket.send_bytes(encode(item))
        if not await _bounded(sending, _STUCK_SECONDS):
            return _TOO_SLOW, "The client does not read what it is sent."
        watch.sent()
    return (_TOO_SLOW, "The client is too slow.") if watch.watcher.is_overrun else (_NORMAL, "The session is over.")


async def _listen(socket: WebSocket, hear: Callable[[str], None]) -> tuple[int, str]:
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return _NORMAL, ""
            text = message.get("text")
            if text is None:
                return _NOT_UNDERSTOOD, "Messages are text."
            if len(text) > wire.LONGEST_MESSAGE_BYTES:
                return _TOO_BIG, "The message is too long."
            hear(text)
    except WebSocketDisconnect:
        return _NORMAL, ""
    except ValueError as error:
        # A close frame has room for 123 bytes of reason.
        return _NOT_UNDERSTOOD, str(error).encode("ascii", "replace").decode()[:120]


async def _bounded(work: Awaitable[None], seconds: float) -> bool:
    """Whether the work was done in time, with a client that is still there."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        async with asyncio.timeout(seconds):
            await work
        return True
    return False


def _measured(frame: Frame) -> bytes:
    head = {
        "at": frame.at,
        "tab": frame.tab_id,
        "width": frame.width,
        "height": frame.height,
        "scale": frame.scale,
        "offset_top": frame.offset_top,
    }
    return wire.packed(head, frame.jpeg)


def _receipt(watch: Watch, text: str) -> None:
    if not isinstance(wire.read(text), wire.Receipt):
        raise ValueError("nothing but receipts is understood here")
    watch.received()


def _said(seat: Seat, text: str) -> None:
    match wire.read(text):
        case wire.Receipt():
            seat.received()
        case wire.Hello(who=who):
            seat.hello(who)
        case wire.MouseInput() as m:
            seat.steer(Mouse(m.kind, m.x, m.y, m.button, m.buttons, m.clicks, m.modifiers))
        case wire.WheelInput() as w:
            seat.steer(Wheel(w.x, w.y, w.dx, w.dy, w.modifiers))
        case wire.KeyInput() as k:
            seat.steer(Key(k.kind, k.key, k.code, k.text, k.key_code, k.location, k.modifiers, k.repeat))
        case wire.TextInput(text=given):
            seat.steer(Text(given))
        case wire.ComposeInput(text=given, caret=caret):
            seat.steer(Compose(given, caret))
        case wire.Copy():
            seat.copy()
        case wire.TakeOver():
            seat.take_over()
        case wire.HandBack():
            seat.hand_back()
        case wire.Go(url=url):
            seat.ask(commands.Goto(wire.address(url), wait_until="commit", timeout_seconds=_GO_SECONDS))
        case wire.Move(to="reload"):
            seat.ask(commands.Reload(_STEP_SECONDS))
        case wire.Move(to=to):
            seat.ask(commands.GoBack(_STEP_SECONDS) if to == "back" else commands.GoForward(_STEP_SECONDS))
        case wire.Open(url=url):
            seat.ask(commands.GotoNewTab(wire.address(url), _GO_SECONDS))
        case wire.Show(tab=tab):
            seat.ask(commands.ShowTab(tab))
        case wire.Shut(tab=tab):
            seat.ask(commands.ShutTab(tab))
