"""Body of ``POST /sessions/{session_id}/profile/save``."""

from pydantic import Field, field_validator

from noctule.kit.errors import InvalidRequest
from noctule.kit.web import WireRequest
from noctule.profiles.wire import checked_name


class SessionProfileSaveRequest(WireRequest):
    """Where to: an existing profile, a new one of this name, or, with neither, the one that the session began with."""

    profile_id: str | None = Field(default=None, min_length=1)
    name: str | None = Field(default=None, min_length=1)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        return checked_name(value)

    def check(self) -> None:
        """Raise ``InvalidRequest`` where both are given."""
        if self.profile_id is not None and self.name is not None:
            raise InvalidRequest.at(
                ("body", "name"), "excludes profile_id: a new profile or an existing one", self.name
            )
