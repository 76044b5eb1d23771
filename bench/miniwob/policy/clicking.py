"""Tasks that want the right thing clicked: buttons, links, tabs, sections, menus, shapes."""

import re
import time

from bench.miniwob.observation import Observation, Thing, first
from bench.miniwob.page import Page, Puzzled

_OPENING_MS = 600
_COLOURS = ("red", "green", "blue", "aqua", "black", "magenta", "yellow")
_SHAPES = {"circle": "circle", "rectangle": "rect", "triangle": "polygon"}
# On that grid a large shape is twice as high as a small one.
_LARGE_PX = 15


def click_the_only_thing(page: Page) -> None:
    """The button, or the field."""
    page.click(page.look().things[0])


def focus_by_number(page: Page) -> None:
    """The n-th field."""
    (number,) = page.asked(r"the (\d)\w\w input")
    page.click(page.look().fields[int(number) - 1])


def click_what_is_quoted(page: Page) -> None:
    """A button or a link by its name."""
    (name,) = page.quoted()
    page.click_named("Close" if name == "x" and page.seen.find("x") is None else name)


def close_dialog(page: Page) -> None:
    """The cross in the corner."""
    page.click_named("Close")


def click_button_word(page: Page) -> None:
    """Click button ONE."""
    page.click_named(*page.asked(r"button (\w+)"))


def click_in_turn(page: Page) -> None:
    """Click button ONE, then click button TWO."""
    for name in re.findall(r"button (\w+)", page.task):
        page.click_named(name)


def click_with_delay(page: Page) -> None:
    """Click button ONE, wait some seconds, then click button TWO: a click takes its time as well."""
    one, seconds, two = page.asked(r"button (\w+), wait (\d+) seconds, then click button (\w+)")
    things = page.look()
    began = time.monotonic()
    page.click(things.named(one))
    page.wait(int((int(seconds) - (time.monotonic() - began)) * 1000))
    page.click(things.named(two))


def click_tab(page: Page) -> None:
    """Click on Tab #2."""
    (name,) = page.asked(r"on (Tab #\d+)")
    page.click_named(name)


def open_section_and_submit(page: Page) -> None:
    """One section to expand, and a button below it."""
    page.click(_headers(page.look())[0])
    page.wait(_OPENING_MS)
    page.click_named("Submit")


def search_sections(page: Page) -> None:
    """A link in one of several tabs or collapsed sections."""
    (name,) = page.quoted()
    headers = [header.name for header in _headers(page.look())]
    for header in ["", *headers]:
        if header:
            page.click(page.look().named(header))
            page.wait(_OPENING_MS)
        link = next((thing for thing in page.look().all_named(name) if not _is_header(thing)), None)
        if link is not None:
            page.click(link)
    raise Puzzled(f"{name!r} is in none of the sections")


def walk_menu(page: Page) -> None:
    """Select A>B>C in a menu that opens under the mouse: by the keyboard, which it is made for as well."""
    path = page.asked(r"Select (.+)")[0].split(">")
    page.press("Tab")
    before: set[str] = set()
    for depth, name in enumerate(path):
        items = [thing for thing in page.look().things if thing.attributes.get("role") == "menuitem"]
        names = [item.name for item in items if item.name not in before]
        page.press("ArrowDown", names.index(name))
        if depth < len(path) - 1:
            before |= {item.name for item in items}
            page.press("ArrowRight")
            page.wait(_OPENING_MS)
    page.press("Enter")


def pick_from_menu(page: Page) -> None:
    """Open a menu by its button and find an item by its label, in a submenu where it is not in the menu."""
    name = page.quoted()[1] if len(page.quoted()) > 1 else None
    if name is None:
        raise Puzzled("the item is known by its picture alone")
    page.click_named("Menu")
    if page.look().find(name) is None:
        page.click_named("Playback")
    page.click(page.await_named(name))


def click_pie_slice(page: Page) -> None:
    """Open a pie menu and click the slice of that label."""
    (name,) = page.quoted()
    page.click_named("+")
    page.click(page.await_named(name))


def click_widget(page: Page) -> None:
    """A widget of a kind: radio, checkbox, text, textarea or button."""
    (kind,) = page.quoted()
    page.click(first(page.look().things, lambda thing: _widget(thing) == kind))


def count_shapes(page: Page) -> None:
    """How many shapes on the grid are of a size, colour and kind."""
    (words,) = page.asked(r"How many (.+)s are there")
    number = sum(all(_fits(shape, word) for word in words.split()) for shape in _shapes(page.look()))
    page.click(first(page.seen.tagged("button"), lambda button: button.name == str(number)))


def identify_shape(page: Page) -> None:
    """Say what a single figure is."""
    seen = page.look()
    figure = first(seen.lines[1:], lambda line: not line.id)
    names = {"rect": "Rectangle", "circle": "Circle", "polygon": "Triangle"}
    page.click(seen.named(names.get(figure.tag) or ("Number" if figure.text.strip().isdigit() else "Letter")))


def click_shape(page: Page) -> None:
    """A shape on a grid by its size, colour and kind."""
    (words,) = page.asked(r"Click on an? (.+)")
    page.click(first(_shapes(page.look()), lambda shape: all(_fits(shape, word) for word in words.split())))


def _shapes(seen: Observation) -> tuple[Thing, ...]:
    return seen.tagged("text", "circle", "rect", "polygon")


def _fits(shape: Thing, word: str) -> bool:
    if word in _COLOURS:
        return shape.attributes.get("fill") == word
    if word in ("large", "small"):
        return (shape.place.height > _LARGE_PX) == (word == "large")
    if word in _SHAPES:
        return shape.tag == _SHAPES[word]
    text = shape.text.strip()
    match word:
        case "item":
            return True
        case "shape":
            return shape.tag != "text"
        case "digit":
            return shape.tag == "text" and text.isdigit()
        case "letter":
            return shape.tag == "text" and text.isalpha()
    return shape.tag == "text" and text == word


def _headers(seen: Observation) -> list[Thing]:
    """The tabs and section headers, by their links where these stand in for them."""
    return [thing for thing in seen.things if _is_header(thing) and thing.name]


def _is_header(thing: Thing) -> bool:
    return thing.attributes.get("role") == "tab" or thing.attributes.get("href", "").startswith("#tabs")


def _widget(thing: Thing) -> str:
    return thing.attributes.get("type", "text") if thing.tag == "input" else thing.tag
