"""The judge's table: what is forwarded, refused and answered, and what does not get past it."""

import json
from pathlib import Path
from typing import Any

import pytest

from noctule.browser.relay import messages
from noctule.browser.relay.judge import Answer, Forward, Judge, Refuse, Verdict, check_url
from noctule.browser.relay.targets import Sessions

_OPEN, _OWN = "A" * 32, "B" * 32


def _sessions() -> Sessions:
    sessions = Sessions()
    for session_id, url in ((_OPEN, "https://example.com/"), (_OWN, "chrome://settings/")):
        sessions.note(_attached(session_id, url))
    return sessions


def _attached(session_id: str, url: str) -> bytes:
    info = {"targetId": f"T{session_id}", "type": "page", "url": url}
    return messages.dump({"method": "Target.attachedToTarget", "params": {"sessionId": session_id, "targetInfo": info}})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "own.txt").write_text("own")
    (tmp_path / "downloads-of-another").mkdir()
    (tmp_path / "downloads-of-another" / "secret.txt").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def judge(files: Path) -> Judge:
    return Judge(files, _sessions(), has_window=True)


def _call(judge: Judge, method: str, params: Any = None, **more: Any) -> Verdict:
    return judge.judge({"id": 1, "method": method, "params": params if params is not None else {}, **more})


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "HTTP://example.com",
        " \t\nhttps://example.com",
        "about:blank",
        "about:blank#x",
        "ABOUT:Blank?x",
        "data:text/html,x",
        "blob:https://example.com/1-2",
        "blob:null/1-2",
    ],
)
def test_addresses_of_the_web_may_be_opened(url: str) -> None:
    check_url(url)


_FORBIDDEN = [
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "FiLe:/etc/passwd",
    " file:///etc/passwd",
    "\x00\x01\x1ffile:///etc/passwd",
    "fi\tle:///etc/passwd",
    "f\ni\rle:///etc/passwd",
    "view-source:file:///etc/passwd",
    "view-source:https://example.com",
    "chrome://version",
    "chrome-untrusted://x",
    "chrome-extension://abc/x.html",
    "devtools://devtools/bundled/inspector.html",
    "filesystem:file:///temporary/x",
    "about:version",
    "about:srcdoc",
    "about:blank-ish",
    "blob:file:///x",
    "javascript:alert(1)",
    "ftp://example.com",
    "ws://example.com",
    "isolated-app://x",
    "example.com",
    "/etc/passwd",
    "",
    None,
    7,
    ["https://example.com"],
]


@pytest.mark.parametrize("url", _FORBIDDEN)
@pytest.mark.parametrize("method", ["Page.navigate", "Fetch.continueRequest", "Network.loadNetworkResource",
                                    "Page.aMethodOfTomorrow"])  # fmt: skip
def test_other_addresses_are_refused_by_every_method_that_takes_one(judge: Judge, method: str, url: object) -> None:
    assert isinstance(_call(judge, method, {"url": url}), Refuse)
    # A method that passed without an address must not pass with one.
    assert isinstance(_call(judge, method), Forward)
    assert isinstance(_call(judge, method, {"url": url}), Refuse)


@pytest.mark.parametrize("url", [url for url in _FORBIDDEN if url != ""])
def test_a_new_tab_opens_no_forbidden_address(judge: Judge, url: object) -> None:
    assert isinstance(_call(judge, "Target.createTarget", {"url": url}), Refuse)
    assert isinstance(_call(judge, "Target.createTarget", {"url": ""}), Forward)
    assert isinstance(_call(judge, "Target.createTarget", {"url": "about:blank"}), Forward)


