"""Instructions of an observation, with a model that is asked over HTTP and paid for."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.page_stage import Stage, Visit, staged, visiting
from tests.support.model_server import ModelServer, says, status

pytestmark = pytest.mark.slow

PRICES = '[[price]]\nmodel = "custom/*"\nfrom = 2025-01-01\ninput = "1"\noutput = "10"\n'


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as model:
        yield model


@pytest.fixture(scope="module")
def stage(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("page")
    settings = {
        "NOCTULE_LLM_BASE_URL": model.base_url,
        "NOCTULE_LLM_MODEL": "a-model",
        "NOCTULE_LLM_PRICES_FILE": str(_prices(folder)),
        "NOCTULE_LLM_MAX_TRIES": "1",
    }
    with staged(folder, **settings) as stage:
        yield stage


def _prices(folder: Path) -> Path:
    path = folder / "prices.toml"
    path.write_text(PRICES)
    return path


def _labels(visit: Visit, instructions: str) -> tuple[list[str], str | None]:
    reply = visit.api.post(f"{visit.path}/page/observe", json={"instructions": instructions}).raise_for_status()
    actions = reply.json()["space"]["interaction_actions"]
    return [action["text_label"] for action in actions], reply.headers.get("x-noctule-cost")


def test_the_model_chooses_and_what_it_cost_is_told_and_billed(stage: Stage, model: ModelServer) -> None:
    with visiting(stage) as visit:
        visit.open("controls.html")
        found = visit.actions()
        chosen = [found["Country"]["id"], "X99", found["Car"]["id"]]
        model.then(says(json.dumps({"ids": chosen})))
        before = Decimal(str(visit.api.get("/usage").json()["llm_usage_cost"]))
        labels, cost = _labels(visit, "where somebody lives, and what they drive")
        spent = Decimal(str(visit.api.get("/usage").json()["llm_usage_cost"])) - before
    assert labels == ["Country", "Car"]
    assert cost is not None
    assert Decimal(cost) > 0
    assert spent == Decimal(cost)
    asked = model.asked[-1]
    [listed] = asked.texts("user")
    assert f"{found['Country']['id']}: " in listed
    assert "where somebody lives" in asked.texts("system")[0]


def test_words_choose_where_the_model_fails(stage: Stage, model: ModelServer) -> None:
    with visiting(stage) as visit:
        visit.open("controls.html")
        model.then(status(500))
        labels, _ = _labels(visit, "save the draft")
    assert labels == ["Save draft"]
