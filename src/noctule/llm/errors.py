"""What can go wrong with a model; each class is one sentence for people, and none of them ever holds a key.

::

    ModelError                424  the model could not be used; nothing else happened
    ├── NoModel               409  no model is configured, and the workspace has no key for one
    ├── PromptTooLarge        413  the messages are beyond what the gateway sends
    ├── ModelBusy             529  too many calls wait for a place; nothing was sent
    ├── CostCapReached        409  the call could cost more than its caps leave; nothing was sent
    ├── ModelUnreachable           no connection, or it broke before the whole reply was there
    ├── ModelTimedOut              no whole reply in time
    ├── ModelRefusedKey            401 or 403: the key is wrong or may not use the model
    ├── ModelUnknown               404: the provider has no such model, or no such address
    ├── ModelOverloaded            429 or 5xx, after every retry that the deadline allowed
    ├── QuotaUsedUp                429: the provider's account has no credit left
    ├── ModelRejected              any other 4xx: the provider does not take the request
    ├── BadReply                   what came back is not a reply of this kind of API
    ├── ReplyTooLarge              the reply is beyond what the gateway reads
    ├── AnswerRefused              the model or a filter of the provider declined to answer
    ├── AnswerTruncated            the answer was cut at its limit of tokens
    └── WrongAnswer                not JSON, or not of the schema, twice

What a provider says about an error is not repeated word for word: it may echo the prompt or the key.
"""

from typing import ClassVar

from noctule.kit.errors import NoctuleError


class ModelError(NoctuleError):
    """The model could not be used.

    ``code`` is what is written down about a failed call. ``retry_after_seconds`` is how long the provider asked us
    to wait, ``None`` if it did not say; only classes with ``is_passing`` are tried again.
    """

    status = 424
    code: ClassVar[str] = "failed"
    is_passing: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NoModel(ModelError):
    """No model is configured, and the workspace has no key for the one that was asked for."""

    status = 409
    code = "no_model"


class PromptTooLarge(ModelError):
    """The messages are larger than the gateway sends."""

    status = 413
    code = "prompt_too_large"


class ModelBusy(ModelError):
    """Too many calls wait for a place already; nothing was sent."""

    status = 529
    code = "busy"


class CostCapReached(ModelError):
    """At worst the call would cost more than a cap leaves; nothing was sent."""

    status = 409
    code = "cost_cap"


class ModelUnreachable(ModelError):
    """The connection could not be made, or broke before the whole reply was there."""

    code = "unreachable"
    is_passing = True


class ModelTimedOut(ModelError):
    """No whole reply came in time."""

    code = "timeout"
    is_passing = True


class ModelRefusedKey(ModelError):
    """The provider does not take the key, or not for this model."""

    code = "refused_key"


class ModelUnknown(ModelError):
    """The provider knows no such model, or the address is not that of a model's API."""

    code = "unknown_model"


class ModelOverloaded(ModelError):
    """The provider has too much to do, or failed in itself."""

    code = "overloaded"
    is_passing = True


class QuotaUsedUp(ModelError):
    """The provider's account is out of credit: waiting does not help."""

    code = "quota"


class ModelRejected(ModelError):
    """The provider does not take the request.

    ``may_be_schema``: perhaps it is the schema of the answer that it does not take, or not in this way.
    """

    code = "rejected"

    def __init__(self, message: str, *, may_be_schema: bool = False) -> None:
        super().__init__(message)
        self.may_be_schema = may_be_schema


class BadReply(ModelError):
    """What came back is no reply of a chat API: HTML, other JSON, nothing at all."""

    code = "bad_reply"


class ReplyTooLarge(ModelError):
    """The reply is larger than the gateway reads."""

    code = "reply_too_large"


class AnswerRefused(ModelError):
    """The model, or the provider's filter, declined to answer."""

    code = "refused"


class AnswerTruncated(ModelError):
    """The answer ended at the limit of its tokens."""

    code = "truncated"


class WrongAnswer(ModelError):
    """The answer is not JSON or not of the schema, and the repair did not help."""

    code = "wrong_answer"
