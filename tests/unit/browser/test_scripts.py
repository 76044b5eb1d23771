"""The scripts are all there, and Playwright's has what ours use of it."""

from importlib.resources import files

import pytest

from noctule.browser.scripts import NAMESPACE, playwright_source, source

_SCRIPTS = sorted(
    path.name.removesuffix(".js") for path in files("noctule.browser.scripts").iterdir() if path.name.endswith(".js")
)
_USED = (
    "parseSelector(selector)",
    "querySelectorAll(selector, root)",
    "elementState(node, state, frameVisible)",
    "retarget(node, behavior)",
    "expectHitTarget(hitPoint, targetElement)",
    "isElementVisible",
    "getElementAccessibleNameText",
)


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_joins_the_namespace_and_leaves_nothing_else(name: str) -> None:
    text = source(name)
    assert text.startswith(f"(() => {{ const noctule = globalThis.{NAMESPACE} ??= {{}};")
    assert text.endswith("})()")


def test_playwrights_script_has_what_ours_use() -> None:
    text = playwright_source()
    assert [used for used in _USED if used not in text] == []
