"""Cookies, as browsers' exports, clients and the contract write them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from noctule.browser.commands import BrowserCookie
from noctule.kit.text import plain_text

SameSite = Literal["Lax", "None", "Strict"]

# Lower case, with what browser extensions write when they export cookies.
_SAME_SITE = {"lax": "Lax", "none": "None", "no_restriction": "None", "strict": "Strict", "unspecified": None, "": None}

# The last second of the year 9999, the last that clients' datetimes can tell.
_END_OF_TIME = 253_402_300_799.0


def _cookie_text(value: str) -> str:
    if ";" in value:
        raise ValueError("a semicolon is not allowed in a cookie")
    return plain_text(value)


CookieText = Annotated[str, AfterValidator(_cookie_text)]


class Cookie(BaseModel):
    """One cookie. ``expires`` and ``expirationDate`` are the same instant in seconds since 1970; a cookie
    without one, or with a negative one, lives as long as its browser. Unknown fields are ignored."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: CookieText
    value: CookieText = Field(repr=False)
    domain: CookieText
    path: CookieText
    httpOnly: bool
    expirationDate: float | None = None
    hostOnly: bool | None = None
    sameSite: SameSite | None = None
    secure: bool | None = None
    session: bool | None = None
    storeId: str | None = None
    expires: float | None = None
    partitionKey: str | None = None

    @field_validator("sameSite", mode="before")
    @classmethod
    def _same_site(cls, value: Any) -> Any:
        return _SAME_SITE.get(value.lower(), value) if isinstance(value, str) else value

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if not value.strip("."):
            raise ValueError("a cookie needs the domain it belongs to")
        return value

    @field_validator("path")
    @classmethod
    def _path(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("the path of a cookie begins with /")
        return value

    @model_validator(mode="after")
    def _mirror_the_end(self) -> "Cookie":
        end = self.expires if self.expires is not None else self.expirationDate
        if end is not None:
            end = None if end < 0 else min(end, _END_OF_TIME)
        self.expires = self.expirationDate = end
        return self

    def to_browser(self) -> BrowserCookie:
        """The cookie for the browser."""
        return BrowserCookie(
            name=self.name,
            value=self.value,
            domain=self.domain,
            path=self.path,
            http_only=self.httpOnly,
            secure=bool(self.secure),
            same_site=self.sameSite,
            expires=None if self.session else self.expires,
            partition_key=self.partitionKey,
        )

    @classmethod
    def of(cls, cookie: BrowserCookie) -> "Cookie":
        """The cookie for the caller, exactly as the browser holds it."""
        return cls.model_construct(
            name=cookie.name,
            value=cookie.value,
            domain=cookie.domain,
            path=cookie.path,
            httpOnly=cookie.http_only,
            expirationDate=cookie.expires,
            hostOnly=not cookie.domain.startswith("."),
            sameSite=cookie.same_site,
            secure=cookie.secure,
            session=cookie.expires is None,
            storeId=None,
            expires=cookie.expires,
            partitionKey=cookie.partition_key,
        )


class SetCookiesRequest(BaseModel):
    """Body of ``POST /sessions/{session_id}/cookies``."""

    cookies: list[Cookie]

    def to_command(self) -> tuple[BrowserCookie, ...]:
        """The cookies for the browser."""
        return tuple(cookie.to_browser() for cookie in self.cookies)


class GetCookiesResponse(BaseModel):
    """All cookies of a session."""

    cookies: list[Cookie]

    @classmethod
    def of(cls, cookies: tuple[BrowserCookie, ...]) -> "GetCookiesResponse":
        """The reply with these cookies."""
        return cls.model_construct(cookies=[Cookie.of(cookie) for cookie in cookies])
