"""The API's request and response models of the profiles tag, and of cookies, which sessions have as well."""

from noctule.profiles.wire.cookies import Cookie, GetCookiesResponse, SetCookiesRequest
from noctule.profiles.wire.importing import (
    ProfileCookiesImportRequest,
    ProfileCookiesImportResponse,
    ProfileStateImportRequest,
    ProfileStateImportResponse,
)
from noctule.profiles.wire.profiles import (
    ProfileCreateRequest,
    ProfileDeleteResponse,
    ProfileDuplicateRequest,
    ProfilePage,
    ProfileResponse,
    checked_name,
)

__all__ = [
    "Cookie",
    "GetCookiesResponse",
    "ProfileCookiesImportRequest",
    "ProfileCookiesImportResponse",
    "ProfileCreateRequest",
    "ProfileDeleteResponse",
    "ProfileDuplicateRequest",
    "ProfilePage",
    "ProfileResponse",
    "ProfileStateImportRequest",
    "ProfileStateImportResponse",
    "SetCookiesRequest",
    "checked_name",
]
