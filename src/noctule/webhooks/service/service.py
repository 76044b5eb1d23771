"""Endpoints: made, changed, given new secrets. A secret is told once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from noctule.browser.egress.policy import EgressRefused
from noctule.browser.egress.resolver import ResolveFailed
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, InvalidRequest
from noctule.kit.ids import id_for_key, new_id
from noctule.kit.paging import Page, PageQuery
from noctule.kit.seal import Sealer
from noctule.webhooks.domain import (
    LONGEST_DESCRIPTION,
    MOST_ENDPOINTS,
    MOST_OLD_SECRETS,
    BadTarget,
    DeliveryState,
    Endpoint,
    EventType,
    Secret,
    TooManySecrets,
    new_secret,
    packed,
    parse_target,
    rotated,
    sealed_for,
    unpacked,
)
from noctule.webhooks.service.deliveries import Deliveries, existing
from noctule.webhooks.service.poster import Poster
from noctule.webhooks.store import endpoints, queue

# As long as the server remembers the answers of writes with an idempotency key.
_SECRET_TOLD_AGAIN_FOR = timedelta(hours=24)
_BY_ITS_OWNER = "disabled by its owner"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an endpoint is to be like; ``None`` leaves a thing as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint, and how many of its deliveries are under way or given up."""

    endpoint: Endpoint
    pending: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint with the secret that it was just given: show it, it is never seen again."""

    view: EndpointView
    secret: str = field(repr=False)


class WebhookService:
    """Endpoints of workspaces. ``deliveries`` is what became of their messages."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, poster: Poster) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._poster = poster
        self.deliveries = Deliveries(database, clock)

    # -- endpoints ---------------------------------------------------------------------------------------

    async def create(
        self,
        workspace_id: str,
        url: str,
        *,
        types: Sequence[str] = (),
        description: str = "",
        idempotency_key: str | None = None,
    ) -> NewSecret:
        """A new endpoint and its secret; no ``types`` means all.

        The same idempotency key meets the endpoint that it made. Raises ``InvalidRequest`` for a URL that
        cannot be sent to or that the egress policy refuses, ``Conflict`` for one endpoint too many.
        """
        _check_description(description)
        await self._judge(url)
        now, secret = self._clock.now(), new_secret()
        endpoint = Endpoint(
            id=new_id() if idempotency_key is None else id_for_key(workspace_id, idempotency_key),
            workspace_id=workspace_id,
            url=url,
            types=_types(types),
            description=description,
            created_at=now,
        )

        def step(connection: Connection) -> NewSecret:
            endpoints.serialise(connection, workspace_id)
            if (earlier := endpoints.find(connection, workspace_id, endpoint.id)) is not None:
                return self._told_again(connection, earlier, now)
            if endpoints.count(connection, workspace_id) >= MOST_ENDPOINTS:
                raise Conflict(f"A workspace has at most {MOST_ENDPOINTS} webhook endpoints; delete one first.")
            endpoints.add(connection, endpoint, self._sealed(endpoint.id, (secret,)))
            return NewSecret(EndpointView(endpoint), secret.text)

        return await self._database.write(step)

    async def page(self, workspace_id: str, query: PageQuery) -> Page[EndpointView]:
        """The workspace's endpoints, newest first, disabled ones too."""

        def step(connection: Connection) -> list[EndpointView]:
            return _views(connection, endpoints.page(connection, workspace_id, query))

        return Page.of(await self._database.read(step), query)

    async def get(self, workspace_id: str, endpoint_id: str) -> EndpointView:
        """One endpoint. Raises ``NotFound``."""
        return await self._database.read(lambda link: _view(link, existing(link, workspace_id, endpoint_id)))

    async def update(self, workspace_id: str, endpoint_id: str, wish: Wish) -> EndpointView:
        """Change an endpoint. Disabling it gives up what is on its way there; enabling begins anew.

        Raises ``NotFound``, and ``InvalidRequest`` as ``create`` does.
        """
        if wish.description is not None:
            _check_description(wish.description)
        if wish.url is not None:
            await self.get(workspace_id, endpoint_id)
            await self._judge(wish.url)
        now = self._clock.now()

        def step(connection: Connection) -> EndpointView:
            before = existing(connection, workspace_id, endpoint_id, lock=True)
            after = _changed(before, wish, now)
            names = ("url", "types", "description", "disabled_at", "disabled_reason")
            endpoints.change(connection, endpoint_id, **{name: getattr(after, name) for name in names})
            if after.disabled_at is not None and before.disabled_at is None:
                queue.bury(connection, endpoint_id, f"the endpoint was {_BY_ITS_OWNER}", now)
            return _view(connection, after)

        return await self._database.write(step)

    async def delete(self, workspace_id: str, endpoint_id: str) -> Endpoint:
        """Delete an endpoint with all its deliveries. Raises ``NotFound``."""

        def step(connection: Connection) -> Endpoint:
            found = existing(connection, workspace_id, endpoint_id, lock=True)
            endpoints.remove(connection, endpoint_id)
            return found

        return await self._database.write(step)

    async def rotate(self, workspace_id: str, endpoint_id: str) -> NewSecret:
        """Give an endpoint a new secret; the one before it signs too for 24 hours more.

        Raises ``NotFound``, ``Conflict`` after too many rotations in a day.
        """
        now, fresh = self._clock.now(), new_secret()

        def step(connection: Connection) -> NewSecret:
            endpoint = existing(connection, workspace_id, endpoint_id, lock=True)
            try:
                held = rotated(self._held(connection, endpoint_id), fresh, now)
            except TooManySecrets:
                raise Conflict(
                    f"At most {MOST_OLD_SECRETS} old secrets sign at a time, each for 24 hours; rotate again later."
                ) from None
            endpoints.change(connection, endpoint_id, secrets=self._sealed(endpoint_id, held))
            return NewSecret(_view(connection, endpoint), fresh.text)

        return await self._database.write(step)

    # -- within ------------------------------------------------------------------------------------------

    async def _judge(self, url: str) -> None:
        """Let nobody register what could never be delivered; each delivery is judged again."""
        try:
            await self._poster.judge(parse_target(url))
        except BadTarget as error:
            raise _bad_url(str(error)) from None
        except (EgressRefused, ResolveFailed) as error:
            raise _bad_url(error.message) from None

    def _told_again(self, connection: Connection, endpoint: Endpoint, now: datetime) -> NewSecret:
        """The answer of a create that was cut off after its commit, and is retried."""
        held = self._held(connection, endpoint.id)
        if not held or now - endpoint.created_at > _SECRET_TOLD_AGAIN_FOR:
            raise Conflict("This Idempotency-Key made an endpoint before; every new request needs a new key.")
        return NewSecret(_view(connection, endpoint), held[0].text)

    def _held(self, connection: Connection, endpoint_id: str) -> tuple[Secret, ...]:
        """The secrets of an endpoint; none if the key file that they were sealed under is lost."""
        try:
            return unpacked(self._sealer.open(sealed_for(endpoint_id), endpoints.secrets_of(connection, endpoint_id)))
        except ValueError:
            return ()

    def _sealed(self, endpoint_id: str, held: Sequence[Secret]) -> bytes:
        return self._sealer.seal(sealed_for(endpoint_id), packed(held))


