"""The API's response models of the health tag."""

from typing import Literal

from pydantic import Field

from noctule import API_VERSION
from noctule.kit.web import WireResponse

_DESCRIPTION = "Noctule, a self-hosted browser cloud that speaks this version of the Notte API."


class HealthResponse(WireResponse):
    """The server lives. ``version`` is that of the API."""

    status: str = "healthy"
    version: str = API_VERSION
    description: str = Field(default_factory=lambda: _DESCRIPTION)


class Browsers(WireResponse):
    """How full the machine is; ``warm`` browsers wait for the next sessions."""

    live: int
    limit: int
    warm: int
    warm_target: int


class Sandbox(WireResponse):
    """Which of Chromium's sandboxes is in force."""

    level: Literal["namespace", "setuid", "none", "unknown"]
    explanation: str


class ReadyResponse(WireResponse):
    """Whether sessions can be started, and why not."""

    status: Literal["ready", "full", "starting", "unavailable"]
    database: bool
    browsers: Browsers
    sandbox: Sandbox
