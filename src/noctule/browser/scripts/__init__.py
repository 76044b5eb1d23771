"""What we run in a page: our own scripts, and the selector engine and actionability checks of Playwright.

Playwright's part (Apache-2.0) is read out of the installed package, which carries it as one string for its own
driver; no process of Playwright ever runs here. The version is pinned, and ``tests/unit/browser/test_scripts.py``
says at once if another one has moved it.

All scripts share one namespace object, a global of our isolated world. Its name is made anew at every start, so
that nothing of the sort can be waiting in a page even if a call should ever end up in the wrong world.
"""

import importlib.metadata
import re
import secrets
from functools import cache
from importlib.resources import files

from noctule.browser.scripts.javascript import string_value

NAMESPACE = f"_{secrets.token_hex(12)}"

_BUNDLE = "playwright/driver/package/lib/coreBundle.js"
_MODULE = re.compile(
    r'"packages/playwright-core/src/generated/injectedScriptSource\.ts"\(\) \{\s*"use strict";\s*\w+ = '
    r"('(?:[^'\\]|\\.)*')",
    re.DOTALL,
)
_OPTIONS = (
    '{isUnderTest:false,sdkLanguage:"python",testIdAttributeName:"data-testid",stableRafCount:1,'
    'browserName:"chromium",customEngines:[],isUtilityWorld:true}'
)


class ScriptMissing(Exception):
    """The installed Playwright does not carry its injected script where this version has it."""


@cache
def source(name: str) -> str:
    """The text of a script of ours, ready to be evaluated: its functions join the namespace."""
    text = files("noctule.browser.scripts").joinpath(f"{name}.js").read_text(encoding="utf-8")
    return f"(() => {{ const noctule = globalThis.{NAMESPACE} ??= {{}};\n{text}\n}})()"


@cache
def playwright_source() -> str:
    """Playwright's injected script, which becomes ``noctule.playwright``. Raises ``ScriptMissing``."""
    bundle = importlib.metadata.distribution("playwright").locate_file(_BUNDLE)
    try:
        text = open(str(bundle), encoding="utf-8").read()  # noqa: SIM115
    except OSError as error:
        raise ScriptMissing(f"Playwright's {_BUNDLE} cannot be read: {error}") from error
    found = _MODULE.search(text)
    if found is None:
        raise ScriptMissing(f"Playwright {importlib.metadata.version('playwright')} has no injected script")
    return (
        f"(() => {{ const module = {{}};\n{string_value(found[1])}\n(globalThis.{NAMESPACE} ??= {{}}).playwright = "
        f"new (module.exports.InjectedScript())(globalThis, {_OPTIONS}); }})()"
    )
