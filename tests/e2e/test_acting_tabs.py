"""What an action sets off is followed: new tabs, other pages, dialogs; and tabs are opened, changed and closed."""

import asyncio
from pathlib import Path

import pytest

from noctule.browser.commands import Click, CloseTab, Done, Fill, Goto, GotoNewTab, SwitchTab
from tests.e2e.acting_stage import Stage, on, staged

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["blank", "blank-other", "named", "open", "open-window", "blank-submit"])
def test_a_tab_that_a_click_opens_becomes_the_current_one(name: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("popups.html")
        acted = await stage.act(Click(on(f"#{name}")))
        assert "landing.html" in await stage.value("location.href")
        assert "It opened a new tab" in acted.message
        assert await stage.value("document.readyState") == "complete"
        await stage.run(CloseTab())
        assert "popups.html" in await stage.value("location.href")

    staged(tmp_path, act)


def test_a_tab_that_comes_a_little_later_is_followed_too(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("popups.html")
        await stage.act(Click(on("#open-late")))
        for _ in range(100):
            if "open-late" in await stage.value("location.search"):
                return
            await asyncio.sleep(0.02)
        pytest.fail("the tab that was opened late is not the current one")

    staged(tmp_path, act)


def test_a_new_page_is_waited_for_whatever_led_there(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        form = "<form action='/slow'><input id=seconds name=seconds value=0.5><button id=go>Go</button></form>"
        for command in (
            Click(on("#go")),
            Fill(on("#seconds"), "0.5", press_enter=True),
            Fill(on("#seconds"), "0.6", press_enter=True),
        ):
            stage.pages.add("/form", form.replace("/slow", stage.site.url("slow")))
            await stage.run(Goto(stage.pages.url("/form")))
            acted = await stage.act(command)
            assert "The page is now" in acted.message
            assert await stage.value("document.title") == "Late page"

    staged(tmp_path, act)


def test_dialogs_are_told_with_how_they_were_answered(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("popups.html")
        assert "'Your session ends soon.' and was" in (await stage.act(Click(on("#alert")))).message
        twice = (await stage.act(Click(on("#alert-twice")))).message
        assert "'First.'" in twice
        assert "'Second.'" in twice
        assert "dialog" not in (await stage.act(Click(on("#guard")))).message

    staged(tmp_path, act)


def test_tabs_are_opened_changed_and_closed(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("landing.html?from=first")
        await stage.run(GotoNewTab(stage.site.url("landing.html?from=second")))
        assert "second" in await stage.value("location.search")
        await stage.run(SwitchTab(0))
        assert await stage.value("[location.search, document.hasFocus()]") == ["?from=first", True]
        await stage.run(SwitchTab(-1))
        assert "second" in await stage.value("location.search")
        wrong = await stage.fails(SwitchTab(2))
        assert "numbered 0 to 1" in wrong.message
        assert (await stage.fails(GotoNewTab("example.com"))).kind == "InvalidURLError"
        assert (await stage.fails(GotoNewTab("https://name.invalid/"))).kind == "PageLoadingError"
        assert "second" in await stage.value("location.search")
        await stage.run(CloseTab())
        assert "first" in await stage.value("location.search")
        assert await stage.run(CloseTab()) == Done("Closed the tab; the current one is now about:blank")

    staged(tmp_path, act)


def test_a_click_may_close_its_own_tab(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<button onclick=\"window.open('/page2')\">Open</button>")
        stage.pages.add("/page2", "<button onclick='window.close()'>Close</button>")
        await stage.act(Click(on("text=Open")))
        acted = await stage.act(Click(on("text=Close")))
        assert "The tab was closed by it" in acted.message
        assert await stage.value("location.pathname") == "/page"

    staged(tmp_path, act)
