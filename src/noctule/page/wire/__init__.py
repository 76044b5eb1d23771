"""The API's request and response models of the page tag.

What is published is the contract's schema, to the letter. What is understood is more: fields that other
generations of clients send, ``null`` for a default, free text for a captcha's kind. An unknown name or
type stays an error that names what is allowed. The reply echoes the caller's own JSON, never a model's:
clients refuse echoed fields that they did not send.
"""

from noctule.page.wire.actions import Action, FileExecutionRequest
from noctule.page.wire.perceiving import Observation, ObserveRequest
from noctule.page.wire.replies import ApiExecutionResponse, DataSpace, execution_reply, json_reply
from noctule.page.wire.scraping import ScrapeRequest, scrape_of
from noctule.page.wire.space import observation_json

__all__ = [
    "Action",
    "ApiExecutionResponse",
    "DataSpace",
    "FileExecutionRequest",
    "Observation",
    "ObserveRequest",
    "ScrapeRequest",
    "execution_reply",
    "json_reply",
    "observation_json",
    "scrape_of",
]
