"""What a page can be asked to do, beside the browser's own commands."""

from dataclasses import dataclass

from noctule.browser.commands import (
    Acting,
    CloseTab,
    EvaluateJs,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    Reload,
    SwitchTab,
    Target,
    Wait,
)
from noctule.page.domain import AskForHelp, Complete, ReadMessages, SolveCaptcha
from noctule.page.service.scraping import ScrapePage


@dataclass(frozen=True, slots=True)
class Upload:
    """Give the file that is kept under ``name`` to what ``target`` is; one that has the id ``file_id`` goes first. A
    name that is an HTTP address stands for the file there."""

    target: Target
    name: str
    press_enter: bool = False
    timeout_seconds: float = 15.0
    key: str | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sighted:
    """A command whose target has the id and the selectors of one observation, which ``key`` names."""

    command: Acting
    key: str


_OnTab = Goto | GotoNewTab | SwitchTab | CloseTab | GoBack | GoForward | Reload | Wait | EvaluateJs
Deed = _OnTab | Acting | Sighted | Upload | ScrapePage | Complete | AskForHelp | SolveCaptcha | ReadMessages
