"""Capture in real browsers: unseen by pages, complete on browsers of every kind."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from noctule.browser.commands import BrowserSpec, Captured, CaptureLevel, Evaluated, EvaluateJs, Goto
from noctule.browser.node import Node
from tests.support.nodes import running_node
from tests.support.origin import Origin

pytestmark = pytest.mark.slow

# Everything by which pages are known to tell that somebody listens to their console or to their errors.
_WATCHING = """<!doctype html><title>Watching</title><script>
const seen = [];
const watch = (name, make) => {
  const thing = make(what => seen.push(`${name} ${what}`));
  for (const method of ['log', 'debug', 'error', 'dir', 'warn', 'trace']) console[method](thing);
};
const trap = (thing, names, saw) => {
  for (const name of names) Object.defineProperty(thing, name, {get() { saw(name); return 'x'; }});
  return thing;
};
watch('error', saw => trap(new Error('x'), ['stack', 'name', 'message'], saw));
watch('element', saw => trap(document.createElement('div'), ['id', 'className'], saw));
const speaking = (thing, saw) => { thing.toString = () => { saw('toString'); return 'x'; }; return thing; };
watch('function', saw => speaking(() => 0, saw));
watch('date', saw => speaking(new Date(0), saw));
watch('proxy', saw => new Proxy({a: 1}, {
  get(target, name) { saw(`get ${String(name)}`); return target[name]; },
  ownKeys() { saw('ownKeys'); return ['a']; },
  getOwnPropertyDescriptor(target, name) { saw('descriptor'); return Object.getOwnPropertyDescriptor(target, name); },
}));
Error.prepareStackTrace = (error, frames) => { seen.push('prepareStackTrace'); return 'x'; };
console.log(new Error('y')); console.trace(new Error('z'));
const thrown = trap(new Error('thrown'), ['stack', 'name', 'message'], what => seen.push(`thrown ${what}`));
setTimeout(() => { throw thrown; });
Promise.reject(new Error('rejected'));
window.seen = seen;
</script>"""

_WORKERS = """<!doctype html><title>Workers</title><iframe src="http://localhost:%(port)d/captured-inside"></iframe><script>
const code = "fetch('%(url)sbytes/77').then(answer => answer.text()).then(() => { console.log('from a worker'); })";
new Worker(URL.createObjectURL(new Blob([code])));
new SharedWorker('data:text/javascript,' + encodeURIComponent("fetch('%(url)sbytes/78')"));
</script>"""


def _watched(origin: Origin, level: CaptureLevel, folder: Path) -> str:
    async def main() -> str:
        async with running_node(folder, allow=[f"127.0.0.1:{origin.port}"]) as node:
            await node.acquire(BrowserSpec("a", capture=level), 30)
            await node.run("a", Goto(f"{origin.url}watching"))
            await asyncio.sleep(0.5)
            found = await node.run("a", EvaluateJs("JSON.stringify(window.seen)"))
            assert isinstance(found, Evaluated)
            return found.text

    return asyncio.run(main())


def test_a_page_cannot_tell_that_it_is_captured(origin: Origin, tmp_path: Path) -> None:
    origin.page("/watching", _WATCHING)
    unwatched = _watched(origin, "off", tmp_path / "off")
    assert "function toString" in unwatched
    assert _watched(origin, "bodies", tmp_path / "on") == unwatched


async def _captured(node: Node, spec: BrowserSpec, act: Callable[[], Awaitable[None]]) -> list[dict[str, Any]]:
    told: list[Captured] = []
    node.on_captured(told.append)
    await node.acquire(spec, 30)
    await act()
    await node.release(spec.session_id)
    async with asyncio.timeout(10):
        while not any(batch.is_last and batch.session_id == spec.session_id for batch in told):
            await asyncio.sleep(0.01)
    batches = [batch for batch in told if batch.session_id == spec.session_id]
    return [{"kind": event.kind, **event.data} for batch in batches for event in batch.events]


@pytest.mark.parametrize("wants_chromium", [False, True])
def test_frames_and_workers_are_captured_in_the_shell_and_in_full_chromium(
    wants_chromium: bool, origin: Origin, tmp_path: Path
) -> None:
    origin.page("/captured-inside", "<script>console.log('inside'); setTimeout(() => { throw 'from inside' })</script>")
    origin.page("/captured-workers", _WORKERS % {"port": origin.port, "url": origin.url})

    async def main() -> list[dict[str, Any]]:
        allow = [f"127.0.0.1:{origin.port}", f"localhost:{origin.port}"]
        async with running_node(tmp_path, allow=allow) as node:

            async def act() -> None:
                await node.run("a", Goto(f"{origin.url}captured-workers"))
                await asyncio.sleep(1.5)

            return await _captured(node, BrowserSpec("a", capture="on", wants_chromium=wants_chromium), act)

    told = asyncio.run(main())
    requests = {one["url"]: one for one in told if one["kind"] == "request"}
    said = {one["text"]: one for one in told if one["kind"] == "console"}
    tab = requests[f"{origin.url}captured-workers"]["tab"]
    frame = requests[f"http://localhost:{origin.port}/captured-inside"]
    assert (frame["tab"], frame["response"]["status"]) == (tab, 200)
    assert requests[f"{origin.url}bytes/77"]["target"] == "worker"
    assert requests[f"{origin.url}bytes/78"]["target"] == "shared_worker"
    assert said["inside"]["tab"] == said["from a worker"]["tab"] == tab
    assert [one["text"] for one in told if one["kind"] == "page_error"] == ["Uncaught from inside"]


def test_somebody_elses_browser_is_captured_as_far_as_it_answers(origin: Origin, tmp_path: Path) -> None:
    origin.page("/captured-foreign", "<script>console.log('hello'); fetch('/bytes/12')</script>")

    async def main() -> list[dict[str, Any]]:
        allow = [f"127.0.0.1:{origin.port}"]
        async with running_node(tmp_path / "theirs", allow=allow) as theirs:
            await theirs.acquire(BrowserSpec("theirs"), 30)
            door = theirs.door("theirs")
            assert door is not None
            url = f"ws://127.0.0.1:{door.port}{door.path}"
            async with running_node(tmp_path / "ours", allow=[*allow, f"127.0.0.1:{door.port}"], warm=0) as node:

                async def act() -> None:
                    await node.run("a", Goto(f"{origin.url}captured-foreign"))
                    await asyncio.sleep(0.7)

                return await _captured(node, BrowserSpec("a", capture="on", cdp_url=url), act)

    told = asyncio.run(main())
    urls = [one["url"] for one in told if one["kind"] == "request"]
    assert f"{origin.url}bytes/12" in urls
    assert [one["text"] for one in told if one["kind"] == "console"] == ["hello"]


def test_a_page_that_floods_its_console_costs_a_bounded_number_of_events(origin: Origin, tmp_path: Path) -> None:
    origin.page("/captured-flood", "<script>for (let i = 0; i < 30000; i++) console.log('line ' + i)</script>")

    async def main() -> list[dict[str, Any]]:
        async with running_node(tmp_path, allow=[f"127.0.0.1:{origin.port}"]) as node:

            async def act() -> None:
                await node.run("a", Goto(f"{origin.url}captured-flood"))
                found = await node.run("a", EvaluateJs("1 + 1"))
                assert found == Evaluated("2")

            return await _captured(node, BrowserSpec("a", capture="on"), act)

    told = asyncio.run(main())
    lines = sum(one["kind"] == "console" for one in told)
    left_out = sum(one["count"] for one in told if one["kind"] == "left_out")
    assert lines < 15_000
    assert lines + left_out == 30_000
    assert any(one["kind"] == "request" for one in told)
    json.dumps(told)


def test_a_download_is_told_from_its_beginning_to_its_end(origin: Origin, tmp_path: Path) -> None:
    origin.page("/captured-download", "<a id=a href='/bytes/3000' download='f.bin'>f</a><script>a.click()</script>")

    async def main() -> list[dict[str, Any]]:
        async with running_node(tmp_path, allow=[f"127.0.0.1:{origin.port}"]) as node:

            async def act() -> None:
                await node.run("a", Goto(f"{origin.url}captured-download"))
                await asyncio.sleep(0.7)

            return await _captured(node, BrowserSpec("a", capture="on"), act)

    begun, ended = (one for one in asyncio.run(main()) if one["kind"] == "download")
    assert (begun["name"], begun["url"], begun["state"]) == ("f.bin", f"{origin.url}bytes/3000", "begun")
    assert ended["guid"] == begun["guid"]
    assert ended["state"] in ("completed", "canceled")
