"""The part of the table of bad input that is about the options of a start."""

from tests.e2e.asking import Row, start

_SECRET = "hunter2"
_AGREE = "viewport_width and viewport_height go together"
_SHAPE = "a proxy server is http://host:port or socks5://host:port"
_CDP = "a CDP address begins with ws://, wss://, http:// or https:// and names a host"
_RUNNING = "cannot be set together with cdp_url"
_NO_TRUE = "not true or false"

DURATIONS = [
    start("duration 0", "body.max_duration_minutes: Input should be greater than 0 (got 0)", max_duration_minutes=0),
    start("duration -1", "greater than 0", max_duration_minutes=-1),
    start("duration 1441", "less than or equal to 1440 (got 1441)", max_duration_minutes=1441),
    start("duration 2**70", "less than or equal to 1440", max_duration_minutes=2**70),
    start("duration half", "fractional part", max_duration_minutes=1.5),
    start("duration word", "valid integer", max_duration_minutes="an hour"),
    start("duration time", "valid integer", max_duration_minutes="00:15:00"),
    start("duration true", _NO_TRUE, max_duration_minutes=True),
    start("duration list", "valid integer", max_duration_minutes=[15]),
    start("duration object", "valid integer", max_duration_minutes={"minutes": 15}),
    start("idle 0", "body.idle_timeout_minutes: Input should be greater than 0", idle_timeout_minutes=0),
    start("idle 31", "less than or equal to 30", idle_timeout_minutes=31, max_duration_minutes=60),
    start("idle false", _NO_TRUE, idle_timeout_minutes=False),
    start("idle by its other name", "body.idle_timeout_minutes: Input should be greater", timeout_minutes=0),
    start(
        "idle over duration",
        "must not be longer than max_duration_minutes, which is 4 (got 5)",
        idle_timeout_minutes=5,
        max_duration_minutes=4,
    ),
]

VIEWPORTS = [
    start("width alone", f"body.viewport_height: {_AGREE}", viewport_width=800),
    start("height alone", f"body.viewport_width: {_AGREE}", viewport_height=600),
    start("no width", _AGREE, viewport_width=None, viewport_height=600),
    start("viewport 0", "1 to 7680 CSS pixels (got 0)", viewport_width=0, viewport_height=0),
    start("viewport negative", "1 to 7680 CSS pixels (got -800)", viewport_width=-800, viewport_height=600),
    start("viewport huge", "1 to 7680 CSS pixels", viewport_width=7681, viewport_height=600),
    start("viewport 2**70", "1 to 7680 CSS pixels", viewport_width=800, viewport_height=2**70),
    start("viewport half", "fractional part", viewport_width=800.5, viewport_height=600),
    start("viewport true", _NO_TRUE, viewport_width=True, viewport_height=True),
    start("viewport word", "valid integer", viewport_width="800px", viewport_height=600),
    start("aspect ratio", "'5:4' or '16:9'", aspect_ratio="4:3"),
    start("aspect ratio number", "'5:4' or '16:9'", aspect_ratio=1.25),
    start(
        "aspect ratio and viewport",
        "excludes viewport_width and viewport_height",
        aspect_ratio="16:9",
        viewport_width=800,
        viewport_height=600,
    ),
]

BROWSERS = [
    start(
        "brave",
        "'chromium', 'chrome', 'firefox', 'chrome-nightly' or 'chrome-turbo' (got 'brave')",
        browser_type="brave",
    ),
    start("browser of another case", "'chromium', 'chrome'", browser_type="Chrome"),
    start("browser list", "'chromium', 'chrome'", browser_type=["chromium"]),
    start("firefox", "no Firefox; choose 'chromium' or 'chrome'", browser_type="firefox"),
    start("headless word", "body.headless: Input should be a valid boolean", headless="maybe"),
    start("headless 2", "body.headless: Input should be a valid boolean", headless=2),
    start("headless list", "body.headless: Input should be a valid boolean", headless=[]),
    start("captchas", "body.solve_captchas: Input should be a valid boolean", solve_captchas="please"),
    start("storage", "body.use_file_storage: Input should be a valid boolean", use_file_storage={}),
    start("bot auth", "body.web_bot_auth: Input should be a valid boolean", web_bot_auth="key"),
    start("screenshot type", "'raw', 'full' or 'last_action'", screenshot_type="pretty"),
    start("profile without an id", "body.profile.id: Field required", profile={}),
    start("profile that is its id", "body.profile", profile="notte-profile-0123456789abcdef"),
    start("profile with more", "body.profile.persists: Extra inputs", profile={"id": "p", "persists": True}),
    start("vault number", "body.vault_id: Input should be a valid string", vault_id=1),
    start("no user agent", "ASCII characters", user_agent=""),
    start("user agent beyond ASCII", "ASCII characters", user_agent="Müller"),
    start("long user agent", "1 to 8192 ASCII characters", user_agent="a" * 8193),
    start("user agent of two lines", "control characters", user_agent="a\r\nHost: b"),
    start("user agent number", "valid string", user_agent=7),
]

