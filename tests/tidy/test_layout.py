"""The house has one folder a tag, all folders are alike, files are small and say what they are for."""

import ast
from pathlib import Path

import pytest

from tests.tidy.repository import ROOT, SRC, TAGS, python_files, shown

_ROOMS = {"README.md", "__init__.py", "wire", "routes", "service", "domain", "store"}
# About 400: a docstring that wraps does not make a package.
_LINES = 420
_ONE_SCREEN = 60


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_has_the_same_rooms_as_every_other(tag: str) -> None:
    inside = {
        path.name.removesuffix(".py") if path.name != "__init__.py" else path.name for path in _entries(SRC / tag)
    }
    assert not inside - _ROOMS, f"{tag} has rooms that other tags do not have"
    assert {"README.md", "__init__.py"} <= inside


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_introduced_on_one_screen(tag: str) -> None:
    lines = (SRC / tag / "README.md").read_text().splitlines()
    assert lines[0] == f"# {tag}"
    assert len(lines) <= _ONE_SCREEN
    text = " ".join(lines).lower()
    for promise in ("promises", "owns", "always hold", "ends where"):
        assert promise in text, f"{tag}/README.md does not say what it {promise!r}"


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {shown(path): count for path in python_files() if (count := len(path.read_text().splitlines())) > _LINES}
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        shown(path) for path in python_files() if (source := path.read_text()).strip() and not _docstring(source, path)
    ]
    assert not silent


def test_unit_tests_mirror_the_source_path_for_path() -> None:
    unit = ROOT / "tests" / "unit"
    strangers = []
    for path in python_files("tests", "unit"):
        if not path.name.startswith("test_"):
            continue
        mirrored = SRC / path.relative_to(unit).parent / path.name.removeprefix("test_")
        if not mirrored.is_file() and not mirrored.with_suffix("").is_dir():
            strangers.append(shown(path))
    assert not strangers, "each tests/unit/<path>/test_<module>.py belongs to src/noctule/<path>/<module>"


def test_every_test_folder_is_a_package() -> None:
    bare = {shown(path.parent) for path in python_files("tests") if path.name.startswith("test_")} - {
        shown(path.parent) for path in python_files("tests") if path.name == "__init__.py"
    }
    assert not bare


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != "__pycache__"]


def _docstring(source: str, path: Path) -> str | None:
    return ast.get_docstring(ast.parse(source, str(path)))
