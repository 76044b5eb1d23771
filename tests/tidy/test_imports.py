"""Import rules that import-linter has no words for. The others are in pyproject.toml."""

import tomllib

import grimp
import pytest

from tests.tidy.repository import ROOT, SRC, TAGS


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("noctule", cache_dir=None)


@pytest.mark.parametrize("tag", TAGS)
def test_another_tag_is_reached_through_its_service_alone(tag: str, graph: grimp.ImportGraph) -> None:
    """The API builds some bodies of those of other tags, so a wire may be built of another's."""
    others = {f"noctule.{other}" for other in TAGS if other != tag}
    around = []
    for module in graph.find_descendants(f"noctule.{tag}"):
        for imported in graph.find_modules_directly_imported_by(module):
            owner, room = ".".join(imported.split(".")[:2]), imported.split(".")[2:3]
            is_wire = room == module.split(".")[2:3] == ["wire"]
            if owner in others and room != ["service"] and not is_wire:
                around.append(f"{module} -> {imported}")
    assert not around


def test_the_import_contracts_name_every_tag_and_package() -> None:
    contracts = {
        each["id"]: each
        for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    }
    assert set(contracts["tag"]["containers"]) == {f"noctule.{tag}" for tag in TAGS}
    packages = {
        f"noctule.{path.stem}" for path in SRC.iterdir() if path.name[0] not in "_." and path.suffix in {"", ".py"}
    }
    assert set(contracts["browser-libraries"]["source_modules"]) == packages - {"noctule.browser"}
