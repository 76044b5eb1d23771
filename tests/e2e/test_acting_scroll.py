"""Scrolling moves what a person's wheel would move, and admits it where nothing moved."""

from pathlib import Path

import pytest

from noctule.browser.commands import Scroll
from tests.e2e.acting_stage import Stage, on, staged

pytestmark = pytest.mark.slow


def test_the_page_scrolls_by_the_amount_or_most_of_its_height(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<input id=focused autofocus><p style='height:5000px'>")
        await stage.value("focused.focus()")
        acted = await stage.act(Scroll(up=False))
        assert await stage.value("[scrollY, document.activeElement.tagName]") == [756, "BODY"]
        assert "Scrolled down by 756 pixels" in acted.message
        await stage.act(Scroll(up=False, amount=100))
        await stage.act(Scroll(up=True, amount=50))
        assert await stage.value("scrollY") == 806

    staged(tmp_path, act)


def test_scrolling_fails_where_nothing_moves_and_says_where_it_stands(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p style='height:2000px'>")
        top = await stage.fails(Scroll(up=True))
        assert (top.kind, "already at the top" in top.message) == ("ScrollActionFailedError", True)
        await stage.run(Scroll(up=False, amount=100_000))
        assert "already at the bottom" in (await stage.fails(Scroll(up=False))).message
        await stage.show("short")
        assert "cannot be scrolled" in (await stage.fails(Scroll(up=False))).message
        for amount in (0, -5):
            assert (await stage.fails(Scroll(up=False, amount=amount))).kind == "InvalidActionError"

    staged(tmp_path, act)


@pytest.mark.parametrize(("kind", "moved"), [("tall", "page"), ("app", "main"), ("smooth", "page"), ("still", "")])
def test_what_scrolls_in_a_page_is_found(kind: str, moved: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open(f"scroll.html?kind={kind}")
        places = "[Math.round(scrollY), Math.round(document.querySelector('main').scrollTop)]"
        if moved:
            await stage.act(Scroll(up=False, amount=300))
        else:
            assert (await stage.fails(Scroll(up=False, amount=300))).kind == "ScrollActionFailedError"
        page, main = await stage.value(places)
        assert (page > 0, main > 0) == (moved == "page", moved == "main")

    staged(tmp_path, act)


def test_a_page_that_keeps_the_wheel_is_scrolled_all_the_same(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p style='height:3000px'>"
            "<script>addEventListener('wheel', e => e.preventDefault(), {passive: false})</script>"
        )
        await stage.act(Scroll(up=False, amount=200))
        assert await stage.value("scrollY") == 200

    staged(tmp_path, act)


def test_a_scroller_can_be_named(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<div id=box style='height:100px;overflow:auto'><p id=text style='height:900px'>x</div>"
            "<p style='height:3000px'>"
        )
        await stage.act(Scroll(up=False, amount=60, target=on("#box")))
        await stage.act(Scroll(up=False, amount=40, target=on("#text")))
        assert await stage.value("[box.scrollTop, scrollY]") == [100, 0]
        # The middle of the page is over the inner one, which must not take the wheel.
        await stage.show(
            "<div style='height:1000px;overflow:auto'><p style='height:9000px'></div><p style='height:900px'>"
        )
        await stage.act(Scroll(up=False, amount=60))
        assert await stage.value("scrollY") == 60

    staged(tmp_path, act)
