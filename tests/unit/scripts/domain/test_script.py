"""A script parses, keeps to the rules for scripts of users, reads well, and holds no secret."""

import ast
from datetime import UTC, datetime
from typing import Any

from noctule.scripts.domain import Wishes, lines_of, script_of
from tests.support.restricted import problems

_WISHES = Wishes(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


def _step(**action: Any) -> dict[str, Any]:
    return {"action": action, "success": True, "message": "", "data": None}


def _written(*steps: dict[str, Any], wishes: Wishes = _WISHES, infers_models: bool = False) -> str:
    script = script_of(steps, wishes, infers_models=infers_models)
    assert problems(script) == []
    return script


def test_a_script_reads_as_a_person_would_write_it() -> None:
    script = _written(
        _step(type="goto", url="https://x.example/login"),
        _step(type="fill", selector="#email", value="ada@x.example", text_label="E-mail"),
        _step(type="fill", selector="#password", value="********", text_label="Password"),
        _step(type="click", id="B1", selector={"playwright_selector": "#go"}, text_label="Log in"),
        _step(type="scrape"),
    )
    assert (
        script
        == '''"""Does again what a session did on 2026-11-23."""

from typing import Any

from notte_sdk import NotteClient


def run(password: str, e_mail: str = "ada@x.example") -> Any:
    client = NotteClient()
    with client.Session() as session:
        session.execute(type="goto", url="https://x.example/login")
        session.execute(type="fill", selector="#email", value=e_mail)
        session.execute(type="fill", selector="#password", value=password)
        session.execute(type="click", selector="#go")
        scraped = session.scrape()
    return scraped
'''
    )


def test_lines_alone_need_nothing_around_them() -> None:
    steps = [
        _step(type="goto", url="https://x.example"),
        _step(type="fill", selector="#p", value="********"),
        _step(type="click", id="B1", text_label="Save"),
    ]
    assert lines_of(steps).splitlines() == [
        'session.execute(type="goto", url="https://x.example")',
        'session.execute(type="fill", selector="#p", value="********")',
        '# click on "Save": no selector leads to its element, so it is left out.',
    ]
    assert lines_of([]) == ""


def test_a_session_is_opened_as_it_was_where_that_is_not_usual() -> None:
    usual = Wishes(
        _WISHES.recorded_at,
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
        "Safari/537.36",
        viewport=(1280, 1080),
    )
    assert "client.Session() as session" in _written(wishes=usual)
    own = Wishes(
        _WISHES.recorded_at,
        browser_type="chrome",
        max_duration_minutes=30,
        proxies=True,
        user_agent='Mine "1"',
        viewport=(800, 600),
    )
    for part in (
        'browser_type="chrome"',
        "max_duration_minutes=30",
        "proxies=True",
        'user_agent="Mine \\"1\\""',
        "viewport_width=800",
        "viewport_height=600",
    ):
        assert part in _written(wishes=own)


def test_the_same_value_is_one_parameter_and_another_one_is_another() -> None:
    steps = [
        _step(type="fill", selector=f"#f{number}", value=value, text_label="Name")
        for number, value in enumerate(("Ada", "Ada", "Bob"))
    ]
    script = _written(*steps, _step(type="form_fill", value={"email": "a@b.c", "password": "********"}))
    assert 'def run(password: str, name: str = "Ada", name_2: str = "Bob", email: str = "a@b.c") -> None:' in script
    assert 'session.execute(type="form_fill", value={"email": email, "password": password})' in script


def test_a_secret_is_asked_for_once_for_each_label() -> None:
    steps = [
        _step(type="fill", selector="#a", value="********", text_label="Password"),
        _step(type="fill", selector="#b", value="********", text_label="Confirm password"),
        _step(type="fill", selector="#a", value="********", text_label="Password"),
        _step(type="multi_factor_fill", selector="#c", value="********"),
    ]
    assert "def run(password: str, confirm_password: str, c: str) -> None:" in _written(*steps)


def test_long_texts_have_names() -> None:
    text = "The bats came out at dusk.\n" * 10
    script = _written(
        _step(type="fill", selector="#t", value=text, text_label="Notes"),
        _step(type="evaluate_js", code=text + "1"),
    )
    assert 'NOTES_TEXT = """\\\nThe bats came out at dusk.\n' in script
    assert "def run(notes: str = NOTES_TEXT) -> None:" in script
    assert "code=EVALUATE_JS_CODE" in script


def test_what_the_trajectory_has_cut_must_be_given() -> None:
    script = _written(_step(type="evaluate_js", code="x… (90 characters left out)"))
    assert "def run(evaluate_js_code: str) -> None:" in script
    assert "left out" not in script


def test_data_that_was_extracted_has_a_model_where_it_is_wished() -> None:
    step = _step(type="scrape", instructions="the products")
    step["data"] = {"structured": {"success": True, "data": {"products": [{"name": "Bat", "price": 3}]}}}
    assert "BaseModel" not in _written(step)
    script = _written(step, infers_models=True)
    assert "class ScrapedDataProductsItem(BaseModel):\n    name: str\n    price: int" in script
    assert 'scraped = session.scrape(instructions="the products", response_format=ScrapedData)' in script
    assert "return scraped.model_dump(by_alias=True)" in script
    schema = {"title": "Shop", "type": "object", "properties": {"name": {"type": "string"}}}
    asked = _written(_step(type="scrape", response_format=schema), _step(type="scrape"))
    assert "class Shop(BaseModel):\n    name: str | None = None" in asked
    assert 'return {\n        "scraped": scraped.model_dump(by_alias=True),\n        "scraped_2": scraped_2,\n' in asked


def test_a_session_without_deeds_is_a_script_all_the_same() -> None:
    for steps in ((), (_step(type="click", id="B1"),)):
        assert isinstance(ast.parse(_written(*steps)), ast.Module)
