"""What every tag's routes share: who calls, the client's headers, pages of lists, and strict models.

Knows FastAPI and nothing of any tag. The gate in ``http/`` has authenticated a request before a route
sees it and left the ``Caller`` in the ASGI scope; nothing here looks at a key.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends, Header, Query, Request, Response
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from noctule.kit.errors import Unauthenticated
from noctule.kit.money import decimal_dollars
from noctule.kit.paging import Page, PageQuery
from noctule.kit.scope import KeyScope

T = TypeVar("T")

CALLER_IN_SCOPE = "noctule.caller"
"""The key of the ASGI scope under which the gate leaves the ``Caller``."""

_LAST_PAGE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent this request.

    ``base_url`` is the root of this server as the client reaches it, without a trailing slash.
    ``workspace_id`` of an operator's key is the one that its requests are logged under, no limit to what it may see.
    ``idempotency_key`` is set on writes that carry one: what such a write creates takes its id from it
    (``kit.ids.id_for_key``), so that a repeated run of the same request creates nothing twice.
    """

    workspace_id: str
    key_id: str
    key_name: str
    sdk_version: str | None = None
    origin: str | None = None
    idempotency_key: str | None = None
    base_url: str = ""
    scope: KeyScope = KeyScope.WORKSPACE


async def client_headers(
    x_notte_request_origin: Annotated[str | None, Header()] = None,
    x_notte_sdk_version: Annotated[str | None, Header()] = None,
) -> None:
    """Declare the two headers that every official client sends; the gate reads them into the ``Caller``."""


ClientHeaders = Depends(client_headers)
"""For ``dependencies=[ClientHeaders]``; an operation with a ``CallerDep`` has them already."""


class _CallerSecurity(SecurityBase):
    """Hands over the gate's ``Caller`` and documents how to become one."""

    def __init__(self) -> None:
        self.model = OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl="token", scopes={})))
        self.scheme_name = "OAuth2PasswordBearer"

    async def __call__(self, request: Request) -> Caller:
        caller = request.scope.get(CALLER_IN_SCOPE)
        if not isinstance(caller, Caller):
            raise Unauthenticated("This request carries no API key.")
        return caller


_security = _CallerSecurity()


async def _caller(caller: Annotated[Caller, Depends(_security)], _: Annotated[None, ClientHeaders]) -> Caller:
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
"""The parameter type by which a route learns who calls it."""


def show_cost(response: Response, nanos: int) -> None:
    """Put what the work of this reply has cost so far next to it, in dollars."""
    response.headers["x-noctule-cost"] = decimal_dollars(nanos)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


LooseBool = Annotated[bool, BeforeValidator(_stripped)]
"""A boolean of a query or a form: ``True``, ``true``, ``1``, ``yes``, ``on`` and their opposites, in any case."""


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a whole number is wanted, not true or false")
    return value


WholeNumber = Annotated[int, BeforeValidator(_not_a_boolean)]
"""A whole number of a body: Python would take ``true`` for 1, and a slip would become a one-minute session."""


def _page_that_exists(page: int) -> int:
    # The schema has no maximum, but an offset must fit a database integer.
    if page > _LAST_PAGE:
        raise ValueError(f"there is no page after {_LAST_PAGE}")
    return page


@dataclass(frozen=True, slots=True)
class ListParams:
    """What a list may be asked: a page, and two filters that each tag reads in its own way."""

    query: PageQuery
    only_active: bool
    only_current_token: bool


async def _list_params(
    page: Annotated[int, Query(ge=1), AfterValidator(_page_that_exists)] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 10,
    only_active: Annotated[LooseBool, Query()] = True,
    only_current_token: Annotated[LooseBool, Query()] = False,
) -> ListParams:
    return ListParams(PageQuery(page, page_size), only_active, only_current_token)


PageParams = Annotated[ListParams, Depends(_list_params)]
"""The parameter type of a list's ``page``, ``page_size``, ``only_active`` and ``only_current_token``."""


class WireRequest(BaseModel):
    """Base of request models: unknown names are errors, and so are NaN and the infinities."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class WireResponse(BaseModel):
    """Base of response models."""

    model_config = ConfigDict(frozen=True)


class PaginatedResponse(WireResponse, Generic[T]):
    """The envelope of a page."""

    items: list[T]
    page: int
    page_size: int
    has_next: bool
    has_previous: bool

    @classmethod
    def of(cls, page: Page[T]) -> Self:
        """The envelope of a page whose items have their wire shape already."""
        return cls(
            items=list(page.items),
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
        )
