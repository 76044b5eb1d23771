"""A line of ``GET /usage/logs``."""

from datetime import datetime

from pydantic import Field

from noctule.kit.web import WireResponse
from noctule.usage.domain import LoggedRequest


class UsageLog(WireResponse):
    """One request to the API."""

    created_at: datetime = Field(description="When the request arrived.")
    endpoint: str = Field(description="The path that was called, without its query.")
    duration_ms: int = Field(description="How long the answer took.")

    @classmethod
    def of(cls, line: LoggedRequest) -> "UsageLog":
        """The reply's form of a line."""
        return cls(created_at=line.created_at, endpoint=line.endpoint, duration_ms=line.duration_ms)
