"""HTTP Archive 1.2 as a JSON schema, written from http://www.softwareishard.com/blog/har-12-spec/.

Stricter than the specification in one thing: fields that it does not name must begin with ``_``, as it asks of those
who add any.
"""

from typing import Any

import jsonschema_rs


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": sorted(required),
        "properties": {**required, **(optional or {}), "comment": _TEXT},
        "patternProperties": {"^_": True},
        "additionalProperties": False,
    }


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_SIZE = {"type": "integer", "minimum": -1}
_SPAN = {"type": "number", "minimum": -1}
_INSTANT = {"type": "string", "format": "date-time"}
_ADDRESS = {"type": "string", "format": "uri"}

_NAMED = _record({"name": _TEXT, "value": _TEXT})
_COOKIE = _record(
    {"name": _TEXT, "value": _TEXT},
    {
        "path": _TEXT,
        "domain": _TEXT,
        "expires": _INSTANT,
        "httpOnly": {"type": "boolean"},
        "secure": {"type": "boolean"},
    }
    | {"sameSite": {"enum": ["Strict", "Lax", "None"]}},
)
_PARAM = _record({"name": _TEXT}, {"value": _TEXT, "fileName": _TEXT, "contentType": _TEXT})
_REQUEST = _record(
    {
        "method": _TEXT,
        "url": _ADDRESS,
        "httpVersion": _TEXT,
        "cookies": _list(_COOKIE),
        "headers": _list(_NAMED),
        "queryString": _list(_NAMED),
        "headersSize": _SIZE,
        "bodySize": _SIZE,
    },
    {"postData": _record({"mimeType": _TEXT}, {"params": _list(_PARAM), "text": _TEXT})},
)
_RESPONSE = _record(
    {
        "status": _WHOLE,
        "statusText": _TEXT,
        "httpVersion": _TEXT,
        "cookies": _list(_COOKIE),
        "headers": _list(_NAMED),
        "content": _record(
            {"size": _SIZE, "mimeType": _TEXT}, {"compression": _WHOLE, "text": _TEXT, "encoding": _TEXT}
        ),
        "redirectURL": _TEXT,
        "headersSize": _SIZE,
        "bodySize": _SIZE,
    }
)
_TIMINGS = _record(
    {"send": {"type": "number", "minimum": 0}, "wait": {"type": "number", "minimum": 0}}
    | {"receive": {"type": "number", "minimum": 0}},
    {"blocked": _SPAN, "dns": _SPAN, "connect": _SPAN, "ssl": _SPAN},
)
_ENTRY = _record(
    {
        "startedDateTime": _INSTANT,
        "time": {"type": "number", "minimum": 0},
        "request": _REQUEST,
        "response": _RESPONSE,
        "cache": _record({}, {"beforeRequest": {}, "afterRequest": {}}),
        "timings": _TIMINGS,
    },
    {
        "pageref": _TEXT,
        "connection": _TEXT,
        "serverIPAddress": {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]},
    },
)
_PAGE = _record(
    {"startedDateTime": _INSTANT, "id": _TEXT, "title": _TEXT}
    | {"pageTimings": _record({}, {"onContentLoad": _SPAN, "onLoad": _SPAN})}
)
_TOOL = _record({"name": _TEXT, "version": _TEXT})
_SCHEMA = _record(
    {
        "log": _record(
            {"version": {"const": "1.2"}, "creator": _TOOL, "entries": _list(_ENTRY)},
            {"browser": _TOOL, "pages": _list(_PAGE)},
        )
    }
)
_VALIDATOR = jsonschema_rs.validator_for(_SCHEMA, validate_formats=True)


def har_problems(archive: Any) -> list[str]:
    """What is wrong with an archive: by the schema, and by what a schema cannot say."""
    problems = [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in _errors(archive)]
    if problems:
        return problems
    log = archive["log"]
    pages = [page["id"] for page in log.get("pages", [])]
    if len(set(pages)) != len(pages):
        problems.append("two pages have one id")
    for number, entry in enumerate(log["entries"]):
        if "pageref" in entry and entry["pageref"] not in pages:
            problems.append(f"entry {number} is of a page that is not there")
        parts = sum(span for name, span in entry["timings"].items() if span > 0 and name != "ssl")
        if abs(parts - entry["time"]) > 0.01:
            problems.append(f"the parts of entry {number} do not add up to its time")
    return problems


def _errors(archive: Any) -> list[Any]:
    return list(_VALIDATOR.iter_errors(archive))
