"""An observation as clients read it."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from noctule.browser.commands import Node, Observed, Place, TabInfo
from noctule.page.service import Sight
from noctule.page.wire import Observation, observation_json
from noctule.page.wire.space import key_of
from tests.support.clock import FrozenClock
from tests.support.fleet import JPEG

NOW = FrozenClock().now()


def node(id: str, kind: Any, role: str, path: str = ">1", frames: tuple[str, ...] = ()) -> Node:
    return Node(id, kind, role, f"Name of {id}", f"{id}[:]<b>Name of {id}</b>", path, frames, (1, 2, 30, 4))


NODES = (
    node("L1", "click", "link"),
    node("I1", "fill", "textbox", ">2>3"),
    node("I2", "check", "checkbox"),
    node("I3", "select", "combobox"),
    node("O1", "option", "option"),
    node("I4", "upload", "file"),
    node("B1", "click", "button", ">2!1"),
    node("B2", "click", "button", ">2", (">4",)),
)
OBSERVED = Observed(
    url="https://example.com/",
    title="Example",
    place=Place(0, 12, 1280, 1080, 1280, 3000),
    tabs=(TabInfo(0, "Example", "https://example.com/"), TabInfo(1, "Other", "https://example.org/")),
    description="\n".join(each.line for each in NODES),
    nodes=NODES,
    jpeg=JPEG,
)
SIGHT = Sight(NOW, NOW, OBSERVED, "k", "form")


def actions(sight: Sight = SIGHT) -> dict[str, dict[str, Any]]:
    return {action["id"]: action for action in observation_json(sight)["space"]["interaction_actions"]}


def test_an_observation_is_what_the_contract_promises() -> None:
    seen = observation_json(SIGHT)
    Observation.model_validate(seen)
    assert seen["metadata"] == {
        "title": "Example",
        "url": "https://example.com/",
        "viewport": {
            "scroll_x": 0,
            "scroll_y": 12,
            "viewport_width": 1280,
            "viewport_height": 1080,
            "total_width": 1280,
            "total_height": 3000,
        },
        "tabs": [
            {"tab_id": 0, "title": "Example", "url": "https://example.com/"},
            {"tab_id": 1, "title": "Other", "url": "https://example.org/"},
        ],
        "timestamp": NOW.isoformat(),
    }
    assert base64.b64decode(seen["screenshot"]["raw"]) == JPEG
    assert seen["screenshot"]["last_action_id"] is None
    assert (seen["space"]["description"], seen["space"]["category"]) == (OBSERVED.description, "form")


def test_each_node_is_the_action_for_it_with_a_value_to_begin_with() -> None:
    found = actions()
    assert {id: action["type"] for id, action in found.items()} == {
        "L1": "click",
        "I1": "fill",
        "I2": "check",
        "I3": "select_dropdown_option",
        "O1": "select_dropdown_option",
        "I4": "upload_file",
        "B1": "click",
        "B2": "click",
    }
    assert (found["I1"]["value"], found["I2"]["value"], found["O1"]["value"]) == ("<sample_value>", True, "O1")
    assert found["I4"]["file_path"] == "<sample_value>"
    assert all(action["description"] == f"{id}[:]<b>Name of {id}</b>" for id, action in found.items())
    assert all(action["text_label"] == f"Name of {id}" for id, action in found.items())


def test_a_node_says_how_it_is_found_again() -> None:
    assert actions()["I1"]["selector"] == {
        "css_selector": "html > body > :nth-child(2) > :nth-child(3)",
        "xpath_selector": "/html/body/*[2]/*[3]",
        "in_iframe": False,
        "in_shadow_root": False,
        "notte_selector": "noctule:k:I1",
        "iframe_parent_css_selectors": [],
        "playwright_selector": "css:light=html > body > :nth-child(2) > :nth-child(3)",
        "python_selector": None,
    }
    assert actions()["B1"]["selector"] is None
    assert actions()["B2"]["selector"]["iframe_parent_css_selectors"] == ["html > body > :nth-child(4)"]


def test_boxes_are_those_of_what_is_on_the_picture() -> None:
    boxes = observation_json(SIGHT)["screenshot"]["bboxes"]
    assert [box["notte_id"] for box in boxes] == [each.id for each in NODES if each.kind != "option"]
    assert boxes[0] == {
        "x": 1,
        "y": 2,
        "width": 30,
        "height": 4,
        "scroll_x": 0,
        "scroll_y": 12,
        "iframe_offset_x": 0,
        "iframe_offset_y": 0,
        "viewport_width": 1280,
        "viewport_height": 1080,
        "notte_id": "L1",
    }


def test_what_instructions_chose_comes_first_and_alone_and_the_description_stays_whole() -> None:
    space = observation_json(replace(SIGHT, chosen=("B2", "L1")))["space"]
    assert [action["id"] for action in space["interaction_actions"]] == ["B2", "L1"]
    assert space["description"] == OBSERVED.description
    assert observation_json(replace(SIGHT, chosen=()))["space"]["interaction_actions"] == []


def test_what_clients_work_out_for_themselves_is_there_for_everybody_else() -> None:
    space = observation_json(SIGHT)["space"]
    assert space["actions"] == [*space["interaction_actions"], *space["browser_actions"]]
    assert {"goto", "scroll_down", "completion"} <= {action["type"] for action in space["browser_actions"]}
    assert "* `fill(id=I1, value=<sample_value>)`: I1[:]<b>Name of I1</b>" in space["markdown"].splitlines()
    assert "# Special Browser Actions" in space["markdown"]


def test_a_page_that_cannot_be_drawn_has_a_picture_of_nothing() -> None:
    raw = base64.b64decode(observation_json(replace(SIGHT, observed=replace(OBSERVED, jpeg=None)))["screenshot"]["raw"])
    assert (raw[:2], raw[-2:]) == (b"\xff\xd8", b"\xff\xd9")


@pytest.mark.parametrize(
    ("mark", "node_id", "key"),
    [
        ("noctule:k:B1", "B1", "k"),
        ("noctule:k:B1", "B2", None),
        ("noctule::B1", "B1", None),
        ("other:k:B1", "B1", None),
        ("", "", None),
        (None, "B1", None),
    ],
)
def test_a_mark_counts_for_the_id_it_was_made_for(mark: str | None, node_id: str, key: str | None) -> None:
    assert key_of(mark, node_id) == key
