"""The name of a file at the end of a path, byte for byte.

The path that routes see was decoded and tidied, so what a client wrote is read from where it is untouched.
"""

from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.convertors import Convertor, register_url_convertor

from noctule.kit.errors import InvalidRequest
from noctule.storage.domain import name_problem


class _Anything(Convertor[str]):
    """The rest of a path. Starlette's own ends at a line break, and the answer would be that there is no such place."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def name_in_path(request: Request, before: int) -> str:
    """What follows the first ``before`` segments. Raises ``InvalidRequest`` for what cannot be a name."""
    raw: bytes | None = request.scope.get("raw_path")
    path = (raw or request.scope["path"].encode("utf-8", "surrogatepass")).split(b"?", 1)[0]
    segments = [segment for segment in path.split(b"/") if segment][before:]
    given = b"/".join(unquote_to_bytes(segment) for segment in segments)
    try:
        name = given.decode()
        problem = name_problem(name)
    except UnicodeDecodeError:
        name, problem = given.decode("utf-8", "replace"), "a file's name is text in UTF-8"
    if problem is not None:
        raise InvalidRequest.at(("path", "filename"), problem, name[:300])
    return name
