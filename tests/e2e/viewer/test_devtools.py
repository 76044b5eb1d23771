"""Chromium's own DevTools, from the session's browser, through this server, on one tab and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.viewer.stage import Remote

pytestmark = pytest.mark.slow


def _call(socket: ClientConnection, method: str, **params: Any) -> dict[str, Any]:
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while True:
        answer: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if answer.get("id") == 1:
            return answer


def test_devtools_show_the_elements_of_the_tab_and_run_code_in_it(remote: Remote, pictures: Path) -> None:
    page = remote.open(remote.debug().json()["debug_url"], width=1400, height=900)
    # The quick console is there once DevTools speak to the page.
    expect(page.get_by_text("Elements", exact=True).first).to_be_visible(timeout=30_000)
    expect(page.locator(".elements-disclosure, .elements-tree-outline").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("quarter").first).to_be_visible(timeout=30_000)
    page.screenshot(path=pictures / "devtools.png")
    page.keyboard.press("Control+Backquote")
    page.wait_for_timeout(1000)
    page.keyboard.type("document.title = 'set by DevTools'")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert remote.js("document.title") == "set by DevTools"


def test_a_tabs_socket_speaks_to_that_tab_and_keeps_the_promises_of_the_relay(remote: Remote) -> None:
    remote.origin.page("/second", "<title>Second page</title>")
    remote.act(type="goto_new_tab", url=remote.origin.url + "second")
    tabs = remote.debug().json()["tabs"]
    with connect(tabs[0]["ws_url"], proxy=None) as first, connect(tabs[1]["ws_url"], proxy=None) as second:
        for socket, title in ((first, "First page"), (second, "Second page")):
            answer = _call(socket, "Runtime.evaluate", expression="document.title")
            assert answer["result"]["result"]["value"] == title
        for method, params in (
            ("Page.navigate", {"url": "file:///etc/passwd"}),
            ("Page.navigate", {"url": "chrome://version"}),
            ("Browser.getBrowserCommandLine", {}),
            ("Target.exposeDevToolsProtocol", {"targetId": "x"}),
            ("SystemInfo.getProcessInfo", {}),
            ("DOM.setFileInputFiles", {"files": ["/etc/passwd"]}),
        ):
            assert "Refused by Noctule" in _call(first, method, **params)["error"]["message"], method
        other = tabs[1]["ws_url"].partition("?")[0].rpartition("/")[2]
        for method, params in (
            ("Target.attachToTarget", {"targetId": other, "flatten": True}),
            ("Target.attachToBrowserTarget", {}),
            ("Target.getTargets", {}),
            ("Target.createTarget", {"url": "about:blank"}),
            ("Target.closeTarget", {"targetId": other}),
        ):
            assert "opens one page" in _call(first, method, **params)["error"]["message"], method
        auto_attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        assert _call(first, "Target.setAutoAttach", **auto_attach)["result"] == {}
        assert _call(first, "Browser.close")["result"] == {}
        with pytest.raises(ConnectionClosed):
            first.recv(timeout=10)
        remote.stop()
        with pytest.raises(ConnectionClosed):
            _call(second, "Runtime.evaluate", expression="0")


def test_nothing_but_files_of_the_front_end_is_served(remote: Remote) -> None:
    debug_url = remote.debug().json()["debug_url"]
    folder = debug_url.partition("?")[0].rpartition("/")[0]
    anonymous = {"Authorization": ""}
    assert remote.api.get(f"{folder}/inspector.html", headers=anonymous).status_code == 200
    for path in (
        "page/x",
        "..%2fjson%2flist",
        "%2e%2e/json/version.json",
        "nothing.js",
        "browser/x.json",
        "a//b.js",
        "",
    ):
        assert remote.api.get(f"{folder}/{path}", headers=anonymous).status_code == 404, path
    forged = folder[:-4] + "AAAA"
    assert remote.api.get(f"{forged}/inspector.html", headers=anonymous).status_code == 401
    remote.stop()
    assert remote.api.get(f"{folder}/inspector.html", headers=anonymous).status_code == 409