def test_a_url_that_only_picks_among_what_is_there_is_not_an_address_to_open(judge: Judge) -> None:
    assert isinstance(_call(judge, "Debugger.setBreakpointByUrl", {"url": "webpack://x", "lineNumber": 1}), Forward)
    assert isinstance(_call(judge, "Network.deleteCookies", {"name": "a", "url": "x"}), Forward)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Browser.crash", {}),
        ("Browser.crashGpuProcess", {}),
        ("Browser.getBrowserCommandLine", {}),
        ("Browser.executeBrowserCommand", {"commandId": "openTabSearch"}),
        ("Browser.aMethodOfTomorrow", {}),
        ("SystemInfo.getInfo", {}),
        ("SystemInfo.getProcessInfo", {}),
        ("Target.exposeDevToolsProtocol", {"targetId": "x"}),
        ("Target.setRemoteLocations", {"locations": []}),
        ("Target.openDevTools", {"targetId": "x"}),
        ("Target.createBrowserContext", {"proxyServer": "http://127.0.0.1:1"}),
        ("Target.createBrowserContext", {"proxyServer": ""}),
        ("Target.createBrowserContext", {"proxyBypassList": "*"}),
        ("Target.createBrowserContext", {"originsWithUniversalNetworkAccess": ["https://a.test"]}),
        ("Tethering.bind", {"port": 1}),
        ("Extensions.loadUnpacked", {"path": "/x"}),
        ("PWA.launch", {"manifestId": "x"}),
        ("Cast.enable", {}),
        ("DeviceAccess.enable", {}),
        ("DOM.getFileInfo", {"objectId": "x"}),
        ("Page.addCompilationCache", {"url": "https://a.test", "data": ""}),
        ("Tracing.start", {"perfettoConfig": "eA=="}),
        ("Tracing.start", {"tracingBackend": "system"}),
        ("ADomainOfTomorrow.run", {}),
        ("page.navigate", {"url": "https://example.com"}),
        ("Browser", {}),
        ("", {}),
    ],
)
def test_calls_that_reach_beyond_the_session_are_refused(judge: Judge, method: str, params: dict[str, Any]) -> None:
    assert isinstance(_call(judge, method, params), Refuse)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Browser.getVersion", {}),
        ("Runtime.evaluate", {"expression": "1"}),
        ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
        ("Target.createBrowserContext", {"disposeOnDetach": True}),
        ("Network.setExtraHTTPHeaders", {"headers": {}}),
        ("Storage.setCookies", {"cookies": []}),
        ("Emulation.setDeviceMetricsOverride", {"width": 1}),
        ("Page.setDocumentContent", {"frameId": "x", "html": ""}),
        ("Page.navigateToHistoryEntry", {"entryId": 1}),
        ("Tracing.start", {"transferMode": "ReturnAsStream"}),
        ("Input.dispatchDragEvent", {"type": "drop", "data": {"items": [], "dragOperationsMask": 1}}),
    ],
)
def test_usual_calls_are_forwarded_as_they_are(judge: Judge, method: str, params: dict[str, Any]) -> None:
    for _ in range(2):
        message = {"id": 1, "method": method, "params": params, "sessionId": _OPEN}
        verdict = judge.judge(dict(message))
        assert isinstance(verdict, Forward)
        assert verdict.message == message


def test_closing_the_browser_is_answered_and_hangs_up_whatever_it_carries(judge: Judge) -> None:
    for params in ({}, {"url": "https://example.com"}):
        assert _call(judge, "Browser.close", params) == Answer({}, hang_up=True)


@pytest.mark.parametrize("message", [None, 7, "x", [], {}, {"id": 1}, {"id": 1, "method": 7},
                                     {"id": 1, "method": "Page.navigate", "params": []},
                                     {"id": 1, "method": "Page.navigate", "params": "x"}])  # fmt: skip
def test_what_is_not_a_call_is_refused(judge: Judge, message: object) -> None:
    assert isinstance(judge.judge(message), Refuse)


@pytest.mark.parametrize("behavior", ["allow", "allowAndName", "default"])
def test_downloads_land_in_the_sessions_folder_under_their_numbers_whatever_is_asked(
    judge: Judge, files: Path, behavior: str
) -> None:
    asked = {"behavior": behavior, "downloadPath": "/etc", "eventsEnabled": True}
    verdict = _call(judge, "Browser.setDownloadBehavior", asked)
    assert isinstance(verdict, Forward)
    assert verdict.message["params"] == {**asked, "behavior": "allowAndName", "downloadPath": str(files)}
    assert judge.has_set_downloads
    assert _call(judge, "Page.setDownloadBehavior", asked) == Answer({})


def test_a_client_may_want_no_downloads_and_that_is_told(files: Path) -> None:
    denied: list[str] = []
    judge = Judge(files, Sessions(), has_window=True, on_denied_downloads=denied.append)
    for method in ("Browser.setDownloadBehavior", "Page.setDownloadBehavior"):
        verdict = judge.judge({"id": 1, "method": method, "params": {"behavior": "deny", "downloadPath": "/etc"}})
        assert isinstance(verdict, Forward)
        assert verdict.message["params"] == {"behavior": "deny"}
    judge.judge({"id": 1, "method": method, "params": {"behavior": "deny", "browserContextId": "C"}})
    assert denied == ["", "", "C"]


