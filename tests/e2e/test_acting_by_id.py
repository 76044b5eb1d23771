"""Every control of the site's tables is observed, and acting on its id does what a person would see."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, CommandFailed, Observe, Observed, Scroll, Target
from noctule.browser.driver.deadline import Deadline
from noctule.browser.scripts import NAMESPACE
from tests.e2e.acting_rows import perform_all
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, staged
from tests.support.site import FOLDER, Row, Step, rows

pytestmark = pytest.mark.slow

_PAGES = [path.name for path in sorted(FOLDER.glob("*.html")) if any(row.page == path.name for row in rows())]
_LOOKS = 25
_PAUSE_SECONDS = 0.2
# A label has no id of its own beside the one of its control.
_CONTROLS = {"far-label-text": "far-label", "hidden-box-label": "hidden-box"}
# Who is who, asked in the world that the ids live in: no script of the page sees into closed roots.
_WHO_IS_WHO = f"""function () {{
    return [...globalThis.{NAMESPACE}.byId].map(([id, reference]) => {{
        const element = reference.deref();
        const view = element?.isConnected && element.ownerDocument.defaultView;
        if (!view) return [id, "", "", ""];
        const frame = view.parent === view ? "" : view.name;
        return [id, element.id || element.control?.id || "", frame, element.getRootNode().host?.id ?? ""];
    }});
}}"""


@pytest.mark.parametrize("page", _PAGES)
def test_acting_on_each_id_does_what_the_tables_say(page: str, tmp_path: Path) -> None:
    staged(tmp_path, lambda stage: perform_all(stage, page, _find, _has_an_id), seconds=240)


def test_ids_lead_into_frames_of_other_processes(tmp_path: Path) -> None:
    spec = BrowserSpec(SESSION, chrome_args=OWN_PROCESSES)
    staged(tmp_path, lambda stage: perform_all(stage, "frames.html", _find, _has_an_id), spec=spec, seconds=240)


def _has_an_id(row: Row) -> bool:
    """Keys go to what has the focus."""
    return row.act != "press"


async def _find(stage: Stage, step: Step, *, is_there: bool) -> Target:
    """Look at the page until the control is there, further down as well."""
    wanted = Step(_CONTROLS.get(step.id, step.id), step.frame, step.host)
    for _ in range(_LOOKS if is_there else 1):
        ids = await _observed(stage)
        if wanted in ids:
            return Target(id=ids[wanted])
        with contextlib.suppress(CommandFailed):
            await stage.run(Scroll(up=False))
        await asyncio.sleep(_PAUSE_SECONDS)
    raise CommandFailed("InvalidActionError", f"{step} is not observed")


async def _observed(stage: Stage) -> dict[Step, str]:
    """The ids of what is observed."""
    observed = await stage.run(Observe(with_picture=False))
    assert isinstance(observed, Observed)
    seen = {node.id for node in observed.nodes}
    found: dict[Step, str] = {}
    for world in await stage.worlds():
        params = {"expression": f"({_WHO_IS_WHO})()", "contextId": world._context, "returnByValue": True}
        answer = await world.call("Runtime.evaluate", params, Deadline(5))
        for node_id, *step in answer["result"]["value"]:
            if node_id in seen:
                found[Step(*step)] = node_id
    return found
