"""CDP messages as JSON text: read once, judged as read, and written again from what was judged.

The browser's JSON reader and ours may disagree about duplicate keys, escapes or numbers; as the browser
only ever sees our own writing, such a disagreement cannot carry anything past the judge.
"""

import json
from typing import Any, NoReturn

import msgspec


class NotAMessage(Exception):
    """The text is not JSON; the message says why."""


class NotText(NotAMessage):
    """The bytes are not even UTF-8."""


def parse(text: bytes | str) -> Any:
    """The value of a JSON text. Raises ``NotAMessage``, or ``NotText`` for bytes that are not UTF-8."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # Half of a surrogate pair is legal in JSON and in JavaScript strings; only the standard reader takes it.
        try:
            return json.loads(text if isinstance(text, str) else text.decode(), parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise NotText(str(error)) from None
        except (ValueError, RecursionError) as error:
            raise NotAMessage(str(error)) from None


def dump(value: Any) -> bytes:
    """A value that ``parse`` gave, as JSON text. Raises ``NotAMessage`` if it is nested too deep."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        try:
            return json.dumps(value, separators=(",", ":")).encode()
        except RecursionError as error:
            raise NotAMessage(str(error)) from None


def reply(message: Any, **outcome: Any) -> bytes:
    """The answer to a call: its ``id`` and ``sessionId``, and a ``result`` or an ``error``."""
    answer: dict[str, Any] = {"id": message.get("id") if isinstance(message, dict) else None, **outcome}
    if isinstance(message, dict) and isinstance(message.get("sessionId"), str):
        answer["sessionId"] = message["sessionId"]
    return dump(answer)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