HEADERS = [
    start("header of two lines", "no header can hold it", never="evil", extra_http_headers={"X": "a\r\nevil: b"}),
    start("header with NEL", "no header can hold it", extra_http_headers={"X": "a\x7fb"}),
    start("header beyond Latin-1", "no header can hold it", extra_http_headers={"X": "€"}),
    start("long header", "too long", extra_http_headers={"X": "a" * 8193}),
    start("header name of two lines", "is not a header name", extra_http_headers={"X\r\nY": "b"}),
    start("no header name", "is not a header name", extra_http_headers={"": "b"}),
    start("header name with a colon", "is not a header name", extra_http_headers={"X:": "b"}),
    start("Host", "belongs to the browser", extra_http_headers={"Host": "example.org"}),
    start(
        "Proxy-Authorization",
        "belongs to the browser",
        never="c2Vj",
        extra_http_headers={"proxy-authorization": "c2Vj"},
    ),
    start("Content-Length", "belongs to the browser", extra_http_headers={"Content-Length": "1"}),
    start("header number", "valid string", never="4711", extra_http_headers={"X-Secret": 4711}),
    start("header list", "valid dictionary", extra_http_headers=[["X", "a"]]),
    start("101 headers", "at most 100 headers", extra_http_headers={f"X-{number}": "a" for number in range(101)}),
]

_BAD_SERVERS = [
    "",
    " ",
    f"http://bob:{_SECRET}@",
    f"http://bob:{_SECRET}@:3128",
    f"http://bob:{_SECRET}@h:0",
    f"http://bob:{_SECRET}@h:65536",
    f"http://bob:{_SECRET}@h:port",
    f"http://bob:{_SECRET}@h:80/path",
    f"http://bob:{_SECRET}@h:80?query",
    f"http://bob:{_SECRET}@[::1:80",
    f"http://bob:{_SECRET}@h h:80",
    f"https://bob:{_SECRET}@h:80",
    f"ftp://bob:{_SECRET}@h:21",
    f"socks4://bob:{_SECRET}@h:1080",
    f"bob:{_SECRET}@h:99999",
    f"//bob:{_SECRET}@h",
    f"://bob:{_SECRET}@h",
    f"http:/bob:{_SECRET}@h",
    f"bob:/{_SECRET}@h:80",
]

PROXIES = [
    *(
        start(f"proxy server {server!r}", _SHAPE, never=_SECRET, proxies=[{"type": "external", "server": server}])
        for server in _BAD_SERVERS
    ),
    start(
        "proxy server of two lines",
        "control characters",
        never=_SECRET,
        proxies=[{"type": "external", "server": f"http://bob:{_SECRET}@h\r\nx:80"}],
    ),
    start(
        "two proxies",
        "more than one proxy is not supported",
        never=_SECRET,
        proxies=[{"type": "notte"}, {"type": "external", "server": f"bob:{_SECRET}@h:1"}],
    ),
    start(
        "proxy type",
        "'notte', 'external', 'tailnet'",
        never=_SECRET,
        proxies=[{"type": "magic", "server": f"bob:{_SECRET}@h:1", "password": _SECRET}],
    ),
    start(
        "proxy without a server",
        "server: Field required",
        never=_SECRET,
        proxies=[{"type": "external", "password": _SECRET}],
    ),
    start(
        "proxy password of another name",
        "Extra inputs are not permitted",
        never=_SECRET,
        proxies=[{"type": "external", "server": "http://h:1", "pass": _SECRET}],
    ),
    start(
        "proxy password list",
        "password: Input should be a valid string",
        never=_SECRET,
        proxies=[{"type": "external", "server": "http://h:1", "password": [_SECRET]}],
    ),
    start(
        "tailnet",
        "no tailnet support",
        never=_SECRET,
        proxies=[{"type": "tailnet", "oauth_client_id": "a", "oauth_client_secret": _SECRET, "exit_node": "b"}],
    ),
    start("proxy text", "give true, false, a two-letter country", never=_SECRET, proxies=f"http://bob:{_SECRET}@h"),
    start("proxy text without a scheme", "two-letter country", never=_SECRET, proxies=f"bob:{_SECRET}@h:80"),
    start("proxy country", "not a two-letter country code", proxies="zz"),
    start("proxy country of three letters", "two-letter country", proxies="usa"),
    start("proxy country list", "country: Input should be a valid string", proxies=[{"country": ["us"]}]),
    start("proxy number", "body.proxies", proxies=3),
    start("proxy object", "body.proxies", proxies={"type": "notte"}),
    start("proxy list of words", "valid dictionary", proxies=["us"]),
    start(
        "private proxy",
        "refused by the egress rule 'loopback-address'",
        400,
        never=_SECRET,
        proxies=[{"type": "external", "server": "http://127.0.0.1:9", "username": "bob", "password": _SECRET}],
    ),
    start(
        "private proxy with credentials in its address",
        "refused by the egress rule 'private-address'",
        400,
        never=_SECRET,
        proxies=[{"server": f"socks5://bob:{_SECRET}@10.0.0.1:9"}],
    ),
]

