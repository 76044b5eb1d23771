"""What a key opens: the API of one workspace, or the operator's."""

from enum import StrEnum


class KeyScope(StrEnum):
    """A key has one; neither kind opens what the other opens."""

    WORKSPACE = "workspace"
    OPERATOR = "operator"
