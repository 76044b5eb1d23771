"""Run a user's code in the main world of a page and bring its result back as text.

Code may be an expression, a list of statements, or the body of a function with a bare ``return``; ``await``
works in all of them, and a promise is awaited. Which of the three it is, is found out by letting V8 parse it
in that order: a form that does not parse has not run. The size of a result is bounded inside the page, before
any of it is sent to us.
"""

import json
import math
from typing import Any

from noctule.browser.cdp import CdpError, CdpTimeout
from noctule.browser.commands import CommandFailed, Evaluated, EvaluateJs
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_VALUES = 50_000
_MAX_MESSAGE_CHARACTERS = 2000

_TOO_LARGE = f"The result is larger than {MAX_TEXT_BYTES // (1024 * 1024)} MiB"

# A function is called, as Playwright's evaluate does with one; nothing else could be done with it.
_AS_TEXT = f"""(async value => {{
  if (typeof value === 'function') value = await value();
  if (value === undefined || value === null) return 'null';
  let text;
  if (typeof value === 'object') {{
    let left = {MAX_VALUES};
    text = JSON.stringify(value, (key, item) => {{
      if (left-- <= 0) throw new RangeError('The result has more than {MAX_VALUES} values');
      return typeof item === 'bigint' ? String(item) : item;
    }});
    if (text === undefined) text = 'null';
  }} else text = String(value);
  if (text.toWellFormed) text = text.toWellFormed();
  if (text.length > {MAX_TEXT_BYTES} ||
      (text.length * 3 > {MAX_TEXT_BYTES} && new TextEncoder().encode(text).length > {MAX_TEXT_BYTES}))
    throw new RangeError('{_TOO_LARGE}');
  return text;
}})"""


async def evaluate(tab: Tab, command: EvaluateJs) -> Evaluated:
    """Raises ``CommandFailed`` with the JavaScript error's message, or after the command's time-out."""
    tab.must_live()
    deadline = Deadline(command.timeout_seconds)
    try:
        return Evaluated(await _evaluate(tab, command.code, deadline))
    except CdpError as error:
        # V8 ends the code at the same moment; what it says of that may be here first.
        if not isinstance(error, CdpTimeout) and "Internal error" not in str(error):
            raise
        await tab.unstick()
        raise CommandFailed(
            "ActionExecutionError", f"The code did not end within {command.timeout_seconds:g} s and was stopped"
        ) from None


async def _evaluate(tab: Tab, code: str, deadline: Deadline) -> str:
    as_expression = await _run(tab, f"(async()=>{_AS_TEXT}(await (\n{code}\n)))()", deadline)
    if not _is_unparsable(as_expression):
        return await _text(tab, as_expression, deadline)
    as_statements = await _run(tab, code, deadline, repl=True)
    if not _is_unparsable(as_statements):
        return await _text(tab, as_statements, deadline)
    as_body = await _run(tab, f"(async()=>{_AS_TEXT}(await (async()=>{{\n{code}\n}})()))()", deadline)
    # What is wrong with code that no form fits is best said about the statements that it looks like.
    wrong = as_statements if _is_unparsable(as_body) and "Illegal return" not in _message(as_statements) else as_body
    return await _text(tab, wrong, deadline)


async def _run(tab: Tab, expression: str, deadline: Deadline, *, repl: bool = False) -> dict[str, Any]:
    left = deadline.left_seconds
    return await tab.call(
        "Runtime.evaluate",
        {
            "expression": expression,
            "replMode": repl,
            "awaitPromise": True,
            "userGesture": True,
            "timeout": left * 1000,
        },
        timeout_seconds=left,
    )


def _is_unparsable(answer: dict[str, Any]) -> bool:
    """Whether V8 refused the text itself: then nothing has run, and there is no stack."""
    details = answer.get("exceptionDetails")
    return (
        details is not None
        and details.get("text") == "Uncaught"
        and details.get("exception", {}).get("className") == "SyntaxError"
        and not details.get("stackTrace", {}).get("callFrames")
    )


async def _text(tab: Tab, answer: dict[str, Any], deadline: Deadline) -> str:
    if "exceptionDetails" in answer:
        raise CommandFailed("ActionExecutionError", _message(answer))
    result = answer["result"]
    if "objectId" in result:
        return await _object_text(tab, result["objectId"], deadline)
    return _primitive_text(result)


async def _object_text(tab: Tab, object_id: str, deadline: Deadline) -> str:
    answer = await tab.call(
        "Runtime.callFunctionOn",
        {
            "functionDeclaration": f"value => {_AS_TEXT}(value)",
            "objectId": object_id,
            "arguments": [{"objectId": object_id}],
            "awaitPromise": True,
            "returnByValue": True,
        },
        timeout_seconds=deadline.left_seconds,
    )
    tab.post("Runtime.releaseObject", {"objectId": object_id})
    if "exceptionDetails" in answer:
        raise CommandFailed("ActionExecutionError", _message(answer))
    return _primitive_text(answer["result"])


def _primitive_text(result: dict[str, Any]) -> str:
    if "unserializableValue" in result:
        text: str = result["unserializableValue"]
        return "0" if text == "-0" else text.removesuffix("n")
    value = result.get("value")
    if isinstance(value, str):
        if len(value) > MAX_TEXT_BYTES or len(value.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
            raise CommandFailed("ActionExecutionError", _TOO_LARGE)
        return value
    if isinstance(value, float):
        return _number_text(value)
    return json.dumps(value)


def _number_text(value: float) -> str:
    """A number in JavaScript's own spelling, near enough: no ``.0``, no zero before an exponent."""
    if value.is_integer() and math.fabs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent):+d}" if exponent else mantissa


def _message(answer: dict[str, Any]) -> str:
    """``TypeError: x is not a function``: without the stack, of a bounded length."""
    details = answer["exceptionDetails"]
    thrown = details.get("exception", {})
    if "description" in thrown:
        text = str(thrown["description"]).split("\n    at ", 1)[0]
    elif "value" in thrown:
        text = thrown["value"] if isinstance(thrown["value"], str) else json.dumps(thrown["value"])
    else:
        text = thrown.get("unserializableValue") or str(details.get("text", "The code failed"))
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_MESSAGE_CHARACTERS else text[:_MAX_MESSAGE_CHARACTERS] + "…"
