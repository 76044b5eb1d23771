"""The calls of both official SDKs that look at pages and act on them, unmodified, over a real server and browsers."""

from collections.abc import Iterator

import pytest

from tests.e2e.page_stage import Stage, staged
from tests.support import clients
from tests.support.server import KEY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("page")) as stage:
        yield stage


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_looks_at_pages_and_acts_on_them(version: str, stage: Stage) -> None:
    found = clients.run_sdk_script(version, stage.server.url, KEY, "sdk_page.py", stage.site.url())

    assert found["sdk"] == version
    assert found["empty"] == {"url": "", "actions": 0}
    seen = found["seen"]
    assert (seen["title"], seen["tabs"], seen["first"]) == ("Native controls", 1, "B1")
    assert all(seen[name] for name in ("picture", "boxes", "description", "markdown"))
    assert {"click", "fill", "select_dropdown_option"} <= set(seen["types"])
    assert seen["by_id"] == [True, True, "Save draft", "#save"]
    assert seen["by_action"] == [True, "Archive message"]
    assert (seen["chosen"], seen["nothing"]) == (["Country"], [])

    assert all(success for success, _ in found["kinds"].values())
    events = found["kinds"]["evaluate_js"][1].split(" | ")
    assert {
        "change text=by CSS",
        "change comments=by XPath",
        "change search=ab",
        "change tel=123456",
        "change terms=true",
        "click save",
    } <= set(events)
    assert found["tabs"] == [True, stage.site.url("landing.html")]
    assert found["closed"] == [None, True]
    assert found["form"] == [True, "Ada"]
    address = stage.site.url("landing.html")
    fetched = ['{"bats":40,"more":null}', [200, address, True], 404]
    assert found["methods"] == (None if version == "1.8.20" else fetched)
    assert found["steps"]["observation"] == 5
    _check_failures(version, found["failures"])


def _check_failures(version: str, failures: dict[str, tuple[bool, str, str]]) -> None:
    told = {
        "unknown id": "Action with id 'X99' is invalid: action 'X99' not found in page context.",
        "disabled": "Element is disabled",
        "missing": "Nothing was found for selector '#nowhere'",
        "no such page": "must start with https://",
        "captcha": "no captcha solver is configured",
        "help": "Help is needed to go on: stuck",
        "nothing thrown": "already at the top",
        "no file": "is called 'a.txt'",
        "no persona": "no persona",
    }
    assert failures.keys() == told.keys()
    for name, words in told.items():
        success, message, raised = failures[name]
        assert not success
        assert words in message
        assert raised
    # The older SDK knows one class for all of them.
    is_newer = version != "1.8.20"
    assert failures["unknown id"][2] == ("InvalidActionError" if is_newer else "NotteBaseError")
    assert failures["no persona"][2] == "NotteAPIError"
