"""Bodies of starts and cookies, good and bad, and the replies about sessions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from noctule.browser.commands import BrowserCookie
from noctule.kit.errors import InvalidRequest
from noctule.kit.paging import Page
from noctule.sessions.domain import CloseReason, ProxyChoice, Session, StartSession, Status, Step
from noctule.sessions.wire import (
    ApiSessionStartRequest,
    GetCookiesResponse,
    SessionPage,
    SessionResponse,
    SetCookiesRequest,
)
from tests.support.starts import SDK_1_8, SDK_1_10

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


EXTERNAL = ProxyChoice("external", server="http://proxy.example:3128")


def wish(**body: Any) -> StartSession:
    return ApiSessionStartRequest.model_validate(body).to_command()


@pytest.mark.parametrize("body", [SDK_1_8, SDK_1_10, {"headless": None, "proxies": None, "idle_timeout_minutes": None}])
def test_a_start_that_asks_for_nothing_gets_the_defaults(body: dict[str, Any]) -> None:
    assert wish(**body) == StartSession()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"headless": False}, {"headless": False}),
        ({"idle_timeout_minutes": 30, "max_duration_minutes": 1440}, {"idle_timeout_minutes": 30}),
        ({"timeout_minutes": 7}, {"idle_timeout_minutes": 7}),
        ({"timeout_minutes": 7, "idle_timeout_minutes": 5}, {"idle_timeout_minutes": 5}),
        ({"max_duration_minutes": 1}, {"max_duration_minutes": 1, "idle_timeout_minutes": 1}),
        ({"browser_type": "chrome"}, {"browser_type": "chrome"}),
        ({"browser_type": "chrome-turbo"}, {"browser_type": "chrome-turbo"}),
        ({"user_agent": "Mine/1.0"}, {"user_agent": "Mine/1.0"}),
        ({"chrome_args": ["--lang=de"]}, {"chrome_args": ("--lang=de",)}),
        ({"chrome_args": None}, {"chrome_args": ()}),
        ({"viewport_width": 100, "viewport_height": 100}, {"viewport_width": 100, "viewport_height": 100}),
        ({"aspect_ratio": "16:9"}, {"viewport_width": 1920, "viewport_height": 1080}),
        ({"aspect_ratio": "5:4"}, {"viewport_width": 1350, "viewport_height": 1080}),
        ({"cdp_url": "wss://browser.example/x?token=y"}, {"cdp_url": "wss://browser.example/x?token=y"}),
        ({"cdp_url": "ws://h:1", "proxies": False, "user_agent": None}, {"cdp_url": "ws://h:1"}),
        ({"profile": {"id": "p", "persist": True}}, {"profile_id": "p", "profile_persist": True}),
        ({"profile": {"id": "p"}}, {"profile_id": "p", "profile_persist": False}),
        ({"extra_http_headers": {"X-A": "b\tc"}}, {"extra_http_headers": (("X-A", "b\tc"),)}),
        ({"vault_id": "v", "web_bot_auth": True}, {"vault_id": "v", "web_bot_auth": True}),
        ({"screenshot_type": "raw", "use_file_storage": False}, {"screenshot_type": "raw", "use_file_storage": False}),
        ({"auth_ids": ["a"], "wait_for_authentication": False, "auth_retry": 2}, {}),
        ({"block_ads": True, "advanced_stealth": True, "demonstrate": False}, {}),
        ({"proxies": True}, {"proxy": ProxyChoice("pool")}),
        ({"proxies": []}, {"proxy": ProxyChoice("none")}),
        ({"proxies": "us"}, {"proxy": ProxyChoice("pool", country="us")}),
        ({"proxies": "NO"}, {"proxy": ProxyChoice("pool", country="no")}),
        ({"proxies": "True"}, {"proxy": ProxyChoice("pool")}),
        ({"proxies": [{}]}, {"proxy": ProxyChoice("pool")}),
        ({"proxies": [{"type": "notte"}]}, {"proxy": ProxyChoice("pool")}),
        ({"proxies": [{"type": "notte", "country": "DE", "city": "Berlin"}]}, {"proxy": ProxyChoice("pool", "de")}),
        (
            {"proxies": [{"type": "notte", "geolocation": {"country": "fr", "city": "Lyon"}}]},
            {"proxy": ProxyChoice("pool", "fr")},
        ),
        ({"proxies": [{"type": "notte", "geolocation": None}]}, {"proxy": ProxyChoice("pool")}),
        ({"proxies": [{"type": "notte", "id": "berlin-1"}]}, {"proxy": ProxyChoice("pool", pool_id="berlin-1")}),
        ({"proxies": [{"type": "external", "server": "http://proxy.example:3128"}]}, {"proxy": EXTERNAL}),
        ({"proxies": [{"server": "proxy.example:3128"}]}, {"proxy": EXTERNAL}),
        (
            {
                "proxies": [
                    {
                        "type": "external",
                        "server": "socks5://[2001:db8::1]",
                        "username": "u",
                        "password": "p",
                        "bypass": "a.example, .b.example,",
                    }
                ]
            },
            {
                "proxy": ProxyChoice(
                    "external",
                    server="socks5://[2001:db8::1]:1080",
                    username="u",
                    password="p",
                    bypass=("a.example", ".b.example"),
                )
            },
        ),
        (
            {"proxies": [{"type": "external", "server": "http://me:p%40ss@proxy.example/"}]},
            {"proxy": ProxyChoice("external", server="http://proxy.example:80", username="me", password="p@ss")},
        ),
    ],
)
def test_what_is_asked_for_is_understood(body: dict[str, Any], expected: dict[str, Any]) -> None:
    got = wish(**body)
    for name, value in expected.items():
        assert getattr(got, name) == value
    if not expected:
        assert got == StartSession()


@pytest.mark.parametrize(
    ("body", "place", "fragment"),
    [
        ({"colour": 1}, "colour", "Extra inputs are not permitted"),
        ({"idle_timeout": None}, "idle_timeout", "Extra inputs are not permitted"),
        ({"headless": "maybe"}, "headless", "valid boolean"),
        ({"max_duration_minutes": 0}, "max_duration_minutes", "greater than 0"),
        ({"max_duration_minutes": 1441}, "max_duration_minutes", "less than or equal to 1440"),
        ({"max_duration_minutes": "long"}, "max_duration_minutes", "valid integer"),
        ({"max_duration_minutes": True}, "max_duration_minutes", "not true or false"),
        ({"idle_timeout_minutes": 0}, "idle_timeout_minutes", "greater than 0"),
        ({"idle_timeout_minutes": 31, "max_duration_minutes": 60}, "idle_timeout_minutes", "less than or equal to 30"),
        ({"timeout_minutes": -1}, "idle_timeout_minutes", "greater than 0"),
        ({"browser_type": "brave"}, "browser_type", "'chromium', 'chrome', 'firefox'"),
        ({"browser_type": "firefox"}, "browser_type", "no Firefox; choose 'chromium' or 'chrome'"),
        ({"user_agent": "a\r\nb"}, "user_agent", "control characters"),
        ({"user_agent": " "}, "user_agent", "ASCII characters"),
        ({"user_agent": "Müller"}, "user_agent", "ASCII characters"),
        ({"chrome_args": "--lang=de"}, "chrome_args", "valid list"),
        ({"chrome_args": ["lang=de"]}, "chrome_args", "begin with --"),
        ({"chrome_args": ["--"]}, "chrome_args", "begin with --"),
        ({"chrome_args": ["--a\x00b"]}, "chrome_args", "control characters"),
        ({"chrome_args": ["--a"] * 51}, "chrome_args", "at most 50"),
        ({"chrome_args": ["--lang=de", "--no-sandbox"]}, "chrome_args", "--no-sandbox is not accepted"),
        ({"chrome_args": ["--a=" + "b" * 2048]}, "chrome_args", "at most 2048 characters"),
        ({"viewport_width": 0, "viewport_height": 100}, "viewport_width", "1 to 7680"),
        ({"viewport_width": 100, "viewport_height": 7681}, "viewport_height", "1 to 7680"),
        ({"viewport_width": 100.5, "viewport_height": 100}, "viewport_width", "valid integer"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio", "'5:4' or '16:9'"),
        ({"cdp_url": ""}, "cdp_url", "begins with ws://"),
        ({"cdp_url": "file:///etc/passwd"}, "cdp_url", "begins with ws://"),
        ({"cdp_url": "ws://"}, "cdp_url", "begins with ws://"),
        ({"cdp_url": "ws://h:99999"}, "cdp_url", "begins with ws://"),
        ({"cdp_url": "ws://[::1"}, "cdp_url", "begins with ws://"),
        ({"screenshot_type": "big"}, "screenshot_type", "'raw', 'full' or 'last_action'"),
        ({"profile": {}}, "profile.id", "Field required"),
        ({"profile": {"id": "p", "x": 1}}, "profile.x", "Extra inputs are not permitted"),
        ({"extra_http_headers": {"a b": "c"}}, "extra_http_headers", "not a header name"),
        ({"extra_http_headers": {"": "c"}}, "extra_http_headers", "not a header name"),
        ({"extra_http_headers": {"a": "b\r\nc: d"}}, "extra_http_headers", "no header can hold it"),
        ({"extra_http_headers": {"a": "\u20ac"}}, "extra_http_headers", "no header can hold it"),
        ({"extra_http_headers": {"HOST": "x"}}, "extra_http_headers", "belongs to the browser"),
        ({"extra_http_headers": {"Transfer-Encoding": "x"}}, "extra_http_headers", "belongs to the browser"),
        ({"extra_http_headers": {f"x-{i}": "" for i in range(101)}}, "extra_http_headers", "at most 100"),
        ({"proxies": "mars"}, "proxies", "a two-letter country"),
        ({"proxies": "xx"}, "proxies.list.0.notte.country", "'xx' is not a two-letter country code"),
        ({"proxies": 7}, "proxies.bool", "valid boolean"),
        ({"proxies": [{}, {}]}, "proxies", "more than one proxy is not supported"),
        ({"proxies": ["us"]}, "proxies.list.0", "valid dictionary"),
        ({"proxies": [{"type": "tor"}]}, "proxies.list.0", "'notte', 'external', 'tailnet'"),
        ({"proxies": [{"type": "notte", "cuontry": "us"}]}, "proxies.list.0.notte.cuontry", "Extra inputs"),
        ({"proxies": [{"type": "external"}]}, "proxies.list.0.external.server", "Field required"),
        ({"proxies": [{"server": "https://p:1"}]}, "proxies.list.0.external.server", "http://host:port or socks5://"),
        ({"proxies": [{"server": "http://"}]}, "proxies.list.0.external.server", "http://host:port or socks5://"),
        ({"proxies": [{"server": "p:port"}]}, "proxies.list.0.external.server", "http://host:port or socks5://"),
        ({"proxies": [{"server": "http://p/x"}]}, "proxies.list.0.external.server", "http://host:port or socks5://"),
        ({"proxies": [{"server": "p q:1"}]}, "proxies.list.0.external.server", "http://host:port or socks5://"),
        ({"proxies": [{"server": "p\n:1"}]}, "proxies.list.0.external.server", "control characters"),
    ],
)
def test_a_malformed_start_is_refused_with_its_place(body: dict[str, Any], place: str, fragment: str) -> None:
    with pytest.raises(ValidationError) as raised:
        wish(**body)
    errors = {".".join(str(part) for part in error["loc"]): error["msg"] for error in raised.value.errors()}
    assert list(errors) == [place]
    assert fragment in errors[place]


@pytest.mark.parametrize(
    ("body", "place", "fragment"),
    [
        ({"idle_timeout_minutes": 5, "max_duration_minutes": 4}, "idle_timeout_minutes", "max_duration_minutes"),
        ({"timeout_minutes": 5, "max_duration_minutes": 4}, "idle_timeout_minutes", "which is 4"),
        ({"viewport_width": 100}, "viewport_height", "set both or none"),
        ({"viewport_height": 100}, "viewport_width", "set both or none"),
        ({"viewport_width": 9, "viewport_height": 9, "aspect_ratio": "5:4"}, "aspect_ratio", "excludes"),
        ({"cdp_url": "ws://h", "proxies": True}, "proxies", "together with cdp_url"),
        ({"cdp_url": "ws://h", "user_agent": "x"}, "user_agent", "together with cdp_url"),
        ({"cdp_url": "ws://h", "chrome_args": ["--a"]}, "chrome_args", "together with cdp_url"),
        ({"cdp_url": "ws://h", "viewport_width": 9, "viewport_height": 9}, "viewport_width", "together with cdp_url"),
        ({"cdp_url": "ws://h", "aspect_ratio": "5:4"}, "aspect_ratio", "together with cdp_url"),
        (
            {"proxies": [{"type": "tailnet", "oauth_client_id": "i", "oauth_client_secret": "s", "exit_node": "n"}]},
            "proxies",
            "no tailnet support",
        ),
    ],
)
def test_fields_that_contradict_one_another_are_refused(body: dict[str, Any], place: str, fragment: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        wish(**body)
    assert raised.value.message.startswith(f"body.{place}: ")
    assert fragment in raised.value.message


def test_no_secret_of_a_start_is_in_its_repr() -> None:
    body = ApiSessionStartRequest.model_validate(
        {
            "proxies": [{"server": "http://u:hidden1@h:1", "password": "hidden2"}],
            "extra_http_headers": {"Authorization": "hidden3"},
        }
    )
    assert "hidden" not in repr(body) + repr(body.to_command())


def session(**changes: Any) -> Session:
    fields: dict[str, Any] = {
        "id": "0b8a5d9e-0000-4000-8000-000000000001",
        "workspace_id": "w",
        "key_id": "k",
        "status": Status.ACTIVE,
        "created_at": NOW,
        "last_accessed_at": NOW,
        "idle_timeout_minutes": 3,
        "max_duration_minutes": 15,
        "browser_type": "chromium",
        "headless": True,
        "solve_captchas": False,
        "use_file_storage": True,
        "web_bot_auth": False,
        "proxies": False,
    }
    return Session(**fields | changes)


def test_a_live_session_is_told_with_zoned_times_and_its_duration_so_far() -> None:
    steps = (Step("execution_result", {"success": True}),)
    later = NOW + timedelta(seconds=41.28)
    reply = SessionResponse.of(session(), now=later, steps=steps, cdp_url="ws://h/x").model_dump(mode="json")
    assert reply["status"] == "active"
    assert (reply["created_at"], reply["closed_at"]) == ("2026-03-10T12:00:00Z", None)
    assert reply["duration"] == "PT41.28S"
    assert (reply["idle_timeout_minutes"], reply["timeout_minutes"]) == (3, 3)
    assert reply["steps"] == [{"type": "execution_result", "value": {"success": True}}]
    assert reply["cdp_url"] == "ws://h/x"
    assert reply["close_reason"] is None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (CloseReason.IDLE_TIMEOUT, "idle_timeout"),
        (CloseReason.CREDITS_EXHAUSTED, "unknown"),
        (CloseReason.SERVER_STOPPED, "unknown"),
    ],
)
def test_a_reason_that_clients_do_not_know_is_unknown_to_them(reason: CloseReason, told: str) -> None:
    ended = session(status=Status.CLOSED, closed_at=NOW + timedelta(minutes=2), close_reason=reason)
    reply = SessionResponse.of(ended, now=NOW).model_dump(mode="json")
    assert (reply["close_reason"], reply["duration"]) == (told, "PT2M")


def test_a_page_of_sessions_has_the_envelope() -> None:
    page = Page((SessionResponse.of(session(), now=NOW),), 2, 1, True)
    reply = SessionPage.of(page).model_dump(mode="json")
    assert reply | {"items": len(reply["items"])} == {
        "items": 1,
        "page": 2,
        "page_size": 1,
        "has_next": True,
        "has_previous": True,
    }


COOKIE = {"name": "a", "value": "b", "domain": ".example.com", "path": "/", "httpOnly": True}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"expires": None, "same_site": None, "secure": False}),
        ({"expires": 2e9}, {"expires": 2e9}),
        ({"expirationDate": 2e9}, {"expires": 2e9}),
        ({"expires": 2e9, "expirationDate": 1e9}, {"expires": 2e9}),
        ({"expires": -1}, {"expires": None}),
        ({"expires": 1e300}, {"expires": 253402300799.0}),
        ({"expires": 2e9, "session": True}, {"expires": None}),
        ({"sameSite": "lax"}, {"same_site": "Lax"}),
        ({"sameSite": "STRICT"}, {"same_site": "Strict"}),
        ({"sameSite": "no_restriction"}, {"same_site": "None"}),
        ({"sameSite": "unspecified"}, {"same_site": None}),
        ({"secure": True, "partitionKey": "https://a.example"}, {"secure": True, "partition_key": "https://a.example"}),
        ({"storeId": "0", "hostOnly": False, "favourite": "yes"}, {"http_only": True}),
    ],
)
def test_cookies_of_every_client_are_understood(more: dict[str, Any], expected: dict[str, Any]) -> None:
    [cookie] = SetCookiesRequest.model_validate({"cookies": [COOKIE | more]}).to_command()
    for name, value in expected.items():
        assert getattr(cookie, name) == value


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ({}, "Field required"),
        ({"cookies": COOKIE}, "valid list"),
        ({"cookies": [{"name": "a"}]}, "Field required"),
        ({"cookies": [COOKIE | {"httpOnly": None}]}, "valid boolean"),
        ({"cookies": [COOKIE | {"sameSite": "loose"}]}, "'Lax', 'Strict' or 'None'"),
        ({"cookies": [COOKIE | {"domain": ""}]}, "needs the domain"),
        ({"cookies": [COOKIE | {"path": "x"}]}, "begins with /"),
        ({"cookies": [COOKIE | {"value": "a\nb"}]}, "control characters"),
        ({"cookies": [COOKIE | {"name": "a;b"}]}, "semicolon"),
        ({"cookies": [COOKIE | {"expires": float("nan")}]}, "finite number"),
    ],
)
def test_malformed_cookies_are_refused(body: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValidationError, match=fragment):
        SetCookiesRequest.model_validate(body)


def test_cookies_are_told_with_both_names_of_their_end() -> None:
    browser = BrowserCookie("a", "b", "example.com", "/", True, True, "Lax", 2e9, None)
    reply = GetCookiesResponse.of((browser,)).model_dump(mode="json")
    assert reply == {
        "cookies": [
            {
                "name": "a",
                "value": "b",
                "domain": "example.com",
                "path": "/",
                "httpOnly": True,
                "expirationDate": 2e9,
                "hostOnly": True,
                "sameSite": "Lax",
                "secure": True,
                "session": False,
                "storeId": None,
                "expires": 2e9,
                "partitionKey": None,
            }
        ]
    }


def test_cookies_that_were_read_can_be_set_again() -> None:
    browser = BrowserCookie("a", "b", "example.com", expires=None)
    reply = GetCookiesResponse.of((browser,)).model_dump(mode="json")
    assert SetCookiesRequest.model_validate(reply).to_command() == (browser,)
