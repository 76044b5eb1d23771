"""From an action of the API to what is done for it."""

from noctule.browser.commands import (
    Acting,
    Check,
    Click,
    CloseTab,
    DownloadFile,
    EvaluateJs,
    Fill,
    FormFill,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    PressKey,
    Reload,
    Scroll,
    SelectOption,
    SwitchTab,
    Target,
    Typing,
    Wait,
)
from noctule.page.domain import AskForHelp, Complete, ReadMessages, SolveCaptcha
from noctule.page.service import Deed, Sighted, Upload
from noctule.page.wire import actions
from noctule.page.wire.base import InteractionAction, NodeSelectors, plain
from noctule.page.wire.scraping import scrape_of
from noctule.page.wire.space import key_of
from noctule.page.wire.targets import id_of, seconds_of, spelled, target_of

_FILE_SECONDS = 45.0


def deed_of(action: actions.Action) -> Deed:
    """What ``action`` asks for. Raises ``InvalidRequest`` for a scrape that cannot be meant."""
    if isinstance(action, InteractionAction):
        return _interaction(action)
    match action:
        case actions.GotoAction(url=url, wait_until=wait_until):
            return Goto(url.strip(), wait_until)
        case actions.GotoNewTabAction(url=url):
            return GotoNewTab(url.strip())
        case actions.SwitchTabAction(tab_index=index):
            return SwitchTab(index)
        case actions.CloseTabAction():
            return CloseTab()
        case actions.GoBackAction():
            return GoBack()
        case actions.GoForwardAction():
            return GoForward()
        case actions.ReloadAction():
            return Reload()
        case actions.WaitAction(time_ms=time_ms):
            return Wait(time_ms)
        case actions.PressKeyAction(key=key):
            return PressKey(key)
        case actions.ScrollUpAction() | actions.ScrollDownAction():
            target = Target(selectors=(spelled(action.selector),)) if action.selector else None
            return Scroll(isinstance(action, actions.ScrollUpAction), action.amount, target)
        case actions.FormFillAction(value=values):
            return FormFill(tuple((key, plain(value)) for key, value in values.items()))
        case actions.EvaluateJsAction(code=code):
            return EvaluateJs(code)
        case actions.ScrapeAction():
            return scrape_of(action)
        case actions.CompletionAction(success=success, answer=answer):
            return Complete(success, answer)
        case actions.HelpAction(reason=reason):
            return AskForHelp(reason)
        case actions.CaptchaSolveAction():
            return SolveCaptcha()
        case actions.EmailReadAction():
            return ReadMessages("emails")
        case actions.SmsReadAction():
            return ReadMessages("text messages")
        case actions.EmailVerificationReadAction():
            return ReadMessages("verification emails")
    raise AssertionError(f"no deed for {action.type}")


def _interaction(action: InteractionAction) -> Deed:
    target, key = target_of(action), _key(action)
    if isinstance(action, actions.UploadFileAction):
        return Upload(target, action.file_path, bool(action.press_enter), _file_seconds(action), key)
    command = _command(action, target)
    return command if key is None else Sighted(command, key)


def _key(action: InteractionAction) -> str | None:
    if not isinstance(action.selector, NodeSelectors):
        return None
    return key_of(action.selector.notte_selector, id_of(action))


def _command(action: InteractionAction, target: Target) -> Acting:
    seconds, press_enter = seconds_of(action), bool(action.press_enter)
    match action:
        case actions.ClickAction():
            return Click(target, press_enter, seconds)
        case actions.FillAction() | actions.MultiFactorFillAction() | actions.FallbackFillAction():
            typing: dict[str, Typing] = {"multi_factor_fill": "code", "fallback_fill": "slow"}
            how = typing.get(action.type, "fill")
            return Fill(target, plain(action.value), action.clear_before_fill, how, press_enter, seconds)
        case actions.CheckAction(value=value):
            return Check(target, value, press_enter, seconds)
        case actions.SelectDropdownOptionAction(value=value):
            return SelectOption(target, plain(value).removesuffix("[:]"), press_enter, seconds)
        case actions.DownloadFileAction():
            return DownloadFile(target, _file_seconds(action))
    raise AssertionError(f"no command for {action.category}")


def _file_seconds(action: InteractionAction) -> float:
    """A file may take its time, and whoever leaves the time to us would wait for it."""
    is_default = "timeout" not in action.model_fields_set or action.timeout in (0, 15000)
    return _FILE_SECONDS if is_default else seconds_of(action)
