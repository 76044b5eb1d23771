"""How an element is found again, in the contract's several spellings.

What must always hold: every spelling that is given leads to the element it was made for, in the document it was made
in. Where none does, as in a closed shadow root, there is none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENTER_FRAME = " >> internal:control=enter-frame >> "
"""What parts, in Playwright's syntax, the selector of a frame from what is looked for in it."""

_SPELLINGS = ("playwright_selector", "css_selector", "xpath_selector")
_STEP = re.compile(r"([>/])(\d+)")
_CLOSED = "!"
# Playwright's ``>`` leads to children in a shadow root as well as to those beside it. Only the latter have a parent
# for a selector that stays in the light.
_IN_LIGHT = ":light(* > *)"
_IN_SHADOW = f":not({_IN_LIGHT})"
_ENGINE = re.compile(r"(?:internal:)?[a-zA-Z_0-9-]+(?::light)?=")


@dataclass(frozen=True, slots=True)
class Selectors:
    """One element. ``playwright`` finds it from the page's root, through ``frames`` (CSS selectors of the iframes
    around it, outermost first) and shadow roots; ``css`` and ``xpath``, where they are given, within its frame."""

    playwright: str
    css: str = ""
    xpath: str = ""
    frames: tuple[str, ...] = ()
    in_shadow_root: bool = False

    def as_json(self, mark: str | None = None) -> dict[str, Any]:
        """The contract's ``NodeSelectors``; ``mark`` is our own note, for when it comes back."""
        return {
            "css_selector": self.css,
            "xpath_selector": self.xpath,
            "in_iframe": bool(self.frames),
            "in_shadow_root": self.in_shadow_root,
            "notte_selector": mark,
            "iframe_parent_css_selectors": list(self.frames),
            "playwright_selector": self.playwright,
            "python_selector": None,
        }


def is_blank_selectors(selectors: Mapping[str, Any]) -> bool:
    """Whether a ``NodeSelectors`` has no selector at all."""
    return not any(selectors.get(name) for name in _SPELLINGS)


def selectors_of_text(selector: str) -> Selectors:
    """The spellings of a selector in Playwright's syntax."""
    *frames, last = selector.split(ENTER_FRAME)
    is_css = " >> " not in last and not _ENGINE.match(last) and not last.startswith(("//", "..", "(", '"', "'"))
    return Selectors(
        playwright=selector,
        css=last if is_css else last.removeprefix("css=") if _is_only(last, "css=") else "",
        xpath=last.removeprefix("xpath=") if _is_only(last, "xpath=") else "",
        frames=tuple(frame.removeprefix("css=") for frame in frames),
        in_shadow_root=" >> " in last,
    )


def selectors_of_path(path: str, frames: tuple[str, ...]) -> Selectors | None:
    """The spellings of an observed node's path (see ``Node``); ``None`` where no selector leads to it."""
    if _CLOSED in path or any(_CLOSED in frame for frame in frames):
        return None
    css = _css(path)
    in_shadow_root = "/" in path
    return Selectors(
        playwright="".join(f"{_exact(_css(frame))}{ENTER_FRAME}" for frame in frames) + _exact(css),
        css=css,
        xpath="" if in_shadow_root else "/html/body" + _wrapped(path, "/*[", "]"),
        frames=tuple(_css(frame) for frame in frames),
        in_shadow_root=in_shadow_root,
    )


def _is_only(selector: str, engine: str) -> bool:
    return selector.startswith(engine) and " >> " not in selector


def _css(path: str) -> str:
    """A path as CSS, as Playwright reads it where there is a shadow root on the way."""
    if "/" not in path:
        return "html > body" + _wrapped(path, " > :nth-child(", ")")
    steps = (f" > :nth-child({place}){_IN_SHADOW if kind == '/' else _IN_LIGHT}" for kind, place in _STEP.findall(path))
    return f"html > body{''.join(steps)}"


def _exact(css: str) -> str:
    """A selector that does not confuse a shadow root with what its host holds beside it."""
    return f"css={css}" if _IN_SHADOW in css else f"css:light={css}"


def _wrapped(path: str, before: str, after: str) -> str:
    """The steps of a path through the light, each between two texts."""
    return path.replace(">", f"{after}{before}").removeprefix(after) + after if path else ""