def test_only_files_of_the_session_may_be_chosen_or_dropped(judge: Judge, files: Path) -> None:
    def choose(*names: object) -> Verdict:
        return _call(judge, "DOM.setFileInputFiles", {"files": list(names), "objectId": "x"})

    def drop(*names: object) -> Verdict:
        data = {"items": [], "dragOperationsMask": 1, "files": list(names)}
        return _call(judge, "Input.dispatchDragEvent", {"type": "drop", "x": 0, "y": 0, "data": data})

    own = str(files / "own.txt")
    verdict = choose(str(files / ".." / "downloads" / "own.txt"))
    assert isinstance(verdict, Forward)
    assert verdict.message["params"] == {"files": [own], "objectId": "x"}
    verdict = drop(own)
    assert isinstance(verdict, Forward)
    assert verdict.message["params"]["data"]["files"] == [own]
    assert isinstance(choose(), Forward)

    others = ["/etc/passwd", str(files / "link.txt"), str(files / ".." / "secret.txt"), str(files),
              str(files) + "-of-another/secret.txt", str(files / "absent.txt"), own + "\0",
              "own.txt", "", 7, None]  # fmt: skip
    for other in others:
        assert isinstance(choose(other), Refuse), other
        assert isinstance(drop(other), Refuse), other
        assert isinstance(choose(own, other), Refuse), other
    assert isinstance(_call(judge, "DOM.setFileInputFiles", {"files": "/etc/passwd"}), Refuse)
    assert isinstance(_call(judge, "DOM.setFileInputFiles", {}), Refuse)


def _nested(inner: Any, depth: int = 1) -> dict[str, Any]:
    for _ in range(depth):
        inner = {"id": 2, "method": "Target.sendMessageToTarget",
                 "params": {"sessionId": _OPEN, "message": json.dumps(inner)}}  # fmt: skip
    return dict(inner)


def test_a_message_inside_a_message_is_judged_too(judge: Judge) -> None:
    bad = {"id": 1, "method": "Page.navigate", "params": {"url": "file:///etc/passwd"}}
    good = {"id": 1, "method": "Page.navigate", "params": {"url": "https://example.com"}}
    for depth in (1, 2, 3):
        assert isinstance(judge.judge(_nested(bad, depth)), Refuse)
        assert isinstance(judge.judge(_nested(good, depth)), Forward)
    assert isinstance(judge.judge(_nested(good, 9)), Refuse)
    assert isinstance(judge.judge(_nested({"id": 1, "method": "Browser.close"})), Refuse)
    disguised = _nested(bad)
    disguised["params"]["url"] = "https://example.com"
    assert isinstance(judge.judge(disguised), Refuse)


def test_a_nested_message_is_sent_as_it_was_judged(judge: Judge) -> None:
    twice = '{"id":1,"method":"Page.navigate","params":{"url":"file:///etc/passwd","url":"https://example.com"}}'
    verdict = judge.judge(
        {"id": 2, "method": "Target.sendMessageToTarget", "params": {"sessionId": _OPEN, "message": twice}}
    )
    assert isinstance(verdict, Forward)
    assert "passwd" not in verdict.message["params"]["message"]


@pytest.mark.parametrize("params", [{"message": "{}"}, {"sessionId": _OWN}, {"sessionId": _OPEN, "message": 7},
                                    {"sessionId": _OPEN, "message": "{"}, {"sessionId": "C" * 32},
                                    {"sessionId": _OPEN, "targetId": "T"}])  # fmt: skip
def test_a_nested_message_goes_to_no_session_but_an_open_one(judge: Judge, params: dict[str, Any]) -> None:
    inner = '{"id":1,"method":"Runtime.evaluate","params":{}}'
    message = {"id": 1, "method": "Target.sendMessageToTarget", "params": {"message": inner, **params}}
    assert isinstance(judge.judge(message), Refuse)


def test_pages_of_the_browser_itself_are_not_spoken_to(judge: Judge) -> None:
    verdict = _call(judge, "Runtime.evaluate", sessionId=_OWN)
    assert isinstance(verdict, Refuse)
    assert verdict.message.startswith("Refused by Noctule: the browser's own pages")
    assert isinstance(_call(judge, "Runtime.runIfWaitingForDebugger", sessionId=_OWN), Forward)
    assert isinstance(_call(judge, "Runtime.evaluate", sessionId=_OPEN), Forward)
    # Having passed once on an open session opens no other.
    assert isinstance(_call(judge, "Runtime.evaluate", sessionId=_OWN), Refuse)


@pytest.mark.parametrize("session_id", ["C" * 32, "", 7, ["x"], {}])
def test_a_session_that_was_not_seen_is_unknown_in_the_browsers_own_words(judge: Judge, session_id: object) -> None:
    assert _call(judge, "Runtime.evaluate", sessionId=session_id) == Refuse("Session with given id not found.", -32001)


def test_a_session_follows_its_target_and_ends_when_it_is_detached(files: Path) -> None:
    sessions = _sessions()
    judge = Judge(files, sessions, has_window=True)
    for url, expected in (("chrome://newtab/", Refuse), ("view-source:https://a.test", Refuse), ("", Forward),
                          ("chrome-error://chromewebdata/", Forward), ("devtools://x", Refuse),
                          ("about:srcdoc", Forward),
                          ("about:settings", Refuse), ("https://a.test", Forward)):  # fmt: skip
        info = {"targetId": f"T{_OPEN}", "url": url}
        sessions.note(messages.dump({"method": "Target.targetInfoChanged", "params": {"targetInfo": info}}))
        assert isinstance(_call(judge, "Runtime.evaluate", sessionId=_OPEN), expected), url
    sessions.note(messages.dump({"method": "Target.detachedFromTarget", "params": {"sessionId": _OPEN}}))
    assert isinstance(_call(judge, "Runtime.evaluate", sessionId=_OPEN), Refuse)


