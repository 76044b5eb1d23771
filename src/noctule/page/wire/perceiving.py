"""What ``observe`` is asked and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from noctule.kit.tolerance import TolerantRequest
from noctule.kit.web import WholeNumber, WireResponse
from noctule.page.domain.categories import Category
from noctule.page.wire.actions import Action, Interaction, PageAction


class ObserveRequest(TolerantRequest):
    """Body of ``POST /sessions/{session_id}/page/observe``.

    ``instructions`` keep only the actions that they mean. The numbers of actions are for listings that a model makes;
    what is seen is told in full.
    """

    min_nb_actions: WholeNumber | None = None
    max_nb_actions: WholeNumber = 100
    instructions: str | None = None
    perception_type: Literal["fast", "deep"] | None = None


class ViewportData(WireResponse):
    """Scroll position, size of the viewport, and size of the whole document, in CSS pixels."""

    scroll_x: int
    scroll_y: int
    viewport_width: int
    viewport_height: int
    total_width: int
    total_height: int


class TabsData(WireResponse):
    """An open tab."""

    tab_id: int
    title: str
    url: str


def _publish_optional_timestamp(schema: dict[str, Any]) -> None:
    """It is always there, although the contract does not promise it."""
    schema["required"].remove("timestamp")


class SnapshotMetadata(WireResponse):
    """What was looked at, and when."""

    model_config = ConfigDict(json_schema_extra=_publish_optional_timestamp)

    title: str
    url: str
    viewport: ViewportData
    tabs: list[TabsData]
    timestamp: datetime


class BoundingBox(WireResponse):
    """Where an element is on the picture, in CSS pixels from its top left."""

    x: float
    y: float
    width: float
    height: float
    scroll_x: float
    scroll_y: float
    iframe_offset_x: float = 0
    iframe_offset_y: float = 0
    viewport_width: float
    viewport_height: float
    notte_id: str | None = None


class Screenshot(WireResponse):
    """The picture: JPEG of even width and height, in base64, and what is where on it."""

    raw: Annotated[str, Field(json_schema_extra={"contentMediaType": "application/octet-stream"})]
    bboxes: list[BoundingBox] = Field(default_factory=list)
    last_action_id: str | None = None


class ActionSpace(BaseModel):
    """What is to be seen, and what can be done."""

    description: str
    interaction_actions: list[Interaction]
    category: Category | None = None
    actions: list[Action]
    browser_actions: list[PageAction]
    markdown: str


class Observation(WireResponse):
    """One look at the current tab."""

    started_at: datetime
    ended_at: datetime
    metadata: SnapshotMetadata
    screenshot: Screenshot
    space: ActionSpace
