"""A person sees the page of a session as it is, and what is around it."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.viewer.stage import Remote, wait_until

pytestmark = pytest.mark.slow

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def test_the_viewer_shows_the_page_pixel_by_pixel_and_every_change(remote: Remote) -> None:
    person = remote.person()
    for x, y, colour in ((50, 50, RED), (150, 50, GREEN), (50, 150, BLUE), (150, 150, YELLOW)):
        person.sees(x, y, colour)

    remote.js("document.getElementById('last').style.background = '#0ff'")
    person.sees(150, 150, (0, 255, 255))

    remote.js("scrollTo(0, 100)")
    person.sees(50, 50, BLUE)


def test_the_picture_has_the_true_size_of_the_page_where_there_is_room(remote: Remote) -> None:
    size = "[innerWidth, innerHeight].join()"
    width, height = map(int, remote.js(size).split(","))
    person = remote.person()
    box = person.page.locator("#canvas").bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (width, height)

    small = remote.person(width=640, height=480)
    box = small.page.locator("#canvas").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 640
    assert box["y"] + box["height"] <= 480
    assert abs(box["width"] / box["height"] - width / height) < 0.02


def test_tabs_and_addresses_are_shown_as_programs_change_them(remote: Remote) -> None:
    person = remote.person()
    names = person.page.locator(".tab .name")
    expect(names).to_have_text(["First page"])
    expect(person.page.locator("#address")).to_have_value(remote.origin.url + "viewed")

    remote.origin.page("/second", "<title>Second page</title><body style='background:#0a0'>")
    remote.act(type="goto_new_tab", url=remote.origin.url + "second")
    expect(names).to_have_text(["First page", "Second page"])
    expect(person.page.locator(".tab[data-current] .name")).to_have_text("Second page")
    person.sees(50, 50, (0, 170, 0))
    expect(person.page).to_have_title("Second page · Noctule")


def test_what_programs_do_is_told_while_they_do_it(remote: Remote) -> None:
    person = remote.person()
    remote.act(type="click", selector="#button")
    expect(person.page.locator("#activity")).to_contain_text("Clicked")


def test_the_end_of_the_session_is_told_with_its_reason(remote: Remote) -> None:
    person = remote.person()
    remote.stop()
    expect(person.page.locator("#curtain-title")).to_have_text("This session has ended")
    expect(person.page.locator("#curtain-text")).to_have_text("The session was stopped.")
    expect(person.page.locator("#status-text")).to_have_text("Ended")


def test_embedded_there_is_nothing_but_the_picture(remote: Remote) -> None:
    remote.origin.page(
        "/embedding",
        f"<body style='margin:0'><iframe width=640 height=520 style='border:0' "
        f"src='{remote.viewer_url}&mode=embed-minimal&interactive=1&theme=dark'></iframe>",
    )
    page = remote.open(remote.origin.url + "embedding")
    frame = page.frame_locator("iframe")
    expect(frame.locator("html:not([data-waiting]) #canvas")).to_be_visible()
    expect(frame.locator(".chrome")).to_be_hidden()
    box = frame.locator("#canvas").bounding_box()
    assert box is not None
    assert (round(box["width"]) == 640) or (round(box["height"]) == 520)
    frame.locator("#canvas").click(position={"x": 5, "y": 5})
    wait_until(lambda: any(line.startswith("click") for line in remote.told()), "a click through the frame")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_the_viewer_for_people(remote: Remote, theme: str, pictures: Path) -> None:
    person = remote.person(f"&theme={theme}", width=1400, height=900)
    remote.act(type="goto_new_tab", url=remote.origin.url + "viewed")
    person.sees(50, 50, RED)
    expect(person.page.locator(".tab")).to_have_count(2)
    person.page.locator("#control").click()
    expect(person.page.locator("#control")).to_have_text("Hand back")
    person.page.screenshot(path=pictures / f"viewer-{theme}.png")
    assert (pictures / f"viewer-{theme}.png").stat().st_size > 10_000
    scheme = person.page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == theme
