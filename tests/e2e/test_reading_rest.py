"""A page is read once it has come to rest: what comes late is there, and what never ends is not waited for."""

import asyncio
from pathlib import Path

import pytest

from noctule.browser.commands import Click, Goto, ReadPage
from tests.e2e.acting_stage import Stage, on, staged
from tests.e2e.reading_stage import read, text
from tests.support.pages import Reply

pytestmark = pytest.mark.slow

_LATE = "document.body.append('came late')"
_WORDS = "A page with words enough that nobody would take it for an empty shell. " * 20


@pytest.mark.parametrize("delay_ms", [0, 200, 700, 1400])
@pytest.mark.parametrize("body", ["", _WORDS], ids=["an empty shell", "a page of words"])
def test_what_a_script_adds_later_is_there(body: str, delay_ms: int, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(f"<p>{body}<script>setTimeout(() => {{ {_LATE} }}, {delay_ms})</script>")
        assert (await text(stage)).endswith("came late")

    staged(tmp_path, act)


def test_what_a_script_fetches_and_then_adds_step_by_step_is_there(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.run(Goto(stage.site.url("controls.html")))
        slow = stage.site.url("slow") + "?seconds=0.6&as=json"
        stage.pages.replies["/app.js"] = Reply(
            f"fetch('{slow}', {{mode: 'no-cors'}}).catch(() => 0).then(() => {{"
            "app.textContent = 'one'; setTimeout(() => { app.textContent += ' two'; "
            "setTimeout(() => { app.textContent += ' three' }, 120) }, 120) })"
        )
        await stage.show("<main id=app>Loading</main><script src=/app.js></script>")
        assert await text(stage) == "one two three"

    staged(tmp_path, act)


def test_a_page_that_shows_that_it_is_busy_is_waited_for(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.replies["/app.js"] = Reply(
            f"setTimeout(() => {{ document.querySelector('.spinner').remove(); {_LATE} }}, 1300)"
        )
        await stage.show(f"<p>{_WORDS}<div class=spinner>Please wait</div><script src=/app.js></script>")
        assert (await text(stage)).endswith("came late")

    staged(tmp_path, act)


@pytest.mark.parametrize(
    "script",
    [
        "setInterval(() => { clock.textContent = performance.now() }, 10)",
        "(function ask() { fetch('/none?' + performance.now()).then(ask, ask) })()",
        "(function draw() { clock.textContent += '.'; requestAnimationFrame(draw) })()",
    ],
    ids=["changes", "requests", "frames"],
)
def test_a_page_that_never_rests_is_read_all_the_same(script: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(f"<p>{_WORDS}<b id=clock></b><script>{script}</script>")
        assert _WORDS.strip() in await text(stage)

    staged(tmp_path, act)


def test_a_page_that_still_loads_is_read_as_far_as_it_has_come(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.replies["/stalls.png"] = Reply("x" * 100, stalls_after=10)
        stage.pages.add("/page", f"<p>{_WORDS}<img src=/stalls.png>the end")
        await stage.run(Goto(stage.pages.url("/page"), wait_until="domcontentloaded"))
        assert (await text(stage)).endswith("the end")

    staged(tmp_path, act)


def test_a_page_that_moves_on_is_read_where_it_arrives(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        there = stage.pages.add("/there", "<title>there</title>arrived")
        await stage.show(f"<p>leaving<script>setTimeout(() => {{ location = '{there}' }}, 100)</script>")
        answer = await read(stage)
        assert (answer.url, answer.title) == (there, "there")

    staged(tmp_path, act)


def test_a_script_that_does_not_end_is_stopped_and_the_page_can_be_read_then(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p>here<button onclick='setTimeout(() => { while (true); }, 30)'>Hang</button>")
        await stage.value("(document.querySelector('button').click(), 0)")
        await asyncio.sleep(0.2)
        failed = await stage.fails(ReadPage(timeout_seconds=1))
        assert "did not end" in failed.message
        assert await text(stage) == "here Hang"

    staged(tmp_path, act)


def test_what_a_click_brings_is_there(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button onclick=\"document.querySelector('p').textContent = 'clicked'\">Go</button><p></p>")
        await stage.run(Click(on("button")))
        assert await text(stage) == "Go clicked"

    staged(tmp_path, act)
