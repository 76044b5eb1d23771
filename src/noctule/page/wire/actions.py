"""The actions of ``POST /sessions/{session_id}/page/execute``, told apart by ``type``: the contract's 27, and one more
that newer clients know."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.json_schema import SkipJsonSchema

from noctule.browser.commands import WaitUntil
from noctule.kit.tolerance import TolerantRequest
from noctule.kit.web import WholeNumber
from noctule.page.wire.base import ActionParameter, BrowserAction, InteractionAction, Text, value_of

FormKey = Literal[
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "full_name",
    "email",
    "company",
    "address1",
    "address2",
    "address3",
    "city",
    "state",
    "postal_code",
    "country",
    "phone",
    "cc_name",
    "cc_number",
    "cc_exp_month",
    "cc_exp_year",
    "cc_exp",
    "cc_cvv",
    "username",
    "password",
    "current_password",
    "new_password",
    "totp",
]

# Clients send kinds that the contract does not list.
CaptchaType = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "enum": [
                "recaptcha",
                "hcaptcha",
                "image",
                "text",
                "auth0",
                "cloudflare",
                "datadome",
                "arkose labs",
                "geetest",
                "press&hold",
                "unknown",
            ],
        }
    ),
]


# Newer clients send it; the published contract does not have it.
ScrollSelector = SkipJsonSchema[Annotated[str, Field(min_length=1)] | None]


class FormFillAction(BrowserAction):
    """Fill several fields of a form, found by what they are for."""

    type: Literal["form_fill"] = "form_fill"
    value: dict[FormKey, Text] = Field(min_length=1)

    @field_validator("value", mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return {key: text for key, text in value.items() if text is not None} if isinstance(value, Mapping) else value


class GotoAction(BrowserAction):
    """Navigate the current tab."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    type: Literal["goto"] = "goto"
    url: str
    # Newer clients send it; the published contract does not have it.
    wait_until: SkipJsonSchema[WaitUntil] = "load"


class GotoNewTabAction(BrowserAction):
    """Navigate a new tab, which becomes the current one."""

    type: Literal["goto_new_tab"] = "goto_new_tab"
    url: str


class CloseTabAction(BrowserAction):
    """Close the current tab."""

    type: Literal["close_tab"] = "close_tab"


class SwitchTabAction(BrowserAction):
    """Make another tab the current one; ``tab_index`` counts from 0, -1 is the last."""

    type: Literal["switch_tab"] = "switch_tab"
    tab_index: WholeNumber


class GoBackAction(BrowserAction):
    """One step back in history."""

    type: Literal["go_back"] = "go_back"


class GoForwardAction(BrowserAction):
    """One step forward in history."""

    type: Literal["go_forward"] = "go_forward"


class ReloadAction(BrowserAction):
    """Load the page again."""

    type: Literal["reload"] = "reload"


class WaitAction(BrowserAction):
    """Let the page be for ``time_ms`` milliseconds."""

    type: Literal["wait"] = "wait"
    time_ms: WholeNumber = Field(ge=0, le=30000)


class PressKeyAction(BrowserAction):
    """Press a key or a combination of keys."""

    type: Literal["press_key"] = "press_key"
    key: str


class ScrollUpAction(BrowserAction):
    """Scroll up by ``amount`` pixels, or by about a page; the page, or what ``selector`` finds."""

    type: Literal["scroll_up"] = "scroll_up"
    amount: WholeNumber | None = None
    selector: ScrollSelector = None


class ScrollDownAction(BrowserAction):
    """Scroll down by ``amount`` pixels, or by about a page; the page, or what ``selector`` finds."""

    type: Literal["scroll_down"] = "scroll_down"
    amount: WholeNumber | None = None
    selector: ScrollSelector = None


class CaptchaSolveAction(BrowserAction):
    """Solve the captcha on the page."""

    type: Literal["captcha_solve"] = "captcha_solve"
    captcha_type: CaptchaType | None = None


class HelpAction(BrowserAction):
    """Say that one cannot go on."""

    type: Literal["help"] = "help"
    reason: str


class CompletionAction(BrowserAction):
    """Say that the task is over."""

    type: Literal["completion"] = "completion"
    success: bool
    answer: str


class ScrapeAction(BrowserAction):
    """Read the page."""

    type: Literal["scrape"] = "scrape"
    instructions: str | None = None
    only_main_content: bool = True
    selector: str | None = None
    only_images: bool = False
    scrape_links: bool = True
    scrape_images: bool = False
    ignored_tags: list[str] | None = None
    response_format: dict[str, Any] | None = None


