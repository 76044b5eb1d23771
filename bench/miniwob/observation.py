"""What a policy sees: the reply to ``POST /sessions/{id}/page/observe``, and nothing else.

A line of the description is a text, or a thing that can be acted on, with its tag, attributes and text; where a thing
is, and what can be done with it, stands beside it in the same reply.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_LINE = re.compile(r"(?P<id>[A-Z]\d+|_)\[:\](?P<rest>.*)", re.DOTALL)
_ELEMENT = re.compile(
    r"<(?P<tag>[a-zA-Z][\w-]*)(?P<attributes>(?:\s+[\w-]+(?:=\"[^\"]*\")?)*)\s*(?:/>|>(?P<text>.*)</(?P=tag)>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w-]+)(?:=\"([^\"]*)\")?")
_BEHIND = "### Content of the page behind it"


@dataclass(frozen=True)
class Box:
    """Where a thing is, in CSS pixels from the top left of the viewport."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Thing:
    """One line. ``id`` is empty for what cannot be acted on, ``tag`` for mere text."""

    id: str
    tag: str
    text: str
    action: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    box: Box | None = None

    @property
    def name(self) -> str:
        """What it says, or what it is called."""
        return self.text.strip() or self.attributes.get("aria_label", "") or self.attributes.get("title", "")

    @property
    def value(self) -> str:
        """What a field holds, shortened."""
        return self.attributes.get("value", "")

    @property
    def hint(self) -> str:
        """What tells an icon without a name from others: words of its class, or of its picture's file name."""
        return self.attributes.get("class", "") or self.attributes.get("icon", "")

    @property
    def place(self) -> Box:
        """Its box, which everything that can be acted on has."""
        if self.box is None:
            raise LookupError(f"{self.id or self.text!r} has no box")
        return self.box


@dataclass(frozen=True)
class Observation:
    """Everything on the page, in reading order."""

    lines: tuple[Thing, ...]

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """What can be acted on."""
        return tuple(line for line in self.lines if line.id)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What can only be read."""
        return tuple(
            line.text for line in self.lines if not line.id and not line.tag and not line.text.startswith("###")
        )

    @cached_property
    def fields(self) -> tuple[Thing, ...]:
        """What can be filled."""
        return tuple(thing for thing in self.things if thing.action == "fill")

    @property
    def task(self) -> str:
        """The utterance: the first text of the page, which an open dialog comes before."""
        texts = [line.text for line in self.lines if not line.id and not line.tag]
        if _BEHIND in texts:
            texts = texts[texts.index(_BEHIND) + 1 :]
        return next((text for text in texts if not text.startswith("###")), "")

    def same(self, thing: Thing) -> Thing:
        """A thing of an earlier observation, as it is now. Raises ``LookupError``."""
        return first(self.things, lambda one: one.id == thing.id)

    def all_named(self, name: str) -> tuple[Thing, ...]:
        """The things of that name, whatever its case where none has it exactly."""
        exact = tuple(thing for thing in self.things if thing.name == name)
        return exact or tuple(thing for thing in self.things if thing.name.casefold() == name.casefold())

    def find(self, name: str) -> Thing | None:
        """The first thing of that name."""
        return next(iter(self.all_named(name)), None)

    def named(self, name: str) -> Thing:
        """The first thing of that name. Raises ``LookupError``."""
        thing = self.find(name)
        if thing is None:
            raise LookupError(f"nothing is called {name!r}")
        return thing

    def of_type(self, kind: str) -> tuple[Thing, ...]:
        """The inputs of a type, such as ``checkbox``."""
        return tuple(thing for thing in self.things if thing.attributes.get("type") == kind)

    def tagged(self, *tags: str) -> tuple[Thing, ...]:
        """The things of these tags."""
        return tuple(thing for thing in self.things if thing.tag in tags)

    def after(self, text: str) -> tuple[Thing, ...]:
        """The lines that follow the first one with that text in it. Raises ``LookupError``."""
        for index, line in enumerate(self.lines):
            if text in line.text:
                return self.lines[index + 1 :]
        raise LookupError(f"no line says {text!r}")


def first(things: Iterable[Thing], fits: Callable[[Thing], bool]) -> Thing:
    """The first that fits. Raises ``LookupError``."""
    for thing in things:
        if fits(thing):
            return thing
    raise LookupError("nothing of the sort is to be seen")


def observation_of(reply: Mapping[str, Any]) -> Observation:
    """The observation that a reply holds."""
    boxes = {box["notte_id"]: box for box in reply["screenshot"]["bboxes"]}
    actions = {action["id"]: action["type"] for action in reply["space"]["interaction_actions"]}
    return Observation(tuple(_lines(reply["space"]["description"], boxes, actions)))


def _lines(description: str, boxes: Mapping[str, Mapping[str, float]], actions: Mapping[str, str]) -> Iterator[Thing]:
    for line in description.splitlines():
        parts = _LINE.fullmatch(line)
        if parts is None:
            yield Thing("", "", line)
            continue
        thing_id = "" if parts["id"] == "_" else parts["id"]
        element = _ELEMENT.fullmatch(parts["rest"])
        if element is None:
            yield Thing(thing_id, "", parts["rest"], actions.get(thing_id, ""))
            continue
        attributes = dict(_ATTRIBUTE.findall(element["attributes"]))
        at = boxes.get(thing_id)
        box = Box(at["x"], at["y"], at["width"], at["height"]) if at else None
        yield Thing(thing_id, element["tag"], element["text"] or "", actions.get(thing_id, ""), attributes, box)
