"""Why an element could not be acted on, in words that say what to do next.

The scripts answer with a short word for what is in the way; here it becomes the failure that people and agents read.
"""

from typing import Any

from noctule.browser.commands import CommandFailed, Target

SCRIPT_CLICK_HELPS = ("covered", "moving", "outside")
"""What stands between a person and an element that a script can still click."""

_MOST_SHOWN = 200

_AGAIN = "observe again"


def unknown_id(target_id: str) -> CommandFailed:
    """The last observation had no such id."""
    return CommandFailed(
        "InvalidActionError",
        f"Action with id '{target_id}' is invalid: action '{target_id}' not found in page context.",
    )


def failure(answer: dict[str, Any], target: Target, seconds: float) -> CommandFailed:
    """The failure for an answer that has ``failed``; ``seconds`` is how long was waited."""
    kind = answer["failed"]
    if kind == "gone":
        return _gone(target)
    if kind == "missing":
        return CommandFailed(
            "InvalidLocatorRuntimeError",
            f"Nothing was found for {shown(target)} within {seconds:g} s; {_AGAIN} to see what is in the page",
        )
    if kind == "syntax":
        return CommandFailed("InvalidLocatorRuntimeError", f"Invalid selector: {cut(answer.get('detail', ''))}")
    what = answer.get("what") or "the element"
    label = f" ({cut(answer['label'], 80)!r})" if answer.get("label") else ""
    return CommandFailed("ActionExecutionError", _sentence(kind, f"{what}{label}", answer, seconds))


def _sentence(kind: str, what: str, answer: dict[str, Any], seconds: float) -> str:
    detail = answer.get("detail", "")
    match kind:
        case "hidden":
            return f"Element is not visible: {what}; open or scroll to what holds it, or {_AGAIN}"
        case "disabled":
            return f"Element is disabled: {what}; fill in or choose what enables it, or wait for it"
        case "inert":
            return f"Element is inert: {what} cannot be used while something else, as a dialog, is open; close that"
        case "covered":
            over = answer.get("by", "another element")
            return f"Element is covered: {over} lies over {what}; close it or scroll it away"
        case "outside":
            return f"Element is outside of the viewport and cannot be scrolled into it: {what}"
        case "moving":
            return f"Element is still moving after {seconds:g} s: {what}; wait until it has come to rest"
        case "readonly":
            return f"Element is read-only: {what} takes no text; click it if it opens a picker"
        case "notfield":
            return f"Element takes no text: {what}; {detail or 'choose a text field'}"
        case "format":
            return f"The value does not fit {what}: {detail}"
        case "ignored":
            return f"The value did not stay in {what}: the page put it back to what it was; try typing it slowly"
        case "nooption":
            return f"No such option in {what}. {detail}"
        case "optiondisabled":
            return f"The option is disabled in {what}. {detail}"
        case "notcheckable":
            return f"Element cannot be checked: {what} is not a checkbox, radio button or switch; click it instead"
        case "radio":
            return f"A radio button cannot be unchecked: {what}; check another one of its group instead"
        case "unchanged":
            return f"The state of {what} did not change when it was clicked"
    return f"It could not be done with {what}: {kind}"


def _gone(target: Target) -> CommandFailed:
    if not target.selectors:
        return CommandFailed(
            "InvalidActionError",
            f"Action with id '{target.id}' is invalid: its element is no longer in the page, which has changed or been "
            f"rendered anew since it was seen; {_AGAIN} to get the ids of now",
        )
    return CommandFailed(
        "ActionExecutionError", f"The element of {shown(target)} went away while it was being acted on; {_AGAIN}"
    )


def shown(target: Target) -> str:
    """A target in a message."""
    if not target.selectors:
        return f"id '{target.id}'"
    inside = f" in the iframe {cut(' >> '.join(target.frames), 100)}" if target.frames else ""
    return f"selector {cut(target.selectors[0])!r}{inside}"


def cut(text: str, longest: int = _MOST_SHOWN) -> str:
    """A bounded text."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
