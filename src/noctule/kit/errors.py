"""One tree of errors; each class knows its HTTP status, only ``http/`` turns it into a reply.

::

    NoctuleError
    ├── InvalidRequest        422  the payload is malformed
    ├── Unauthenticated       401  no key, or one that is not known
    ├── Forbidden             403  a key of the wrong scope
    ├── NotFound              404  no such thing in this workspace
    ├── Conflict              409  the thing's state does not allow it
    ├── PaymentRequired       402  the balance is gone
    ├── TooLarge              413  more bytes than one thing may have
    ├── TooManyRequests       429  a rate or a plan's limit
    ├── Overloaded            529  this machine is full; nothing was done
    ├── Unavailable           503  a part we need is away; nothing was done
    ├── Deleted               400  the thing was there, and was deleted
    └── BrowserFailed         400  an operation failed inside the browser
"""

from collections.abc import Mapping, Sequence
from typing import Any


class NoctuleError(Exception):
    """An error with a message for people.

    ``detail`` is extra machine-readable content of the reply, ``headers`` extra headers. Neither may
    hold a secret.
    """

    status = 500

    def __init__(
        self,
        message: str,
        *,
        detail: Mapping[str, Any] | Sequence[Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})


class InvalidRequest(NoctuleError):
    """The payload cannot be understood. ``detail`` is FastAPI's list of ``{loc, msg, type, input}``."""

    status = 422

    @classmethod
    def at(cls, loc: Sequence[str | int], message: str, given: object) -> "InvalidRequest":
        """An error about one place of the request, echoing what was given there."""
        where = ".".join(str(part) for part in loc)
        return cls(
            f"{where}: {message} (got {given!r})",
            detail=[{"loc": list(loc), "msg": message, "type": "value_error", "input": given}],
        )


class Unauthenticated(NoctuleError):
    """No key was sent, or it is unknown or revoked."""

    status = 401


class Forbidden(NoctuleError):
    """The key is of the other scope: the operator's API and everything else have keys of their own."""

    status = 403


class NotFound(NoctuleError):
    """No such thing in the caller's workspace; other workspaces' things look exactly like this."""

    status = 404


class Conflict(NoctuleError):
    """The state of the thing does not allow the operation."""

    status = 409


class PaymentRequired(NoctuleError):
    """The balance is used up. Never used for anything but money."""

    status = 402


class TooLarge(NoctuleError):
    """More bytes than a thing of this kind may have. Raised as soon as that is known, and nothing is kept."""

    status = 413


class TooManyRequests(NoctuleError):
    """A rate limit or a plan's concurrency is reached."""

    status = 429


class Overloaded(NoctuleError):
    """This machine is full. Raised only before any work was done, since clients retry it."""

    status = 529


class Unavailable(NoctuleError):
    """A part that the request needs is away for now. Raised before any work was done, or by a commit whose
    outcome is unknown; the message says which."""

    status = 503


class Deleted(NoctuleError):
    """The thing was there once, and was deleted. Only of kinds of things whose clients tell this from ``NotFound``."""

    status = 400


class BrowserFailed(NoctuleError):
    """The browser could not do what was asked; clients see their execution error class."""

    status = 400

    def __init__(self, message: str, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.headers.setdefault("x-error-class", "NotteApiExecutionError")
