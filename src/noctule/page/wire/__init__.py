"""The API's request and response models of the page tag.

What is published is the contract's schema, to the letter. What is understood is more: fields that other
generations of clients send, ``null`` for a default, free text for a captcha's kind. An unknown name or
type stays an error that names what is allowed. The reply echoes the caller's own JSON, never a model's:
clients refuse echoed fields that they did not send.
"""

from noctule.page.wire.actions import (
    Action,
    CompletionAction,
    EvaluateJsAction,
    GoBackAction,
    GoForwardAction,
    GotoAction,
    HelpAction,
    ReloadAction,
    WaitAction,
)
from noctule.page.wire.replies import ApiExecutionResponse, DataSpace, execution_reply

__all__ = [
    "Action",
    "ApiExecutionResponse",
    "CompletionAction",
    "DataSpace",
    "EvaluateJsAction",
    "GoBackAction",
    "GoForwardAction",
    "GotoAction",
    "HelpAction",
    "ReloadAction",
    "WaitAction",
    "execution_reply",
]
