"""Every command on real Chromium, each test with a session and a site of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from noctule.browser.commands import (
    BrowserCookie,
    BrowserSpec,
    Command,
    CommandFailed,
    Cookies,
    Done,
    Evaluated,
    EvaluateJs,
    GetCookies,
    GoBack,
    GoForward,
    Goto,
    Picture,
    Reload,
    Result,
    Screenshot,
    SetCookies,
    Viewport,
    Wait,
)
from noctule.browser.driver.picture import size
from noctule.browser.node import Node
from tests.support.nodes import running_node
from tests.support.pages import Pages, serving

pytestmark = pytest.mark.slow


@dataclass
class Stage:
    """A session on a real node, and a site that it may reach."""

    node: Node
    pages: Pages

    async def run(self, command: Command) -> Result:
        return await self.node.run("session", command)

    async def goto(self, path: str) -> None:
        await self.run(Goto(self.pages.url(path)))

    async def text(self, code: str, timeout_seconds: float = 10.0) -> str:
        result = await self.run(EvaluateJs(code, timeout_seconds))
        assert isinstance(result, Evaluated)
        return result.text

    async def fails(self, command: Command) -> CommandFailed:
        with pytest.raises(CommandFailed) as failed:
            await self.run(command)
        return failed.value


@asynccontextmanager
async def _staged(folder: Path, spec: BrowserSpec) -> AsyncIterator[Stage]:
    with serving() as pages:
        pages.add("/", "<title>home</title>home")
        pages.add("/other", "<title>other</title>other")
        async with running_node(folder, allow=pages.allow) as node:
            await node.acquire(spec, 20)
            yield Stage(node, pages)


def _on_stage(folder: Path, act: Callable[[Stage], Awaitable[None]], spec: BrowserSpec | None = None) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(100), _staged(folder, spec or BrowserSpec("session")) as stage:
            await act(stage)

    asyncio.run(bounded())


def test_goto_waits_for_what_was_asked(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        assert await stage.text("history.length") == "1"
        done = await stage.run(Goto(stage.pages.url("/")))
        assert done == Done(f"Navigated to {stage.pages.url('/')}")
        assert await stage.text("document.title") == "home"
        for wait_until in ("commit", "domcontentloaded", "networkidle"):
            await stage.run(Goto(stage.pages.url("/other"), wait_until))
        await stage.run(Goto(stage.pages.url("/other#part")))
        assert await stage.text("location.hash") == "#part"
        stage.pages.add("/moved", "", status=302, headers={"Location": "/other"})
        assert await stage.run(Goto(stage.pages.url("/moved"))) == Done(f"Navigated to {stage.pages.url('/other')}")
        stage.pages.add("/script-moved", "<script>location = '/other'</script>")
        await stage.goto("/script-moved")
        assert await stage.text("document.title") == "other"

    _on_stage(tmp_path, act)


def test_navigations_that_fail_say_why(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        url = stage.pages.url
        stage.pages.add("/silent", "", stalls_after=0)
        stage.pages.add("/half", "<title>half</title>and then nothing", stalls_after=20)
        stage.pages.add("/file", "bytes", headers={"Content-Disposition": "attachment; filename=x.bin"})
        stage.pages.add("/nothing", "", status=204)
        stage.pages.add("/circle", "", status=302, headers={"Location": "/circle"})
        silent = await stage.fails(Goto(url("/silent"), timeout_seconds=0.7))
        assert (silent.kind, "did not answer within 0.7 s" in silent.message) == ("PageLoadingError", True)
        half = await stage.fails(Goto(url("/half"), timeout_seconds=0.7))
        assert "did not finish loading within 0.7 s" in half.message
        assert await stage.text("document.title") == "half"
        assert "is a download" in (await stage.fails(Goto(url("/file")))).message
        assert "without content" in (await stage.fails(Goto(url("/nothing")))).message
        assert "circle" in (await stage.fails(Goto(url("/circle")))).message
        assert "https://" in (await stage.fails(Goto("example.com"))).message
        assert "file:" in (await stage.fails(Goto("file:///etc/passwd"))).message
        assert "could not be resolved" in (await stage.fails(Goto("https://name.invalid/"))).message
        await stage.goto("/")
        assert await stage.text("document.title") == "home"

    _on_stage(tmp_path, act)


def test_a_refused_destination_is_told_by_its_rule(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        with serving() as forbidden:
            forbidden.add("/", "secret")
            stage.pages.add("/redirect", "", status=302, headers={"Location": forbidden.url("/")})
            stage.pages.add("/script", f"<script>location = '{forbidden.url('/')}'</script>")
            for url in (
                forbidden.url("/"),
                forbidden.url("/").replace("http:", "https:"),
                forbidden.url("/").replace("127.0.0.1", "0x7f000001"),
                "http://169.254.169.254/latest/meta-data/",
                "https://10.0.0.1/",
                stage.pages.url("/redirect"),
                stage.pages.url("/script"),
            ):
                failed = await stage.fails(Goto(url))
                assert failed.kind == "PageLoadingError"
                assert "refused by the egress rule" in failed.message, url
            assert forbidden.requests == []

    _on_stage(tmp_path, act)


def test_history_goes_back_and_forward_as_far_as_it_reaches(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        await stage.goto("/other")
        await stage.run(GoBack())
        assert await stage.text("document.title") == "home"
        await stage.run(GoForward())
        assert await stage.text("document.title") == "other"
        assert "no next page" in (await stage.fails(GoForward())).message
        await stage.text("history.pushState({}, '', '/pushed'); 1")
        await stage.run(GoBack())
        assert await stage.text("location.pathname") == "/other"
        count = len(stage.pages.requests)
        await stage.run(Reload())
        assert len(stage.pages.requests) == count + 1

    _on_stage(tmp_path, act)


_RESULTS = {
    "null": "null",
    "undefined": "null",
    "": "null",
    "1 + 1": "2",
    "1.5": "1.5",
    "0/0": "NaN",
    "2n ** 70n": "1180591620717411303424",
    "true": "true",
    "'text'": "text",
    "[1, 'a', null]": '[1,"a",null]',
    "{a: {b: 1}}": '{"a":{"b":1}}',
    "new Date(0)": '"1970-01-01T00:00:00.000Z"',
    "document.title;": "home",
    "let x = 3; x * 2": "6",
    "let x = 4; x * 2": "8",
    "const y = await Promise.resolve(7); y": "7",
    "await Promise.resolve({z: 1})": '{"z":1}',
    "Promise.resolve('later')": "later",
    "return 5": "5",
    "const z = await 5; return z + 1": "6",
    "if (document.title) { return 'yes' } return 'no'": "yes",
    "() => document.title": "home",
    "async () => ({ok: true})": '{"ok":true}',
    "window.seen = 1; // a comment": "1",
    "window.seen": "1",
}


def test_code_of_every_form_runs_in_the_page_and_its_result_comes_as_text(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        for code, expected in _RESULTS.items():
            assert await stage.text(code) == expected, code
        strict = {"Content-Security-Policy": "default-src 'none'; require-trusted-types-for 'script'"}
        stage.pages.add("/strict", "<title>strict</title>", headers=strict)
        await stage.goto("/strict")
        for code, expected in {"1 + 1": "2", "let a = 1; a + 1": "2", "return 2": "2"}.items():
            assert await stage.text(code) == expected

    _on_stage(tmp_path, act)


def test_code_that_fails_says_what_javascript_said(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        for code, said in {
            "missing.thing": "ReferenceError: missing is not defined",
            "throw new TypeError('boom')": "TypeError: boom",
            "throw 'a string'": "a string",
            "Promise.reject(new Error('later'))": "Error: later",
            "this is no code": "SyntaxError: Unexpected identifier",
            "JSON.parse('{')": "SyntaxError: Expected property name",
            "const o = {}; o.o = o; o": "circular structure",
        }.items():
            failed = await stage.fails(EvaluateJs(code))
            assert failed.kind == "ActionExecutionError"
            assert said in failed.message, code
            assert "\n    at " not in failed.message

    _on_stage(tmp_path, act)


def test_results_are_bounded_before_they_leave_the_page(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        for code, said in {
            "'a'.repeat(17 * 1024 * 1024)": "larger than 16 MiB",
            "'ü'.repeat(9 * 1024 * 1024)": "larger than 16 MiB",
            "let s = 'a'.repeat(17 * 1024 * 1024); s": "larger than 16 MiB",
            "let s = 'a'.repeat(70 * 1024 * 1024); s": "larger than 64 MiB",
            "Array(60000).fill(1)": "more than 50000 values",
        }.items():
            assert said in (await stage.fails(EvaluateJs(code))).message, code
        assert len(await stage.text("'a'.repeat(16 * 1024 * 1024)")) == 16 * 1024 * 1024
        assert await stage.text("Array(40000).fill(1).length") == "40000"

    _on_stage(tmp_path, act)


def test_code_that_does_not_end_is_stopped_and_the_page_goes_on(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        for code in ("for (;;);", "new Promise(() => {})", "await 1; for (;;);"):
            failed = await stage.fails(EvaluateJs(code, timeout_seconds=0.5))
            assert "did not end within 0.5 s" in failed.message
            assert await stage.text("document.title") == "home"
        stage.pages.add("/busy", "<title>busy</title><script>setTimeout(() => { for (;;); }, 30)</script>")
        await stage.goto("/busy")
        await asyncio.sleep(0.1)
        await stage.goto("/")
        assert await stage.text("document.title") == "home"

    _on_stage(tmp_path, act)


def test_native_dialogs_do_not_hold_commands_up(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.add("/alert", "<script>alert('stop'); document.title = 'went on'</script>")
        stage.pages.add("/leave", "<script>onbeforeunload = event => event.preventDefault()</script>")
        await stage.goto("/alert")
        assert await stage.text("document.title") == "went on"
        assert await stage.text("[confirm('sure?'), prompt('name?')]") == "[false,null]"
        await stage.goto("/leave")
        await stage.goto("/")
        assert await stage.text("document.title") == "home"

    _on_stage(tmp_path, act)


def test_a_crashed_page_fails_commands_at_once_and_a_navigation_brings_it_back(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        driver = stage.node._sessions["session"].browser.driver
        (await driver._tabs.current()).post("Page.crash")
        await asyncio.sleep(0.5)
        for command in (EvaluateJs("1"), Screenshot()):
            assert "crashed" in (await stage.fails(command)).message
        await stage.goto("/other")
        assert await stage.text("document.title") == "other"

    _on_stage(tmp_path, act)


def test_pictures_are_jpegs_of_even_size(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        picture = await stage.run(Screenshot())
        assert isinstance(picture, Picture)
        assert size(picture.jpeg) == (800, 600)

    _on_stage(tmp_path, act, BrowserSpec("session", viewport=Viewport(801, 601)))


def test_cookies_are_set_and_read_back_before_any_page(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        expires = float(int(time.time()) + 3600)
        plain = BrowserCookie("a", "1", "example.com")
        full = BrowserCookie("b", "2", ".example.com", "/x", True, True, "Strict", expires)
        parted = BrowserCookie("c", "3", "example.com", secure=True, same_site="None", partition_key="https://top.com")
        await stage.run(SetCookies((plain, full, parted)))
        result = await stage.run(GetCookies())
        assert isinstance(result, Cookies)
        assert set(result.cookies) == {plain, full, parted}
        failed = await stage.fails(SetCookies((plain, BrowserCookie("__Host-x", "1", "example.com"))))
        assert "'__Host-x'" in failed.message

    _on_stage(tmp_path, act)


def test_commands_of_a_session_wait_for_each_other_up_to_a_limit(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        started = time.monotonic()
        await asyncio.gather(*(stage.run(Wait(100)) for _ in range(3)))
        assert time.monotonic() - started >= 0.3
        results = await asyncio.gather(*(stage.run(Wait(10)) for _ in range(40)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, CommandFailed)]
        assert len(refused) == 40 - 1 - 32
        assert "already waiting" in refused[0].message

    _on_stage(tmp_path, act)


def test_the_default_browser_presents_itself_as_full_chromium(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.add("/worker.js", "onmessage = () => postMessage(navigator.userAgent)")
        await stage.goto("/")
        agents = await stage.text(
            "const worker = new Worker('/worker.js');"
            "const inside = await new Promise(done => {worker.onmessage = e => done(e.data); worker.postMessage(1)});"
            "return [navigator.userAgent, inside, navigator.userAgentData.brands.map(b => b.brand).join()]"
        )
        assert "Chrome/" in agents
        assert "Headless" not in agents
        assert await stage.text("[innerWidth, innerHeight, outerWidth]") == "[1280,1080,1280]"
        assert all("Headless" not in str(request.headers) for request in stage.pages.requests)

    _on_stage(tmp_path, act)


def test_what_a_session_asked_for_holds_in_popups_frames_and_workers(tmp_path: Path) -> None:
    spec = BrowserSpec(
        "session", viewport=Viewport(900, 700), user_agent="Special/1.0", extra_http_headers=(("X-Mark", "here"),)
    )

    async def act(stage: Stage) -> None:
        stage.pages.add("/worker.js", "fetch('/from-worker').then(() => postMessage(navigator.userAgent))")
        stage.pages.add("/frame", "<script src='/from-frame.js'></script>")
        stage.pages.add("/all", "<iframe src='/frame'></iframe>")
        await stage.goto("/all")
        assert await stage.text("[innerWidth, innerHeight, navigator.userAgent]") == '[900,700,"Special/1.0"]'
        in_worker = "new Promise(done => { new Worker('/worker.js').onmessage = event => done(event.data) })"
        assert await stage.text(in_worker) == "Special/1.0"
        await stage.text("new Promise(done => { popup = window.open('/other'); popup.onload = done }).then(() => 1)")
        assert await stage.text("[popup.innerWidth, popup.navigator.userAgent]") == '[900,"Special/1.0"]'
        paths = {request.path for request in stage.pages.requests}
        assert {"/all", "/frame", "/from-frame.js", "/worker.js", "/from-worker", "/other"} <= paths
        for request in stage.pages.requests:
            assert request.headers["x-mark"] == "here", request.path
            assert request.headers["user-agent"] == "Special/1.0", request.path

    _on_stage(tmp_path, act, spec)


def test_full_chromium_has_the_same_viewport_and_takes_pictures(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        assert await stage.text("[innerWidth, innerHeight, history.length]") == "[1280,1080,2]"
        assert "Headless" not in await stage.text("navigator.userAgent")
        picture = await stage.run(Screenshot())
        assert isinstance(picture, Picture)
        assert size(picture.jpeg) == (1280, 1080)

    _on_stage(tmp_path, act, BrowserSpec("session", wants_chromium=True))


def test_when_the_current_tab_is_closed_another_takes_its_place(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.goto("/")
        await stage.text("new Promise(done => { popup = window.open('/other'); popup.onload = done }).then(() => 1)")
        assert await stage.text("document.title") == "home"
        driver = stage.node._sessions["session"].browser.driver
        for expected in ("other", ""):
            tab = await driver._tabs.current()
            await driver._connection.call("Target.closeTarget", {"targetId": tab.target_id})
            await asyncio.sleep(0.2)
            assert await stage.text("document.title") == expected

    _on_stage(tmp_path, act)
