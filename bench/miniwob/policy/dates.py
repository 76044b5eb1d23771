"""Tasks with a calendar to page through, and the flights that hang on one."""

import re
from typing import NamedTuple

from bench.miniwob.observation import Thing, first
from bench.miniwob.page import Page, Puzzled

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_OPENING_MS = 500
_MOST_MONTHS = 30


class _Offer(NamedTuple):
    dollars: int
    minutes: int
    button: Thing


def choose_date(page: Page) -> None:
    """Select a date as the date and hit submit."""
    month, day, year = page.asked(r"(\d\d)/(\d\d)/(\d{4})")
    _choose(page, page.look().fields[0], int(year), int(month), int(day))
    page.click_named("Submit")


def book_flight(page: Page) -> None:
    """Two cities by name or code, a date, and then the cheapest or the shortest of what is offered."""
    wish, start, end, month, day, year = page.asked(
        r"Book the (cheapest|shortest) one-way flight from: (.+) to: (.+) on (\d\d)/(\d\d)/(\d{4})"
    )
    for place, city in enumerate((start, end)):
        page.fill(page.look().fields[place], city)
        page.click(_await_offered(page, city))
    _choose(page, page.look().fields[2], int(year), int(month), int(day))
    page.click_named("Search")
    page.click(min(_offers(page), key=lambda offer: offer.dollars if wish == "cheapest" else offer.minutes).button)


def buy_ticket(page: Page) -> None:
    """The ticket with the least or the most of cost or duration."""
    order, what = page.asked(r"the (cheapest|shortest|longest|most expensive) (cost|duration)")
    pick = max if order in ("longest", "most expensive") else min
    page.click(pick(_offers(page), key=lambda offer: offer.dollars if what == "cost" else offer.minutes).button)


def _offers(page: Page) -> list[_Offer]:
    """Every price stands on a button, behind the duration."""
    found, minutes = list[_Offer](), 0
    for line in page.look().lines:
        if duration := re.search(r"(\d+)h (\d+)m", line.text):
            minutes = int(duration[1]) * 60 + int(duration[2])
        price = re.search(r"\$(\d+)", line.text)
        if line.id and price:
            found.append(_Offer(int(price[1]), minutes, line))
    return found


def _await_offered(page: Page, city: str) -> Thing:
    return page.await_thing(lambda seen: _offered(seen.things, city))


def _offered(things: tuple[Thing, ...], city: str) -> list[Thing]:
    """The lines of the list that a name or an airport's code leads to, the best first."""
    options = [thing for thing in things if thing.tag not in ("input", "button") and city in thing.name]
    exact = [option for option in options if option.name.startswith(f"{city} (") or f"({city})" in option.name]
    return exact or options


def _choose(page: Page, field: Thing, year: int, month: int, day: int) -> None:
    """Open the calendar of a field, go to the month, and click the day."""
    page.click(field)
    page.wait(_OPENING_MS)
    for _ in range(_MOST_MONTHS):
        seen = page.look()
        shown = re.search(rf"({'|'.join(_MONTHS)}) (\d{{4}})", " ".join(line.text for line in seen.lines))
        if shown is None:
            raise Puzzled("there is no calendar")
        at = int(shown[2]) * 12 + _MONTHS.index(shown[1])
        wanted = year * 12 + month - 1
        if at == wanted:
            page.click(first(seen.things, lambda thing: thing.text.strip() == str(day)))
            page.wait(_OPENING_MS)
            return
        page.click(seen.named("Prev" if at > wanted else "Next"))
    raise Puzzled("the calendar does not get there")