class EmailReadAction(BrowserAction):
    """Read a persona's newest emails."""

    type: Literal["email_read"] = "email_read"
    limit: WholeNumber = 10
    timedelta: datetime.timedelta | None = datetime.timedelta(minutes=5)
    only_unread: bool = True


class SmsReadAction(BrowserAction):
    """Read a persona's newest text messages."""

    type: Literal["sms_read"] = "sms_read"
    limit: WholeNumber = 10
    timedelta: datetime.timedelta | None = datetime.timedelta(minutes=5)
    only_unread: bool = True


class EmailVerificationReadAction(BrowserAction):
    """Read the newest verification email of a mailbox."""

    type: Literal["email_verification_read"] = "email_verification_read"
    mailbox_id: str = Field(min_length=1)
    sender_domain: str = Field(min_length=1)
    max_age_seconds: WholeNumber = Field(default=300, ge=30, le=900)


class EvaluateJsAction(BrowserAction):
    """Run code in the page."""

    type: Literal["evaluate_js"] = "evaluate_js"
    code: str


class ClickAction(InteractionAction):
    """Click."""

    type: Literal["click"] = "click"


class _Fill(InteractionAction):
    # ``clear`` is what the command line client sends.
    ignored_names: ClassVar[frozenset[str]] = InteractionAction.ignored_names | {"clear"}

    param: ActionParameter | None = Field(default=value_of("str"), exclude=True)
    value: Text
    clear_before_fill: bool = True


class FillAction(_Fill):
    """Fill a field."""

    type: Literal["fill"] = "fill"


class MultiFactorFillAction(_Fill):
    """Type a one-time code digit by digit."""

    type: Literal["multi_factor_fill"] = "multi_factor_fill"


class FallbackFillAction(_Fill):
    """Click, then type slowly."""

    type: Literal["fallback_fill"] = "fallback_fill"


class CheckAction(InteractionAction):
    """Check or uncheck a box."""

    type: Literal["check"] = "check"
    param: ActionParameter | None = Field(default=value_of("bool"), exclude=True)
    value: bool


class SelectDropdownOptionAction(InteractionAction):
    """Choose an option by its text or id."""

    type: Literal["select_dropdown_option"] = "select_dropdown_option"
    param: ActionParameter | None = Field(default=value_of("str"), exclude=True)
    value: Text


class UploadFileAction(InteractionAction):
    """Give a stored file to a file field."""

    type: Literal["upload_file"] = "upload_file"
    param: ActionParameter | None = Field(default=value_of("str", "file_path"), exclude=True)
    file_path: str


class DownloadFileAction(InteractionAction):
    """Keep the file that a click downloads."""

    type: Literal["download_file"] = "download_file"


_OfTab = (
    FormFillAction
    | GotoAction
    | GotoNewTabAction
    | CloseTabAction
    | SwitchTabAction
    | GoBackAction
    | GoForwardAction
    | ReloadAction
    | WaitAction
    | PressKeyAction
    | ScrollUpAction
    | ScrollDownAction
    | CaptchaSolveAction
    | HelpAction
    | CompletionAction
    | ScrapeAction
    | EmailReadAction
    | SmsReadAction
    | EvaluateJsAction
)
_OfElement = (
    ClickAction
    | FillAction
    | MultiFactorFillAction
    | FallbackFillAction
    | CheckAction
    | SelectDropdownOptionAction
    | UploadFileAction
    | DownloadFileAction
)

PageAction = Annotated[_OfTab, Field(discriminator="type")]
"""An action on the whole tab."""

Interaction = Annotated[_OfElement, Field(discriminator="type")]
"""An action on one element."""

FileAction = Annotated[UploadFileAction | DownloadFileAction, Field(discriminator="type")]
"""An action that takes a file to a page, or out of one."""


class FileExecutionRequest(TolerantRequest):
    """An action on a file, as newer clients send it apart from the others. ``target_id`` is the id of the file."""

    action: FileAction
    target_id: str = Field(min_length=1, max_length=256)
    record: bool = True


# Newer clients send the last; the published contract does not have it.
Action = Annotated[_OfTab | _OfElement | SkipJsonSchema[EmailVerificationReadAction], Field(discriminator="type")]
"""An action, as it is understood."""
