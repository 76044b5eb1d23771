"""The rules that a script of a user has to keep to be run for others: what it may import, and what it may not do."""

import ast
from collections.abc import Iterator

_MODULES = """notte_sdk notte pydantic loguru requests asyncio playwright gspread google litellm types json datetime
    time math random uuid re urllib.parse base64 hashlib hmac secrets string collections itertools functools operator
    copy decimal fractions statistics enum dataclasses typing typing_extensions calendar tempfile"""
_IMPORTS = frozenset(_MODULES.split())
_BUILTINS = "open eval exec compile getattr setattr delattr globals locals vars input __import__ breakpoint"
_CALLS = frozenset(_BUILTINS.split())
_STATEMENTS = (ast.Lambda, ast.Global, ast.Nonlocal, ast.Delete)


def problems(script: str) -> list[str]:
    """What is wrong with a script; nothing, if it may be run."""
    tree = ast.parse(script)
    found = list(_found(tree))
    if not any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
        found.append("Python script must contain a 'run' function")
    return found


def _found(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"Import of '{each.name}' is not allowed" for each in names if each.name not in _IMPORTS)
            case ast.ImportFrom(module=module, level=level) if level or module not in _IMPORTS:
                yield f"Import of '{module}' is not allowed"
            case ast.Name(id=name) if name in _CALLS or name.startswith("__"):
                yield f"{name} is not allowed"
            case ast.Attribute(attr=name) if name.startswith("_"):
                yield f"{name} is not allowed"
            case _ if isinstance(node, _STATEMENTS):
                yield f"{type(node).__name__} is not allowed"
