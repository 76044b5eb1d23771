"""Looking at a page, and choosing what instructions mean."""

import pytest

from noctule.kit.errors import PaymentRequired
from noctule.llm.errors import ModelTimedOut
from noctule.llm.protocol import Payer
from noctule.page.service import Sight
from tests.unit.page.house import FORM, SID, House


def look(house: House, instructions: str | None = None) -> Sight:
    house.fleet.page.nodes = FORM
    sight: Sight = house.run(lambda: house.service.observe("w", SID, instructions, api_key_id="k"))
    return sight


def test_a_look_is_a_step_without_its_picture() -> None:
    house = House()
    house.fleet.page.jpeg = b"\xff\xd8"
    sight = look(house)
    assert sight.observed.nodes == FORM
    assert (sight.chosen, sight.cost_nanos, sight.category) == (None, None, "auth")
    [(_, kind, value)] = house.sessions.steps
    assert kind == "observation"
    assert value["space"] == {"description": "\n".join(node.line for node in FORM), "category": "auth"}
    assert value["metadata"]["viewport"]["total_height"] == 2000
    assert set(value) == {"started_at", "ended_at", "metadata", "space"}


def test_a_tab_that_has_been_nowhere_has_no_address() -> None:
    assert look(House()).metadata()["url"] == ""


def test_each_look_has_a_key_of_its_own() -> None:
    house = House()
    assert look(house).key != look(house).key


def test_without_a_model_words_choose() -> None:
    sight = look(House(), "fill the email field")
    assert (sight.chosen, sight.cost_nanos) == (("I1",), None)


@pytest.mark.parametrize("instructions", ["", "   "])
def test_instructions_that_say_nothing_choose_nothing(instructions: str) -> None:
    house = House()
    assert look(house, instructions).chosen is None
    assert len(house.sessions.steps) == 1


def test_instructions_are_no_step() -> None:
    house = House()
    look(house, "send")
    assert house.sessions.steps == []


def test_where_there_is_a_model_it_chooses_and_its_cost_is_told() -> None:
    house = House()
    house.llm.model, house.llm.cost_nanos = "fake/model", 700
    house.sessions.tags = ("team-a",)
    house.llm.then({"ids": ["B1", "I9", "I1"]})
    sight = look(house, "whatever")
    assert (sight.chosen, sight.cost_nanos) == (("B1", "I1"), 700)
    [request] = house.llm.requests
    assert request.payer == Payer("w", session_id=SID, api_key_id="k", tags=("team-a",))


def test_words_choose_where_the_model_fails() -> None:
    house = House()
    house.llm.model = "fake/model"
    house.llm.then(ModelTimedOut("The model did not answer."))
    assert look(house, "send").chosen == ("B1",)


def test_whoever_cannot_pay_for_the_model_is_told() -> None:
    house = House()
    house.llm.model = "fake/model"
    house.llm.then(PaymentRequired("The credit is used up."))
    with pytest.raises(PaymentRequired):
        look(house, "send")
