"""Tasks that are about where things are."""

import re
from collections.abc import Iterable

from bench.miniwob.observation import first
from bench.miniwob.page import Page, Puzzled

_HALF_HOUR_MINUTES = 30
_TOP_PX = 60
_MARKS = {"mark-x": "x", "mark-o": "o"}
_ROWS = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


def click_coordinate(page: Page) -> None:
    """A point of a grid by its coordinates, counted from the middle."""
    x, y = (int(number) for number in page.asked(r"\((-?\d+),(-?\d+)\)"))
    points = page.look().tagged("circle")
    columns, rows = _steps(point.place.x for point in points), _steps(-point.place.y for point in points)
    at = (columns[len(columns) // 2 + x], -rows[len(rows) // 2 + y])
    page.click(first(points, lambda point: (point.place.x, point.place.y) == at))


def click_ascending(page: Page) -> None:
    """Numbers that hide behind boxes as soon as the first is clicked: their places are remembered."""
    numbers = sorted(page.look().tagged("text"), key=lambda thing: int(thing.text))
    places = [number.place.middle for number in numbers]
    page.click(numbers[0])
    for x, y in places[1:]:
        boxes = page.look().tagged("rect")
        page.click(min(boxes, key=lambda box: abs(box.place.middle[0] - x) + abs(box.place.middle[1] - y)))


def enter_appointment(page: Page) -> None:
    """An event of some length in a free part of a day: its first half hour is clicked, then its last."""
    length, unit, name, begin, end = page.asked(
        r'Create a ([\d.]+) (hours?|mins) event named "(\w+)", between (\w+) and (\w+)\.'
    )
    slots = round(float(length) * (60 if unit.startswith("hour") else 1)) // _HALF_HOUR_MINUTES
    halves = [thing for thing in page.look().tagged("div") if not thing.name]
    window = halves[_half_hour(begin) : _half_hour(end)]
    page.scroll_down(amount=int(window[0].place.y) - _TOP_PX)
    # What another event covers cannot be clicked any more.
    free = {thing.id for thing in page.look().things}
    runs = [window[start : start + slots] for start in range(len(window) - slots + 1)]
    run = next(run for run in runs if all(half.id in free for half in run))
    page.click(run[0])
    # The event is drawn under the mouse as soon as it moves on, and is there for good when it is clicked itself.
    page.point_at(run[-1])
    page.click_named("New event")
    fields = page.look().fields
    if not fields:
        raise Puzzled("no event was begun")
    page.fill(fields[0], name)
    page.click_named("Create")


def play_tic_tac_toe(page: Page) -> None:
    """Never lose, and take every chance to win: the best move against the best answer."""
    squares = sorted(page.look().things, key=lambda square: (round(square.place.y, -1), square.place.x))
    for _ in range(9):
        marks = {thing.id: thing.hint for thing in page.look().things}
        board = tuple(_MARKS.get(marks.get(square.id, ""), "") for square in squares)
        page.click(squares[max(_free(board), key=lambda place: _worth(_marked(board, place, "x"), "o"))])


def _worth(board: tuple[str, ...], turn: str) -> float:
    """What a position promises to x: a win, or the share of the replies that lead to one; a loss is worst."""
    for a, b, c in _ROWS:
        if board[a] and board[a] == board[b] == board[c]:
            return 1.0 if board[a] == "x" else -2.0
    free = _free(board)
    if not free:
        return 0.0
    worths = [_worth(_marked(board, place, turn), "o" if turn == "x" else "x") for place in free]
    # The other side plays well about every other time.
    return max(worths) if turn == "x" else (min(worths) + sum(worths) / len(worths)) / 2


def _free(board: tuple[str, ...]) -> list[int]:
    return [place for place, mark in enumerate(board) if not mark]


def _marked(board: tuple[str, ...], place: int, mark: str) -> tuple[str, ...]:
    return (*board[:place], mark, *board[place + 1 :])


def _steps(positions: Iterable[float]) -> list[float]:
    return sorted(set(positions))


def _half_hour(text: str) -> int:
    found = re.fullmatch(r"(\d+)(AM|PM)", text)
    if found is None:
        raise Puzzled(f"{text} is no time of day")
    return 2 * (int(found[1]) % 12 + (12 if found[2] == "PM" else 0))
