"""What tags ask of a model: data out of a page's content, and the elements that somebody means.

Both are plain questions to an ``Llm``; what a page says never becomes an instruction (``prompts.fenced``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noctule.llm import prompts
from noctule.llm.budget import Budget
from noctule.llm.errors import ModelError, NoModel, PromptTooLarge
from noctule.llm.fitting import fit, tokens_for
from noctule.llm.protocol import Completed, Completion, Llm, Message, Payer
from noctule.llm.routing import NO_MODEL

_DEFINITIONS = ("$defs", "definitions")
_CUTS = 2
_NO_DATA = "The page does not hold what was asked for."
_PICK_SCHEMA = {
    "type": "object",
    "properties": {"ids": {"type": "array", "items": {"type": "string"}}},
    "required": ["ids"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Structured:
    """The outcome of an extraction, in the contract's words.

    With ``success`` there is ``data`` (an object, or a list of objects) and no ``error``; without it there is an
    ``error`` and no ``data``. ``completed`` tells what it took, where a model answered.
    """

    success: bool
    error: str | None
    data: Any = field(repr=False)
    completed: Completed | None = None


async def structured(
    llm: Llm,
    payer: Payer,
    content: str,
    *,
    instructions: str | None = None,
    schema: Mapping[str, Any] | None = None,
    model: str | None = None,
    budget: Budget | None = None,
    deadline_seconds: float | None = None,
) -> Structured:
    """Extract what ``instructions`` ask for, in the form of ``schema``, from a page's markdown.

    Without a schema the model chooses a fitting object. Whatever goes wrong with the model is an ``error`` of the
    outcome. Raises ``InvalidRequest`` for a schema that is none, ``PaymentRequired``.
    """
    info = await llm.find(payer.workspace_id, model)
    if info is None:
        return Structured(False, NO_MODEL, None)

    def request(context_tokens: int) -> Completion:
        text, is_cut = fit(content, context_tokens)
        page, guard = prompts.fenced(text)
        task = prompts.extraction(instructions, has_schema=schema is not None, is_cut=is_cut, guard=guard)
        return Completion(
            payer=payer,
            purpose="extract",
            messages=(Message.system(task), Message.user(prompts.page_content(page))),
            model=model,
            schema=_outcome_schema(schema),
            budget=budget,
            deadline_seconds=deadline_seconds,
        )

    try:
        completed = await _ask(llm, request, min(info.context_tokens, tokens_for(content)))
    except ModelError as error:
        return Structured(False, error.message, None)
    return _outcome(completed)


async def pick(
    llm: Llm,
    payer: Payer,
    instructions: str,
    lines: Sequence[tuple[str, str]],
    *,
    model: str | None = None,
    budget: Budget | None = None,
    deadline_seconds: float | None = None,
) -> list[str]:
    """The ids of the listed elements that fit the instructions, the best first. ``lines`` are pairs of id and line.

    Ids that are not listed are dropped, however the model comes by them. Raises ``ModelError``, ``PaymentRequired``.
    """
    info = await llm.find(payer.workspace_id, model)
    if info is None:
        raise NoModel(NO_MODEL)
    if not lines:
        return []
    listed = "\n".join(f"{id}: {_one_line(line)}" for id, line in lines)

    def request(context_tokens: int) -> Completion:
        page, guard = prompts.fenced(fit(listed, context_tokens)[0])
        return Completion(
            payer=payer,
            purpose="pick",
            messages=(
                Message.system(prompts.picking(instructions, guard)),
                Message.user(prompts.listed_elements(page)),
            ),
            model=model,
            schema=_PICK_SCHEMA,
            budget=budget,
            deadline_seconds=deadline_seconds,
        )

    completed = await _ask(llm, request, min(info.context_tokens, tokens_for(listed)))
    known = {id for id, _ in lines}
    chosen = (str(id).strip() for id in completed.value["ids"])
    return list(dict.fromkeys(id for id in chosen if id in known))


async def _ask(llm: Llm, request: Callable[[int], Completion], context_tokens: int) -> Completed:
    """Ask; a model that holds less than is known of it is asked again with less, since it has not been paid yet."""
    for _ in range(_CUTS):
        try:
            return await llm.complete(request(context_tokens))
        except PromptTooLarge:
            context_tokens //= 3
    return await llm.complete(request(context_tokens))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _outcome_schema(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """The schema of the whole answer around the caller's own, whose definitions move to the root, where its
    references look for them."""
    data: dict[str, Any] = {"type": "object"} if schema is None else dict(schema)
    moved = {name: data.pop(name) for name in _DEFINITIONS if name in data}
    data.pop("$id", None)
    if "$schema" in data:
        moved["$schema"] = data.pop("$schema")
    if _refers_to_root(data) or any(_refers_to_root(each) for each in moved.values()):
        data = _redirected(data)
        moved = {name: _redirected(each) for name, each in moved.items()}
    return {
        "type": "object",
        "properties": {
            "success": {"type": "boolean"},
            "error": {"type": ["string", "null"]},
            "data": {"anyOf": [data, {"type": "null"}]},
        },
        "required": ["success", "error", "data"],
        "additionalProperties": False,
        **moved,
    }


_ROOT = "#"
_ROOT_OF_DATA = "#/properties/data/anyOf/0"


def _refers_to_root(schema: Any) -> bool:
    """Whether a schema refers to itself by the root, which is no longer where it was."""
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str) and _is_moved(reference):
            return True
        return any(_refers_to_root(each) for each in schema.values())
    return isinstance(schema, list) and any(_refers_to_root(each) for each in schema)


def _is_moved(reference: str) -> bool:
    return reference.startswith(_ROOT) and not reference.startswith(tuple(f"#/{name}/" for name in _DEFINITIONS))


def _redirected(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: _ROOT_OF_DATA + value[1:]
            if key == "$ref" and isinstance(value, str) and _is_moved(value)
            else _redirected(value)
            for key, value in schema.items()
        }
    return [_redirected(each) for each in schema] if isinstance(schema, list) else schema


def _outcome(completed: Completed) -> Structured:
    answer = completed.value
    data, error = answer["data"], answer["error"]
    if not answer["success"] or data is None:
        return Structured(False, error or _NO_DATA, None, completed)
    is_list = isinstance(data, list)
    if not isinstance(data, dict) and not (is_list and all(isinstance(each, dict) for each in data)):
        problem = f"The schema asks for {_kind(data)}; data is an object or a list of objects."
        return Structured(False, problem, None, completed)
    return Structured(True, None, data, completed)


def _kind(data: Any) -> str:
    return "a list of other values" if isinstance(data, list) else "a single value"
