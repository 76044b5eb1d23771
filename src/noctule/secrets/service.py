"""The use cases of secrets: stored, listed, handed out, deleted. The only door to a value.

What must hold: a value is in the clear only on its way between the caller and the seal. Handing one out is
noted as its use.
"""

import logging
from dataclasses import replace

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest, NotFound, Unavailable
from noctule.kit.ids import new_id
from noctule.kit.seal import Sealer
from noctule.secrets import store
from noctule.secrets.domain import (
    MOST_SECRETS,
    Secret,
    SecretNamespace,
    hint_of,
    key_of_provider,
    name_problem,
    sealed_for,
    value_problem,
)

__all__ = ["Secret", "SecretNamespace", "SecretService"]

log = logging.getLogger(__name__)


class SecretService:
    """The secrets of workspaces. One of another workspace is one that does not exist."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def store(self, workspace_id: str, namespace: SecretNamespace, name: str, value: str) -> Secret:
        """Keep a value under a name, in place of the one that was there.

        Raises ``InvalidRequest`` for a name or a value that cannot be one, ``Conflict`` for one secret too many.
        """
        _check("name", name_problem(namespace, name))
        _check("value", value_problem(namespace, value))
        now, hint = self._clock.now(), hint_of(value)

        def step(connection: Connection) -> Secret:
            store.serialise(connection, workspace_id)
            if (earlier := store.find(connection, workspace_id, namespace, name)) is not None:
                changed = replace(earlier, key_hint=hint, stored_at=now, last_used_at=None)
                store.replace(connection, changed, self._sealed(changed, value))
                return changed
            if store.count(connection, workspace_id) >= MOST_SECRETS:
                raise Conflict(f"A workspace has at most {MOST_SECRETS} secrets; delete one first.")
            new = Secret(
                id=new_id(),
                workspace_id=workspace_id,
                namespace=namespace,
                name=name,
                key_hint=hint,
                created_at=now,
                stored_at=now,
            )
            store.add(connection, new, self._sealed(new, value))
            return new

        return await self._database.write(step)

    async def list(self, workspace_id: str, namespace: SecretNamespace | None = None) -> list[Secret]:
        """What secrets there are, in one namespace or in all, by name; none of their values."""
        return await self._database.read(lambda connection: store.every(connection, workspace_id, namespace))

    async def value(self, workspace_id: str, namespace: SecretNamespace, name: str) -> str:
        """The value under a name; this is a use of it.

        Raises ``NotFound``, and ``Conflict`` if this server's key file does not open it.
        """

        def step(connection: Connection) -> tuple[Secret, bytes] | None:
            found = store.find(connection, workspace_id, namespace, name)
            return None if found is None else (found, store.sealed_value(connection, found.id))

        found = await self._database.read(step)
        if found is None:
            raise NotFound(f"There is no secret of that name in {namespace.value}.")
        return await self._handed_out(*found)

    async def delete(self, workspace_id: str, secret_id: str) -> None:
        """Forget a secret, value and all. Raises ``NotFound``."""

        def step(connection: Connection) -> None:
            store.serialise(connection, workspace_id)
            if not store.remove(connection, workspace_id, secret_id):
                raise NotFound("There is no secret of that id.")

        await self._database.write(step)

    async def provider_key(self, workspace_id: str, provider: str) -> str | None:
        """The workspace's own key for a provider of models, if it has one; this is a use of it.

        For ``openai`` that is what is kept in the namespace ``llm_provider`` as ``OPENAI_API_KEY``, ``openai`` or
        ``openai-key``, in any case; of several, what was stored last. Raises ``Conflict`` if this server's key
        file does not open it: the workspace chose a key, and no other may be used in its place.
        """

        def step(connection: Connection) -> tuple[Secret, bytes] | None:
            held = store.every(connection, workspace_id, SecretNamespace.LLM_PROVIDER)
            found = key_of_provider(held, provider)
            return None if found is None else (found, store.sealed_value(connection, found.id))

        found = await self._database.read(step)
        return None if found is None else await self._handed_out(*found)

    # -- within ------------------------------------------------------------------------------------------

    def _sealed(self, secret: Secret, value: str) -> bytes:
        return self._sealer.seal(sealed_for(secret.workspace_id, secret.id), value.encode())

    async def _handed_out(self, secret: Secret, sealed: bytes) -> str:
        """The value in the clear, and the note of its use."""
        try:
            value = self._sealer.open(sealed_for(secret.workspace_id, secret.id), sealed).decode()
        except ValueError:
            raise Conflict(
                f"The secret {secret.name} cannot be read with this server's key file; store its value again."
            ) from None
        now = self._clock.now()
        if secret.use_is_news(now):
            try:
                await self._database.write(lambda connection: store.note_use(connection, secret, now))
            except Unavailable as error:
                # A note that is a minute late is no reason to fail whoever needs the value.
                log.warning("the use of the secret %s was not noted: %s", secret.id, error)
        return value


def _check(field: str, problem: str | None) -> None:
    """Raise ``InvalidRequest`` for a problem, without what was given: it may be the secret itself."""
    if problem is not None:
        raise InvalidRequest(
            f"body.{field}: {problem}", detail=[{"loc": ["body", field], "msg": problem, "type": "value_error"}]
        )
