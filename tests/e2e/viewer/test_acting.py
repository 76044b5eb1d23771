"""What a person does in the viewer is done in the remote page: mouse, keys, composed and pasted text, tabs."""

from functools import partial

import pytest
from playwright.sync_api import expect

from tests.e2e.viewer.stage import Person, Remote, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def person(remote: Remote) -> Person:
    return remote.person()


def _holds(remote: Remote, text: str) -> None:
    wait_until(lambda: remote.js("document.getElementById('field').value") == text, f"{text!r} in the field")


def _comes(remote: Remote, *lines: str) -> None:
    seen: list[str] = []

    def there() -> bool:
        seen.extend(remote.told())
        return all(line in seen for line in lines)

    wait_until(there, str(lines))


def test_clicks_reach_the_very_place_with_every_button(remote: Remote, person: Person) -> None:
    person.click(350, 200)
    _comes(remote, "mousedown 350,200,0,1", "mouseup 350,200,0,1", "click 350,200,0,1")
    person.click(350, 200, click_count=2)
    _comes(remote, "dblclick 350,200,0,2")
    person.click(150, 150, button="right")
    _comes(remote, "contextmenu 150,150,2,0")


def test_a_picture_that_is_made_smaller_is_clicked_at_the_right_place(remote: Remote) -> None:
    small = remote.person(width=800, height=600)
    small.click(360, 200)
    seen: list[str] = []

    def clicked() -> bool:
        seen.extend(line for line in remote.told() if line.startswith("click "))
        return bool(seen)

    wait_until(clicked, "a click")
    x, y = map(float, seen[0].split()[1].split(",")[:2])
    assert abs(x - 360) <= 2
    assert abs(y - 200) <= 2


def test_text_is_typed_with_all_its_keys_and_shortcuts(remote: Remote, person: Person) -> None:
    person.click(400, 60)
    person.keyboard.type("Hello, World! é")
    _holds(remote, "Hello, World! é")
    remote.told()
    person.keyboard.press("Shift+Home")
    person.keyboard.press("Backspace")
    _holds(remote, "")
    person.keyboard.type("one two")
    person.keyboard.press("Control+a")
    person.keyboard.type("three")
    _holds(remote, "three")
    person.keyboard.press("Control+z")
    _comes(remote, "keydown z/KeyZ/90/1/0", "keydown Backspace/Backspace/8/0/0", "keydown Home/Home/36/0/1")
    person.keyboard.press("Tab")
    wait_until(lambda: remote.js("document.activeElement.id") == "link", "the focus on the link")


def test_composed_text_is_seen_while_it_is_composed(remote: Remote, person: Person) -> None:
    person.click(400, 60)
    client = person.page.context.new_cdp_session(person.page)
    for text in ("に", "にほ", "にほん"):
        client.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    _comes(remote, "compositionstart ", "compositionupdate にほん")
    client.send("Input.insertText", {"text": "日本"})
    _holds(remote, "日本")
    _comes(remote, "compositionend 日本")
    person.keyboard.type("!")
    _holds(remote, "日本!")


def test_text_is_pasted_copied_and_cut(remote: Remote) -> None:
    person = remote.person(permissions=["clipboard-read", "clipboard-write"])
    person.page.evaluate("navigator.clipboard.writeText('from this machine\\u2026')")
    person.click(400, 60)
    person.keyboard.press("Control+v")
    _holds(remote, "from this machine…")

    remote.js("document.getElementById('field').value = 'from over there'")
    person.keyboard.press("Control+a")
    person.keyboard.press("Control+c")
    read = "navigator.clipboard.readText()"
    wait_until(lambda: person.page.evaluate(read) == "from over there", "the copied text")
    person.page.evaluate("navigator.clipboard.writeText('')")
    person.keyboard.press("Control+x")
    _holds(remote, "")
    wait_until(lambda: person.page.evaluate(read) == "from over there", "the cut text")


