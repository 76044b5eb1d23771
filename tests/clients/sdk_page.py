"""``python sdk_page.py SITE_URL``: looks at pages and acts on them with the official SDK that is installed.

The API's address and key are in ``NOTTE_API_URL`` and ``NOTTE_API_KEY``, as for any user. ``SITE_URL`` is the root
of the test site. Prints one JSON object on standard output.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

from notte_sdk import NotteClient

EVERY_KIND: list[dict[str, Any]] = [
    {"type": "scroll_down", "amount": 200},
    {"type": "scroll_up"},
    {"type": "press_key", "key": "Home"},
    {"type": "wait", "time_ms": 10},
    {"type": "reload"},
    {"type": "fill", "selector": "#text", "value": "by CSS"},
    {"type": "fill", "selector": "xpath=//textarea[@id='comments']", "value": "by XPath", "clear_before_fill": False},
    {"type": "fallback_fill", "selector": 'internal:label="Search"i', "value": "ab"},
    {"type": "multi_factor_fill", "selector": "#tel", "value": "123456"},
    {"type": "check", "selector": "#terms", "value": True},
    {"type": "select_dropdown_option", "selector": "#country", "value": "Germany"},
    {"type": "click", "selector": "~Save draft", "press_enter": False},
    {"type": "evaluate_js", "code": "return events.join(' | ')"},
    {"type": "completion", "success": True, "answer": "42"},
]


def main(site: str) -> dict[str, Any]:
    result: dict[str, Any] = {"sdk": version("notte-sdk")}
    client = NotteClient()
    session = client.Session(max_duration_minutes=5, idle_timeout_minutes=2)
    session.start()
    try:
        empty = session.observe()
        result["empty"] = {"url": empty.metadata.url, "actions": len(empty.space.interaction_actions)}
        session.execute(type="goto", url=f"{site}controls.html")
        result["seen"] = seen(session.observe(), session)
        result["kinds"] = {}
        for action in EVERY_KIND:
            done = session.execute(**action)
            result["kinds"][action["type"]] = [done.success, done.data.markdown if done.data else None]
        result["tabs"] = tabs(session, site)
        result["closed"] = closed(session, site)
        result["form"] = form(session, site)
        result["methods"] = methods(session, site)
        result["failures"] = failures(session, site)
        steps = [step["type"] for step in session.status().steps]
        result["steps"] = {kind: steps.count(kind) for kind in sorted(set(steps))}
    finally:
        session.stop()
    return result


def seen(observation: Any, session: Any) -> dict[str, Any]:
    """What came of an observation: by id, by the action itself, and what instructions keep of it."""
    by_label = {action.text_label: action for action in observation.space.interaction_actions}
    save, archive = by_label["Save draft"], by_label["Archive message"]
    by_id = session.execute(type="click", id=save.id)
    by_action = session.execute(archive)
    chosen = session.observe(instructions="choose the country")
    return {
        "title": observation.metadata.title,
        "tabs": len(observation.metadata.tabs),
        "picture": len(observation.screenshot.bytes()) > 1000,
        "boxes": len(observation.screenshot.bboxes) > 20,
        "types": sorted({action.type for action in observation.space.interaction_actions}),
        "description": f"{save.id}[:]<button>Save draft</button>" in observation.space.description,
        "markdown": "Special Browser Actions" in observation.space.markdown,
        "first": observation.space.first().id,
        "by_id": [by_id.success, by_id.action.id == save.id, by_id.action.text_label, selector_of(by_id.action)],
        "by_action": [by_action.success, by_action.action.text_label],
        "chosen": [action.text_label for action in chosen][:1],
        "nothing": session.observe(instructions="book a flight to Lisbon"),
    }


def selector_of(action: Any) -> str | None:
    return action.selector.playwright_selector if action.selector else None


def tabs(session: Any, site: str) -> list[Any]:
    """Tabs, and steps in the history."""
    done = [
        session.execute(type="goto_new_tab", url=f"{site}landing.html"),
        session.execute(type="switch_tab", tab_index=0),
        session.execute(type="switch_tab", tab_index=-1),
        session.execute(type="close_tab"),
        session.execute(type="goto", url=f"{site}landing.html"),
        session.execute(type="go_back"),
        session.execute(type="go_forward"),
    ]
    return [all(each.success for each in done), session.observe().metadata.url]


def closed(session: Any, site: str) -> list[Any]:
    """What no selector reaches."""
    session.execute(type="goto", url=f"{site}shadow.html")
    [vault] = [each for each in session.observe().space.interaction_actions if each.text_label == "Open the vault"]
    return [vault.selector, session.execute(vault).success]


def form(session: Any, site: str) -> list[Any]:
    """A form in one go."""
    session.execute(type="goto", url=f"{site}form.html")
    values = {"first_name": "Ada", "email": "ada@example.org", "password": "hush"}
    done = session.execute(type="form_fill", value=values)
    first = session.execute(type="evaluate_js", code="document.querySelector('#first').value")
    return [done.success, first.data.markdown]


def methods(session: Any, site: str) -> list[Any] | None:
    """What only the newer SDK has: JavaScript, and a request from the page."""
    if not hasattr(session, "fetch"):
        return None
    session.execute(type="goto", url=f"{site}controls.html")
    answer = session.fetch("landing.html")
    missing = session.fetch("nowhere.html")
    return [
        session.evaluate_js("({bats: 40, more: null})"),
        [answer.status_code, answer.url, "<html" in answer.text],
        missing.status_code,
    ]


def failures(session: Any, site: str) -> dict[str, Any]:
    """What fails, as the SDK tells it with and without raising."""
    session.execute(type="goto", url=f"{site}controls.html")
    session.observe()
    found: dict[str, Any] = {}
    tried: dict[str, dict[str, Any]] = {
        "unknown id": {"type": "click", "id": "X99"},
        "disabled": {"type": "click", "selector": "#disabled-button", "timeout": 500},
        "missing": {"type": "click", "selector": "#nowhere", "timeout": 300},
        "no such page": {"type": "goto", "url": "example.com"},
        "captcha": {"type": "captcha_solve"},
        "help": {"type": "help", "reason": "stuck"},
        "nothing thrown": {"type": "scroll_up"},
        "no file": {"type": "upload_file", "selector": "#file", "file_path": "a.txt"},
    }
    for name, action in tried.items():
        quiet = session.execute(**action, raise_on_failure=False)
        raised = ""
        try:
            session.execute(**action, raise_on_failure=True)
        except Exception as error:
            raised = type(error).__name__
        found[name] = [quiet.success, quiet.message, raised]
    refused: dict[str, dict[str, Any]] = {
        "no persona": {"type": "email_read"},
    }
    for name, action in refused.items():
        try:
            session.execute(**action)
        except Exception as error:
            found[name] = [False, str(error), type(error).__name__]
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
