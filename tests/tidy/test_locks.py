"""What is installed is what was pinned, by hash, under licences that let everyone use it."""

import json
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

from tests.tidy.repository import ROOT

_LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
_PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
_PERMISSIVE = {"MIT", "MIT-0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "ISC", "0BSD"}
_CLASSIFIERS = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Copyleft that ends at the edge of their own files; used unmodified (docs/decisions/0007).
_FILE_LEVEL_COPYLEFT = {"pathspec": "MPL-2.0"}
# Where the metadata are prose. pypdfium2 names "dependency licenses" too: notices, in the wheel, of what the PDFium in
# it is built from; each lets everyone use the whole.
_READ_BY_HAND = {"pypdfium2": {"BSD-3-Clause", "Apache-2.0"}}


def _pins(name: str) -> dict[str, str]:
    return {match["name"]: match["version"] for match in _PIN.finditer((ROOT / "requirements" / name).read_text())}


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.name)
def test_every_pin_of_a_lock_has_hashes(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.split(r"\n(?=[a-z0-9])", text)
    bare = [each.splitlines()[0] for each in requirements if _PIN.match(each) and "--hash=sha256:" not in each]
    assert not bare
    assert "://" not in re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def test_the_checks_run_on_the_versions_that_the_server_ships_with() -> None:
    runtime, dev = _pins("runtime.lock"), _pins("dev.lock")
    assert runtime.items() <= dev.items()


def test_the_package_asks_for_nothing_that_is_not_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[\[<>=~ ]", each)[0] for each in project["dependencies"]}
    listed = {re.split(r"[\[<>=~ ]", line)[0] for line in _requirements("runtime.in")}
    # The build back end is pinned too, since an editable install needs it.
    assert listed - asked == {"hatchling", "editables"}
    assert not asked - listed
    assert asked <= set(_pins("runtime.lock"))


def test_every_dependency_of_the_server_has_a_line_of_why() -> None:
    page = (ROOT / "docs" / "decisions" / "0007-dependencies.md").read_text()
    named = set(re.findall(r"^\| `([a-z0-9-]+)`", page, re.MULTILINE))
    assert named == {re.split(r"[\[<>=~ ]", line)[0] for line in _requirements("runtime.in")}


@pytest.mark.parametrize("name", sorted(_pins("runtime.lock")))
def test_a_dependency_of_the_server_may_be_used_by_everyone(name: str) -> None:
    licences = _licences(name)
    assert licences, f"{name} does not say its licence"
    allowed = _PERMISSIVE | {_FILE_LEVEL_COPYLEFT.get(name, "MIT")}
    assert licences <= allowed


def test_the_npm_lock_has_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "tests" / "clients" / "node" / "package-lock.json").read_text())
    installed = {path: each for path, each in lock["packages"].items() if path}
    assert installed
    for path, each in installed.items():
        assert "resolved" not in each, path
        assert each["integrity"].startswith("sha512-"), path


def _requirements(name: str) -> list[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]


def _licences(name: str) -> set[str]:
    """The SPDX names that a package's own metadata gives; for a choice, those of the choice."""
    if name in _READ_BY_HAND:
        return _READ_BY_HAND[name]
    about = metadata(name).json
    expression = str(about.get("license_expression", ""))
    if not expression:
        lines = [each for each in about.get("classifier", []) if each.startswith("License")]
        endings = {each.rsplit(" :: ", 1)[-1] for each in lines}
        if endings:
            return {_CLASSIFIERS.get(each, "MPL-2.0" if "MPL" in each else each) for each in endings}
        expression = str(about.get("license", ""))
    return {part for part in re.split(r"[()\s]+|\b(?:AND|OR|WITH)\b", expression) if part}
