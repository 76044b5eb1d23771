"""Profiles as clients see them."""

from datetime import datetime

from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from noctule.kit.text import plain_text
from noctule.kit.web import PaginatedResponse, WireRequest, WireResponse
from noctule.profiles.service import LONGEST_NAME, Profile


def checked_name(value: str | None) -> str | None:
    """A profile's name. Raises ``ValueError``."""
    if value is None:
        return None
    if not value.strip() or len(value) > LONGEST_NAME:
        raise ValueError(f"the name of a profile has 1 to {LONGEST_NAME} characters")
    return plain_text(value)


class ProfileCreateRequest(WireRequest):
    """Body of ``POST /profiles/create``."""

    name: str | None = None

    @field_validator("name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        return checked_name(value)


class ProfileDuplicateRequest(ProfileCreateRequest):
    """Body of ``POST /profiles/{profile_id}/duplicate``; without a name the copy has that of the original."""


class ProfileResponse(WireResponse):
    """A profile. ``persisted_domains`` are those that it is known to hold something of."""

    profile_id: str
    name: str | None
    created_at: datetime
    updated_at: datetime
    persisted_domains: list[str] = Field(default_factory=list)
    # Ours: why the last save failed, if it did. The published contract does not have it.
    save_error: SkipJsonSchema[str | None] = None

    @classmethod
    def of(cls, profile: Profile) -> "ProfileResponse":
        """The reply for a profile."""
        return cls(
            profile_id=profile.id,
            name=profile.name,
            created_at=profile.created_at,
            updated_at=profile.updated_at,
            persisted_domains=list(profile.domains),
            save_error=profile.save_error,
        )


ProfilePage = PaginatedResponse[ProfileResponse]
"""One page of profiles, newest first."""


class ProfileDeleteResponse(WireResponse):
    """Whether it was deleted, in words too."""

    success: bool = True
    message: str = Field(default_factory=str)
