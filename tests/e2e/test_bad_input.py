"""Bad input: a table of malformed requests, each with its status and message; none of them changes anything."""

import json
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from tests.e2e.asking import JSON, UNKNOWN, Caller, Row, execute
from tests.e2e.bad_starts import STARTS
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow


def _body(label: str, message: str, body: bytes | None, content_type: str | None = "application/json") -> Row:
    return Row(label, message, body=body, headers={} if content_type is None else {"Content-Type": content_type})


UNREADABLE = "body: JSON decode error"
NO_OBJECT = "valid dictionary or object"
SAY_JSON = "Send JSON with the header Content-Type: application/json"

BODIES = [
    _body("no body", "body: Field required", None),
    _body("empty body", "body: Field required", b""),
    _body("no body and no type", "body: Field required", None, None),
    _body("half an object", UNREADABLE, b'{"headless":'),
    _body("two objects", UNREADABLE, b"{} {}"),
    _body("single quotes", UNREADABLE, b"{'headless': true}"),
    _body("comment", UNREADABLE, b"{/* nothing */}"),
    _body("trailing comma", UNREADABLE, b'{"headless": true,}'),
    _body("Python", UNREADABLE, b'{"headless": True}'),
    _body("HTML", UNREADABLE, b"<html></html>"),
    _body("byte order mark", UNREADABLE, b"\xef\xbb\xbf{}"),
    _body("UTF-16", UNREADABLE, "{}".encode("utf-16")),
    _body("broken UTF-8", UNREADABLE, b'{"user_agent": "\xff\xfe"}'),
    _body("broken UTF-8 in a name", UNREADABLE, b'{"\xc3": 1}'),
    _body("half a surrogate pair", UNREADABLE, b'{"user_agent": "\\ud800"}'),
    _body("NUL character", "NUL", b'{"user_agent": "a\\u0000b"}'),
    _body("raw NUL byte", UNREADABLE, b'{"user_agent": "a\x00b"}'),
    _body("NaN", UNREADABLE, b'{"max_duration_minutes": NaN}'),
    _body("Infinity", UNREADABLE, b'{"max_duration_minutes": -Infinity}'),
    _body("number beyond a double", "out of range", b'{"max_duration_minutes": 1e999}'),
    _body("number of 5,000 digits", UNREADABLE, b'{"max_duration_minutes": ' + b"9" * 5000 + b"}"),
    _body("number of 40 digits", "less than or equal to 1440", b'{"max_duration_minutes": ' + b"9" * 40 + b"}"),
    _body("200 levels", "nested deeper than 100 levels", b'{"profile": ' + b"[" * 200 + b"]" * 200 + b"}"),
    _body("100,000 levels", UNREADABLE, b"[" * 100_000),
    _body("a million values", "more than 50000 values", b'{"chrome_args": [' + b"1," * 999_999 + b"1]}"),
    _body("array", NO_OBJECT, b"[]"),
    _body("array of objects", NO_OBJECT, b'[{"headless": true}]'),
    _body("text", NO_OBJECT, b'"headless"'),
    _body("number", NO_OBJECT, b"7"),
    _body("null", NO_OBJECT, b"null"),
    _body("true", NO_OBJECT, b"true"),
    _body("unknown name", "body.headles: Extra inputs are not permitted [extra_forbidden]", b'{"headles": true}'),
    _body("unknown name among known", "Extra inputs are not permitted", b'{"headless": true, "": 1}'),
    _body(
        "the last of two names", "less than or equal to 1440", b'{"max_duration_minutes":1,"max_duration_minutes":1441}'
    ),
    _body("plain text", SAY_JSON, b"{}", "text/plain"),
    _body("form", SAY_JSON, b"headless=true", "application/x-www-form-urlencoded"),
    _body("multipart", SAY_JSON, b"--x--", "multipart/form-data; boundary=x"),
    _body("multipart without boundary", SAY_JSON, b"--x--", "multipart/form-data"),
    _body("XML", SAY_JSON, b"<headless/>", "application/xml"),
    _body("nonsense type", SAY_JSON, b"{}", "json"),
    _body("unreadable without a type", UNREADABLE, b"{", None),
    _body("unreadable as another JSON", UNREADABLE, b"{", "application/problem+json"),
    Row("announced 17 MB", "larger than 16 MiB", 413, headers={**JSON, "Content-Length": "17000000"}),
    Row("announced more than there is", "larger than 16 MiB", 413, headers={**JSON, "Content-Length": "9" * 18}),
]

