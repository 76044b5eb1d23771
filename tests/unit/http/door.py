"""A small application behind the real gate, on a real database, for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from fastapi import APIRouter, FastAPI, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from noctule.db.engine import Database
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping, RequestLine
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import Clock, SystemClock
from noctule.kit.errors import BrowserFailed, NotFound, Overloaded, PaymentRequired
from noctule.kit.ids import id_for_key, new_id
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.kit.web import CallerDep, LooseBool, PageParams, WireRequest, WireResponse
from noctule.settings import Settings
from noctule.workspaces.service import WorkspaceService
from tests.unit.workspaces.accounts import RememberedAccounts

SECRET = bytes(range(32))


class Proxy(WireRequest):
    """A nested input with secrets."""

    server: str
    username: str | None = None
    password: Annotated[str, Field(min_length=8)] | None = None


class Thing(WireRequest):
    """A body with one of everything that goes wrong."""

    name: Annotated[str, Field(max_length=20)] = "x"
    size: Annotated[int, Field(ge=1, le=100)] = 1
    weight: float = 1.0
    browser: Literal["chromium", "chrome"] = "chromium"
    proxy: Proxy | None = None
    cookies: list[dict[str, str]] = Field(default_factory=list)
    extra: Any = None


class Made(WireResponse):
    """What a write answers."""

    id: str
    count: int


class Who(WireResponse):
    """What a route knows of its caller."""

    workspace_id: str
    key_name: str
    sdk_version: str | None
    origin: str | None
    base_url: str


@dataclass
class Things:
    """The state behind the routes, and the switches of a test."""

    made: list[str] = field(default_factory=list)
    failure: Exception | None = None
    may_finish: asyncio.Event | None = None
    begun: int = 0


def routes(things: Things) -> APIRouter:
    """The routes of the test application."""
    router = APIRouter(tags=["things"])

    @router.get("/who", operation_id="who")
    async def who(caller: CallerDep) -> Who:
        return Who(
            workspace_id=caller.workspace_id,
            key_name=caller.key_name,
            sdk_version=caller.sdk_version,
            origin=caller.origin,
            base_url=caller.base_url,
        )

    @router.get("/things", operation_id="list_things")
    async def listed(caller: CallerDep, params: PageParams, loud: Annotated[LooseBool, Query()] = False) -> list[Any]:
        query = params.query
        return [query.page, query.page_size, params.only_active, params.only_current_token, loud]

    @router.get("/things/{thing_id}", operation_id="get_thing")
    async def one(caller: CallerDep, thing_id: str) -> Made:
        raise NotFound(f"There is no thing {thing_id!r}.")

    @router.post("/things", operation_id="make_thing")
    async def make(caller: CallerDep, body: Thing) -> Made:
        things.begun += 1
        if things.may_finish is not None:
            await asyncio.wait_for(things.may_finish.wait(), 10)
        if things.failure is not None:
            raise things.failure
        key = caller.idempotency_key
        thing_id = new_id() if key is None else id_for_key(caller.workspace_id, key)
        if thing_id not in things.made:
            things.made.append(thing_id)
        return Made(id=thing_id, count=len(things.made))

    @router.put("/things", operation_id="replace_things")
    async def replace(caller: CallerDep, body: Thing | None = None) -> Made:
        things.begun += 1
        return Made(id=body.name if body else "none", count=things.begun)

    @router.delete("/things/{thing_id}", operation_id="delete_thing")
    async def delete(caller: CallerDep, thing_id: str) -> Made:
        things.begun += 1
        return Made(id=thing_id, count=things.begun)

    @router.post("/large", operation_id="large")
    async def large(caller: CallerDep) -> dict[str, str]:
        things.begun += 1
        return {"text": "x" * (2 * 1024 * 1024)}

    @router.post("/stream", operation_id="stream")
    async def stream(caller: CallerDep) -> StreamingResponse:
        things.begun += 1

        async def events() -> AsyncIterator[bytes]:
            for index in range(3):
                yield b"data: %d\n\n" % index

        return StreamingResponse(events(), media_type="text/event-stream")

    @router.get("/fail/{kind}", operation_id="fail")
    async def fail(caller: CallerDep, kind: str) -> Made:
        failures: dict[str, Exception] = {
            "browser": BrowserFailed("The page did not load."),
            "full": Overloaded("The machine is full.", headers={"retry-after": "30"}),
            "money": PaymentRequired("Nothing is left.", detail={"balance": 0}),
            "bug": RuntimeError("secret noct_abcdefghijklmnop and http://user:hunter2@proxy"),
        }
        raise failures[kind]

    return router


@dataclass
class Door:
    """The application and what is behind it."""

    app: FastAPI
    things: Things
    lines: list[RequestLine]
    workspaces: WorkspaceService
    idempotency: Idempotency
    tasks: Owned
    key: str
    workspace_id: str

    def client(self, key: str | None = "own", **options: Any) -> httpx.AsyncClient:
        """A client that speaks ASGI to the app; ``key=None`` sends none."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {self.key if key == 'own' else key}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers, **options)


@asynccontextmanager
async def open_door(
    database: Database,
    *,
    clock: Clock | None = None,
    limit: int = 10_000,
    settings: dict[str, Any] | None = None,
    instance_id: str = "here",
    boot_id: str = "boot-1",
) -> AsyncIterator[Door]:
    """The test application on a database, with one workspace and key."""
    clock = clock or SystemClock()
    things, lines, tasks = Things(), list[RequestLine](), Owned()
    workspaces = WorkspaceService(database, clock, RememberedAccounts())
    home = (await workspaces.bootstrap(None, "admin")).workspace
    _, secret = await workspaces.create_key("default", "test key")
    idempotency = Idempotency(database, clock, Sealer(SECRET), instance_id=instance_id, boot_id=boot_id)

    async def limit_of(workspace_id: str) -> int:
        return limit

    gate = Gatekeeping(
        authenticate=workspaces.authenticate,
        limit_of=limit_of,
        record=lines.append,
        idempotency=idempotency,
        clock=clock,
        tasks=tasks,
    )
    app = build_app(settings=Settings(data_dir=Path("unused"), **(settings or {})), routers=[routes(things)], gate=gate)
    try:
        yield Door(app, things, lines, workspaces, idempotency, tasks, secret, home.id)
    finally:
        await tasks.drain(5)
        await workspaces.close()
