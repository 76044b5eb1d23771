"""What an action aims at: its id and its selector, in each spelling that clients have for it."""

import json

from noctule.browser.commands import Target
from noctule.page.domain import ENTER_FRAME
from noctule.page.wire.base import InteractionAction, NodeSelectors

_MAX_SECONDS = 45.0
_DEFAULT_SECONDS = 15.0


def target_of(action: InteractionAction) -> Target:
    """The element; its id and its selectors may both be given."""
    node_id = id_of(action)
    match action.selector:
        case NodeSelectors() as given:
            return _target(node_id, given)
        case str() as text if text.strip():
            return Target(node_id, (spelled(text),))
        case _:
            return Target(node_id)


def id_of(action: InteractionAction) -> str:
    """The id as the observation gave it; clients may leave the mark of a description's line on it."""
    return action.id.strip().removesuffix("[:]")


def seconds_of(action: InteractionAction) -> float:
    """How long the element may be waited for: as the action says, but so that the reply comes in time."""
    return min(action.timeout / 1000 or _DEFAULT_SECONDS, _MAX_SECONDS)


def spelled(text: str) -> str:
    """A selector as Playwright reads it; ``~Save`` is the text that an element has."""
    text = text.strip()
    return f"internal:text={json.dumps(text[1:].strip(), ensure_ascii=False)}" if text.startswith("~") else text


def _target(node_id: str, given: NodeSelectors) -> Target:
    frames = tuple(frame for frame in given.iframe_parent_css_selectors if frame)
    playwright = given.playwright_selector or ""
    within = [f"css={given.css_selector}"] if given.css_selector else []
    within += [f"xpath={given.xpath_selector}"] if given.xpath_selector else []
    if ENTER_FRAME in playwright:
        # It comes from the page's root by itself; the others start in the innermost frame.
        around = "".join(f"css={frame}{ENTER_FRAME}" for frame in frames)
        return Target(node_id, (playwright, *(around + selector for selector in within)))
    selectors = ((playwright,) if playwright else ()) + tuple(within)
    return Target(node_id, selectors, frames if selectors else ())
