"""Body of ``POST /sessions/start``."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from noctule.browser.chrome_args import judge
from noctule.kit.amounts import Dollars
from noctule.kit.errors import InvalidRequest
from noctule.kit.openapi import NO_DEFAULT
from noctule.kit.text import plain_text
from noctule.kit.tolerance import TolerantRequest
from noctule.kit.web import WholeNumber
from noctule.sessions.domain import StartSession
from noctule.sessions.wire.billing import checked_tags
from noctule.sessions.wire.proxies import Proxies, as_items, proxy_choice, publish_any_of

BrowserType = Literal["chromium", "chrome", "firefox", "chrome-nightly", "chrome-turbo"]

_SCREEN = (1920, 1080)
_LARGEST_SIDE = 7680
_MOST_CHROME_ARGS = 50
_MOST_HEADERS = 100
_LONGEST_VALUE = 8192
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Headers that belong to the connection or that the browser must say itself; a page request with another
# value would be broken or would speak to another host than the one that was checked.
_NOT_THE_CALLERS = frozenset(
    [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


class SessionProfile(TolerantRequest):
    """A saved browser profile to begin with; ``persist`` saves it again at the end."""

    id: str
    persist: bool = False


class ApiSessionStartRequest(TolerantRequest):
    """Body of ``POST /sessions/start``."""

    ignored_names: ClassVar[frozenset[str]] = frozenset(
        {
            "advanced_stealth",
            "auth_ids",
            "auth_retry",
            "block_ads",
            "demonstrate",
            "wait_for_authentication",
        }
    )
    other_names: ClassVar[Mapping[str, str]] = {"timeout_minutes": "idle_timeout_minutes"}

    headless: bool = True
    solve_captchas: bool = False
    max_duration_minutes: WholeNumber = Field(default=15, gt=0, le=1440)
    # Newer clients may ask for up to 30; the published contract says 15.
    idle_timeout_minutes: WholeNumber = Field(default=3, gt=0, le=30, json_schema_extra={"maximum": 15})
    proxies: Proxies = Field(default=False, json_schema_extra=publish_any_of)
    browser_type: BrowserType = "chromium"
    user_agent: str | None = None
    chrome_args: list[str] | None = Field(default=None, json_schema_extra=NO_DEFAULT)
    viewport_width: WholeNumber | None = None
    viewport_height: WholeNumber | None = None
    aspect_ratio: Literal["5:4", "16:9"] | None = None
    cdp_url: str | None = Field(default=None, repr=False)
    use_file_storage: bool = True
    screenshot_type: Literal["raw", "full", "last_action"] = "last_action"
    profile: SessionProfile | None = None
    web_bot_auth: bool = False
    extra_http_headers: dict[str, str] | None = Field(default=None, repr=False)
    vault_id: str | None = None
    # Ours; the published contract does not have them.
    tags: SkipJsonSchema[list[str] | None] = None
    max_cost: SkipJsonSchema[Dollars | None] = None

    @field_validator("tags")
    @classmethod
    def _tags(cls, value: list[str] | None) -> list[str] | None:
        return checked_tags(value)

    @field_validator("proxies", mode="before")
    @classmethod
    def _proxies(cls, value: Any) -> Any:
        return as_items(value)

    @field_validator("browser_type")
    @classmethod
    def _browser_type(cls, value: BrowserType) -> BrowserType:
        if value == "firefox":
            raise ValueError("this server has no Firefox; choose 'chromium' or 'chrome'")
        return value

    @field_validator("user_agent")
    @classmethod
    def _user_agent(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.strip() or len(value) > _LONGEST_VALUE or not value.isascii():
            raise ValueError(f"a user agent is 1 to {_LONGEST_VALUE} ASCII characters")
        return plain_text(value)

    @field_validator("chrome_args")
    @classmethod
    def _chrome_args(cls, value: list[str] | None) -> list[str] | None:
        for argument in value or ():
            if not re.match(r"--[A-Za-z0-9]", argument):
                raise ValueError(f"'{argument[:100]}' is not a Chromium switch: those begin with --")
            plain_text(argument)
        if value is not None and len(value) > _MOST_CHROME_ARGS:
            raise ValueError(f"at most {_MOST_CHROME_ARGS} arguments are allowed")
        judge(value or ())
        return value

    @field_validator("viewport_width", "viewport_height")
    @classmethod
    def _side(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= _LARGEST_SIDE:
            raise ValueError(f"a side of the viewport is 1 to {_LARGEST_SIDE} CSS pixels")
        return value

    @field_validator("cdp_url")
    @classmethod
    def _cdp_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(plain_text(value))
            usable = parts.scheme in ("ws", "wss", "http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("a CDP address begins with ws://, wss://, http:// or https:// and names a host")
        return value

    @field_validator("extra_http_headers")
    @classmethod
    def _headers(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for name, text in (value or {}).items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name[:100]!r} is not a header name")
            if name.lower() in _NOT_THE_CALLERS:
                raise ValueError(f"the header '{name}' belongs to the browser and cannot be set")
            if len(text) > _LONGEST_VALUE or re.search(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]", text):
                raise ValueError(f"the value of the header '{name}' is too long, or no header can hold it")
        if value is not None and len(value) > _MOST_HEADERS:
            raise ValueError(f"at most {_MOST_HEADERS} headers are allowed")
        return value

    def to_command(self) -> StartSession:
        """The wish, with defaults filled in and the aspect ratio turned into a viewport.

        Raises ``InvalidRequest`` where fields contradict one another.
        """
        width, height = self._viewport()
        self._check_cdp_url()
        return StartSession(
            headless=self.headless,
            solve_captchas=self.solve_captchas,
            max_duration_minutes=self.max_duration_minutes,
            idle_timeout_minutes=self._idle_timeout_minutes(),
            proxy=proxy_choice(self.proxies),
            browser_type=self.browser_type,
            user_agent=self.user_agent,
            chrome_args=tuple(self.chrome_args or ()),
            viewport_width=width,
            viewport_height=height,
            cdp_url=self.cdp_url,
            use_file_storage=self.use_file_storage,
            screenshot_type=self.screenshot_type,
            profile_id=self.profile.id if self.profile else None,
            profile_persist=self.profile.persist if self.profile else False,
            web_bot_auth=self.web_bot_auth,
            extra_http_headers=tuple((self.extra_http_headers or {}).items()),
            vault_id=self.vault_id,
            tags=tuple(self.tags or ()),
            max_cost_nanos=self.max_cost,
        )

    def _idle_timeout_minutes(self) -> int:
        """The default gives way to a shorter life; a wish that contradicts it is an error."""
        if self.idle_timeout_minutes <= self.max_duration_minutes:
            return self.idle_timeout_minutes
        if "idle_timeout_minutes" not in self.model_fields_set:
            return self.max_duration_minutes
        raise InvalidRequest.at(
            ("body", "idle_timeout_minutes"),
            f"must not be longer than max_duration_minutes, which is {self.max_duration_minutes}",
            self.idle_timeout_minutes,
        )

    def _viewport(self) -> tuple[int | None, int | None]:
        width, height = self.viewport_width, self.viewport_height
        if (width is None) != (height is None):
            missing = "viewport_width" if width is None else "viewport_height"
            raise InvalidRequest.at(
                ("body", missing), "viewport_width and viewport_height go together: set both or none", None
            )
        if self.aspect_ratio is None:
            return width, height
        if width is not None:
            raise InvalidRequest.at(
                ("body", "aspect_ratio"), "excludes viewport_width and viewport_height", self.aspect_ratio
            )
        across, down = (int(part) for part in self.aspect_ratio.split(":"))
        scale = min(_SCREEN[0] / across, _SCREEN[1] / down)
        return int(across * scale) // 2 * 2, int(down * scale) // 2 * 2

    def _check_cdp_url(self) -> None:
        if self.cdp_url is None:
            return
        contradicting: dict[str, Any] = {
            "proxies": self.proxies,
            "user_agent": self.user_agent,
            "chrome_args": self.chrome_args,
            "viewport_width": self.viewport_width,
            "aspect_ratio": self.aspect_ratio,
            "profile": self.profile,
        }
        for name, value in contradicting.items():
            if value:
                raise InvalidRequest.at(
                    ("body", name), "cannot be set together with cdp_url: that browser is already running", "a value"
                )
