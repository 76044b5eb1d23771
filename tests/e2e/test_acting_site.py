"""Acting by selectors on every control of the site's tables does what a person would see."""

from pathlib import Path

import pytest

from noctule.browser.commands import BrowserSpec, Target
from tests.e2e.acting_rows import perform_all
from tests.e2e.acting_stage import OWN_PROCESSES, SESSION, Stage, staged
from tests.support.site import Row, Step

pytestmark = pytest.mark.slow

# The others are acted on by id, which leads to the same element with the same means.
_PAGES = ("aria.html", "frames.html", "overlays.html", "shadow.html")
_AROUND = {"middle": ("outer", "middle"), "inner": ("outer", "middle", "inner")}
# Roots that no selector leads into; ids of an observation do.
_CLOSED = ("closed-card", "nest-inner", "nest-middle", "declarative-closed")


@pytest.mark.parametrize("page", _PAGES)
def test_acting_by_selectors_does_what_the_tables_say(page: str, tmp_path: Path) -> None:
    staged(tmp_path, lambda stage: perform_all(stage, page, _find, _is_within_reach), seconds=240)


def test_frames_of_other_processes_are_acted_in_as_well(tmp_path: Path) -> None:
    spec = BrowserSpec(SESSION, chrome_args=OWN_PROCESSES)
    staged(tmp_path, lambda stage: perform_all(stage, "frames.html", _find, _is_within_reach), spec=spec, seconds=240)


def _is_within_reach(row: Row) -> bool:
    return not any(step.host in _CLOSED for step in (*row.before, row.step))


async def _find(stage: Stage, step: Step, *, is_there: bool) -> Target:
    frames = _AROUND.get(step.frame, (step.frame,) if step.frame else ())
    selector = f"[id='{step.id}']"
    if step.host:
        selector = f"#{step.host} >> {selector}"
    return Target(selectors=(selector,), frames=tuple(f"iframe[name={frame}]" for frame in frames))
