"""The use cases of profiles: the only door for other tags."""

from noctule.profiles.domain import CHANGE_LASTS, LONGEST_NAME, Profile
from noctule.profiles.service.holding import Holding, Keep
from noctule.profiles.service.importing import Mode, Scope, StateImport, checked_origin
from noctule.profiles.service.service import ProfileService
from noctule.profiles.service.versions import Versions

__all__ = [
    "CHANGE_LASTS",
    "LONGEST_NAME",
    "Holding",
    "Keep",
    "Mode",
    "Profile",
    "ProfileService",
    "Scope",
    "StateImport",
    "Versions",
    "checked_origin",
]
