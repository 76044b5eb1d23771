"""What an action aims at."""

from typing import Any

import pytest

from noctule.browser.commands import Target
from noctule.page.wire.actions import ClickAction
from noctule.page.wire.targets import seconds_of, spelled, target_of

ENTER = " >> internal:control=enter-frame >> "


@pytest.mark.parametrize(
    ("selector", "target"),
    [
        ("#go", Target(selectors=("#go",))),
        (" xpath=//button ", Target(selectors=("xpath=//button",))),
        ("~Save all", Target(selectors=('internal:text="Save all"',))),
        ('~ Say "hello"', Target(selectors=('internal:text="Say \\"hello\\""',))),
        (
            {"playwright_selector": "text=Go", "css_selector": "#go", "xpath_selector": "//b"},
            Target(selectors=("text=Go", "css=#go", "xpath=//b")),
        ),
        ({"xpath_selector": "//b"}, Target(selectors=("xpath=//b",))),
        (
            {"css_selector": "#go", "iframe_parent_css_selectors": ["#outer", "#inner"], "in_iframe": True},
            Target(selectors=("css=#go",), frames=("#outer", "#inner")),
        ),
        (
            {
                "playwright_selector": f"#outer{ENTER}#go",
                "css_selector": "#go",
                "iframe_parent_css_selectors": ["#outer"],
            },
            Target(selectors=(f"#outer{ENTER}#go", f"css=#outer{ENTER}css=#go")),
        ),
    ],
)
def test_selectors_are_tried_in_their_order(selector: Any, target: Target) -> None:
    assert target_of(ClickAction(selector=selector)) == target


def test_an_id_loses_the_mark_of_its_line() -> None:
    assert target_of(ClickAction(id="B1[:]", selector="#go")) == Target("B1", ("#go",))


@pytest.mark.parametrize(("timeout", "seconds"), [(0, 15.0), (1, 0.001), (15000, 15.0), (44_000, 44.0), (60_000, 45.0)])
def test_an_element_is_waited_for_as_long_as_the_reply_can_wait(timeout: int, seconds: float) -> None:
    assert seconds_of(ClickAction(id="B1", timeout=timeout)) == seconds


def test_a_selector_that_only_holds_a_tilde_is_left_alone() -> None:
    assert spelled("a ~ b") == "a ~ b"
