"""Tasks that want boxes checked, options chosen, sliders and spinners set."""

import re
from collections.abc import Iterable

from bench.miniwob.observation import Thing, first
from bench.miniwob.page import Page, Puzzled

_MOST_STEPS = 150


def check_listed(page: Page) -> None:
    """Select these and click Submit: check boxes, or radio buttons, by their labels."""
    (names,) = page.asked(r"Select (.*) and click Submit")
    seen = page.look()
    for name in _listed(names):
        page.check(seen.named(name))
    page.click_named("Submit")


def choose_listed(page: Page) -> None:
    """Select these from the list and click Submit."""
    (names,) = page.asked(r"Select (.*) from the (?:scroll )?list")
    for name in _listed(names):
        page.choose(_option(page, name))
    page.click_named("Submit")


def choose_from_custom_dropdown(page: Page) -> None:
    """Choose a height from the dropdown, then click the button of that name."""
    height, button = page.asked(r'Choose (.+) from the dropdown, then click the button labeled "(\w+)"')
    page.click(page.look().things[0])
    page.click(page.await_named(height))
    page.click(page.await_named(button))


def check_and_fill(page: Page) -> None:
    """Check the 1st radio button and enter the number into the 2nd textbox."""
    radio, number, field = page.asked(r'Check the (\d)\w\w radio button and enter the number "(-?\d+)" into the (\d)')
    seen = page.look()
    page.check(seen.of_type("radio")[int(radio) - 1])
    page.fill(seen.fields[int(field) - 1], number)
    page.click_named("Submit")


def slide_and_check(page: Page) -> None:
    """Select a number with the slider, click the 1st checkbox, then hit Submit."""
    number, box = page.asked(r"Select (-?\d+) with the slider, click the (\d)")
    _slide(page, 0, int(number))
    page.check(page.look().of_type("checkbox")[int(box) - 1])
    page.click_named("Submit")


def slide(page: Page) -> None:
    """Select a number with the slider and hit Submit."""
    (number,) = page.asked(r"Select (-?\d+) with the slider")
    _slide(page, 0, int(number))
    page.click_named("Submit")


def slide_all(page: Page) -> None:
    """Set three sliders to a combination and submit."""
    (numbers,) = page.asked(r"\[(.+)\]")
    for place, number in enumerate(numbers.split(",")):
        _slide(page, place, int(number))
    page.click_named("Submit")


def spin(page: Page) -> None:
    """Select a number with the spinner: by its two arrows, the upper and the lower."""
    (number,) = page.asked(r"Select (-?\d+) with the spinner")
    arrows = sorted(
        (thing for thing in page.look().things if thing.attributes.get("role") == "button"), key=lambda one: one.place.y
    )
    missing = int(number) - int(page.seen.fields[0].value or 0)
    for _ in range(abs(missing)):
        page.click(arrows[0] if missing > 0 else arrows[-1])
    page.click_named("Submit")


def mark_odd_or_even(page: Page) -> None:
    """Every number stands between a button Odd and a button Even."""
    lines = page.look().lines
    for before, number, after in zip(lines, lines[1:], lines[2:], strict=False):
        if before.name == "Odd" and after.name == "Even":
            page.click(before if int(number.text) % 2 else after)
    page.click_named("Submit")


def _slide(page: Page, place: int, wanted: int) -> None:
    """Take the handle of the n-th slider by a click, then walk by the arrow keys and the number that is shown."""
    page.click([thing for thing in page.look().things if "handle" in thing.hint][place])
    for _ in range(_MOST_STEPS):
        missing = wanted - _numbers(page.look().texts)[place]
        if not missing:
            return
        page.press("ArrowRight" if missing > 0 else "ArrowLeft", abs(missing))
    raise Puzzled("the slider does not get there")


def _numbers(texts: Iterable[str]) -> list[int]:
    return [int(text) for text in texts if re.fullmatch(r"-?\d+", text)]


def _option(page: Page, name: str) -> Thing:
    return first(page.look().tagged("option"), lambda option: option.name == name)


def _listed(names: str) -> list[str]:
    return [] if names == "nothing" else names.split(", ")
