"""The JSON of an ``Observation``: each node as the action that the contract has for it.

Plain dictionaries instead of models: a page may have thousands of nodes, and each is told twice.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from noctule.browser.commands import Kind, Node, Observed
from noctule.page.domain import selectors_of_path
from noctule.page.service import Sight
from noctule.page.wire.actions import (
    CloseTabAction,
    CompletionAction,
    EvaluateJsAction,
    FormFillAction,
    GoBackAction,
    GoForwardAction,
    GotoAction,
    GotoNewTabAction,
    HelpAction,
    PressKeyAction,
    ReloadAction,
    ScrapeAction,
    ScrollDownAction,
    ScrollUpAction,
    SwitchTabAction,
    WaitAction,
)
from noctule.page.wire.base import BrowserAction

_MARK = "noctule:"
_SAMPLE = "<sample_value>"
_TYPES: Mapping[Kind, str] = {
    "click": "click",
    "fill": "fill",
    "check": "check",
    "select": "select_dropdown_option",
    "option": "select_dropdown_option",
    "upload": "upload_file",
}
# White pixels, for a page that cannot be drawn.
_NO_PICTURE = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBk"
    "eFxlZ2P/wAALCAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AKAA/9k="
)


def observation_json(sight: Sight) -> dict[str, Any]:
    """The reply to ``observe``."""
    observed = sight.observed
    return {
        "started_at": sight.started_at.isoformat(),
        "ended_at": sight.ended_at.isoformat(),
        "metadata": sight.metadata(),
        "screenshot": {
            "raw": base64.b64encode(observed.jpeg).decode("ascii") if observed.jpeg else _NO_PICTURE,
            "bboxes": list(_boxes(observed)),
            "last_action_id": None,
        },
        "space": _space(sight),
    }


def _mark(key: str, node_id: str) -> str:
    """Our note in a selector: of which observation it is, and which of its ids it stands for."""
    return f"{_MARK}{key}:{node_id}"


def key_of(mark: str | None, node_id: str) -> str | None:
    """The observation that a selector and an id come from together, if they do."""
    name, _, rest = (mark or "").partition(":")
    key, _, marked_id = rest.partition(":")
    return key if f"{name}:" == _MARK and marked_id == node_id and key else None


def _space(sight: Sight) -> dict[str, Any]:
    observed = sight.observed
    nodes: Iterable[Node] = observed.nodes
    if sight.chosen is not None:
        by_id = {node.id: node for node in nodes}
        nodes = [by_id[node_id] for node_id in sight.chosen]
    actions = [_interaction(node, sight.key) for node in nodes]
    return {
        "description": observed.description,
        "interaction_actions": actions,
        "category": sight.category,
        "actions": [*actions, *_PAGE_ACTIONS],
        "browser_actions": _PAGE_ACTIONS,
        "markdown": _markdown(actions),
    }


def _interaction(node: Node, key: str) -> dict[str, Any]:
    """What can be done with a node, as an action that is ready to be sent but for its value."""
    selectors = selectors_of_path(node.path, node.frames)
    action: dict[str, Any] = {
        "type": _TYPES[node.kind],
        "category": "Interaction Actions",
        "description": node.line or node.id,
        "id": node.id,
        "selector": selectors and selectors.as_json(_mark(key, node.id)),
        "press_enter": None,
        "text_label": node.name or None,
        "timeout": 15000,
    }
    match node.kind:
        case "fill":
            action |= {"value": _SAMPLE, "clear_before_fill": True}
        case "check":
            action["value"] = True
        case "select":
            action["value"] = _SAMPLE
        case "option":
            action["value"] = node.id
        case "upload":
            action["file_path"] = _SAMPLE
    return action


def _boxes(observed: Observed) -> Iterable[dict[str, Any]]:
    """The boxes of what is to be seen; an option of a closed list has none."""
    place = observed.place
    around = {
        "scroll_x": place.scroll_x,
        "scroll_y": place.scroll_y,
        "iframe_offset_x": 0,
        "iframe_offset_y": 0,
        "viewport_width": place.viewport_width,
        "viewport_height": place.viewport_height,
    }
    for node in observed.nodes:
        x, y, width, height = node.box
        if width > 0 and height > 0 and node.kind != "option":
            yield {"x": x, "y": y, "width": width, "height": height, **around, "notte_id": node.id}


def _sample(action: BrowserAction, description: str, *unset: str) -> dict[str, Any]:
    sample = action.model_dump(mode="json", exclude={"param", *unset})
    return {**sample, "description": description}


# What this server can do with a tab without anybody else's help.
_PAGE_ACTIONS: list[dict[str, Any]] = [
    _sample(FormFillAction(value={"email": _SAMPLE}), "Fill the fields of a form that the keys are for"),
    _sample(GotoAction(url="https://example.com"), "Go to an address in the current tab", "wait_until"),
    _sample(GotoNewTabAction(url="https://example.com"), "Go to an address in a new tab"),
    _sample(CloseTabAction(), "Close the current tab"),
    _sample(SwitchTabAction(tab_index=0), "Make another tab the current one, counted from 0; -1 is the last"),
    _sample(GoBackAction(), "Go back to the previous page"),
    _sample(GoForwardAction(), "Go forward to the next page"),
    _sample(ReloadAction(), "Load the page again"),
    _sample(WaitAction(time_ms=1000), "Wait for some milliseconds"),
    _sample(PressKeyAction(key="Enter"), "Press a key or a combination of keys"),
    _sample(ScrollUpAction(), "Scroll up by some pixels, or by about a page", "selector"),
    _sample(ScrollDownAction(), "Scroll down by some pixels, or by about a page", "selector"),
    _sample(HelpAction(reason=_SAMPLE), "Say that you cannot go on, and why"),
    _sample(CompletionAction(success=True, answer=_SAMPLE), "Say that the task is over, and what came of it"),
    _sample(ScrapeAction(), "Read the page, or extract data from it"),
    _sample(EvaluateJsAction(code="document.title"), "Run JavaScript in the page"),
]


def _markdown(actions: list[dict[str, Any]]) -> str:
    lines = ["# Interaction Actions"] if actions else []
    for action in actions:
        value = f", value={action['value']}" if "value" in action and action["value"] != action["id"] else ""
        lines.append(f"* `{action['type']}(id={action['id']}{value})`: {action['description']}")
    return "\n".join([*lines, *_PAGE_LINES])


_PAGE_LINES = ["# Special Browser Actions", *(f"* `{each['type']}`: {each['description']}" for each in _PAGE_ACTIONS)]