# method, path, a body that is good for it
ROUTES = [
    ("GET", "/sessions/{}", None),
    ("DELETE", "/sessions/{}/stop", None),
    ("POST", "/sessions/{}/stop", None),
    ("GET", "/sessions/{}/cookies", None),
    ("POST", "/sessions/{}/cookies", b'{"cookies": []}'),
    ("GET", "/sessions/{}/offset", None),
    ("POST", "/sessions/{}/page/execute", b'{"type": "wait", "time_ms": 1}'),
    ("POST", "/sessions/{}/page/screenshot", None),
]
NO_SESSIONS = {
    "unknown": UNKNOWN,
    "a word": "x",
    "a number": "1",
    "a blank": "%20",
    "dots": "%2e%2e",
    "markup": "%3Cscript%3E",
    "quotes": "%27%20OR%201%3D1--",
    "a wildcard": "%25",
    "the template": "%7Bsession_id%7D",
    "broken UTF-8": "%ff%fe",
    "a surrogate": "%ed%a0%80",
    "a bat": "%F0%9F%A6%87",
    "very long": "a" * 3000,
    "with a line break": "{live}%0a",
    "with a blank": "{live}%20",
    "in braces": "%7B{live}%7D",
    "with a parameter": "{live};x=1",
    "upper case": "{LIVE}",
    "without hyphens": "{hex}",
    "its beginning": "{begin}",
}
IDS = [
    Row(f"{method} {path.format(label)}", "was not found", 404, method, path.format(text), body, JSON)
    for label, text in NO_SESSIONS.items()
    for method, path, body in ROUTES
]
OVER = [
    Row(
        f"{method} {path.format('closed')}",
        "is not active: it is closed",
        409,
        method,
        path.format("{closed}"),
        body,
        JSON,
    )
    for method, path, body in (ROUTES[3], ROUTES[4], ROUTES[6], ROUTES[7])
]

PATHS = [
    Row("nothing there", "There is nothing at /nothing", 404, "GET", "/nothing"),
    Row("root", "There is nothing at /", 404, "GET", "/"),
    Row("only slashes", "There is nothing at /", 404, "GET", "////"),
    Row("below a session", "There is nothing at", 404, "GET", "/sessions/{live}/nothing"),
    Row("below start", "There is nothing at", 404, "POST", "/sessions/start/x"),
    Row("out of the tree", "There is nothing at", 404, "GET", "/..%2f..%2fetc/passwd"),
    Row("broken UTF-8", "There is nothing at", 404, "GET", "/%ff%fe"),
    Row("CDP without an upgrade", "There is nothing at", 404, "GET", "/sessions/{live}/cdp"),
    Row("upper case", "There is nothing at /SESSIONS", 404, "GET", "/SESSIONS"),
    Row("NUL", "NUL", 422, "GET", "/sessions/%00"),
    Row("NUL in the query", "NUL", 422, "GET", "/sessions?x=%00"),
    Row("long path", "address is too long", 414, "GET", "/" + "a" * 5000),
    Row("long query", "address is too long", 414, "GET", "/sessions?x=" + "a" * 17_000),
    Row("long headers", "headers are larger", 431, "GET", "/sessions", headers={"X-Long": "a" * 70_000}),
    *(
        Row(f"{method} {path}", f"{method} is not possible here; {allowed} is", 405, method, path)
        for method, path, allowed in [
            ("PUT", "/sessions", "GET"),
            ("POST", "/sessions", "GET"),
            ("OPTIONS", "/sessions", "GET"),
            ("TRACE", "/sessions", "GET"),
            ("DELETE", "/sessions/{live}", "GET"),
            ("GET", "/sessions/{live}/stop", "POST, DELETE"),
            ("PATCH", "/sessions/{live}/cookies", "GET, POST"),
            ("GET", "/sessions/{live}/page/execute", "POST"),
            ("PUT", "/sessions/{live}/page/screenshot", "POST"),
            ("POST", "/usage", "GET"),
            ("DELETE", "/usage/logs", "GET"),
            ("POST", "/health", "GET"),
            ("POST", "/openapi.json", "GET"),
        ]
    ),
]