_REFUSED_SWITCHES = {
    "--no-sandbox": "weakens a sandbox",
    "--NO-SANDBOX": "weakens a sandbox",
    "--disable-setuid-sandbox": "weakens a sandbox",
    "--proxy-server=127.0.0.1:1": "decides where traffic goes",
    "--proxy-bypass-list=<-loopback>": "decides where traffic goes",
    "--host-resolver-rules=MAP * 127.0.0.1": "decides where traffic goes",
    "--remote-debugging-port=1": "opens a listener or hands over a channel",
    "--remote-debugging-pipe": "opens a listener or hands over a channel",
    "--user-data-dir=/tmp/x": "names a file or folder of the server",
    "--disk-cache-dir=x": "names a file or folder of the server",
    "--load-extension=/etc": "starts a program or loads code",
    "--renderer-cmd-prefix=sh -c": "starts a program or loads code",
    "--enable-logging=stderr": "writes logs, traces or dumps on the server",
    "--single-process": "takes a sandbox away",
    "--version": "ends the browser at once",
    "--disable-features=NetworkServiceSandbox": "isolation or egress",
    "--lang=../../etc/passwd": "looks like a file or an address",
    "--a b": "--name or --name=value",
    "--a=" + "b" * 2048: "at most 2048 characters",
    "no-sandbox": "begin with --",
    "-x": "begin with --",
    "--": "begin with --",
    "--=x": "begin with --",
    "": "begin with --",
    "--a\n--b": "control characters",
}

SWITCHES = [
    *(
        start(f"switch {switch[:40]!r}", message, chrome_args=["--lang=de", switch])
        for switch, message in _REFUSED_SWITCHES.items()
    ),
    start("switch with credentials", "traffic", never=_SECRET, chrome_args=[f"--proxy-server=bob:{_SECRET}@h:1"]),
    start("switches as text", "valid list", chrome_args="--lang=de"),
    start("switch number", "valid string", chrome_args=[7]),
    start("51 switches", "at most 50 arguments", chrome_args=["--lang=de"] * 51),
]

_BAD_CDP_URLS = ["", "x", "//h", "ws://", "ws:///x", "ws://h:0", "ws://h:65536", "ws://[::1", "ws://h\r\n/x"]
_BAD_CDP_URLS += ["file:///etc/passwd", "ftp://h", "javascript:1", "chrome://version", "data:,x", "unix:///run/x.sock"]
_PRIVATE_CDP_URLS = {
    "ws://127.0.0.1:1": "loopback-address",
    "http://127.0.0.1:1": "loopback-address",
    "ws://[::1]:1": "loopback-address",
    "ws://[::ffff:127.0.0.1]:1": "loopback-address",
    "ws://0x7f000001:1": "loopback-address",
    "wss://10.0.0.1": "private-address",
    "http://169.254.169.254": "metadata",
}

FOREIGN = [
    *(start(f"cdp_url {url!r}", _CDP, cdp_url=url) for url in _BAD_CDP_URLS),
    *(
        start(
            f"cdp_url {url}",
            f"refused by the egress rule '{rule}'",
            400,
            never=_SECRET,
            cdp_url=f"{url}/devtools/browser/x?token={_SECRET}",
        )
        for url, rule in _PRIVATE_CDP_URLS.items()
    ),
    start("cdp_url number", "valid string", cdp_url=1),
    start("cdp_url and proxies", f"body.proxies: {_RUNNING}", cdp_url="ws://h", proxies=True),
    start("cdp_url and proxy", _RUNNING, never=_SECRET, cdp_url="ws://h", proxies=[{"server": f"bob:{_SECRET}@h"}]),
    start("cdp_url and user agent", f"body.user_agent: {_RUNNING}", cdp_url="ws://h", user_agent="a"),
    start("cdp_url and switches", f"body.chrome_args: {_RUNNING}", cdp_url="ws://h", chrome_args=["--lang=de"]),
    start(
        "cdp_url and viewport",
        f"body.viewport_width: {_RUNNING}",
        cdp_url="ws://h",
        viewport_width=8,
        viewport_height=8,
    ),
    start("cdp_url and aspect ratio", _RUNNING, cdp_url="ws://h", aspect_ratio="16:9"),
]

STARTS: list[Row] = [*DURATIONS, *VIEWPORTS, *BROWSERS, *HEADERS, *PROXIES, *SWITCHES, *FOREIGN]
