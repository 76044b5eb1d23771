"""Every spelling of an observed element's selector, judged by Playwright itself: it finds that element and no other."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, sync_playwright

from tests.e2e.page_stage import Stage, staged, visiting

pytestmark = pytest.mark.slow

_PAGES = ("controls.html", "aria.html", "shadow.html", "frames.html", "overlays.html")
_NEAR = 2.0
_MOST_A_PAGE = 40
# Where plain CSS and XPath lead, in the page's own words.
_PLAIN = """selectors => selectors.map(({ css, xpath }) => {
  const found = [...document.querySelectorAll(css)];
  const by_path = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
  const counts = [found.length, by_path.snapshotLength];
  if (counts.some((count) => count !== 1)) return `${counts} elements`;
  return found[0] === by_path.snapshotItem(0) ? "" : "two elements";
})"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("page")) as stage:
        yield stage


@pytest.mark.parametrize("name", _PAGES)
def test_every_selector_of_an_observation_leads_to_the_element_that_was_seen(name: str, stage: Stage) -> None:
    with visiting(stage) as visit, sync_playwright() as playwright:
        visit.open(name)
        seen = visit.observe()
        boxes = {box["notte_id"]: box for box in seen["screenshot"]["bboxes"]}
        actions = [action for action in seen["space"]["interaction_actions"] if action["selector"]]
        assert len(actions) > 10
        page = playwright.chromium.connect_over_cdp(visit.session["cdp_url"]).contexts[0].pages[0]
        some = actions[:: len(actions) // _MOST_A_PAGE + 1]
        wrong = [
            f"{action['description']}: {problem}"
            for action in some
            if (problem := _problem(page.locator(action["selector"]["playwright_selector"]), boxes.get(action["id"])))
        ]
        wrong += _plainly_wrong(page, actions)
    assert not wrong, "\n".join(wrong)


def test_selectors_of_a_frame_start_within_it(stage: Stage) -> None:
    with visiting(stage) as visit, sync_playwright() as playwright:
        visit.open("frames.html")
        actions = visit.observe()["space"]["interaction_actions"]
        page = playwright.chromium.connect_over_cdp(visit.session["cdp_url"]).contexts[0].pages[0]
        depths = set()
        for selector in (action["selector"] for action in actions if action["selector"]["in_iframe"]):
            inside: Page | FrameLocator = page
            for frame in selector["iframe_parent_css_selectors"]:
                inside = inside.frame_locator(f"css={frame}")
            assert inside.locator(f"css={selector['css_selector']}").count() == 1
            assert inside.locator(f"xpath={selector['xpath_selector']}").count() == 1
            depths.add(len(selector["iframe_parent_css_selectors"]))
    assert depths == {1, 2, 3}


def _plainly_wrong(page: Page, actions: list[dict[str, Any]]) -> list[str]:
    light = [
        action["selector"]
        for action in actions
        if not action["selector"]["in_shadow_root"] and not action["selector"]["in_iframe"]
    ]
    spelled = [{"css": each["css_selector"], "xpath": each["xpath_selector"]} for each in light]
    problems = page.evaluate(_PLAIN, spelled)
    return [f"{each}: {problem}" for each, problem in zip(spelled, problems, strict=True) if problem]


def _problem(locator: Locator, box: dict[str, float] | None) -> str | None:
    """What is wrong with what was found, if anything is."""
    count = locator.count()
    if count != 1:
        return f"{count} elements"
    found = locator.bounding_box(timeout=2000) if box else None
    if box is None or found is None or not found["width"]:
        return None
    far = [side for side in ("x", "y", "width", "height") if abs(found[side] - box[side]) > _NEAR]
    return f"at {found} instead of {box}" if far else None
