"""What ``execute`` answers, and how a reply is written."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel, RootModel
from pydantic.json_schema import SkipJsonSchema

from noctule.kit.web import WireResponse, show_cost
from noctule.page.domain import Outcome, echo
from noctule.page.wire.actions import Action

_NO_DATA = {"markdown": "", "images": None, "structured": None}

ImageCategory = Literal["favicon", "icon", "content_image", "decorative", "svg_icon", "svg_content"]


class ImageData(WireResponse):
    """One picture of a page."""

    url: str | None = None
    category: ImageCategory | None = None
    description: str | None = None


class StructuredObject(BaseModel):
    """An object of the shape that the caller asked for."""


class StructuredValue(RootModel[dict[str, Any] | list[dict[str, Any]]]):
    """An object, or a list of objects, without a shape of its own."""


class StructuredData(WireResponse):
    """What was extracted from a page, or why nothing was."""

    success: bool = True
    error: str | None = None
    data: StructuredObject | StructuredValue | None = None


class DataSpace(WireResponse):
    """What an action brought back from the page; the result of JavaScript is the ``markdown``."""

    markdown: str
    images: list[ImageData] | None = None
    structured: StructuredData | None = None


class ExceptionDetail(WireResponse):
    """What newer clients rebuild their exception from."""

    error_type: str
    dev_message: str
    user_message: str
    agent_message: str
    should_retry_later: bool = False
    should_notify_team: bool = False


class ApiExecutionResponse(WireResponse):
    """What became of an action. ``exception`` is a text exactly when ``success`` is false."""

    started_at: datetime
    ended_at: datetime
    action: Action
    success: bool
    message: str
    data: DataSpace | None = None
    exception: str | None = None
    # Newer clients read it; the published contract does not have it.
    exception_detail: SkipJsonSchema[ExceptionDetail | None] = None


def execution_reply(action: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The JSON of an ``ApiExecutionResponse`` that echoes ``action`` as it came."""
    reply: dict[str, Any] = {
        "started_at": outcome.started_at.isoformat(),
        "ended_at": outcome.ended_at.isoformat(),
        "action": echo(action, outcome.found),
        "success": outcome.success,
        "message": outcome.message,
        "data": None if outcome.data is None else {**_NO_DATA, **outcome.data},
        "exception": None,
    }
    if outcome.failure:
        reply["exception"] = outcome.failure.message
        reply["exception_detail"] = ExceptionDetail(
            error_type=outcome.failure.kind,
            dev_message=outcome.failure.message,
            user_message=outcome.failure.message,
            agent_message=outcome.failure.message,
        ).model_dump()
    return reply


def json_reply(value: dict[str, Any], cost_nanos: int | None) -> Response:
    """A reply whose JSON is made of plain values; what models cost, if they were called, is in a header beside it."""
    response = Response(_encoded(value), media_type="application/json")
    if cost_nanos is not None:
        show_cost(response, cost_nanos)
    return response


def _encoded(value: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        # Half a surrogate pair, which JSON may hold, has no UTF-8, and integers have no end; both can be written out.
        return json.dumps(value).encode("ascii")
