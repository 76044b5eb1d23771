"""What is brought along: cookies as Playwright or a browser's extension exports them, and items of web storage."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from noctule.browser.commands import BrowserCookie
from noctule.kit.web import WireRequest, WireResponse
from noctule.profiles.service import Mode, Scope, StateImport, checked_origin
from noctule.profiles.wire.cookies import Cookie

_MOST_COOKIES = 10_000
_MOST_ORIGINS = 2000

Areas = dict[str, dict[str, str]]


class ProfileCookiesImportRequest(WireRequest):
    """Body of ``POST /profiles/{profile_id}/cookies``. Chrome's extensions say ``hostOnly`` where others put a dot."""

    cookies: list[Cookie] = Field(min_length=1)
    source_format: Literal["playwright", "chrome"] = "playwright"
    mode: Literal["replace", "append"] = "replace"

    @field_validator("cookies")
    @classmethod
    def _cookies(cls, value: list[Cookie]) -> list[Cookie]:
        if len(value) > _MOST_COOKIES:
            raise ValueError(f"at most {_MOST_COOKIES} cookies are allowed")
        return value

    def to_cookies(self) -> tuple[BrowserCookie, ...]:
        """The cookies for the browser."""
        return tuple(_with_dot(each, self.source_format).to_browser() for each in self.cookies)


class ProfileCookiesImportResponse(WireResponse):
    """How many cookies were taken."""

    success: bool
    message: str
    cookies_count: int
    mode: Mode


class NamedItem(BaseModel):
    """One item, as Playwright writes it."""

    name: str
    value: str = Field(repr=False)


class PlaywrightOrigin(BaseModel):
    """The local items of one origin, as Playwright writes them."""

    origin: str
    localStorage: list[NamedItem] = Field(default_factory=list)


class ProfileStateImportRequest(BaseModel):
    """Body of ``POST /profiles/{profile_id}/state``: items by their origins, or the file that Playwright's
    ``storage_state`` writes, whose local items are in ``origins``."""

    model_config = ConfigDict(allow_inf_nan=False)

    cookies: list[Cookie] | None = Field(default=None, max_length=_MOST_COOKIES)
    local_storage: Areas | None = Field(default=None, max_length=_MOST_ORIGINS, repr=False)
    session_storage: Areas | None = Field(default=None, max_length=_MOST_ORIGINS, repr=False)
    domains: list[str] | None = Field(default=None, min_length=1, max_length=_MOST_ORIGINS)
    mode: Literal["replace", "append"] = "replace"
    storage_scope: Scope = "domains"
    # What Playwright calls it; the published contract does not have it.
    origins: SkipJsonSchema[list[PlaywrightOrigin] | None] = Field(default=None, max_length=_MOST_ORIGINS)

    @field_validator("local_storage", "session_storage")
    @classmethod
    def _areas(cls, value: Areas | None) -> Areas | None:
        return None if value is None else {checked_origin(origin): items for origin, items in value.items()}

    @field_validator("domains")
    @classmethod
    def _domains(cls, value: list[str] | None) -> list[str] | None:
        for domain in value or ():
            if not domain.strip(".") or "/" in domain or ":" in domain:
                raise ValueError(f"{domain[:100]!r} is not a domain, such as example.com")
        return value

    @field_validator("origins")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        for each in value or ():
            each.origin = checked_origin(each.origin)
        return value

    def to_import(self) -> StateImport:
        """What is brought along, within its domains."""
        local = self.local_storage
        if self.origins is not None:
            named = {each.origin: {item.name: item.value for item in each.localStorage} for each in self.origins}
            local = {**named, **(local or {})}
        cookies = None if self.cookies is None else tuple(each.to_browser() for each in self.cookies)
        domains = None if self.domains is None else tuple(self.domains)
        return StateImport(
            cookies, local, self.session_storage, domains, self.mode, self.storage_scope
        ).within_domains()


class ProfileStateImportResponse(WireResponse):
    """How much was taken."""

    success: bool
    cookies_count: int
    local_storage_origins: int
    session_storage_origins: int

    @classmethod
    def of(cls, given: StateImport) -> "ProfileStateImportResponse":
        """The reply to what was taken in."""
        return cls(
            success=True,
            cookies_count=len(given.cookies or ()),
            local_storage_origins=len(given.local or ()),
            session_storage_origins=len(given.session or ()),
        )


def _with_dot(cookie: Cookie, source_format: str) -> Cookie:
    if source_format == "chrome" and cookie.hostOnly is False and not cookie.domain.startswith("."):
        return cookie.model_copy(update={"domain": "." + cookie.domain})
    return cookie
