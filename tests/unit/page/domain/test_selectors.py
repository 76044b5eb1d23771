"""How an element is found again. ``tests/e2e/test_page_selectors.py`` holds every spelling to real pages."""

import pytest

from noctule.page.domain import Selectors, selectors_of_path, selectors_of_text

IN_SHADOW = ":not(:light(* > *))"
IN_LIGHT = ":light(* > *)"


@pytest.mark.parametrize(
    ("path", "css", "xpath"),
    [
        (">2>13", "html > body > :nth-child(2) > :nth-child(13)", "/html/body/*[2]/*[13]"),
        (">1", "html > body > :nth-child(1)", "/html/body/*[1]"),
        ("", "html > body", "/html/body"),
    ],
)
def test_a_path_through_the_light_has_every_spelling(path: str, css: str, xpath: str) -> None:
    assert selectors_of_path(path, ()) == Selectors(f"css:light={css}", css, xpath)


def test_a_path_through_an_open_shadow_root_tells_it_from_what_is_beside_it() -> None:
    found = selectors_of_path(">2/1>3", ())
    assert found is not None
    css = f"html > body > :nth-child(2){IN_LIGHT} > :nth-child(1){IN_SHADOW} > :nth-child(3){IN_LIGHT}"
    assert (found.playwright, found.css, found.xpath, found.in_shadow_root) == (f"css={css}", css, "", True)


@pytest.mark.parametrize(("path", "frames"), [(">2!1", ()), (">1", (">2!1",)), ("!1/2", ())])
def test_no_selector_leads_into_a_closed_shadow_root(path: str, frames: tuple[str, ...]) -> None:
    assert selectors_of_path(path, frames) is None


def test_a_path_in_frames_starts_at_the_page_in_one_spelling_and_in_the_frame_in_the_others() -> None:
    found = selectors_of_path(">1", (">4", ">5"))
    assert found is not None
    enter = " >> internal:control=enter-frame >> "
    assert found.playwright == enter.join(f"css:light=html > body > :nth-child({place})" for place in (4, 5, 1))
    assert (found.css, found.xpath) == ("html > body > :nth-child(1)", "/html/body/*[1]")
    assert found.frames == ("html > body > :nth-child(4)", "html > body > :nth-child(5)")
    assert found.as_json()["in_iframe"] is True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#send", Selectors("#send", css="#send")),
        ('a[href="/x=y"]', Selectors('a[href="/x=y"]', css='a[href="/x=y"]')),
        ("css=#send", Selectors("css=#send", css="#send")),
        ("xpath=/*[1]/*[2]", Selectors("xpath=/*[1]/*[2]", xpath="/*[1]/*[2]")),
        ("text=Send", Selectors("text=Send")),
        ('internal:role=button[name="Send"]', Selectors('internal:role=button[name="Send"]')),
        ("#host >> #send", Selectors("#host >> #send", in_shadow_root=True)),
        (
            "#frame >> internal:control=enter-frame >> #send",
            Selectors("#frame >> internal:control=enter-frame >> #send", css="#send", frames=("#frame",)),
        ),
    ],
)
def test_a_selector_in_playwrights_syntax_is_told_in_the_other_spellings_where_they_exist(
    text: str, found: Selectors
) -> None:
    assert selectors_of_text(text) == found


def test_a_mark_of_ours_travels_with_the_selectors() -> None:
    assert Selectors("#send").as_json("noctule:1:B1")["notte_selector"] == "noctule:1:B1"
