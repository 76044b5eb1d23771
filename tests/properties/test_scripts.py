"""Whatever a trajectory holds, its script parses, keeps to the rules, and says the actions and nothing else."""

import ast
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from noctule.scripts.domain import Wishes, lines_of, script_of
from noctule.scripts.domain.calls import MASK, calls_of
from tests.support.restricted import problems

_WISHES = Wishes(datetime(2026, 11, 23, tzinfo=UTC))
_SIGNS = ["", '"', "'", '"""', "\\", '\\"""', "\n", "\r\n", "{x}", "#", "\0", "\ud800", "\u202e", "é", "🦇", "))"]
_HOSTILE = st.sampled_from([*_SIGNS, MASK, "O1"])
_TEXTS = st.one_of(st.text(max_size=20), st.lists(_HOSTILE, max_size=8).map("".join), st.just("long\n" * 30))
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=8,
)
_SELECTORS = st.one_of(
    st.none(),
    _TEXTS,
    st.fixed_dictionaries({"playwright_selector": _TEXTS, "iframe_parent_css_selectors": st.lists(_TEXTS, max_size=2)}),
    _JSON,
)
_NAMES = """goto goto_new_tab switch_tab close_tab go_back go_forward reload wait press_key scroll_up scroll_down
    form_fill captcha_solve evaluate_js completion help email_read sms_read email_verification_read scrape click fill
    fallback_fill multi_factor_fill check select_dropdown_option upload_file download_file fly"""
_KINDS = st.sampled_from(_NAMES.split())
_ACTIONS = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    _KINDS,
    st.fixed_dictionaries(
        {},
        optional={
            "url": _TEXTS,
            "value": st.one_of(_TEXTS, st.booleans(), st.dictionaries(_TEXTS, _TEXTS, max_size=3)),
            "selector": _SELECTORS,
            "id": st.just("B1"),
            "text_label": _TEXTS,
            "key": _TEXTS,
            "code": _TEXTS,
            "timeout": st.sampled_from([0, 15000, 20000]),
            "press_enter": st.sampled_from([None, True]),
            "tab_index": st.integers(-5, 5),
            "response_format": _JSON,
            "instructions": _TEXTS,
            "captcha_type": _TEXTS,
            "wait_until": _TEXTS,
        },
    ),
)
_STEPS = st.lists(
    st.builds(
        lambda action, success, data: {
            "action": action,
            "success": success,
            "message": "Selected 'x'.",
            "data": {"structured": {"success": True, "data": data}},
        },
        _ACTIONS,
        st.sampled_from([True, True, True, False]),
        _JSON,
    ),
    max_size=6,
)


def _calls(tree: ast.AST, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arguments of the calls of ``session.execute``, in their order."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "execute"
    ]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [{str(part.arg): _value(part.value, known) for part in node.keywords} for node in found]


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(key, known): _value(value, known) for key, value in pairs if key is not None}
    if isinstance(node, ast.List):
        return [_value(item, known) for item in node.elts]
    return ast.literal_eval(node)


def _known(tree: ast.Module) -> dict[str, Any]:
    """What each name stands for: constants, and parameters by their defaults. One without any stands for a mask."""
    known: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef):
            arguments = node.args.args
            without = len(arguments) - len(node.args.defaults)
            known |= {each.arg: MASK for each in arguments[:without]}
            given_ = zip(arguments[without:], node.args.defaults, strict=True)
            known |= {each.arg: _value(default, known) for each, default in given_}
    return known


@given(_STEPS, st.booleans())
def test_a_script_says_the_actions_and_nothing_else(steps: list[dict[str, Any]], infers_models: bool) -> None:
    script = script_of(steps, _WISHES, infers_models=infers_models)
    script.encode()
    assert problems(script) == []
    compile(script, "script", "exec")
    tree = ast.parse(script)
    expected = [
        dict(call.arguments)
        for call in calls_of(steps)
        if call.arguments and (call.kind != "scrape" or call.arguments.get("only_images"))
    ]
    assert _calls(tree, _known(tree)) == expected


@given(_STEPS)
def test_lines_say_the_actions_and_nothing_else(steps: list[dict[str, Any]]) -> None:
    lines = lines_of(steps)
    lines.encode()
    assert _calls(ast.parse(lines), {}) == [dict(call.arguments) for call in calls_of(steps) if call.arguments]
