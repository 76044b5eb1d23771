"""Tasks that want a keyboard: copying, editing, scrolling to an end, a terminal."""

import re

from bench.miniwob.observation import first
from bench.miniwob.page import Page, Puzzled

_STYLES = {"bold": "Control+B", "italics": "Control+I", "underlined": "Control+U"}
# A palette has its hues in this order from left to right, after a column of greys.
_HUES = ("red", "orange", "yellow", "green", "blue", "purple")
_OPENING_MS = 400


def copy_and_paste(page: Page) -> None:
    """The whole of one text area into the text input."""
    seen = page.look()
    place = int(page.asked(r"(\d)\w\w text area")[0]) if "text area below" in page.task else 1
    page.click(seen.tagged("textarea")[place - 1])
    page.press("Control+A")
    page.press("Control+C")
    page.click(seen.tagged("input")[0])
    page.press("Control+V")
    page.click_named("Submit")


def copy_last_word(page: Page) -> None:
    """The end of a text that is too long to be seen at once."""
    seen = page.look()
    page.click(seen.tagged("textarea")[0])
    page.press("Control+End")
    page.press("Control+Shift+ArrowLeft", 2)
    page.press("Control+C")
    page.click(seen.tagged("input")[0])
    page.press("Control+V")
    pasted = page.look().tagged("input")[0]
    page.fill(pasted, re.sub(r"[^a-zA-Z]", "", pasted.value.split()[-1]))
    page.click_named("Submit")


def scroll_to_end(page: Page) -> None:
    """To the top or the bottom of a text area."""
    (end,) = page.asked(r"to the (bottom|top)")
    page.click(page.look().tagged("textarea")[0])
    page.press("Control+End" if end == "bottom" else "Control+Home")
    page.click_named("Submit")


def sign_agreement(page: Page) -> None:
    """Scroll to the bottom of what is to be signed, sign, and press what is said."""
    names = page.quoted()
    if not names:
        page.click_named("Cancel")
    name, button = names
    for _ in range(30):
        if page.look().fields:
            break
        page.scroll_down("textarea", 5000)
    page.fill(page.look().fields[0], name)
    page.click_named(button)


def use_terminal(page: Page) -> None:
    """List the files, and remove one that is asked for."""
    target = page.look().tagged("input")[0]
    page.type_slowly(target, "ls", press_enter=True)
    (listing,) = re.findall(r"user\$ ls (.+?) user\$", _terminal(page))[-1:] or [""]
    files = listing.split()
    extension = re.search(r"extension (\.[\w.]+)", page.task)
    if extension:
        chosen = [file for file in files if file.endswith(extension[1])]
    else:
        chosen = [file for file in files if "." not in file]
    if not chosen:
        raise Puzzled(f"the terminal lists {listing!r}")
    page.type_slowly(target, f"rm {chosen[0]}", press_enter=True)


def style_text(page: Page) -> None:
    """Give a word, or all of a text, a style or a colour."""
    found = re.search(r"(?:give|make) (?:the text )?(\S+) the (?:style|color) (\w+)", page.task)
    if found is None:
        raise Puzzled(f"the task reads {page.task!r}")
    word, style = found.groups()
    editor = first(page.look().things, lambda thing: "contenteditable" in thing.attributes)
    words = editor.text.split()
    page.click(editor)
    if word == "everything":
        page.press("Control+A")
    else:
        before = " ".join(words[: words.index(word)])
        page.press("Control+Home")
        page.press("ArrowRight", len(before) + bool(before))
        page.press("Shift+ArrowRight", len(word))
    if style in _STYLES:
        page.press(_STYLES[style])
    else:
        known = {thing.id for thing in page.look().things}
        page.click(page.seen.things[0])
        page.wait(_OPENING_MS)
        palette = [thing for thing in page.look().things if thing.id not in known]
        page.click(palette[1 + _HUES.index(style)])
    page.click_named("Submit")


def _terminal(page: Page) -> str:
    """Everything that the terminal says."""
    return " ".join(line.text for line in page.look().lines[1:])
