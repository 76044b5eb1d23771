"""What may be asked of a page beside the browser's own commands, and what comes of it; no I/O."""

from noctule.page.domain.categories import Category, category_of
from noctule.page.domain.deeds import AskForHelp, Complete, ReadMessages, SolveCaptcha
from noctule.page.domain.matching import Line, matching
from noctule.page.domain.outcomes import Failure, Found, Outcome, echo
from noctule.page.domain.selectors import (
    ENTER_FRAME,
    Selectors,
    is_blank_selectors,
    selectors_of_path,
    selectors_of_text,
)
from noctule.page.domain.trajectory import kept, secrets_of, trajectory_value

__all__ = [
    "ENTER_FRAME",
    "AskForHelp",
    "Category",
    "Complete",
    "Failure",
    "Found",
    "Line",
    "Outcome",
    "ReadMessages",
    "Selectors",
    "SolveCaptcha",
    "category_of",
    "echo",
    "is_blank_selectors",
    "kept",
    "matching",
    "secrets_of",
    "selectors_of_path",
    "selectors_of_text",
    "trajectory_value",
]
