"""The pages say what the code does: generated pages are current, links lead somewhere, the README's blocks run."""

import re
from pathlib import Path

import pytest

from scripts.reference import REFERENCE, pages
from tests.support.readme import all_blocks
from tests.tidy.repository import ROOT, files, python_files, shown

_PAGES = [path for path in files() if path.suffix == ".md"]
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_DECISIONS = ROOT / "docs" / "decisions"
_MUST_RUN = {"bash", "python"}
_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("name", ["settings.md", "errors.md", "cli.md"])
def test_a_generated_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text() == pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", _PAGES, ids=shown)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for match in _LINK.finditer(_CODE.sub("", page.read_text())):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        aimed = (page.parent / target) if target else page
        assert aimed.exists(), f"{match['target']} is not there"
        if anchor:
            assert anchor in _anchors(aimed), f"{match['target']} has no such heading"


def test_decisions_are_numbered_without_gaps_and_fit_a_page() -> None:
    records = sorted(_DECISIONS.glob("*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text()
        assert re.match(rf"# {path.name[:4]} · \S", text), f"{path.name} is not titled by its number"
        assert len(text.splitlines()) <= 70, f"{path.name} is longer than a page"
        if path.name != "0007-dependencies.md":
            assert {"## Decision", "## Why", "## Consequences"} <= set(text.splitlines()), path.name


def test_every_code_block_of_the_readme_that_can_run_is_run_by_a_test() -> None:
    tests = "\n".join(path.read_text() for path in python_files("tests", "e2e"))
    runnable = [block for block in all_blocks() if block.lang in _MUST_RUN]
    assert runnable
    for block in runnable:
        assert block.name, f"a block has no title:\n{block.code}"
        assert f'"{block.name}"' in tests, f"no end-to-end test runs the block {block.name!r}"


def test_the_readme_names_no_target_that_the_makefile_lacks() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in _PAGES:
        named = set(re.findall(r"`make ([a-z-]+)", page.read_text()))
        assert named <= targets, shown(page)


def test_the_changelog_is_kept_for_users() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert releases[0] == ("Unreleased", "")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) and date for version, date in releases[1:])
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= _KINDS
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(releases)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
