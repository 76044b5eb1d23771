"""Frames are read with their page, whatever process they live in, and take nothing from it."""

from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, staged
from tests.e2e.reading_stage import document, text_of

pytestmark = pytest.mark.slow

OF_ITS_OWN = BrowserSpec(SESSION, chrome_args=OWN_PROCESSES)


@pytest.mark.parametrize("spec", [BrowserSpec(SESSION), OF_ITS_OWN], ids=["as usual", "a process for each site"])
def test_frames_of_every_origin_are_read_in_order(spec: BrowserSpec, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("frames.html")
        page = await document(stage)
        found = [text_of(frame.root) for frame in page.frames]
        said = ("same", "other", "srcdoc", "sandboxed", "quiet", "half", "framed", "scaled", "scrolls", "outer")
        places = [next(i for i, text in enumerate(found) if f"Press {name}" in text) for name in said]
        assert places == sorted(places)
        # Two are inside of the outer one, and one waits until somebody scrolls to it.
        assert len(found) == len(said) + 3
        assert not any("hidden" in text or "tiny" in text for text in found)
        assert page.frames[1].url.startswith(stage.site.other_origin)
        assert "Press same" not in text_of(page.root)

    staged(tmp_path, act, spec=spec)


def test_a_frame_that_hangs_does_not_keep_its_page(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.add("/frame", "<p>in the frame<script>setTimeout(() => { while (true); }, 300)</script>")
        foreign = stage.pages.url("/frame").replace("127.0.0.1", "localhost")
        await stage.show(f"<p>around it<iframe src='{foreign}'></iframe>")
        await stage.value("new Promise(resolve => setTimeout(resolve, 600))")
        assert text_of((await document(stage)).root) == "around it"

    staged(tmp_path, act, spec=OF_ITS_OWN)


def test_what_the_browser_says_of_a_frame_that_fails_is_not_read(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>page<iframe src='http://127.0.0.1:9/'></iframe><iframe src='http://localhost:9/'></iframe>"
        )
        page = await document(stage)
        assert "".join(text_of(frame.root) for frame in page.frames) == ""

    staged(tmp_path, act)


def test_an_empty_frame_and_one_of_a_file_add_nothing(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p>page<iframe></iframe><iframe src=/picture.png></iframe>")
        page = await document(stage)
        assert text_of(page.root) == "page"
        assert "".join(text_of(frame.root) for frame in page.frames if "picture" not in frame.url) == ""

    staged(tmp_path, act)


def test_a_page_of_endless_frames_is_read_to_a_bound(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p>page" + "<iframe srcdoc='<p>inside'></iframe>" * 80)
        assert len((await document(stage)).frames) == 64
        nest = "f = at.createElement('iframe'); at.body.append(f); at = f.contentDocument; at.body.append('level ' + i)"
        await stage.show(f"<p>page<script>let f, at = document; for (let i = 0; i < 12; i++) {{ {nest} }}</script>")
        said = [text_of(frame.root) for frame in (await document(stage)).frames]
        assert said == [f"level {number}" for number in range(8)]

    staged(tmp_path, act)