NEEDED, UNKNOWN_KEY = "An API key is required", "The API key is unknown or revoked"
AUTHORIZATIONS: list[tuple[str, str | bytes | None, str]] = [
    ("none", None, NEEDED),
    ("empty", "", NEEDED),
    ("scheme alone", "Bearer", NEEDED),
    ("scheme and blank", "Bearer ", NEEDED),
    ("key alone", KEY, NEEDED),
    ("another scheme", f"Basic {KEY}", NEEDED),
    ("tab", f"Bearer\t{KEY}", NEEDED),
    ("short", "Bearer x", UNKNOWN_KEY),
    ("one character less", f"Bearer {KEY[:-1]}", UNKNOWN_KEY),
    ("upper case", f"Bearer {KEY.upper()}", UNKNOWN_KEY),
    ("two keys", f"Bearer {KEY} {KEY}", UNKNOWN_KEY),
    ("quoted", f'Bearer "{KEY}"', UNKNOWN_KEY),
    ("not ASCII", b"Bearer \xff\xfe" + b"a" * 40, UNKNOWN_KEY),
    ("long", "Bearer " + "a" * 10_000, UNKNOWN_KEY),
    ("a pattern", "Bearer " + "%" * 43, UNKNOWN_KEY),
]
KEYS = [
    Row(f"{label} on {method} {path}", message, 401, method, path, body, {**JSON, "Authorization": value}, never=KEY)
    for label, value, message in AUTHORIZATIONS
    for method, path, body in [("GET", "/sessions", None), ("POST", "/sessions/start", b"{"), ("GET", "/nothing", None)]
]

KEY_SHAPE = "1 to 255 printable ASCII characters"
HEADERS = [
    Row("empty idempotency key", KEY_SHAPE, body=b"{}", headers={**JSON, "Idempotency-Key": ""}),
    Row("long idempotency key", KEY_SHAPE, body=b"{}", headers={**JSON, "Idempotency-Key": "a" * 256}),
    Row("blank in an idempotency key", KEY_SHAPE, body=b"{}", headers={**JSON, "Idempotency-Key": "a b"}),
    Row("idempotency key beyond ASCII", KEY_SHAPE, body=b"{}", headers={**JSON, "Idempotency-Key": b"\xff"}),
]

INTEGER, BOOLEAN = "valid integer", "valid boolean"
QUERIES = [
    Row(f"{path}?{query}", message, 422, "GET", f"{path}?{query}")
    for path in ("/sessions", "/usage/logs")
    for query, message in [
        ("page=0", "greater than or equal to 1 (got '0')"),
        ("page=-1", "greater than or equal to 1"),
        ("page=1000000001", "no page after"),
        ("page=" + "9" * 30, "no page after"),
        ("page=" + "9" * 5000, "query.page"),
        ("page=one", INTEGER),
        ("page=1.5", INTEGER),
        ("page=0x1", INTEGER),
        ("page=true", INTEGER),
        ("page=", INTEGER),
        ("page_size=0", "greater than or equal to 1"),
        ("page_size=101", "less than or equal to 100"),
        ("page_size=ten", INTEGER),
        ("only_active=maybe", BOOLEAN),
        ("only_active=2", BOOLEAN),
        ("only_active=", BOOLEAN),
        ("only_current_token=null", BOOLEAN),
    ]
] + [
    Row("update_metadata of cookies", BOOLEAN, 422, "GET", "/sessions/{live}/cookies?update_metadata=perhaps"),
    Row("update_metadata of a picture", BOOLEAN, 422, "POST", "/sessions/{live}/page/screenshot?update_metadata=3"),
]

