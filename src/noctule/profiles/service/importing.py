"""How cookies and items that somebody brings along change a state; nothing here waits for anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from noctule.browser.commands import BrowserCookie, BrowserState, Items, KeptCookie, OriginItems
from noctule.profiles.domain import within

Mode = Literal["replace", "append"]
Scope = Literal["domains", "origins"]
Areas = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class StateImport:
    """What is brought along; ``None`` leaves that kind as it is.

    ``domains`` limit what is taken, and what is replaced, to these domains and those below them. To replace items in
    the scope of ``origins`` leaves every origin alone that is not named.
    """

    cookies: tuple[BrowserCookie, ...] | None = field(default=None, repr=False)
    local: Areas | None = field(default=None, repr=False)
    session: Areas | None = field(default=None, repr=False)
    domains: tuple[str, ...] | None = None
    mode: Mode = "replace"
    scope: Scope = "domains"

    def within_domains(self) -> "StateImport":
        """The same without what belongs to other domains."""
        if self.domains is None:
            return self
        belongs = within(self.domains)

        def of_them(areas: Areas | None) -> Areas | None:
            if areas is None:
                return None
            return {origin: items for origin, items in areas.items() if belongs(_host(origin))}

        cookies = self.cookies
        if cookies is not None:
            cookies = tuple(cookie for cookie in cookies if belongs(cookie.domain))
        return replace(self, cookies=cookies, local=of_them(self.local), session=of_them(self.session))


def checked_origin(text: str) -> str:
    """The origin that a text names, as browsers write it. Raises ``ValueError`` for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or not host or rest or not host.isascii():
        raise ValueError(f"{text[:100]!r} is not an origin, such as https://example.com")
    host = f"[{host}]" if ":" in host else host
    is_usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


def with_cookies(state: BrowserState, cookies: tuple[BrowserCookie, ...], mode: Mode) -> BrowserState:
    """The state with these cookies in place of its own, or beside them."""
    kept = () if mode == "replace" else state.cookies
    return replace(state, cookies=_merged(kept, cookies))


def with_import(state: BrowserState, given: StateImport) -> BrowserState:
    """The state with what is brought along; ``given`` is within its domains already."""
    is_replaced = _is_any if given.domains is None else within(given.domains)
    if given.cookies is not None:
        kept = state.cookies
        if given.mode == "replace":
            kept = tuple(each for each in kept if not is_replaced(each.cookie.domain))
        state = replace(state, cookies=_merged(kept, given.cookies))
    origins = {each.origin: each for each in state.origins}
    for areas, put in ((given.local, _with_local), (given.session, _with_session)):
        if areas is not None:
            _apply(origins, areas, put, given, is_replaced)
    if given.local is not None and given.mode == "replace" and given.scope == "domains" and given.domains is None:
        state = replace(state, forgets_local=True)
    left = tuple(each for each in origins.values() if each.local is not None or each.session)
    return replace(state, origins=left)


Put = Callable[[OriginItems, Items | None, bool], OriginItems]


def _apply(
    origins: dict[str, OriginItems], areas: Areas, put: Put, given: StateImport, is_replaced: Callable[[str], bool]
) -> None:
    if given.mode == "replace" and given.scope == "domains":
        for origin, each in list(origins.items()):
            if is_replaced(_host(origin)):
                origins[origin] = put(each, None, False)
    for origin, items in areas.items():
        earlier = origins.get(origin, OriginItems(origin))
        origins[origin] = put(earlier, tuple(items.items()), given.mode == "append")


def _with_local(earlier: OriginItems, items: Items | None, is_added: bool) -> OriginItems:
    if not is_added or items is None:
        return replace(earlier, local=items, adds_local=False)
    # What the files have of this origin is not known here, so it is added to there.
    adds = earlier.adds_local or earlier.local is None
    return replace(earlier, local=_joined(earlier.local, items), adds_local=adds)


def _with_session(earlier: OriginItems, items: Items | None, is_added: bool) -> OriginItems:
    return replace(earlier, session=_joined(earlier.session, items or ()) if is_added else items)


def _joined(one: Items | None, other: Items) -> Items:
    return tuple((dict(one or ()) | dict(other)).items())


def _merged(kept: tuple[KeptCookie, ...], cookies: tuple[BrowserCookie, ...]) -> tuple[KeptCookie, ...]:
    by_identity = {_identity(each.cookie): each for each in kept}
    by_identity |= {_identity(cookie): KeptCookie(cookie) for cookie in cookies}
    return tuple(by_identity.values())


def _identity(cookie: BrowserCookie) -> tuple[str, str, str, str | None]:
    return cookie.name, cookie.domain, cookie.path, cookie.partition_key


def _is_any(host: str) -> bool:
    return True


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""
