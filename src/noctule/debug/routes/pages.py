"""The viewer: a page on which a person sees a session and acts in it, and its files.

What must always hold: the address is the credential, so the page may stand in a frame of any site, and nothing of the
address goes anywhere else; no script and no style but our own files runs in it; who cannot come in is told why, in a
page with the right status, with or without JavaScript.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from noctule.debug.service import DebugService
from noctule.kit.errors import Conflict, NoctuleError, NotFound, Unauthenticated

_HEADERS: Final = {
    # Without frame-ancestors: whoever holds the address may frame it.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_GONE: Final = 410
_THEMES: Final = ("light", "dark")
_MINIMAL: Final = "embed-minimal"


def add(routes: APIRouter, service: DebugService) -> None:
    """Add them."""

    @routes.get("/viewer")
    async def viewer(
        request: Request,
        session: Annotated[str, Query(max_length=100)] = "",
        token: Annotated[str, Query(max_length=4096)] = "",
        theme: Annotated[str, Query(max_length=20)] = "auto",
        mode: Annotated[str, Query(max_length=20)] = "full",
    ) -> Response:
        """The page, if the token opens the session; ``theme`` is light or dark, ``mode`` embed-minimal for the picture
        alone."""
        headers = {**_HEADERS, "cache-control": "no-store"}
        shown = {
            'data-theme="auto"': f'data-theme="{theme}"' if theme in _THEMES else 'data-theme="auto"',
            'data-mode="full"': f'data-mode="{_MINIMAL}"' if mode == _MINIMAL else 'data-mode="full"',
        }
        # The page itself, which cannot see why its stream was refused.
        wants_words = request.headers.get("accept", "").startswith("application/json")
        try:
            await service.check_viewer(session, token)
            if wants_words:
                service.check_place(session)
        except NoctuleError as error:
            if wants_words:
                raise
            title, text, status = _sorry(error)
            shown |= {"{title}": escape(title), "{text}": escape(text)}
            return HTMLResponse(_filled("sorry.html", shown), status_code=status, headers=headers)
        return HTMLResponse(_filled("index.html", shown), headers=headers)

    @routes.get("/viewer/{name}")
    async def file(name: str) -> Response:
        """A script or style of the page."""
        content_type = _TYPES.get(name.rpartition(".")[2])
        if content_type is None or name not in _names():
            raise NotFound("The viewer has no such file.")
        # Small, and of one version with the page: asked for again each time, as a new server may have new ones.
        headers = {**_HEADERS, "cache-control": "no-cache", "content-type": content_type}
        return Response(_text(name), headers=headers)


def _sorry(error: NoctuleError) -> tuple[str, str, int]:
    match error:
        case Unauthenticated():
            return (
                "This link opens no session",
                "It has expired, was not copied whole, or is not one of this server's. Whoever gave it to you can make "
                "a new one: it is the viewer_url of a session.",
                error.status,
            )
        case Conflict():
            return "This session has ended", error.message, _GONE
        case _:
            return "The session cannot be shown", error.message, error.status


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = _text(name)
    for place, value in values.items():
        text = text.replace(place, value)
    return text


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in files(__package__).joinpath("viewer").iterdir())


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath("viewer", name).read_text(encoding="utf-8")