def _check_description(text: str) -> None:
    if len(text) > LONGEST_DESCRIPTION or not text.isprintable():
        reason = f"a description is one line of at most {LONGEST_DESCRIPTION} printable characters"
        raise InvalidRequest(
            f"description: {reason}",
            detail=[{"loc": ["body", "description"], "msg": reason, "type": "value_error"}],
        )


def _types(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(type.value for type in EventType if type.value in names)


def _changed(endpoint: Endpoint, wish: Wish, now: datetime) -> Endpoint:
    changed = replace(
        endpoint,
        url=endpoint.url if wish.url is None else wish.url,
        types=endpoint.types if wish.types is None else _types(wish.types),
        description=endpoint.description if wish.description is None else wish.description,
    )
    if wish.enabled is None or wish.enabled == (endpoint.disabled_at is None):
        return changed
    if wish.enabled:
        return replace(changed, disabled_at=None, disabled_reason=None)
    return replace(changed, disabled_at=now, disabled_reason=_BY_ITS_OWNER)


def _view(connection: Connection, endpoint: Endpoint) -> EndpointView:
    return _views(connection, [endpoint])[0]


def _views(connection: Connection, found: Sequence[Endpoint]) -> list[EndpointView]:
    counts = endpoints.open_counts(connection, [endpoint.id for endpoint in found])
    return [
        EndpointView(
            endpoint,
            counts.get((endpoint.id, DeliveryState.PENDING.value), 0),
            counts.get((endpoint.id, DeliveryState.DEAD.value), 0),
        )
        for endpoint in found
    ]


def _bad_url(reason: str) -> InvalidRequest:
    # Without the URL: whatever is secret in it must not come back in an error.
    return InvalidRequest(f"url: {reason}", detail=[{"loc": ["body", "url"], "msg": reason, "type": "value_error"}])
