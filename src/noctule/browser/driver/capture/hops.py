"""One exchange in the making, and where it is made."""

from dataclasses import dataclass
from typing import Any

from noctule.browser.driver.capture.messages import (
    Initiator,
    LoadingFailed,
    ReceivedExtra,
    Request,
    Response,
    SentExtra,
)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A target: its kind, its tab (empty for a worker that outlives tabs), and our session with it."""

    target: str
    tab: str
    session_id: str


@dataclass(slots=True)
class Hop:
    """One exchange in the making; instants are seconds on the browser's clock."""

    place: Place
    request: Request
    initiator: Initiator
    loader_id: str
    frame_id: str
    type: str
    began: float
    response: Response | None = None
    has_extra: bool = False
    sent: SentExtra | None = None
    received: ReceivedExtra | None = None
    from_memory: bool = False
    content_bytes: float = 0
    response_bytes: float = 0
    ended: float = 0.0
    failure: LoadingFailed | None = None
    redirect_to: str = ""
    body: dict[str, Any] | None = None
    waits_for_body: bool = False

    @property
    def lacks_extra(self) -> bool:
        return self.has_extra and (self.sent is None or self.received is None)
