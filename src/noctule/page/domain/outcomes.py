"""What became of an action: a fact to report, never an HTTP error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from noctule.page.domain.selectors import is_blank_selectors, selectors_of_text


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an action failed. ``kind`` is the contract's error class; ``message`` is for people."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Found:
    """The element that was acted on: a selector in Playwright's syntax that finds it again, empty where none can,
    and its accessible name."""

    selector: str
    label: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action.

    ``data`` is the contract's ``DataSpace`` as JSON where the action brought something back. ``cost_nanos`` is what
    models cost, ``None`` where none was called. ``is_secret`` says that what was put into the page is nobody
    else's business.
    """

    started_at: datetime
    ended_at: datetime
    message: str
    data: Mapping[str, Any] | None = None
    failure: Failure | None = None
    found: Found | None = None
    cost_nanos: int | None = None
    is_secret: bool = field(default=False, kw_only=True)

    @property
    def success(self) -> bool:
        """Whether the action was carried out."""
        return self.failure is None


def echo(action: Mapping[str, Any], found: Found | None) -> dict[str, Any]:
    """The caller's own JSON of an action, with the element that its id has led to.

    A selector object without a selector becomes ``null``, since clients refuse it.
    """
    echoed = dict(action)
    has_selector = bool(action.get("selector"))
    if isinstance(action.get("selector"), Mapping) and is_blank_selectors(action["selector"]):
        echoed["selector"], has_selector = None, False
    if found is None or has_selector:
        return echoed
    if found.selector:
        echoed["selector"] = selectors_of_text(found.selector).as_json()
    if found.label and not action.get("text_label"):
        echoed["text_label"] = found.label
    return echoed
