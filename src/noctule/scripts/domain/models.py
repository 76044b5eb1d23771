"""Pydantic models for data of which an example, or a JSON schema, is at hand.

What must always hold: the example is valid for the model that was made of it; names are Python's, with the data's own
as aliases where they differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noctule.scripts.domain.literals import class_name_of, name_of, quoted

_DEEPEST = 8
# A schema may refer to itself in many places, which no depth alone keeps small.
_MOST_PARTS = 2000
_MOST_FIELDS = 100
_MOST_EXAMPLES = 50
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
# What pydantic's models have themselves.
_TAKEN = frozenset({"copy", "dict", "json", "schema", "construct", "validate"})


class Models:
    """The models of one script, by their source."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.uses_any = False
        self.uses_field = False
        self._parts_left = _MOST_PARTS
        self._names: dict[str, str] = {}

    def of_example(self, example: Any, name: str) -> str | None:
        """The model of data such as this; ``None`` for what is no object. Of a list, the model of what is in it."""
        if isinstance(example, Mapping) and example:
            return self._model([example], class_name_of(name), 0)
        if isinstance(example, Sequence) and not isinstance(example, str) and example:
            # A list is asked for as an object that has one.
            items = self._of_examples(list(example), f"{class_name_of(name)}Item", 0)
            return self._add(class_name_of(name), [f"items: list[{items}]"])
        return None

    def of_schema(self, schema: Mapping[str, Any], name: str) -> str | None:
        """The model of a JSON schema; ``None`` for one that is of no object."""
        if _resolved(schema, schema).get("type") != "object" and "properties" not in _resolved(schema, schema):
            return None
        found = self._of_schema(schema, schema, class_name_of(name), 0)
        return found if found in self._names.values() else None

    # -- examples ------------------------------------------------------------------------------------------

    def _of_examples(self, examples: list[Any], name: str, depth: int) -> str:
        kinds = list(dict.fromkeys(self._kinds(examples[:_MOST_EXAMPLES], name, depth)))
        if "Any" in kinds or not kinds:
            self.uses_any = True
            return "Any"
        if "float" in kinds and "int" in kinds:
            kinds.remove("int")
        kinds.sort(key=lambda kind: kind == "None")
        return " | ".join(kinds)

    def _kinds(self, examples: list[Any], name: str, depth: int) -> Iterator[str]:
        objects = [example for example in examples if isinstance(example, Mapping)]
        lists = [example for example in examples if isinstance(example, list)]
        for example in examples:
            match example:
                case None:
                    yield "None"
                case bool() | int() | float() | str():
                    yield type(example).__name__
        if objects:
            yield self._model(objects, name, depth) if depth < _DEEPEST else "Any"
        if lists:
            items = [item for each in lists for item in each]
            if depth < _DEEPEST:
                yield f"list[{self._of_examples(items, f'{name}Item', depth + 1)}]"
            else:
                yield "Any"

    def _model(self, examples: list[Mapping[str, Any]], name: str, depth: int) -> str:
        keys = list(dict.fromkeys(key for example in examples for key in example))[:_MOST_FIELDS]
        fields = []
        for key in keys:
            values = [example[key] for example in examples if key in example]
            kind = self._of_examples(values, name + class_name_of(key, "Field"), depth + 1)
            fields.append((key, kind, all(key in example for example in examples)))
        return self._add(name, self._lines(fields))

    # -- schemas -------------------------------------------------------------------------------------------

    def _of_schema(self, root: Mapping[str, Any], schema: Any, name: str, depth: int, choices: int = 0) -> str:
        """``choices``: how many have been made since the last field or list."""
        self._parts_left -= 1
        if self._parts_left < 0 or choices > _DEEPEST:
            self.uses_any = True
            return "Any"
        schema = _resolved(root, schema)
        kind = schema.get("type")
        options = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(kind, list):
            options = [{**schema, "type": each} for each in kind[:_MOST_FIELDS]]
        if isinstance(options, list):
            return self._either(
                [self._of_schema(root, option, name, depth, choices + 1) for option in options[:_MOST_FIELDS]]
            )
        if kind == "null":
            return "None"
        if isinstance(kind, str) and kind in _SCALARS:
            return _SCALARS[kind]
        if kind == "array" and depth < _DEEPEST:
            return f"list[{self._of_schema(root, schema.get('items', {}), f'{name}Item', depth + 1)}]"
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and properties and depth < _DEEPEST:
            required = schema.get("required")
            required = required if isinstance(required, list) else []
            fields = [
                (key, self._of_schema(root, item, name + class_name_of(key, "Field"), depth + 1), key in required)
                for key, item in list(properties.items())[:_MOST_FIELDS]
            ]
            return self._add(name, self._lines(fields))
        self.uses_any = True
        return "dict[str, Any]" if kind == "object" else "Any"

    def _either(self, kinds: list[str]) -> str:
        if "Any" in kinds:
            return "Any"
        return " | ".join(sorted(dict.fromkeys(kinds), key=lambda kind: kind == "None")) or "Any"

    # -- source --------------------------------------------------------------------------------------------

    def _lines(self, fields: list[tuple[str, str, bool]]) -> list[str]:
        lines, taken = [], set()
        for key, kind, is_required in fields:
            name = key if _is_plain(key) else name_of(key, "field")
            if name in _TAKEN:
                name = f"{name}_"
            while name in taken:
                name = f"{name}_"
            taken.add(name)
            kind = kind if is_required or "None" in kind.split(" | ") or kind == "Any" else f"{kind} | None"
            default = "" if is_required else "None"
            if name != key:
                self.uses_field = True
                default = f"Field({default + ', ' if default else ''}alias={quoted(key)})"
            lines.append(f"{name}: {kind}" + (f" = {default}" if default else ""))
        return lines or ["pass"]

    def _add(self, name: str, lines: list[str]) -> str:
        source = "\n".join(f"    {line}" for line in lines)
        if source in self._names:
            return self._names[source]
        taken = set(self._names.values())
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}{number}", number + 1
        self._names[source] = unique
        self.sources.append(f"class {unique}(BaseModel):\n{source}")
        return unique


def _resolved(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """What a schema refers to, in the same document."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        found: Any = root
        for part in reference[2:].split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        schema = found
    return schema if isinstance(schema, Mapping) else {}


def _is_plain(key: str) -> bool:
    return (
        key.isascii()
        and key.isidentifier()
        and name_of(key) == key.lower()
        and not key.startswith("model_")
        and key not in ("Any", "BaseModel", "Field")
    )
