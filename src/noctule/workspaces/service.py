"""The use cases of workspaces and keys; the only door to them.

A key is looked up in the database on every request, on a reading thread, so that a revocation by another
process holds at once; requests that come together share a read. Only the note of when it was last used
is late: by up to ``_NOTE_EVERY_SECONDS``.
"""

import asyncio
import hmac
import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest, NoctuleError, NotFound
from noctule.kit.ids import new_api_key, new_id
from noctule.kit.paging import PageQuery
from noctule.kit.scope import KeyScope
from noctule.workspaces import store
from noctule.workspaces.domain import (
    DEFAULT_WORKSPACE,
    ENVIRONMENT_KEY_NAME,
    ApiKey,
    Identity,
    Workspace,
    could_be_key,
    is_id,
    key_hash,
    key_hint,
    name_problem,
    workspace_name_problem,
)

__all__ = ["Accounts", "Bootstrapped", "Workspace", "WorkspaceService"]

_NOTE_EVERY_SECONDS = 15.0
_WRITE_TIMEOUT_SECONDS = 10.0
_log = logging.getLogger(__name__)


class Accounts(Protocol):
    """What workspaces need of the meter; each call is part of the caller's transaction."""

    def open_account(self, connection: Connection, account_id: str, plan: str, /) -> object:
        """Open the account that a workspace spends from. Raises a ``NoctuleError`` for an unknown plan."""
        ...

    def change_plan(self, connection: Connection, account_id: str, plan: str, /) -> object:
        """Put an account on another plan. Raises a ``NoctuleError`` for an unknown plan."""
        ...


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The first workspace. ``new_secret`` is a key that was just made: print it, it is never seen again."""

    workspace: Workspace
    new_secret: str | None


class WorkspaceService:
    """Workspaces and keys on one database."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._asked: dict[str, list[asyncio.Future[tuple[str, Identity] | None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._used: dict[str, datetime] = {}
        self._noting: asyncio.Task[None] | None = None
        self._next_note = 0.0

    # -- callers -----------------------------------------------------------------------------------------

    async def authenticate(self, secret: str) -> Identity | None:
        """Whom this key speaks for; ``None`` if it is unknown or revoked.

        Raises ``Unavailable`` if the database cannot be reached.
        """
        if not could_be_key(secret):
            return None
        wanted = key_hash(secret)
        found = await self._identify(wanted)
        if found is None or not hmac.compare_digest(found[0], wanted):
            return None
        self._note(found[1].key_id)
        return found[1]

    async def close(self) -> None:
        """Write down what is known about the use of keys."""
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=_WRITE_TIMEOUT_SECONDS)
        if self._noting is not None:
            await asyncio.wait({self._noting}, timeout=_WRITE_TIMEOUT_SECONDS)
        await self._write_notes()

    async def _identify(self, wanted: str) -> tuple[str, Identity] | None:
        answer: asyncio.Future[tuple[str, Identity] | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(wanted, []).append(answer)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Look up all that was asked while the last look-up ran, in one read that begins after they asked."""
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                found = await self._database.read(partial(_identify_all, hashes=tuple(asked)))
            except Exception as error:
                for answer in (answer for answers in asked.values() for answer in answers):
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for answers, identity in zip(asked.values(), found, strict=True):
                for answer in answers:
                    if not answer.done():
                        answer.set_result(identity)

    def _note(self, key_id: str) -> None:
        self._used[key_id] = self._clock.now()
        now = self._clock.monotonic()
        if now >= self._next_note and (self._noting is None or self._noting.done()):
            self._next_note = now + _NOTE_EVERY_SECONDS
            self._noting = asyncio.get_running_loop().create_task(self._write_notes())

    async def _write_notes(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_SECONDS):
                await self._database.write(lambda connection: store.touch(connection, used))
        except (NoctuleError, TimeoutError) as error:
            # A note for people, not a fact that anything rests on: the next use writes it again.
            _log.warning("could not note when keys were last used: %s", error)

    # -- the first start ---------------------------------------------------------------------------------

    async def has_keys(self) -> bool:
        """Whether any workspace has a key that is not revoked."""
        return await self._database.read(store.count_active_keys) > 0

    async def bootstrap(self, api_key: str | None, plan: str) -> Bootstrapped:
        """Make sure that the workspace ``default`` exists and that somebody can call.

        ``api_key`` is the operator's: it becomes (again) a key of that workspace, and the one that was
        configured before it is revoked. Without one, a key is made if there is none at all.

        Raises ``Conflict`` if ``api_key`` belongs to another workspace or is an operator's.
        """

        def step(connection: Connection) -> Bootstrapped:
            home = self._default(connection, plan)
            if api_key is not None:
                self._adopt(connection, home, api_key)
            elif store.count_active_keys(connection) == 0:
                secret = new_api_key()
                self._add_key(connection, home, "first key", secret)
                return Bootstrapped(home, secret)
            return Bootstrapped(home, None)

        try:
            return await self._database.write(step)
        except Conflict:
            # Another server of the same database was first; its rows are there now.
            return await self._database.write(step)

    async def ensure_default(self, plan: str) -> Workspace:
        """The workspace ``default``, made if it is not there, so that it can have keys before the first start."""
        return await self._database.write(lambda connection: self._default(connection, plan))

    def _default(self, connection: Connection, plan: str) -> Workspace:
        found = store.find_workspace(connection, DEFAULT_WORKSPACE)
        return found or self._create(connection, DEFAULT_WORKSPACE, plan)

    def _adopt(self, connection: Connection, home: Workspace, secret: str) -> None:
        hash = key_hash(secret)
        known = store.find_key(connection, hash)
        if known is not None and known.workspace_id != home.id:
            raise Conflict("NOCTULE_API_KEY is already the key of another workspace; choose a new one.")
        if known is not None and known.scope is not KeyScope.WORKSPACE:
            raise Conflict("NOCTULE_API_KEY is an operator's key, which opens no workspace; choose a new one.")
        for key in store.list_keys(connection, home.id):
            replaced = key.name == ENVIRONMENT_KEY_NAME and (known is None or key.id != known.id)
            if replaced and key.revoked_at is None:
                store.set_revoked(connection, key.id, self._clock.now())
        if known is None:
            self._add_key(connection, home, ENVIRONMENT_KEY_NAME, secret)
        elif known.revoked_at is not None:
            store.set_revoked(connection, known.id, None)

    # -- workspaces --------------------------------------------------------------------------------------

    async def create(self, name: str, plan: str) -> Workspace:
        """A new workspace with an account on that plan. Raises ``Conflict`` if the name is taken."""
        return await self._database.write(lambda connection: self.add(connection, name, plan))

    async def list_workspaces(self) -> list[Workspace]:
        """Every workspace, oldest first."""
        return await self._database.read(store.list_workspaces)

    async def list_ids(self) -> list[str]:
        """The ids of all workspaces."""
        return [workspace.id for workspace in await self.list_workspaces()]

    async def get(self, name: str) -> Workspace:
        """The workspace of that name or id. Raises ``NotFound``."""
        return await self._database.read(lambda connection: self.find(connection, name))

    async def set_plan(self, name: str, plan: str) -> Workspace:
        """Put a workspace on another plan. Raises ``NotFound``."""

        def step(connection: Connection) -> Workspace:
            found = self.find(connection, name)
            self._accounts.change_plan(connection, found.id, plan)
            return found

        return await self._database.write(step)

    def find(self, connection: Connection, name_or_id: str) -> Workspace:
        """The workspace of that name or id, in the caller's transaction. Raises ``NotFound``."""
        found = store.find_workspace_by_id(connection, name_or_id.lower()) if is_id(name_or_id) else None
        found = found or store.find_workspace(connection, name_or_id)
        if found is None:
            raise NotFound(f"There is no workspace {name_or_id!r}.")
        return found

    def page(self, connection: Connection, query: PageQuery) -> list[Workspace]:
        """Workspaces, newest first, one more than a page, in the caller's transaction."""
        return store.page(connection, query)

    def add(self, connection: Connection, name: str, plan: str, *, id: str | None = None) -> Workspace:
        """``create`` in the caller's transaction. With ``id`` it is the caller's to say which one is made: if it is
        there already, under this name, it is the answer.

        Raises ``Conflict`` if the name is taken or that id has another name, ``InvalidRequest`` for a bad name or an
        unknown plan.
        """
        problem = workspace_name_problem(name)
        if problem is not None:
            raise _bad_name(problem, name)
        made = None if id is None else store.find_workspace_by_id(connection, id)
        if made is None:
            return self._create(connection, name, plan, id)
        if made.name != name:
            raise Conflict(f"This key made the workspace {made.name!r} before; take a new one.")
        return made

    def _create(self, connection: Connection, name: str, plan: str, id: str | None = None) -> Workspace:
        new = Workspace(id=id or new_id(), name=name, created_at=self._clock.now())
        if not store.add_workspace(connection, new):
            raise Conflict(f"There is a workspace {name!r} already.")
        self._accounts.open_account(connection, new.id, plan)
        return new

    # -- keys --------------------------------------------------------------------------------------------

    async def create_key(
        self, workspace_name: str, name: str, scope: KeyScope = KeyScope.WORKSPACE
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is never seen again.

        An operator's key belongs to the workspace ``default``, where its requests are logged. Raises ``NotFound``,
        ``InvalidRequest``.
        """
        problem = name_problem(name)
        if problem is not None:
            raise _bad_name(problem, name)
        if scope is KeyScope.OPERATOR and workspace_name != DEFAULT_WORKSPACE:
            raise InvalidRequest("An operator's key is for all workspaces; leave the workspace out.")
        if name == ENVIRONMENT_KEY_NAME:
            raise InvalidRequest.at(("name",), "this name is kept for the key of the environment", name)
        secret = new_api_key()

        def step(connection: Connection) -> ApiKey:
            return self._add_key(connection, self.find(connection, workspace_name), name, secret, scope)

        return await self._database.write(step), secret

    async def list_keys(self, workspace_name: str | None = None) -> list[tuple[Workspace, ApiKey]]:
        """Keys with their workspaces, of one workspace or of all, oldest first. Raises ``NotFound``."""

        def step(connection: Connection) -> list[tuple[Workspace, ApiKey]]:
            only = None if workspace_name is None else self.find(connection, workspace_name).id
            by_id = {found.id: found for found in store.list_workspaces(connection)}
            return [(by_id[key.workspace_id], key) for key in store.list_keys(connection, only)]

        return await self._database.read(step)

    async def revoke_key(self, id_or_prefix: str) -> ApiKey:
        """End a key, at once and for good; again is fine. Eight characters of its id are enough.

        Raises ``NotFound`` if no key has that id, ``Conflict`` if several ids begin so.
        """

        def step(connection: Connection) -> ApiKey:
            found = store.find_keys(connection, id_or_prefix) if _is_id_prefix(id_or_prefix) else []
            if not found:
                raise NotFound(f"There is no key {id_or_prefix!r}; `noctule keys list` shows them.")
            if len(found) > 1:
                raise Conflict(f"Several keys begin with {id_or_prefix!r}; give more of the id.")
            if found[0].revoked_at is None:
                store.set_revoked(connection, found[0].id, self._clock.now())
            return found[0]

        return await self._database.write(step)

    def _add_key(
        self,
        connection: Connection,
        home: Workspace,
        name: str,
        secret: str,
        scope: KeyScope = KeyScope.WORKSPACE,
    ) -> ApiKey:
        new = ApiKey(new_id(), home.id, name, key_hint(secret), created_at=self._clock.now(), scope=scope)
        if not store.add_key(connection, new, key_hash(secret)):
            raise Conflict("This key exists already.")
        return new


def _identify_all(connection: Connection, hashes: tuple[str, ...]) -> list[tuple[str, Identity] | None]:
    return [store.identify(connection, hash) for hash in hashes]


def _bad_name(problem: str, name: str) -> InvalidRequest:
    detail = [{"loc": ["body", "name"], "msg": problem, "type": "value_error", "input": name}]
    return InvalidRequest(f"name: {problem}", detail=detail)


def _is_id_prefix(text: str) -> bool:
    return len(text) >= 8 and all(character in "0123456789abcdef-" for character in text)
