"""Keeping what real browsers remember, and giving it back to others."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from noctule.browser import procfs
from noctule.browser.commands import (
    BrowserCookie,
    BrowserSpec,
    BrowserState,
    CommandFailed,
    Evaluated,
    EvaluateJs,
    Goto,
    KeepProfile,
    KeptCookie,
    KeptProfile,
    OriginItems,
    SetCookies,
    StoredProfile,
)
from noctule.browser.node import Node
from noctule.browser.process import BrowserProcess
from noctule.browser.profile import archive
from noctule.browser.profile.keeping import Keeper
from noctule.browser.rundir import BrowserDirectory
from tests.support.login_site import LoginSite, serving_login_site
from tests.support.nodes import KeptInMemory, running_node

pytestmark = pytest.mark.slow

MOST = 16 * 1024 * 1024
COOKIE = BrowserCookie("sid", "1", "example.com")


class Stage:
    """A node, the archives that it writes, and a site."""

    def __init__(self, node: Node, site: LoginSite, archives: KeptInMemory) -> None:
        self.node, self.site, self.archives = node, site, archives

    async def start(self, name: str, profile: StoredProfile | None = None) -> None:
        """A session."""
        await self.node.acquire(BrowserSpec(name, profile=profile), 30)

    async def js(self, name: str, code: str) -> Any:
        """What code answers in a session's page."""
        answer = await self.node.run(name, EvaluateJs(f"JSON.stringify({code})"))
        assert isinstance(answer, Evaluated)
        return json.loads(answer.text)

    async def goto(self, name: str, url: str | None = None) -> None:
        """Open a page."""
        await self.node.run(name, Goto(url or self.site.url()))

    async def end(self, name: str) -> StoredProfile:
        """End a session and keep what its browser remembers."""
        await self.node.release(name, is_kept=True)
        return stored(name, await self.node.keep_profile(name, KeepProfile(f"profiles/{name}", MOST)))

    def process(self, name: str) -> BrowserProcess:
        """The browser's process."""
        process = self.node._sessions[name].browser.process
        assert process is not None
        return process


def stored(name: str, kept: KeptProfile) -> StoredProfile:
    """What was kept, for another browser."""
    return StoredProfile(kept.state, None if kept.archive_bytes is None else f"profiles/{name}")


