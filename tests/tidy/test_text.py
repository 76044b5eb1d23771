"""What no file of this project may hold: addresses of package registries, paths of one machine, unfinished marks,
mocks, secrets."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.repository import ROOT, files, python_files, shown

# Spelled in halves, so that this file does not hold them either.
_REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.", "yarnpkg" + r"\.com"))
)
_INDEX_OPTION = re.compile("--(?:extra-)?index-" + "url[= ]+[a-z]|--find-" + "links|--trusted-" + "host")
_MACHINE_PATHS = re.compile(r"(?<![\w./}])/(?:" + "root" + "|" + "work" + r"|home/\w+|Users/\w+)(?:/|\b)")
_UNFINISHED = re.compile(r"\b(?:" + "TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK|TB" + "D)\\b")
_STUBS = re.compile("NotImplemented" + r"Error|^\s+\.\.\.\s+# ", re.MULTILINE)
_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{20}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}"
)
_MOCKS = {"unittest.mock", "mock", "pytest_mock", "respx", "responses", "freezegun"}


def test_no_file_holds_the_address_of_a_package_registry() -> None:
    assert not list(_lines(files(), _REGISTRIES))
    assert not list(_lines(files(), _INDEX_OPTION))


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert not list(_lines(files(), _MACHINE_PATHS))


def test_nothing_is_marked_as_unfinished() -> None:
    written = [path for path in files() if path.suffix not in {".lock", ".json"} and path.name != "LICENSE"]
    assert not list(_lines(written, _UNFINISHED))
    assert not list(_lines(python_files("src"), _STUBS))


def test_no_tool_has_left_its_draft() -> None:
    left = {".orig", ".rej", ".bak", ".swp"}
    assert not [path for path in (ROOT / "src").rglob("*") if path.suffix in left]


def test_no_file_holds_a_secret() -> None:
    assert not [shown(path) for path in files() if _SECRETS.search(path.read_text())]


def test_no_test_mocks_or_patches_our_own_code() -> None:
    offenders = []
    for path in python_files("tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                # The environment and the working directory are not our code; an attribute of a module is.
                patches = isinstance(node.func.value, ast.Name) and node.func.value.id == "monkeypatch"
                names = {"mock"} if patches and node.func.attr in {"setattr", "delattr", "setitem"} else set()
            else:
                continue
            if names & _MOCKS:
                offenders.append(f"{shown(path)}:{node.lineno}")
    assert not offenders


def _lines(paths: tuple[Path, ...] | list[Path], pattern: re.Pattern[str]) -> Iterator[str]:
    for path in paths:
        text = path.read_text()
        for match in pattern.finditer(text):
            yield f"{shown(path)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
