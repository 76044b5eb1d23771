"""What every fleet promises, held against the fake one and the real one alike."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from noctule.browser.commands import (
    DEFAULT_VIEWPORT,
    Acted,
    BrowserCookie,
    BrowserDownload,
    BrowserGone,
    BrowserLost,
    BrowserSpec,
    Captured,
    Click,
    CommandFailed,
    Cookies,
    Done,
    Evaluated,
    EvaluateJs,
    Fill,
    GetCookies,
    GoBack,
    GoForward,
    Goto,
    KeepProfile,
    Node,
    NodeFull,
    Observe,
    Observed,
    Picture,
    PressKey,
    Reload,
    Screenshot,
    SetCookies,
    StoredProfile,
    Target,
    Traffic,
    Upstream,
    UpstreamRefused,
    Viewport,
    Wait,
)
from noctule.fleet.local import LocalFleet
from noctule.fleet.protocol import Fleet
from tests.support.fleet import FakeFleet
from tests.support.nodes import KeptInMemory, running_node
from tests.support.pages import serving

LIMIT = 2
REPORT = "month,sessions\n" * 1000


@dataclass
class Bench:
    """A started fleet that holds two sessions, and what differs between the two kinds."""

    fleet: Fleet
    url: Callable[[str], str]
    crash: Callable[[str], None]
    break_upstreams: Callable[[], None]
    form: str
    bring: Callable[[str], Awaitable[None]]


@asynccontextmanager
async def _fake(folder: Path) -> AsyncIterator[Bench]:
    fleet = FakeFleet(limit=LIMIT)
    fleet.answers["1 + 1"] = "2"
    fleet.archives = KeptInMemory()

    def break_upstreams() -> None:
        fleet.acquire_error = UpstreamRefused("the proxy does not answer")

    fleet.page.nodes = (
        Node(
            "I1", "fill", "textbox", "Secret", 'I1[:]<input type="password">Secret</input>', ">1", (), (8, 8, 200, 20)
        ),
        Node("B1", "click", "button", "Send", "B1[:]<button>Send</button>", ">2", (), (8, 40, 60, 20)),
    )
    url = "http://site.test"

    async def bring(session_id: str) -> None:
        await fleet.bring(session_id, "report.csv", REPORT.encode())

    yield Bench(fleet, lambda path: f"{url}{path}", fleet.crash, break_upstreams, f"{url}/form", bring)


@asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[Bench]:
    with serving() as pages:
        for path in ("/", "/other"):
            pages.add(path, path)
        pages.add("/form", "<input id=secret aria-label=Secret type=password><button id=send>Send</button>")
        async with running_node(folder, allow=pages.allow, max_sessions=LIMIT, archives=KeptInMemory()) as node:

            def crash(session_id: str) -> None:
                process = node._sessions[session_id].browser._process
                assert process is not None
                os.kill(process.pid, signal.SIGKILL)

            async def bring(session_id: str) -> None:
                attachment = {"Content-Disposition": "attachment; filename=report.csv"}
                file = pages.add("/file", REPORT, headers=attachment)
                with pytest.raises(CommandFailed):
                    await node.run(session_id, Goto(f"{file}?token=x"))

            yield Bench(LocalFleet(node), pages.url, crash, lambda: None, pages.url("/form"), bring)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.slow)])
def on_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Runs a test on a started fleet, once on each kind."""
    make = _fake if request.param == "fake" else _real

    def run(act: Callable[[Bench], Awaitable[None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(60), make(tmp_path) as bench:
                await act(bench)

        asyncio.run(bounded())

    return run


OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]


def test_an_acquired_browser_is_what_was_asked_for(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        plain = await bench.fleet.acquire(BrowserSpec("a"), 20)
        assert (plain.session_id, plain.viewport) == ("a", DEFAULT_VIEWPORT)
        assert plain.user_agent.startswith("Mozilla/5.0")
        wished = BrowserSpec("b", viewport=Viewport(640, 480), user_agent="Mine/1.0")
        acquired = await bench.fleet.acquire(wished, 20)
        assert (acquired.viewport, acquired.user_agent) == (Viewport(640, 480), "Mine/1.0")
        assert bench.fleet.capacity().live == 2
        assert bench.fleet.sandbox().explanation

    on_bench(act)


def test_a_full_fleet_admits_and_acquires_nothing_until_one_is_released(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        bench.fleet.admit(BrowserSpec("a"))
        for name in ("a", "b"):
            await bench.fleet.acquire(BrowserSpec(name), 20)
        with pytest.raises(NodeFull):
            bench.fleet.admit(BrowserSpec("c"))
        with pytest.raises(NodeFull):
            await bench.fleet.acquire(BrowserSpec("c"), 20)
        await bench.fleet.release("a")
        bench.fleet.admit(BrowserSpec("c"))
        await bench.fleet.acquire(BrowserSpec("c"), 20)

    on_bench(act)


def test_commands_get_their_results(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        run = bench.fleet.run
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        for path in ("/", "/other"):
            assert isinstance(await run("a", Goto(bench.url(path))), Done)
        for command in (GoBack(), GoForward(), Reload(), Wait(1)):
            done = await run("a", command)
            assert isinstance(done, Done)
            assert done.message
        assert await run("a", EvaluateJs("1 + 1")) == Evaluated("2")
        picture = await run("a", Screenshot())
        assert isinstance(picture, Picture)
        assert picture.jpeg.startswith(b"\xff\xd8")
        cookie = BrowserCookie("name", "value", "example.com", http_only=True)
        assert isinstance(await run("a", SetCookies((cookie,))), Done)
        cookies = await run("a", GetCookies())
        assert cookies == Cookies((cookie,))

    on_bench(act)


def test_commands_that_cannot_be_carried_out_fail_by_kind(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        for url in ("example.com", "file:///etc/passwd", "javascript:alert(1)", "http://"):
            with pytest.raises(CommandFailed, match="https://") as failed:
                await bench.fleet.run("a", Goto(url))
            assert failed.value.kind == "InvalidURLError"
        with pytest.raises(CommandFailed) as failed:
            await bench.fleet.run("a", GoForward())
        assert failed.value.kind == "ActionExecutionError"

    on_bench(act)


def test_what_was_observed_is_acted_on_by_its_id_or_by_a_selector(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        run = bench.fleet.run
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await run("a", Goto(bench.form))
        observed = await run("a", Observe())
        assert isinstance(observed, Observed)
        assert observed.url == bench.form
        found = [(node.id, node.kind, node.role, node.name) for node in observed.nodes]
        assert found == [("I1", "fill", "textbox", "Secret"), ("B1", "click", "button", "Send")]
        assert all(node.line in observed.description for node in observed.nodes)
        clicked = await run("a", Click(Target(id="B1")))
        assert isinstance(clicked, Acted)
        assert (clicked.selector, clicked.label, clicked.is_secret) == ("#send", "Send", False)
        filled = await run("a", Fill(Target(selectors=("#secret",)), "hush"))
        assert isinstance(filled, Acted)
        assert (filled.selector, filled.is_secret) == ("#secret", True)
        for command in (PressKey("Tab"), Fill(Target(id="I1"), "hush")):
            assert isinstance(await run("a", command), Acted)
        with pytest.raises(CommandFailed, match=r"^Action with id 'X1' is invalid: action 'X1' not found") as failed:
            await run("a", Click(Target(id="X1")))
        assert failed.value.kind == "InvalidActionError"
        with pytest.raises(CommandFailed, match="#nothing") as failed:
            await run("a", Click(Target(selectors=("#nothing",)), timeout_seconds=0.2))
        assert failed.value.kind == "InvalidLocatorRuntimeError"

    on_bench(act)


def test_a_released_session_is_unknown_and_releasing_it_again_changes_nothing(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await bench.fleet.run("a", Goto(bench.url("/")))
        assert set(bench.fleet.traffic()) == {"a"}
        assert isinstance(await bench.fleet.release("a"), Traffic)
        assert await bench.fleet.release("a") == Traffic()
        assert await bench.fleet.release("never was") == Traffic()
        assert bench.fleet.traffic() == {}
        with pytest.raises(BrowserLost):
            await bench.fleet.run("a", Wait(1))

    on_bench(act)


def test_a_browser_that_ends_unasked_is_told_of_once_and_a_released_one_never(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        gone: list[BrowserGone] = []
        bench.fleet.on_gone(gone.append)
        for name in ("a", "b"):
            await bench.fleet.acquire(BrowserSpec(name), 20)
        await bench.fleet.release("b")
        bench.crash("a")
        async with asyncio.timeout(10):
            while not gone:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert [event.session_id for event in gone] == ["a"]
        assert gone[0].reason
        assert bench.fleet.traffic() == {}
        assert bench.fleet.capacity().live == 0
        with pytest.raises(BrowserLost):
            await bench.fleet.run("a", Wait(1))

    on_bench(act)


def test_what_happens_is_told_to_its_last_batch_where_the_spec_says_so(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        told: list[Captured] = []
        bench.fleet.on_captured(told.append)
        await bench.fleet.acquire(BrowserSpec("a", capture="on"), 20)
        await bench.fleet.acquire(BrowserSpec("b"), 20)
        for session in ("a", "b"):
            await bench.fleet.run(session, Goto(bench.url("/")))
            await bench.fleet.release(session)
        while not any(batch.is_last for batch in told):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert {batch.session_id for batch in told} == {"a"}
        assert [batch.is_last for batch in told] == [False] * (len(told) - 1) + [True]
        events = [event for batch in told for event in batch.events]
        assert bench.url("/") in [event.data["url"] for event in events if event.kind == "navigation"]

    on_bench(act)


def test_a_browser_that_dies_is_captured_to_its_end(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        told: list[Captured] = []
        bench.fleet.on_captured(told.append)
        await bench.fleet.acquire(BrowserSpec("a", capture="on"), 20)
        await bench.fleet.run("a", Goto(bench.url("/")))
        bench.crash("a")
        while not any(batch.is_last for batch in told):
            await asyncio.sleep(0.01)
        assert [event for batch in told for event in batch.events]

    on_bench(act)


def test_idle_time_grows_and_a_command_ends_it(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await asyncio.sleep(0.2)
        assert bench.fleet.traffic()["a"].idle_seconds >= 0.15
        await bench.fleet.run("a", Wait(1))
        assert bench.fleet.traffic()["a"].idle_seconds < 0.15

    on_bench(act)


def test_an_upstream_that_does_not_work_leaves_no_session(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        bench.break_upstreams()
        spec = BrowserSpec("a", upstream=Upstream("http://127.0.0.1:9", "user", "the-password"))
        with pytest.raises(UpstreamRefused) as refused:
            await bench.fleet.acquire(spec, 20)
        assert "the-password" not in str(refused.value)
        assert bench.fleet.traffic() == {}
        assert bench.fleet.capacity().live == 0

    on_bench(act)


def test_a_closed_fleet_has_no_sessions_and_takes_none(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        gone: list[BrowserGone] = []
        bench.fleet.on_gone(gone.append)
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await bench.fleet.close()
        assert bench.fleet.traffic() == {}
        assert gone == []
        with pytest.raises(NodeFull):
            bench.fleet.admit(BrowserSpec("b"))

    on_bench(act)


def test_what_a_browser_downloads_is_given_to_all_who_listen_whatever_one_of_them_does(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        told: list[BrowserDownload] = []
        contents: list[bytes] = []
        fails = True

        async def listen(download: BrowserDownload) -> str | None:
            if fails:
                raise RuntimeError("no room")
            told.append(download)
            contents.extend([b"".join([chunk async for chunk in download.chunks()]) for _ in range(2)])
            return None

        bench.fleet.on_download(listen)
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await bench.bring("a")
        await asyncio.sleep(0.1)
        fails = False
        await bench.bring("a")
        async with asyncio.timeout(10):
            while len(contents) < 2:
                await asyncio.sleep(0.01)
        (download,) = told
        assert (download.session_id, download.name, download.size) == ("a", "report.csv", len(REPORT))
        assert download.content_type == "text/csv"
        assert download.url.endswith("/file")
        assert contents == [REPORT.encode()] * 2


def test_what_a_browser_remembers_is_kept_while_it_goes_on_and_once_when_it_is_released_for_that(
    on_bench: OnBench,
) -> None:
    async def act(bench: Bench) -> None:
        fleet = bench.fleet
        cookies = [BrowserCookie(name, "value", "example.com", http_only=True) for name in ("one", "two")]
        await fleet.acquire(BrowserSpec("a"), 20)
        await fleet.run("a", SetCookies((cookies[0],)))
        first = await fleet.keep_profile("a", KeepProfile("profiles/first", 1 << 24))
        assert [kept.cookie for kept in first.state.cookies] == cookies[:1]
        assert not first.is_clean
        await fleet.run("a", SetCookies((cookies[1],)))
        await fleet.release("a", is_kept=True)
        with pytest.raises(BrowserLost):
            await fleet.run("a", GetCookies())
        last = await fleet.keep_profile("a", KeepProfile("profiles/last", 1 << 24))
        assert {kept.cookie.name for kept in last.state.cookies} == {"one", "two"}
        assert last.is_clean
        for session_id in ("a", "nobody"):
            with pytest.raises(BrowserLost):
                await fleet.keep_profile(session_id, KeepProfile("profiles/again", 1 << 24))
        archive = None if last.archive_bytes is None else "profiles/last"
        await fleet.acquire(BrowserSpec("b", profile=StoredProfile(last.state, archive)), 20)
        remembered = await fleet.run("b", GetCookies())
        assert isinstance(remembered, Cookies)
        assert sorted(remembered.cookies, key=lambda cookie: cookie.name) == cookies

    on_bench(act)


def test_a_browser_that_is_not_released_for_it_keeps_nothing(on_bench: OnBench) -> None:
    async def act(bench: Bench) -> None:
        await bench.fleet.acquire(BrowserSpec("a"), 20)
        await bench.fleet.release("a")
        with pytest.raises(BrowserLost):
            await bench.fleet.keep_profile("a", KeepProfile("profiles/a", 1 << 24))

    on_bench(act)
