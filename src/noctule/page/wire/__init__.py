"""The API's request and response models of the page tag.

What is published is the contract's schema, to the letter. What is understood is more: fields that other
generations of clients send, ``null`` for a default, free text for a captcha's kind. An unknown name or
type stays an error that names what is allowed. The reply echoes the caller's own JSON, never a model's:
clients refuse echoed fields that they did not send.
"""

from noctule.page.wire.actions import (
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
    MultiFactorFillAction,
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
)
from noctule.page.wire.base import InteractionAction, NodeSelectors, plain
from noctule.page.wire.perceiving import Observation, ObserveRequest
from noctule.page.wire.replies import ApiExecutionResponse, DataSpace, execution_reply
from noctule.page.wire.scraping import ScrapeRequest, scrape_of
from noctule.page.wire.space import key_of, observation_json
from noctule.page.wire.targets import id_of, seconds_of, spelled, target_of

__all__ = [
    "Action",
    "ApiExecutionResponse",
    "CaptchaSolveAction",
    "CheckAction",
    "ClickAction",
    "CloseTabAction",
    "CompletionAction",
    "DataSpace",
    "DownloadFileAction",
    "EmailReadAction",
    "EmailVerificationReadAction",
    "EvaluateJsAction",
    "FallbackFillAction",
    "FillAction",
    "FormFillAction",
    "GoBackAction",
    "GoForwardAction",
    "GotoAction",
    "GotoNewTabAction",
    "HelpAction",
    "InteractionAction",
    "MultiFactorFillAction",
    "NodeSelectors",
    "Observation",
    "ObserveRequest",
    "PressKeyAction",
    "ReloadAction",
    "ScrapeAction",
    "ScrapeRequest",
    "ScrollDownAction",
    "ScrollUpAction",
    "SelectDropdownOptionAction",
    "SmsReadAction",
    "SwitchTabAction",
    "UploadFileAction",
    "WaitAction",
    "execution_reply",
    "id_of",
    "key_of",
    "observation_json",
    "plain",
    "scrape_of",
    "seconds_of",
    "spelled",
    "target_of",
]
