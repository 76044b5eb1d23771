"""The calls of both official SDKs that read pages, unmodified, over a real server, real browsers and a model."""

from collections.abc import Iterator

import pytest

from tests.e2e.scrape_stage import Stage, staged
from tests.support import clients
from tests.support.server import KEY

pytestmark = pytest.mark.slow

ANSWER = {"title": "text", "bats": 1}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("scrape")) as stage:
        yield stage


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_reads_pages(version: str, stage: Stage) -> None:
    url, key = stage.server.url, KEY
    seen = clients.run_sdk_script(version, url, key, "sdk_scrape.py", stage.article, stage.site.url("report.pdf"))

    assert seen["sdk"] == version
    assert "# Bats at dusk" in seen["client"]
    assert "Home" in seen["client"]
    for name in ("client_main", "main"):
        assert "forty noctules" in seen[name]
        assert "Home" not in seen[name]
    assert "Sessions rose by a fifth." in seen["client_pdf"]
    assert "](" not in seen["no_links"]
    assert "![A noctule in flight](" in seen["images_in_text"]
    assert "noctules" not in seen["selector"]
    assert "Home" in seen["selector"]
    assert "Home" not in seen["ignored"]
    assert "(link" in seen["placeholders"]
    assert isinstance(seen["instructed"], dict)
    assert seen["schema"] == {"is": "Article", **ANSWER}
    assert seen["wrapped"] == {"success": True, "error": None, "data": ANSWER}
    if version.startswith("1.8."):
        assert stage.pages.url("/bat.png") in [image["url"] for image in seen["images"]]
    assert seen["action"]["success"]
    assert "forty noctules" in seen["action"]["markdown"]
    assert "NotteAPI" in seen["missing"]["is"]
    assert "#missing" in seen["missing"]["says"]


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_is_told_when_there_is_no_model(
    version: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("no-model")
    with staged(folder, NOCTULE_LLM_BASE_URL="", NOCTULE_LLM_MODEL="", NOCTULE_LLM_PRICES_FILE="") as stage:
        seen = clients.run_sdk_script(version, stage.server.url, KEY, "sdk_scrape_failing.py", stage.article)

    assert seen["raised"]["is"] == "ScrapeFailedError"
    assert "model" in seen["raised"]["says"]
    assert seen["returned"]["success"] is False
    assert seen["returned"]["data"] is None
