"""Our own wishes at a session's start: tags for the bill, what it may cost, and what is kept of it.

Clients that speak the published contract cannot send fields of ours, so each wish is a header too. Neither
is in the published schema; ``docs/how-to/see-where-the-money-went.md`` and ``set-a-budget.md`` tell of them.
"""

from dataclasses import replace
from typing import Annotated, get_args

from fastapi import Header

from noctule.kit.amounts import amount_nanos
from noctule.kit.errors import InvalidRequest
from noctule.kit.tags import MOST_TAGS, tag_problem
from noctule.sessions.domain import CaptureWish, StartSession

TagsHeader = Annotated[list[str] | None, Header(alias="x-noctule-tags", include_in_schema=False)]
"""Tags, separated by commas; several such headers are one."""

MaxCostHeader = Annotated[list[str] | None, Header(alias="x-noctule-max-cost", include_in_schema=False)]
"""Dollars; one header."""

RecordHeader = Annotated[list[str] | None, Header(alias="x-noctule-record", include_in_schema=False)]
"""``on`` or ``off``; without it the server decides."""


CaptureHeader = Annotated[list[str] | None, Header(alias="x-noctule-capture", include_in_schema=False)]
"""``off``, ``on`` or ``bodies``; one header."""


def checked_tags(tags: list[str] | None) -> list[str] | None:
    """The tags, each once. Raises ``ValueError``."""
    unique = list(dict.fromkeys(tag.strip() for tag in tags or ()))
    for tag in unique:
        if problem := tag_problem(tag):
            raise ValueError(problem)
    if len(unique) > MOST_TAGS:
        raise ValueError(f"at most {MOST_TAGS} tags are allowed")
    return None if tags is None else unique


def header_tags(header: str | None) -> tuple[str, ...]:
    """The tags of the header, in their order. Raises ``InvalidRequest``."""
    if header is None:
        return ()
    try:
        return tuple(checked_tags([tag for tag in header.split(",") if tag.strip()]) or ())
    except ValueError as error:
        raise InvalidRequest.at(("header", "x-noctule-tags"), str(error), header[:200]) from None


def header_max_cost(header: str | None) -> int | None:
    """The nano-dollars of the header. Raises ``InvalidRequest``."""
    if header is None:
        return None
    try:
        nanos = amount_nanos(header)
        if nanos <= 0:
            raise ValueError("what a session may cost is more than zero")
        return nanos
    except ValueError as error:
        raise InvalidRequest.at(("header", "x-noctule-max-cost"), str(error), header[:200]) from None


def header_record(header: str | None) -> bool | None:
    """Whether the header asks for a recording. Raises ``InvalidRequest``."""
    if header is None:
        return None
    asked = header.strip().lower()
    if asked not in ("on", "off"):
        raise InvalidRequest.at(("header", "x-noctule-record"), "must be 'on' or 'off'", header[:200])
    return asked == "on"


def header_capture(header: str | None) -> CaptureWish | None:
    """What the header says shall be kept. Raises ``InvalidRequest``."""
    if header is None:
        return None
    for known in get_args(CaptureWish):
        if header.strip().lower() == known:
            wish: CaptureWish = known
            return wish
    raise InvalidRequest.at(("header", "x-noctule-capture"), "is one of off, on and bodies", header[:200])


def with_headers(
    wish: StartSession,
    tags: list[str] | None,
    max_cost: list[str] | None,
    record: list[str] | None = None,
    capture: list[str] | None = None,
) -> StartSession:
    """The wish with what the headers add: tags join those of the body, the smaller cost counts.

    Raises ``InvalidRequest``.
    """
    named = _one(tags)
    all_tags = tuple(dict.fromkeys((*wish.tags, *header_tags(named))))
    if len(all_tags) > MOST_TAGS:
        raise InvalidRequest.at(("header", "x-noctule-tags"), f"at most {MOST_TAGS} tags are allowed", named)
    costs = [cost for cost in (wish.max_cost_nanos, header_max_cost(_one(max_cost))) if cost is not None]
    return replace(
        wish,
        tags=all_tags,
        max_cost_nanos=min(costs, default=None),
        is_recorded=header_record(_one(record)),
        capture=header_capture(_one(capture)),
    )


def _one(headers: list[str] | None) -> str | None:
    """Headers of one name, as the one that HTTP says they are."""
    return ",".join(headers) if headers else None
