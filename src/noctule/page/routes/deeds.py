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
from noctule.page.wire import (
    Action,
    CaptchaSolveAction,
    CheckAction,
    ClickAction,
    CloseTabAction,
    CompletionAction,
    DownloadFileAction,
    EmailReadAction,
    EmailVerificationReadAction,
    EvaluateJsAction,
    FallbackFillAction,
    FillAction,
    FormFillAction,
    GoBackAction,
    GoForwardAction,
    GotoAction,
    GotoNewTabAction,
    HelpAction,
    InteractionAction,
    MultiFactorFillAction,
    NodeSelectors,
    PressKeyAction,
    ReloadAction,
    ScrapeAction,
    ScrollDownAction,
    ScrollUpAction,
    SelectDropdownOptionAction,
    SmsReadAction,
    SwitchTabAction,
    UploadFileAction,
    WaitAction,
    id_of,
    key_of,
    plain,
    scrape_of,
    seconds_of,
    spelled,
    target_of,
)

_DOWNLOAD_SECONDS = 45.0


def deed_of(action: Action) -> Deed:
    """What ``action`` asks for. Raises ``InvalidRequest`` for a scrape that cannot be meant."""
    if isinstance(action, InteractionAction):
        return _interaction(action)
    match action:
        case GotoAction(url=url, wait_until=wait_until):
            return Goto(url.strip(), wait_until)
        case GotoNewTabAction(url=url):
            return GotoNewTab(url.strip())
        case SwitchTabAction(tab_index=index):
            return SwitchTab(index)
        case CloseTabAction():
            return CloseTab()
        case GoBackAction():
            return GoBack()
        case GoForwardAction():
            return GoForward()
        case ReloadAction():
            return Reload()
        case WaitAction(time_ms=time_ms):
            return Wait(time_ms)
        case PressKeyAction(key=key):
            return PressKey(key)
        case ScrollUpAction() | ScrollDownAction():
            target = Target(selectors=(spelled(action.selector),)) if action.selector else None
            return Scroll(isinstance(action, ScrollUpAction), action.amount, target)
        case FormFillAction(value=values):
            return FormFill(tuple((key, plain(value)) for key, value in values.items()))
        case EvaluateJsAction(code=code):
            return EvaluateJs(code)
        case ScrapeAction():
            return scrape_of(action)
        case CompletionAction(success=success, answer=answer):
            return Complete(success, answer)
        case HelpAction(reason=reason):
            return AskForHelp(reason)
        case CaptchaSolveAction():
            return SolveCaptcha()
        case EmailReadAction():
            return ReadMessages("emails")
        case SmsReadAction():
            return ReadMessages("text messages")
        case EmailVerificationReadAction():
            return ReadMessages("verification emails")
    raise AssertionError(f"no deed for {action.type}")


def _interaction(action: InteractionAction) -> Deed:
    target, key = target_of(action), _key(action)
    if isinstance(action, UploadFileAction):
        name, press_enter = action.file_path.strip(), bool(action.press_enter)
        return Upload(target, name, press_enter, seconds_of(action), key)
    command = _command(action, target)
    return command if key is None else Sighted(command, key)


def _key(action: InteractionAction) -> str | None:
    if not isinstance(action.selector, NodeSelectors):
        return None
    return key_of(action.selector.notte_selector, id_of(action))


def _command(action: InteractionAction, target: Target) -> Acting:
    seconds, press_enter = seconds_of(action), bool(action.press_enter)
    match action:
        case ClickAction():
            return Click(target, press_enter, seconds)
        case FillAction() | MultiFactorFillAction() | FallbackFillAction():
            typing: dict[str, Typing] = {"multi_factor_fill": "code", "fallback_fill": "slow"}
            how = typing.get(action.type, "fill")
            return Fill(target, plain(action.value), action.clear_before_fill, how, press_enter, seconds)
        case CheckAction(value=value):
            return Check(target, value, press_enter, seconds)
        case SelectDropdownOptionAction(value=value):
            return SelectOption(target, plain(value).removesuffix("[:]"), press_enter, seconds)
        case DownloadFileAction():
            # A file may take its time, and whoever leaves the time to us would wait for it.
            is_default = "timeout" not in action.model_fields_set or action.timeout in (0, 15000)
            return DownloadFile(target, _DOWNLOAD_SECONDS if is_default else seconds)
    raise AssertionError(f"no command for {action.category}")