def on_stage(tmp_path: Path, act: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a test with a node."""

    async def main() -> None:
        archives = KeptInMemory()
        with serving_login_site() as site, serving_login_site() as other:
            async with (
                asyncio.timeout(100),
                running_node(tmp_path, allow=(site.allow, other.allow), warm=0, archives=archives) as node,
            ):
                stage = Stage(node, site, archives)
                stage.site.names["other"] = other.origin
                await act(stage)

    asyncio.run(main())


def test_items_of_many_origins_come_back_whatever_text_they_are(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        other = stage.site.names["other"]
        odd = "half a pair \ud83e, \x00, </script> and \U0001f987\u2028"
        state = BrowserState(
            (),
            (
                OriginItems(stage.site.origin, (("a", odd), (odd, "b")), (("draft", odd),)),
                OriginItems(other, (("a", "of the other"),), None),
                OriginItems("https://never-asked.example", None, (("draft", "kept all the same"),)),
            ),
        )
        await stage.start("a", StoredProfile(state))
        assert await stage.js("a", "[location.href, history.length]") == ["about:blank", 1]
        await stage.goto("a")
        seen = await stage.js("a", "[localStorage.a, sessionStorage.draft].map((text) => [...text].map(escape))")
        wanted = await stage.js("a", f"[{json.dumps(odd)}, {json.dumps(odd)}].map((text) => [...text].map(escape))")
        assert seen == wanted
        assert await stage.js("a", f"localStorage.getItem({json.dumps(odd)})") == "b"
        await stage.goto("a", other)
        assert await stage.js("a", "[localStorage.a, sessionStorage.length]") == ["of the other", 0]
        assert stage.site.visits == 1
        # The origin that was not opened in between is not forgotten at the end.
        kept = await stage.end("a")
        by_origin = {each.origin: dict(each.session or ()) for each in kept.state.origins}
        assert by_origin["https://never-asked.example"] == {"draft": "kept all the same"}
        assert by_origin[stage.site.origin] == {"draft": odd}

    on_stage(tmp_path, act)


def test_local_items_replace_join_or_forget_those_of_the_files(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.start("a")
        await stage.goto("a")
        await stage.js("a", "(localStorage.one = 1, localStorage.two = 2)")
        kept = await stage.end("a")
        assert kept.archive is not None
        given = (("two", "new"), ("three", "3"))
        cases: dict[str, tuple[BrowserState, dict[str, str]]] = {
            "as it was": (BrowserState(), {"one": "1", "two": "2"}),
            "replaced": (
                BrowserState((), (OriginItems(stage.site.origin, given),)),
                {"two": "new", "three": "3"},
            ),
            "joined": (
                BrowserState((), (OriginItems(stage.site.origin, given, adds_local=True),)),
                {"one": "1", "two": "new", "three": "3"},
            ),
            "forgotten": (BrowserState(forgets_local=True), {}),
        }
        for name, (state, wanted) in cases.items():
            await stage.start(name, StoredProfile(state, kept.archive))
            await stage.goto(name)
            assert await stage.js(name, "({...localStorage})") == wanted, name
            await stage.node.release(name)

    on_stage(tmp_path, act)


def test_what_a_browser_does_not_take_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        items = (("small", "1"), ("too large", "x" * 6_000_000), ("after it", "2"))
        refused = KeptCookie(BrowserCookie("__Host-bad", "1", ".example.com", secure=False))
        state = BrowserState((refused, KeptCookie(COOKIE)), (OriginItems(stage.site.origin, items),))
        await stage.start("a", StoredProfile(state))
        await stage.goto("a")
        assert await stage.js("a", "Object.keys(localStorage).sort()") == ["after it", "small"]
        kept = await stage.end("a")
        assert [each.cookie for each in kept.state.cookies] == [COOKIE]

    on_stage(tmp_path, act)


def test_more_than_a_profile_may_have_is_refused_and_the_browser_goes_on(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.start("a")
        await stage.goto("a")
        await stage.node.run(
            "a", EvaluateJs("caches.open('much').then((much) => much.add('/fill?kib=2048')).then(() => 1)")
        )
        with pytest.raises(CommandFailed, match="1 MiB") as refused:
            await stage.node.keep_profile("a", KeepProfile("profiles/a", 1024 * 1024))
        assert refused.value.kind == "ProfileTooLarge"
        assert stage.archives.kept == {}
        assert await stage.js("a", "1 + 1") == 2
        assert [path.name for path in stage.process("a").directory.glob("profile-*")] == []

    on_stage(tmp_path, act)


def test_a_page_whose_script_does_not_end_costs_its_items_and_nothing_else(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.start("a")
        await stage.node.run("a", SetCookies((COOKIE,)))
        await stage.goto("a")
        await stage.js("a", "(localStorage.one = 1, setTimeout(() => { for (;;); }, 100), 1)")
        await asyncio.sleep(0.3)
        kept = await stage.end("a")
        assert [each.cookie for each in kept.state.cookies] == [COOKIE]
        await stage.start("b", kept)
        await stage.goto("b")
        assert await stage.js("b", "({...localStorage})") == {"one": "1"}

    on_stage(tmp_path, act)


def test_a_browser_that_does_not_end_by_itself_is_killed_and_its_files_are_kept(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.start("a")
        await stage.goto("a")
        await stage.node.run("a", EvaluateJs("signIn('Ada')"))
        # A helper that stands still is one that does not end.
        process = stage.process("a")
        helper = next(pid for pid in process._members() if "--type=gpu-process" in " ".join(procfs.arguments(pid)))
        os.kill(helper, signal.SIGSTOP)
        await stage.node.release("a", is_kept=True)
        kept = await stage.node.keep_profile("a", KeepProfile("profiles/a", MOST))
        assert not kept.is_clean
        await stage.start("b", stored("a", kept))
        await stage.goto("b")
        assert await stage.js("b", "localStorage.token") == "token of Ada"

    on_stage(tmp_path, act)


class Slow(KeptInMemory):
    """Archives whose bytes take a common thread of the loop's, as sealed ones do, and come a few at a time."""

    def __init__(self, *, packed: bytes, pause_seconds: float = 0.0) -> None:
        super().__init__()
        self._packed, self._pause_seconds = packed, pause_seconds
        self.begun = asyncio.Event()

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of an archive."""
        for at in range(0, len(self._packed), 1000):
            await asyncio.sleep(self._pause_seconds)
            yield await asyncio.to_thread(self._packed.__getitem__, slice(at, at + 1000))
            self.begun.set()


def packed(folder: Path, size: int = 4000) -> bytes:
    """An archive of one file of noise."""
    (folder / "IndexedDB").mkdir(parents=True)
    (folder / "IndexedDB" / "noise").write_bytes(os.urandom(size))
    return b"".join(archive.pack(folder, archive.contents(folder)))


def directory(path: Path) -> BrowserDirectory:
    """A browser's folder."""
    (path / "profile").mkdir(parents=True)
    return BrowserDirectory(path)


def test_profiles_are_unpacked_however_few_threads_the_loop_has(tmp_path: Path) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        keeper = Keeper(Slow(packed=packed(tmp_path / "original")), MOST)
        furnish = keeper.furnishing(StoredProfile(BrowserState(), "profiles/a"))
        assert furnish is not None
        folders = [directory(tmp_path / str(number)) for number in range(3)]
        await asyncio.wait_for(asyncio.gather(*(furnish(folder, None) for folder in folders)), 20)
        for folder in folders:
            assert (folder.profile / "Default" / "IndexedDB" / "noise").stat().st_size == 4000

    asyncio.run(main())


def test_nothing_writes_to_a_folder_any_more_once_its_furnishing_was_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        slow = Slow(packed=packed(tmp_path / "original", 2_000_000), pause_seconds=0.005)
        furnish = Keeper(slow, MOST).furnishing(StoredProfile(BrowserState(), "profiles/a"))
        assert furnish is not None
        folder = directory(tmp_path / "new")
        furnishing = asyncio.ensure_future(furnish(folder, None))
        await slow.begun.wait()
        furnishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await furnishing
        left = sorted(folder.path.rglob("*"))
        sizes = [path.stat().st_size for path in left]
        await asyncio.sleep(0.1)
        assert sorted(folder.path.rglob("*")) == left
        assert [path.stat().st_size for path in left] == sizes

    asyncio.run(main())


def test_a_folder_that_cannot_be_written_to_is_no_fault_of_the_servers(tmp_path: Path) -> None:
    async def main() -> None:
        furnish = Keeper(Slow(packed=packed(tmp_path / "original")), MOST).furnishing(
            StoredProfile(BrowserState(), "profiles/a")
        )
        assert furnish is not None
        with pytest.raises(CommandFailed, match="put in place") as failed:
            await furnish(BrowserDirectory(tmp_path / "not there"), None)
        assert str(tmp_path) not in failed.value.message

    asyncio.run(main())