def _stroke(code: str, key: int, modifiers: int = 0) -> dict[str, Any]:
    return {"type": "rawKeyDown", "code": code, "windowsVirtualKeyCode": key, "modifiers": modifiers}


@pytest.mark.parametrize(
    "stroke",
    [
        _stroke("KeyH", 72, 2),
        _stroke("KeyJ", 74, 2),
        _stroke("KeyT", 84, 2),
        _stroke("KeyU", 85, 2),
        _stroke("KeyI", 73, 10),
        _stroke("KeyO", 79, 10),
        _stroke("Delete", 46, 10),
        _stroke("Home", 36, 1),
        _stroke("F12", 123),
        _stroke("F12", 123, 8),
        _stroke("BrowserHome", 172),
        # The two ways to name a key must agree, and numbers must be what they seem.
        _stroke("KeyA", 72, 2),
        _stroke("KeyH", 65, 2),
        _stroke("KeyH", 0, 2),
        _stroke("", 72, 2),
        _stroke("", 123 + (1 << 32)),
        _stroke("", 123.0),  # type: ignore[arg-type]
        _stroke("", "123"),  # type: ignore[arg-type]
        _stroke("KeyH", 72, 2 + 16),
        _stroke("KeyH", 72, 2.0),  # type: ignore[arg-type]
        _stroke("KeyH", 72, "2"),  # type: ignore[arg-type]
        _stroke("KeyH", 72, None),  # type: ignore[arg-type]
    ],
)
def test_shortcuts_of_the_browsers_window_are_refused_where_it_has_one(files: Path, stroke: dict[str, Any]) -> None:
    for has_window, expected in ((True, Refuse), (False, Forward)):
        judge = Judge(files, _sessions(), has_window=has_window)
        assert isinstance(_call(judge, "Input.dispatchKeyEvent", stroke), expected)


@pytest.mark.parametrize(
    "stroke",
    [
        _stroke("KeyH", 72),
        _stroke("KeyH", 72, 8),
        _stroke("ControlLeft", 17, 2),
        _stroke("KeyA", 65, 2),
        _stroke("KeyC", 67, 2),
        _stroke("KeyV", 86, 4),
        _stroke("KeyZ", 90, 10),
        _stroke("ArrowLeft", 37, 10),
        _stroke("ArrowLeft", 37, 1),
        _stroke("Enter", 13, 2),
        _stroke("F5", 116),
        {"type": "char", "text": "a"},
    ],
)
def test_typing_and_editing_pass(judge: Judge, stroke: dict[str, Any]) -> None:
    assert isinstance(_call(judge, "Input.dispatchKeyEvent", stroke), Forward)


def test_on_a_pages_endpoint_nothing_beside_the_page_is_offered_and_the_page_only_while_it_is_of_the_web(
    files: Path,
) -> None:
    is_open = True
    judge = Judge(files, _sessions(), has_window=True, page_is_open=lambda: is_open)

    def verdict(method: str, session_id: str | None = None, **params: Any) -> Verdict:
        message = {"id": 1, "method": method, "params": params}
        return judge.judge(message if session_id is None else {**message, "sessionId": session_id})

    auto_attach: dict[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
    assert isinstance(verdict("Runtime.evaluate", expression="1"), Forward)
    assert isinstance(verdict("Target.setAutoAttach", **auto_attach), Forward)
    assert isinstance(verdict("Target.setAutoAttach", _OPEN, **auto_attach), Forward)
    for method in ("attachToTarget", "attachToBrowserTarget", "createTarget", "closeTarget", "getTargets"):
        for session_id in (None, _OPEN):
            refused = verdict(f"Target.{method}", session_id, url="about:blank", targetId="T")
            assert isinstance(refused, Refuse)
            assert "opens one page" in refused.message
    nested = messages.dump({"id": 2, "method": "Target.createTarget", "params": {"url": "about:blank"}}).decode()
    assert isinstance(verdict("Target.sendMessageToTarget", sessionId=_OPEN, message=nested), Refuse)
    assert isinstance(verdict("Page.navigate", url="chrome://version"), Refuse)

    is_open = False
    refused = verdict("Runtime.evaluate", expression="1")
    assert isinstance(refused, Refuse)
    assert "the browser's own pages" in refused.message
    assert isinstance(verdict("Runtime.runIfWaitingForDebugger"), Forward)
    assert isinstance(verdict("Runtime.evaluate", _OPEN, expression="1"), Forward)
