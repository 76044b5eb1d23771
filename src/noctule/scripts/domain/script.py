"""A script that does again what a session has done.

What must always hold: it parses; it runs unchanged with every official client, and by the rules for scripts that are
run for their users: imports of the client and of pydantic, one top-level ``run``, nothing that reaches around them.
What was masked is a parameter without a default, so that no secret is in it and none is made up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from noctule.scripts.domain.calls import Call, calls_of, is_unknown, label_of
from noctule.scripts.domain.literals import LINE, Name, block, call, literal, name_of, quoted
from noctule.scripts.domain.models import Models

_BODY = "        "
_LONG_TEXT = 80
_MOST_PARAMETERS = 50
# What a session without wishes gets.
_DEFAULTS: Mapping[str, Any] = {
    "browser_type": "chromium",
    "max_duration_minutes": 15,
    "idle_timeout_minutes": 3,
    "proxies": False,
    "solve_captchas": False,
    "web_bot_auth": False,
}
_DEFAULT_VIEWPORT = (1280, 1080)
_DEFAULT_USER_AGENT = re.compile(
    r"Mozilla/5\.0 \(X11; Linux \w+\) AppleWebKit/537\.36 \(KHTML, like Gecko\) Chrome/\d+\.0\.0\.0 Safari/537\.36"
)
_PROXIED = "The session went out through a proxy; if that was one of your own, give it here in the place of True."
_TYPED = frozenset({"fill", "fallback_fill", "multi_factor_fill"})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a session was like: the facts that its start may have asked for."""

    recorded_at: datetime
    browser_type: str = "chromium"
    max_duration_minutes: int = 15
    idle_timeout_minutes: int = 3
    proxies: bool = False
    solve_captchas: bool = False
    web_bot_auth: bool = False
    user_agent: str | None = None
    viewport: tuple[int, int] | None = None

    def arguments(self) -> dict[str, Any]:
        """Those that a session without wishes would not have."""
        found = {name: getattr(self, name) for name, usual in _DEFAULTS.items() if getattr(self, name) != usual}
        if self.user_agent is not None and not _DEFAULT_USER_AGENT.fullmatch(self.user_agent):
            found["user_agent"] = self.user_agent
        if self.viewport not in (None, _DEFAULT_VIEWPORT):
            found |= {"viewport_width": self.viewport[0], "viewport_height": self.viewport[1]}
        return found


def lines_of(steps: Sequence[Mapping[str, Any]]) -> str:
    """The calls alone, a line each, for a session that is there already."""
    lines: list[str] = []
    for each in calls_of(steps):
        if each.note:
            lines.append(_comment(each.note))
        if each.arguments:
            lines.append(call("session.execute", each.arguments))
    return "\n".join([*lines, ""])


def script_of(steps: Sequence[Mapping[str, Any]], wishes: Wishes, *, infers_models: bool = False) -> str:
    """The whole script. ``infers_models``: data that was extracted without a schema gets a model, too."""
    return _Script(wishes, infers_models).written(calls_of(steps))


@dataclass(slots=True)
class _Parameter:
    name: str
    value: Any
    is_known: bool

    @property
    def source(self) -> str:
        return f"{self.name}: str" + (f" = {literal(self.value)}" if self.is_known else "")


