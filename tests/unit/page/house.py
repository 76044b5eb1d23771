"""A page service over fakes, with one live session, and the same behind HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import Receive, Send

from noctule.browser.commands import BrowserSpec, Node
from noctule.extraction.extractor import Extractor
from noctule.http.replies import error_reply, reply_to
from noctule.http.validation import described
from noctule.kit.clock import Clock
from noctule.kit.errors import NoctuleError
from noctule.kit.openapi import Application
from noctule.kit.web import CALLER_IN_SCOPE, Caller
from noctule.page.routes import router
from noctule.page.service import Files, PageService
from noctule.page.service.service import Control, Secrets
from tests.support.clock import FrozenClock
from tests.support.fleet import FakeFleet
from tests.support.llm import FakeLlm
from tests.unit.page.sessions import FakeSessions

SID = "0b8a5d9e-0000-4000-8000-000000000001"
PAGE = f"/sessions/{SID}/page"

SEND = Node("B1", "click", "button", "Send", "B1[:]<button>Send</button>", ">2>1", (), (8, 40, 60, 20))
EMAIL = Node("I1", "fill", "textbox", "Email", "I1[:]<input>Email</input>", ">1>1", (), (8, 8, 200, 20))
SECRET = Node(
    "I2", "fill", "textbox", "Secret", 'I2[:]<input type="password">Secret</input>', ">1>2", (), (8, 20, 200, 20)
)
FORM = (EMAIL, SECRET, SEND)


# Without a thread until it is asked for something.
_EXTRACTOR = Extractor()


class House:
    """A page service with one live session ``SID`` of the workspace ``w``, whose model knows nothing unless told."""

    def __init__(
        self,
        deadline_seconds: float = 55.0,
        files: Files | None = None,
        clock: Clock | None = None,
        control: Control | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self.sessions = FakeSessions()
        self.sessions.owners[SID] = "w"
        self.fleet = FakeFleet()
        self.llm = FakeLlm()
        self.llm.model = None
        self.service = PageService(
            self.sessions,
            self.fleet,
            clock or FrozenClock(),
            llm=self.llm,
            extractor=_EXTRACTOR,
            files=files,
            control=control,
            secrets=secrets,
            deadline_seconds=deadline_seconds,
        )

    def run(self, test: Callable[[], Awaitable[Any]]) -> Any:
        """Run a test's body with the session's browser there."""

        async def inside() -> Any:
            if SID not in self.fleet.specs:
                await self.fleet.acquire(BrowserSpec(SID), 1)
            return await test()

        return asyncio.run(inside())

    def execute(self, deed: Any, action: dict[str, Any] | None = None) -> Any:
        """The outcome of a deed; ``action`` is what the trajectory is told."""
        return self.run(lambda: self.service.execute("w", SID, deed, action or {"type": "x"}))


class Server(House):
    """The page tag behind HTTP."""

    def __init__(self, files: Files | None = None) -> None:
        super().__init__(files=files)
        self._app = Application()
        self._app.include_router(router(self.service))
        self._app.add_exception_handler(NoctuleError, _refused)
        self._app.add_exception_handler(RequestValidationError, _malformed)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        scope[CALLER_IN_SCOPE] = Caller("w", "k", "test")
        await self._app(scope, receive, send)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="http://noctule") as client:
                return await client.post(path, **kwargs)

        reply: httpx.Response = self.run(call)
        return reply

    def act(self, action: Any, query: str = "") -> httpx.Response:
        """``POST /execute``."""
        return self.post(f"{PAGE}/execute{query}", json=action)

    def observe(self, **body: Any) -> dict[str, Any]:
        """A good answer of ``POST /observe``."""
        reply = self.post(f"{PAGE}/observe", json=body)
        assert reply.status_code == 200, reply.text
        seen: dict[str, Any] = reply.json()
        return seen


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NoctuleError)
    return reply_to(error, request.url.path)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    message, detail = described(error.errors())
    return error_reply(422, message, request.url.path, detail)
