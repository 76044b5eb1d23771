"""Request models that are strict on unknown names and patient with known ones.

Older and newer clients send fields that this API no longer, or does not yet, have, other names for the
same field, and ``null`` where they mean "the default". Such a body is understood; a name that no client
ever sent stays an error (``extra_forbidden``), so that typing mistakes are found.
"""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import model_validator

from noctule.kit.web import WireRequest


class TolerantRequest(WireRequest):
    """Base of request models.

    ``ignored_names`` are accepted and dropped. ``other_names`` maps another name of a field to the field;
    the field's own name wins if both are sent. A ``null`` for a field that has a default and cannot be
    null means the default.
    """

    ignored_names: ClassVar[frozenset[str]] = frozenset()
    other_names: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _understand(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        understood: dict[Any, Any] = {}
        for name, item in value.items():
            field_name = cls.other_names.get(name, name)
            if field_name != name and field_name in value:
                continue
            field = cls.model_fields.get(field_name)
            if field is None:
                if name not in cls.ignored_names:
                    understood[name] = item
                continue
            if item is None and not field.is_required() and not _may_be_none(field.annotation):
                continue
            understood[field_name] = item
        return understood


def _may_be_none(annotation: Any) -> bool:
    if annotation is None or annotation is type(None) or annotation is Any:
        return True
    if get_origin(annotation) is Annotated:
        return _may_be_none(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and any(_may_be_none(part) for part in get_args(annotation))