NO_PERIODS = [
    "13/2025",
    "Mai 2025",
    "May 25",
    "2025-13",
    "2025-00",
    "2025-5",
    "2025-05-01",
    "last month",
    "May",
    "2025",
]
NO_PERIODS += ["May2025", "2025 May", "May 99999", "0000-05", "٢٠٢٥-05", "Decem 2025", "May\u00a02025", "x" * 1000]
PERIODS = [
    Row(
        f"period {text[:20]}",
        "query.period: period is a month such as 'May 2025'",
        422,
        "GET",
        f"/usage?period={quote(text)}",
    )
    for text in NO_PERIODS
]

EXECUTES = [
    execute("no type", "Unable to extract tag using discriminator 'type'", url="http://x"),
    execute("no action at all", "Unable to extract tag using discriminator 'type'"),
    execute("unknown type", "'goto'", type="fly"),
    execute("type of another case", "'goto'", type="GOTO", url="http://x"),
    execute("type that is a number", "'goto'", type=1),
    execute("wait without a time", "body.wait.time_ms: Field required", type="wait"),
    execute("wait for less than nothing", "greater than or equal to 0", type="wait", time_ms=-1),
    execute("wait too long", "less than or equal to 30000", type="wait", time_ms=30001),
    execute("wait for half a millisecond", INTEGER, type="wait", time_ms=0.5),
    execute("wait for a word", INTEGER, type="wait", time_ms="long"),
    execute("wait for true", "not true or false", type="wait", time_ms=True),
    execute("wait for ever", "less than or equal to 30000", type="wait", time_ms=2**70),
    execute("goto without a url", "body.goto.url: Field required", type="goto"),
    execute("goto null", "body.goto.url: Input should be a valid string", type="goto", url=None),
    execute("goto a list", "body.goto.url: Input should be a valid string", type="goto", url=["http://x"]),
    execute(
        "goto until a word",
        "'commit', 'domcontentloaded', 'load' or 'networkidle'",
        type="goto",
        url="http://x",
        wait_until="soon",
    ),
    execute("goto with more", "body.goto.ur: Extra inputs are not permitted", type="goto", url="http://x", ur="y"),
    execute("evaluate without code", "body.evaluate_js.code: Field required", type="evaluate_js"),
    execute("evaluate a number", "body.evaluate_js.code: Input should be a valid string", type="evaluate_js", code=1),
    execute("click without a target but with more", "Extra inputs are not permitted", type="click", xpath="//a"),
    execute("fill without a value", "body.fill.value: Field required", type="fill", id="I1"),
    execute("form_fill of nothing", "at least 1 item", type="form_fill", value={}),
    execute("form_fill of unknown keys", "'title'", type="form_fill", value={"shoe_size": "43"}),
    execute("completion without an answer", "body.completion.answer: Field required", type="completion", success=True),
    execute("negative timeout", "greater than or equal to 0", type="click", id="B1", timeout=-1),
    Row("a list of actions", NO_OBJECT, path="/sessions/{live}/page/execute", body=b'[{"type": "wait"}]', headers=JSON),
    Row("no action", "body: Field required", path="/sessions/{live}/page/execute"),
    Row("half an action", UNREADABLE, path="/sessions/{live}/page/execute", body=b'{"type":', headers=JSON),
]

_COOKIE = {"name": "a", "value": "b", "domain": "example.org", "path": "/", "httpOnly": False}
COOKIES = [
    Row(f"cookies: {label}", message, path="/sessions/{live}/cookies", body=json.dumps(body).encode(), headers=JSON)
    for label, body, message in [
        ("nothing", {}, "body.cookies: Field required"),
        ("no list", {"cookies": {}}, "valid list"),
        ("words", {"cookies": ["a=b"]}, NO_OBJECT),
        ("no name", {"cookies": [{**_COOKIE, "name": None}]}, "name: Input should be a valid string"),
        ("no domain", {"cookies": [{**_COOKIE, "domain": "."}]}, "needs the domain"),
        ("no path", {"cookies": [{**_COOKIE, "path": "x"}]}, "begins with /"),
        ("semicolon", {"cookies": [{**_COOKIE, "value": "b; Domain=com"}]}, "semicolon"),
        ("line break", {"cookies": [{**_COOKIE, "value": "b\r\nSet-Cookie: c"}]}, "control characters"),
        ("sameSite", {"cookies": [{**_COOKIE, "sameSite": "sometimes"}]}, "'Lax', 'Strict' or 'None'"),
        ("expires", {"cookies": [{**_COOKIE, "expires": "tomorrow"}]}, "valid number"),
        ("one of two", {"cookies": [_COOKIE, {**_COOKIE, "httpOnly": "maybe"}]}, "body.cookies.1.httpOnly"),
    ]
]