def test_the_wheel_scrolls_and_a_drag_goes_on_outside_the_picture(remote: Remote, person: Person) -> None:
    person.page.mouse.move(*person.place(600, 500))
    person.page.mouse.wheel(0, 300)
    wait_until(lambda: float(remote.js("scrollY")) >= 300, "the page to scroll")
    remote.js("scrollTo(0, 0)")
    remote.told()
    person.page.mouse.move(*person.place(350, 200))
    person.page.mouse.down()
    person.page.mouse.move(5, 5)
    person.page.mouse.up()
    _comes(remote, "mousedown 350,200,0,1")
    wait_until(lambda: remote.js("document.querySelector('button:active') === null") == "true", "the button to go up")


def test_the_mouse_looks_as_it_does_over_there(remote: Remote, person: Person) -> None:
    cursor = "document.getElementById('canvas').style.cursor"
    for x, y, shape in ((350, 200, "grab"), (320, 132, "pointer"), (400, 60, "text"), (900, 700, "default")):
        person.page.mouse.move(*person.place(x, y))
        wait_until(partial(_is, person, cursor, shape), f"the shape {shape}")


def _is(person: Person, code: str, wanted: str) -> bool:
    return bool(person.page.evaluate(code) == wanted)


def test_tabs_are_opened_chosen_and_closed(remote: Remote, person: Person) -> None:
    remote.origin.page("/second", "<title>Second page</title>")
    names = person.page.locator(".tab .name")
    person.page.locator("#new-tab").click()
    expect(names).to_have_text(["First page", "New tab"])
    person.page.locator("#address").fill(f"127.0.0.1:{remote.origin.port}/second")
    person.page.locator("#address").press("Enter")
    expect(names).to_have_text(["First page", "Second page"])
    assert remote.js("document.title") == "Second page"

    names.first.click()
    expect(person.page.locator(".tab[data-current] .name")).to_have_text("First page")
    assert remote.js("document.title") == "First page"
    person.page.get_by_label("Close Second page").click()
    expect(names).to_have_text(["First page"])
    person.page.get_by_label("Close First page").click()
    expect(names).to_have_text(["New tab"])


def test_addresses_and_history_are_followed_and_bad_addresses_refused(remote: Remote, person: Person) -> None:
    remote.origin.page("/second", "<title>Second page</title>")
    person.click(340, 132)
    expect(person.page.locator(".tab .name")).to_have_text(["Second page"])
    person.page.locator("#back").click()
    expect(person.page.locator(".tab .name")).to_have_text(["First page"])
    person.page.locator("#forward").click()
    expect(person.page.locator(".tab .name")).to_have_text(["Second page"])
    seen = len(remote.origin.seen("/second"))
    person.page.locator("#reload").click()
    wait_until(lambda: len(remote.origin.seen("/second")) > seen, "the page to be loaded again")

    person.page.locator("#address").fill("file:///etc/passwd")
    person.page.locator("#address").press("Enter")
    person.is_told("file: addresses are refused")
    person.page.locator("#address").fill("http://127.0.0.1:1/")
    person.page.locator("#address").press("Enter")
    expect(person.page.locator("#notices")).to_contain_text("127.0.0.1")
    assert remote.js("document.title") != "passwd"


def test_a_page_whose_script_does_not_end_holds_neither_the_person_nor_the_viewer_up(
    remote: Remote, person: Person
) -> None:
    remote.js("setTimeout(() => { for (;;) {} }, 50)")
    for _ in range(5):
        person.click(350, 200)
        person.keyboard.type("lost")
    expect(person.page.locator("#status-text")).to_have_text("Live")
    remote.origin.page("/second", "<title>Second page</title><body style='background:#0a0'>")
    person.page.locator("#address").fill(f"127.0.0.1:{remote.origin.port}/second")
    person.page.locator("#address").press("Enter")
    expect(person.page.locator(".tab .name")).to_have_text(["Second page"], timeout=20_000)
    person.sees(50, 50, (0, 170, 0))
