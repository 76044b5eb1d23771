"""Tasks with pages of results, posts, contacts, files or dishes to look through."""

import time
from collections.abc import Iterable, Iterator

from bench.miniwob.observation import Observation, Thing, first
from bench.miniwob.page import Page, Puzzled

_OPENING_MS = 300
_MOST_PAGES = 20
_MOST_CLICKS = 4
_MOST_PRICES = 400


def search_results(page: Page) -> None:
    """Search for a word, then click the n-th result, three on a page."""
    (word,) = page.quoted()[:1]
    (number,) = page.asked(r"the (\d+)\w\w search result")
    page.fill(page.look().fields[0], word)
    page.click_named("Search")
    sheet, place = divmod(int(number) - 1, 3)
    if sheet:
        page.click(first(page.look().things, lambda thing: thing.text.strip() == str(sheet + 1)))
    results = [thing for thing in page.look().tagged("a") if not _is_paging(thing)]
    page.click(results[place])


def look_up_contact(page: Page) -> None:
    """Page through a contact book, and click the phone number, the email or the address of somebody."""
    name, what = page.asked(r"Find (\w+) in the contact book and click on their (phone|email|address)")
    for _ in range(_MOST_PAGES):
        seen = page.look()
        if name in seen.texts:
            label = f"{what.capitalize()}:"
            page.click(first(seen.after(label), lambda line: bool(line.id)))
        page.click(seen.named(">"))
    raise Puzzled(f"{name} is not in the contact book")


def open_in_tree(page: Page) -> None:
    """Open folder by folder until the file or folder of that name is to be seen."""
    (name,) = page.quoted()
    opened = set[str]()
    for _ in range(_MOST_PAGES):
        seen = page.look()
        found = seen.find(name)
        if found is not None:
            page.click(found)
        handle = next((thing for thing in seen.things if not thing.name and thing.id not in opened), None)
        if handle is None:
            break
        opened.add(handle.id)
        page.click(handle)
        page.wait(_OPENING_MS)
    raise Puzzled(f"{name} is not in the tree")


def order_food(page: Page) -> None:
    """One of each dish by name, or several of a sort that its icons tell."""
    dishes = list(_dishes(page.look()))
    if not dishes:
        raise Puzzled("there is no menu")
    if "one of each item" in page.task:
        wanted = page.asked(r"each item: (.+)")[0].split(", ")
        chosen = [plus for dish, _, plus in dishes if dish in wanted]
    else:
        number, sort = page.asked(r"Order (\d+) items that are (.+)")
        chosen = [plus for _, sorts, plus in dishes if sort in sorts][:1] * int(number)
    for plus in chosen:
        page.click(plus)
    page.click(page.look().tagged("button")[-1])


def act_on_post(page: Page) -> None:
    """One button, or an entry of the menu, of the post by a user."""
    user, what = page.asked(r'the user (@\S+), click on the "(.+)" button')
    for _ in range(_MOST_CLICKS):
        post = _posts_by(page, user)[0]
        entry = next((thing for thing in page.seen.things if thing.name.startswith(what)), None)
        page.click(entry or _hinted(post, what if what in ("Reply", "Retweet", "Like") else "more"))
        page.wait(_OPENING_MS)
    raise Puzzled("the icons do nothing")


def act_on_posts(page: Page) -> None:
    """The same button of all posts, or of some, by a user."""
    what, which, user = page.asked(r'Click the "(\w+)" button on (all|\d+) posts? by (@\S+)')
    posts = _posts_by(page, user)
    for post in posts if which == "all" else posts[: int(which)]:
        page.click(_hinted(post, what))
    page.click_named("Submit")


def pick_greatest_card(page: Page) -> None:
    """Turn every card, remember what it says, and pick the greatest."""
    cards = [thing for thing in page.look().things if thing.tag != "button"]
    numbers = []
    for card in cards:
        page.click(card)
        numbers.append(int(page.look().same(card).text))
    page.click(cards[numbers.index(max(numbers))])
    page.click_named("Submit")


def buy_stock(page: Page) -> None:
    """Buy when the price is so far below the limit that it is still below it when the click arrives.

    The price moves ten times a second, and within ten seconds there is no other chance: the longer it takes, the less
    will do.
    """
    (limit,) = page.asked(r"less than \$(\d+\.\d\d)")
    began = time.monotonic()
    for _ in range(_MOST_PRICES):
        seen = page.look()
        price = next((float(text.rsplit("$", 1)[1]) for text in seen.texts[1:] if "$" in text), None)
        margin = max(0.3, 3.0 - 0.4 * (time.monotonic() - began))
        if price is not None and price <= float(limit) - margin:
            page.click(seen.named("Buy"))
    raise Puzzled("the price did not fall")


def _is_paging(thing: Thing) -> bool:
    return thing.text.strip() in ("<", ">", "1", "2", "3")


def _dishes(seen: Observation) -> Iterator[tuple[str, tuple[str, ...], Thing]]:
    """Name, sorts and plus sign of each dish."""
    name, sorts = "", list[str]()
    for line in seen.lines[1:]:
        if line.name == "+":
            yield name, tuple(sorts), line
        elif line.tag == "img":
            sorts.append(line.name)
        elif not line.id and not line.tag:
            name, sorts = line.text, []


def _posts_by(page: Page, user: str) -> list[list[Thing]]:
    """The icons of each post of a user."""
    posts = [icons for author, icons in _posts(page.look()) if author == user and icons]
    if not posts:
        raise Puzzled(f"there is no post of {user}")
    return posts


def _hinted(icons: Iterable[Thing], what: str) -> Thing:
    return first(icons, lambda icon: what.casefold() in icon.hint.casefold())


def _posts(seen: Observation) -> Iterator[tuple[str, list[Thing]]]:
    """Author and icons of each post."""
    author, icons = "", list[Thing]()
    for line in seen.lines[1:]:
        if line.id:
            icons.append(line)
            continue
        user = next((word for word in line.text.split() if word.startswith("@")), None)
        if user:
            if author:
                yield author, icons
            author, icons = user, []
    if author:
        yield author, icons
