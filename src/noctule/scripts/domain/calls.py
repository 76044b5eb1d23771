"""What of a trajectory's actions goes into a script: the arguments that say the same again, in any later session.

What must always hold: an element is found by its selectors, never by an id, which holds for one observation only; what
both official clients do not take is left out, and that is said.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noctule.scripts.domain.literals import quoted

MASK = "********"

_DEFAULT_TIMEOUT = 15000
_SPELLINGS = ("playwright_selector", "css_selector", "xpath_selector")
_CUT = re.compile(r"… \(\d+ characters left out\)\Z")
_OPTION_ID = re.compile(r"O\d+(?:\[:\])?")
_SELECTED = re.compile(r"""Selected ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_NAMES_OF = (
    re.compile(r"""internal:(?:label|attr=\[placeholder)=["']([^"']+)["']"""),
    re.compile(r"""(?:@|\[)(?:id|name|placeholder|aria-label|data-testid)=["']?([^"'\]]+)["']?\]"""),
    re.compile(r"#([A-Za-z][\w-]*)"),
)
_FILLS = ("fill", "fallback_fill", "multi_factor_fill")
_ON_ELEMENT = frozenset({*_FILLS, "click", "check", "select_dropdown_option", "upload_file", "download_file"})
_SCRAPE_DEFAULTS = {"only_main_content": False, "scrape_links": True, "scrape_images": False, "only_images": False}
# The fields of each action that both clients take, in the order in which people read them.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "goto": ("url",),
    "goto_new_tab": ("url",),
    "switch_tab": ("tab_index",),
    "close_tab": (),
    "go_back": (),
    "go_forward": (),
    "reload": (),
    "wait": ("time_ms",),
    "press_key": ("key",),
    "scroll_up": ("amount", "selector"),
    "scroll_down": ("amount", "selector"),
    "form_fill": ("value",),
    "captcha_solve": ("captcha_type",),
    "evaluate_js": ("code",),
    "completion": ("success", "answer"),
    "help": ("reason",),
    "email_read": ("limit", "timedelta", "only_unread"),
    "sms_read": ("limit", "timedelta", "only_unread"),
    "email_verification_read": ("mailbox_id", "sender_domain", "max_age_seconds"),
    "scrape": (
        "instructions",
        "only_main_content",
        "selector",
        "only_images",
        "scrape_links",
        "scrape_images",
        "ignored_tags",
        "response_format",
    ),
    "click": (),
    "fill": ("value", "clear_before_fill"),
    "fallback_fill": ("value", "clear_before_fill"),
    "multi_factor_fill": ("value", "clear_before_fill"),
    "check": ("value",),
    "select_dropdown_option": ("value",),
    "upload_file": ("file_path",),
    "download_file": (),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One action to be done again. ``label`` is what its element is called; ``found`` is the data that it brought.

    ``note`` is for people. Without ``arguments`` the action cannot be done again, and the note says why.
    """

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    note: str = ""
    found: Any = None


def actions_of(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The actions that were carried out, of the values of ``execution_result`` steps."""
    return [dict(step["action"]) for step in _done(steps)]


def calls_of(steps: Sequence[Mapping[str, Any]]) -> list[Call]:
    """What is to be done again."""
    return [_call(step["action"], step) for step in _done(steps)]


def label_of(selector: Any) -> str:
    """What a selector suggests to call its element; empty, if nothing."""
    text = selector if isinstance(selector, str) else ""
    for pattern in _NAMES_OF:
        if found := pattern.findall(text):
            return str(found[-1])
    return ""


def is_unknown(value: Any) -> bool:
    """Whether a value was masked, or cut, in the trajectory."""
    return isinstance(value, str) and (value == MASK or _CUT.search(value) is not None)


def _done(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        action = step.get("action")
        if step.get("success") is True and isinstance(action, Mapping) and isinstance(action.get("type"), str):
            yield step


def _call(action: Mapping[str, Any], step: Mapping[str, Any]) -> Call:
    kind, label = action["type"], str(action.get("text_label") or "")
    if kind not in _FIELDS:
        return Call(kind, label=label, note=f"{quoted(kind[:100])} is not known here, and is left out.")
    arguments: dict[str, Any] = {"type": kind}
    note = ""
    if kind in _ON_ELEMENT:
        selector = _selector(action.get("selector"))
        if selector is None:
            named = f" on {quoted(label)}" if label else ""
            return Call(kind, label=label, note=f"{kind}{named}: no selector leads to its element, so it is left out.")
        arguments["selector"] = selector
    for name in _FIELDS[kind]:
        if action.get(name) is not None:
            arguments[name] = action[name]
    match kind:
        case "goto" if action.get("wait_until", "load") != "load":
            note = f"It was waited for {quoted(str(action['wait_until']))}, which not every client can ask for."
        case "scroll_up" | "scroll_down" if "selector" in arguments:
            note = "Clients before 1.10 scroll the page instead of this element."
        case "fill" | "fallback_fill" | "multi_factor_fill" if arguments.get("clear_before_fill") is True:
            del arguments["clear_before_fill"]
        case "select_dropdown_option":
            arguments["value"] = _option(str(arguments.get("value", "")), label, str(step.get("message", "")))
        case "scrape":
            arguments = _scrape(arguments, action)
    if kind in _ON_ELEMENT:
        if action.get("press_enter") is True:
            arguments["press_enter"] = True
        if action.get("timeout") not in (None, 0, _DEFAULT_TIMEOUT):
            arguments["timeout"] = action["timeout"]
    return Call(kind, arguments, label, note, _structured(step) if kind == "scrape" else None)


def _selector(given: Any) -> Any:
    """One text in Playwright's syntax where one says it all, else the spellings that there are."""
    if isinstance(given, str):
        return given if given.strip() else None
    if not isinstance(given, Mapping):
        return None
    playwright, frames = given.get("playwright_selector"), given.get("iframe_parent_css_selectors") or []
    if isinstance(playwright, str) and playwright and (not frames or "internal:control=enter-frame" in playwright):
        return playwright
    spelled = {name: given[name] for name in _SPELLINGS if given.get(name)}
    if not spelled:
        return None
    if frames:
        spelled["iframe_parent_css_selectors"] = list(frames)
        return spelled
    if spelled.get("css_selector"):
        return f"css={spelled['css_selector']}"
    return f"xpath={spelled['xpath_selector']}"


def _option(value: str, label: str, message: str) -> str:
    """The text of an option, in the place of its id."""
    if not _OPTION_ID.fullmatch(value):
        return value
    if found := _SELECTED.match(message):
        chosen: str = ast.literal_eval(found[1])
        if not chosen.endswith("…"):
            return chosen
    return label or value


def _scrape(arguments: dict[str, Any], action: Mapping[str, Any]) -> dict[str, Any]:
    """Without what holds anyhow. An action among others reads the main content, unless it says otherwise."""
    if "category" in action:
        arguments.setdefault("only_main_content", True)
    return {
        name: value
        for name, value in arguments.items()
        if name not in _SCRAPE_DEFAULTS or value != _SCRAPE_DEFAULTS[name]
    }


def _structured(step: Mapping[str, Any]) -> Any:
    data = step.get("data")
    structured = data.get("structured") if isinstance(data, Mapping) else None
    if not isinstance(structured, Mapping) or structured.get("success") is not True:
        return None
    return structured.get("data")