TABLE = [*BODIES, *STARTS, *IDS, *OVER, *PATHS, *KEYS, *HEADERS, *QUERIES, *PERIODS, *EXECUTES, *COOKIES]


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[Caller]:
    with Caller(server, "bad input").sessions_open() as caller:
        yield caller


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_a_bad_request_is_refused_with_its_reason_and_changes_nothing(caller: Caller, row: Row) -> None:
    before = caller.standing()
    path = _filled(caller, row.path)
    answer = caller.ask(row.method, path, row.body, row.headers)
    message = answer.refusal(row.status)
    assert row.message in message
    if row.status == 405:
        assert f"; {answer.headers['allow']} is" in message
    if row.status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if row.status not in (414, 431):
        assert json.loads(answer.text)["path"] == _shown(path)
    assert not row.never or row.never not in answer.text
    assert caller.key not in answer.text
    assert caller.standing() == before


@pytest.mark.parametrize(
    ("method", "headers"), [("BREW", {}), ("GET", {"Content-Length": "some"}), ("GET", {"a b": "c"})]
)
def test_what_is_no_http_is_told_so_in_the_same_shape(caller: Caller, method: str, headers: dict[str, str]) -> None:
    before = caller.standing()
    assert "cannot be read as a request" in caller.ask(method, "/sessions", headers=headers).refusal(400)
    assert caller.standing() == before


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("May 2025", "May 2025"),
        ("may  2025", "May 2025"),
        ("  MAY\t2025\n", "May 2025"),
        ("2025-05", "May 2025"),
        ("sept 2025", "September 2025"),
        ("Sep 2025", "September 2025"),
        ("December 9999", "December 9999"),
    ],
)
def test_a_period_may_be_written_in_several_ways(caller: Caller, text: str, label: str) -> None:
    assert json.loads(caller.ask("GET", f"/usage?period={quote(text)}").text)["period"] == label


def test_a_blank_period_is_the_current_month(caller: Caller) -> None:
    current = json.loads(caller.ask("GET", "/usage").text)["period"]
    for query in ("period=", "period=%20"):
        assert json.loads(caller.ask("GET", f"/usage?{query}").text)["period"] == current


def test_an_idempotency_key_stands_for_one_request(caller: Caller) -> None:
    headers = {**JSON, "Idempotency-Key": "bad-input-1"}
    stop = f"/sessions/{caller.sessions['closed']}/stop"
    before = caller.standing()
    assert caller.ask("DELETE", stop, headers=headers).status == 200
    for method, path, body in [
        ("POST", "/sessions/start", b"{}"),
        ("POST", stop, None),
        ("DELETE", stop, b"{}"),
        ("DELETE", f"/sessions/{caller.sessions['live']}/stop", None),
        ("DELETE", f"{stop}?close_reason=manual", None),
    ]:
        assert "was used for another request" in caller.ask(method, path, body, headers).refusal(409)
    assert caller.standing() == before


def _filled(caller: Caller, path: str) -> str:
    live = caller.sessions["live"]
    stands_for = {
        "{live}": live,
        "{closed}": caller.sessions["closed"],
        "{LIVE}": live.upper(),
        "{hex}": live.replace("-", ""),
        "{begin}": live[:8],
    }
    for name, value in stands_for.items():
        path = path.replace(name, value)
    return path


def _shown(path: str) -> str:
    """The path as an error names it: decoded, without its query, slashes of no meaning, and excess."""
    shown = unquote(path.partition("?")[0])
    shown = "/" + "/".join(part for part in shown.split("/") if part)
    return shown if len(shown) <= 500 else shown[:500] + "…"
