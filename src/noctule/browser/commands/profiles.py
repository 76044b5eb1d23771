"""What a browser remembers of sites: what it begins with, and what is kept of it.

There are two parts. The ``state`` is what DevTools can read and write: cookies, and the items of web storage of pages
that are open. The ``archive`` holds the files of Chromium's that keep all the rest; it is only named here, since it
may be large: a node reads and writes it through its ``Archives``.
"""

from dataclasses import dataclass, field

from noctule.browser.commands.basics import BrowserCookie

Items = tuple[tuple[str, str], ...]
"""The items of one storage area, by key."""


@dataclass(frozen=True, slots=True)
class KeptCookie:
    """A cookie with all that makes it the same one again."""

    cookie: BrowserCookie
    priority: str | None = None
    source_scheme: str | None = None
    source_port: int | None = None
    has_cross_site_ancestor: bool = False


@dataclass(frozen=True, slots=True)
class OriginItems:
    """What one origin has in web storage. ``None`` leaves an area as it is in the files; ``adds_local`` adds to what
    the files have."""

    origin: str
    local: Items | None = field(default=None, repr=False)
    session: Items | None = field(default=None, repr=False)
    adds_local: bool = False


@dataclass(frozen=True, slots=True)
class BrowserState:
    """The part of a profile that is put into a running browser.

    ``forgets_local``: local items that are in the files do not count; those of ``origins`` are all that there are.
    """

    cookies: tuple[KeptCookie, ...] = field(default=(), repr=False)
    origins: tuple[OriginItems, ...] = ()
    forgets_local: bool = False


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What a browser begins with. ``archive`` names its files; ``None`` where there are none."""

    state: BrowserState
    archive: str | None = None


@dataclass(frozen=True, slots=True)
class KeepProfile:
    """The wish to keep what a browser remembers: its files under ``archive``, of ``most_bytes`` at most."""

    archive: str
    most_bytes: int


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """What was kept. ``archive_bytes`` is ``None`` where there were no files; ``hosts`` are those that are known to
    have something in the files or in the state, cookies apart.

    ``is_clean`` says that the browser had written down everything when its files were copied.
    """

    state: BrowserState
    archive_bytes: int | None
    hosts: tuple[str, ...]
    is_clean: bool