@dataclass(slots=True)
class _Script:
    wishes: Wishes
    infers_models: bool
    models: Models = field(default_factory=Models)
    constants: dict[str, str] = field(default_factory=dict)
    parameters: list[_Parameter] = field(default_factory=list)
    results: list[tuple[str, bool]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def written(self, calls: Sequence[Call]) -> str:
        body: list[str] = []
        for each in calls:
            if each.note:
                body.append(_comment(each.note, _BODY))
            if each.arguments:
                body.append(self._scraped(each) if each.kind == "scrape" else self._executed(each))
        opened = call("client.Session", self.wishes.arguments())
        lines = [
            f'"""Does again what a session did on {self.wishes.recorded_at:%Y-%m-%d}."""',
            "",
            *self._imports(),
            *(f"\n{name} = {source}" for name, source in self.constants.items()),
            *(f"\n\n{source}" for source in self.models.sources),
            "",
            "",
            self._signature(),
            "    client = NotteClient()",
            *([_comment(_PROXIED, "    ")] if self.wishes.proxies else []),
            *_indented(f"with {opened} as session:", "    "),
            *body,
            *([] if any(each.arguments for each in calls) else [f"{_BODY}pass"]),
            *self._returned(),
            "",
        ]
        return "\n".join(lines)

    # -- calls ---------------------------------------------------------------------------------------------

    def _executed(self, each: Call) -> str:
        arguments = dict(each.arguments)
        if each.kind in _TYPED and "value" in arguments:
            label = each.label or label_of(arguments["selector"]) or each.kind
            arguments["value"] = self._given(label, arguments["value"])
        elif each.kind == "form_fill" and isinstance(arguments.get("value"), Mapping):
            arguments["value"] = {key: self._given(str(key), text) for key, text in arguments["value"].items()}
        return call("session.execute", self._shortened(each.kind, arguments), _BODY)

    def _scraped(self, each: Call) -> str:
        arguments = {name: value for name, value in each.arguments.items() if name != "type"}
        if arguments.get("only_images"):
            # Newer clients have no other way to say so.
            return call("session.execute", each.arguments, _BODY)
        model = None
        schema = arguments.pop("response_format", None)
        if isinstance(schema, Mapping):
            model = self.models.of_schema(schema, str(schema.get("title") or "scraped_data"))
        if model is None and each.found is not None and (self.infers_models or schema is not None):
            model = self.models.of_example(each.found, "scraped_data")
        if model is not None:
            arguments["response_format"] = Name(model)
        name = self._fresh("scraped")
        self.results.append((name, model is not None))
        return call(f"{name} = session.scrape", self._shortened("scrape", arguments), _BODY)

    def _shortened(self, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Long texts get names, and those that were cut have to be given."""
        return {name: self._short(f"{kind}_{name}", value) for name, value in arguments.items()}

    def _short(self, name: str, value: Any) -> Any:
        if is_unknown(value):
            return self._given(name, value)
        if not isinstance(value, str) or len(value) <= _LONG_TEXT or "\n" not in value:
            return value
        return self._constant(name, value)

    def _constant(self, name: str, text: str) -> Name:
        source = block(text)
        for known, other in self.constants.items():
            if other == source:
                return Name(known)
        fresh = self._fresh(name).upper()
        self.constants[fresh] = source
        return Name(fresh)

    def _given(self, label: str, value: Any) -> Any:
        """A parameter in the place of what somebody has typed."""
        if not isinstance(value, str):
            return value
        is_known = not is_unknown(value)
        wanted = name_of(label)
        for known in self.parameters:
            same = known.name == wanted if not is_known else known.name.startswith(wanted)
            if same and known.is_known == is_known and (not is_known or self._is_same(known.value, value)):
                return Name(known.name)
        if is_known and len(self.parameters) >= _MOST_PARAMETERS:
            return value
        name = self._fresh(wanted)
        default: Any = value
        if is_known and len(value) > _LONG_TEXT and "\n" in value:
            default = self._constant(f"{wanted}_text", value)
        self.parameters.append(_Parameter(name, default, is_known))
        return Name(name)

    def _is_same(self, default: Any, value: str) -> bool:
        return self.constants[default.name] == block(value) if isinstance(default, Name) else default == value

    def _fresh(self, wanted: str) -> str:
        wanted = name_of(wanted)
        name, number = wanted, 2
        while name.lower() in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name.lower())
        return name

    # -- around them ---------------------------------------------------------------------------------------

    def _imports(self) -> list[str]:
        lines = ["from typing import Any", ""] if self.models.uses_any or self.results else []
        lines.append("from notte_sdk import NotteClient")
        if self.models.sources:
            lines.append(f"from pydantic import BaseModel{', Field' if self.models.uses_field else ''}")
        return lines

    def _signature(self) -> str:
        """What has no default comes first, as Python wants it."""
        ordered = sorted(self.parameters, key=lambda parameter: parameter.is_known)
        result = "Any" if self.results else "None"
        line = f"def run({', '.join(each.source for each in ordered)}) -> {result}:"
        if len(line) <= LINE:
            return line
        inner = "".join(f"    {each.source},\n" for each in ordered)
        return f"def run(\n{inner}) -> {result}:"

    def _returned(self) -> list[str]:
        """What was read; a model as plain data."""
        shown = [(name, f"{name}.model_dump(by_alias=True)" if has_model else name) for name, has_model in self.results]
        if not shown:
            return []
        if len(shown) == 1:
            return [f"    return {shown[0][1]}"]
        return ["    return {", *(f"        {quoted(name)}: {source}," for name, source in shown), "    }"]


def _indented(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}" for line in text.split("\n")]


def _comment(note: str, indent: str = "") -> str:
    return f"{indent}# {note}"
