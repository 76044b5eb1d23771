"""Tasks that want fields filled in with what the utterance, or the page, says."""

import re
from collections.abc import Mapping

from bench.miniwob.observation import Observation, Thing, first
from bench.miniwob.page import Page, Puzzled

# The named colours of CSS that the colour picker is asked for.
_HEX = {
    "black": "000000", "white": "FFFFFF", "aqua": "00FFFF", "blue": "0000FF", "gray": "808080", "green": "008000",
    "lime": "00FF00", "maroon": "800000", "navy": "000080", "olive": "808000", "purple": "800080", "red": "FF0000",
    "silver": "C0C0C0", "teal": "008080", "yellow": "FFFF00", "pink": "FFC0CB", "magenta": "FF00FF", "gold": "FFD700",
    "orange": "FFA500",
}  # fmt: skip


def enter_quoted(page: Page) -> None:
    """Enter a text into the field, in upper or lower case if that is asked for."""
    (text,) = page.quoted()
    if "all lower case" in page.task:
        text = text.lower()
    elif "all upper case" in page.task:
        text = text.upper()
    _enter(page, text)


def enter_everywhere(page: Page) -> None:
    """The same password into both fields."""
    (password,) = page.quoted()
    for field in page.look().fields:
        page.fill(field, password)
    page.click_named("Submit")


def log_in(page: Page) -> None:
    """Name and password; whatever comes up in between is turned down, and what it spoiled is done again."""
    wanted = page.quoted()[:2]
    for _ in range(6):
        seen = page.look()
        refusal = seen.find("Cancel")
        if refusal is not None:
            page.click(refusal)
            continue
        empty = next(
            (number for number, field in enumerate(seen.fields) if len(field.value) != len(wanted[number])), None
        )
        if empty is None:
            page.click(seen.tagged("button")[-1])
            continue
        try:
            page.fill(seen.fields[empty], wanted[empty])
        except Puzzled:
            # The field was taken away while it was being filled.
            continue


def enter_date(page: Page) -> None:
    """A date field takes the year first."""
    month, day, year = page.asked(r"(\d\d)/(\d\d)/(\d{4})")
    _enter(page, f"{year}-{month}-{day}")


def enter_time(page: Page) -> None:
    """A time field takes 24 hours."""
    hour, minute, half = page.asked(r"(\d+):(\d\d) (AM|PM)")
    _enter(page, f"{int(hour) % 12 + (12 if half == 'PM' else 0):02}:{minute}")


def enter_shown_text(page: Page) -> None:
    """The letters that the page shows."""
    _enter(page, page.look().texts[1].replace(" ", ""))


def enter_word_by_number(page: Page) -> None:
    """The n-th word of a paragraph."""
    (number,) = page.asked(r"the (\d+)\w\w word")
    words = " ".join(page.look().texts[1:]).split()
    _enter(page, re.sub(r"[^a-zA-Z]", "", words[int(number) - 1]))


def enter_from_table(page: Page) -> None:
    """One cell of a table, by the name of its row."""
    (key,) = page.asked(r"the value of (.+) into")
    _enter(page, _table(page.look())[key])


def enter_labelled_from_table(page: Page) -> None:
    """A cell for each field, by the label in front of it."""
    seen = page.look()
    table = _table(seen)
    label = ""
    for line in seen.lines:
        if line in seen.fields:
            page.fill(line, table[label])
        elif line.text.endswith(":"):
            label = line.text.removesuffix(":")
    page.click_named("Submit")


def calculate(page: Page) -> None:
    """A sum, a difference or a product of two digits."""
    left, sign, right = _said(page.look(), r"(\d+) ([-+x]) (\d+) =")
    a, b = int(left), int(right)
    _enter(page, str({"+": a + b, "-": a - b, "x": a * b}[sign]))


def solve_for_x(page: Page) -> None:
    """An equation with x on either side of the sign."""
    left, sign, right, total = _said(page.look(), r"(\d+|x) ([-+]) (\d+|x) = (-?\d+)")
    result, known = int(total), int(right if left == "x" else left)
    if sign == "+":
        _enter(page, str(result - known))
    _enter(page, str(result + known if left == "x" else known - result))


def search_movies(page: Page) -> None:
    """Genre, director and year into fields in any order, each labelled in front of it or behind it."""
    genre, director, year = page.asked(r"Search for (.+) movies directed by (.+) from year (\d+)")
    wanted = {"genre": genre, "director": director, "year": year, "date": year}
    seen = page.look()
    plan = [line for line in seen.lines[1:] if line in seen.fields or _label(line, wanted)]
    first_is_label = bool(_label(plan[0], wanted))
    for one, other in zip(plan[::2], plan[1::2], strict=True):
        label, field = (one, other) if first_is_label else (other, one)
        page.fill(field, wanted[_label(label, wanted)])
    page.click(first(reversed(page.look().things), lambda one: one.name in ("Submit", "Search", "Go!")))


def complete_from_list(page: Page) -> None:
    """An item of a list that opens while its beginning is typed, known by its beginning and maybe its end."""
    begins, ends = [*page.quoted(), ""][:2]
    page.fill(page.look().fields[0], begins)
    page.click(page.await_thing(lambda seen: _items(seen, begins, ends)))
    page.click_named("Submit")


def pick_colour(page: Page) -> None:
    """A colour by its name, into the field of a colour picker."""
    (colour,) = page.asked(r"Select (\w+) with the color picker")
    page.fill(page.look().fields[0], _HEX[colour], press_enter=True)
    page.press("Tab")
    page.click_named("Submit")


def guess_number(page: Page) -> None:
    """By halves, after what the page says of each guess."""
    low, high = 0, 9
    while low <= high:
        guess = (low + high) // 2
        page.fill(page.look().fields[0], str(guess))
        page.click_named("Submit")
        said = " ".join(page.look().texts[1:]).casefold()
        if "lower" in said:
            high = guess - 1
        else:
            low = guess + 1


def generate_number(page: Page) -> None:
    """Press until a number comes that is asked for."""
    for _ in range(100):
        page.click_named("Generate")
        shown = int(page.look().texts[1])
        if _is_wanted(page, shown):
            page.click_named("Submit")


def _is_wanted(page: Page, number: int) -> bool:
    if "odd" in page.task:
        return number % 2 == 1
    if "even" in page.task:
        return number % 2 == 0
    order, limit = page.asked(r"(less|greater) than (\d+)")
    return number < int(limit) if order == "less" else number > int(limit)


def _enter(page: Page, text: str) -> None:
    """Fill the only field and submit."""
    page.fill(page.look().fields[0], text)
    page.click_named("Submit")


def _table(seen: Observation) -> dict[str, str]:
    rows = (text.split(" | ") for text in seen.texts)
    return {row[0]: row[1] for row in rows if len(row) == 2}


def _said(seen: Observation, pattern: str) -> tuple[str, ...]:
    for text in seen.texts[1:]:
        if found := re.search(pattern, text):
            return found.groups()
    raise Puzzled("the problem is not to be seen")


def _items(seen: Observation, begins: str, ends: str) -> list[Thing]:
    items = (thing for thing in seen.things if thing.tag != "input")
    return [item for item in items if item.name.startswith(begins) and item.name.endswith(ends)]


def _label(line: Thing, wanted: Mapping[str, str]) -> str:
    if line.id:
        return ""
    return next((key for key in wanted if key in line.text.casefold()), "")
