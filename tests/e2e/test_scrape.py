"""Scrapes over HTTP with real browsers: pages, files, data, what it costs, and what is left behind."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.scrape_stage import Stage, staged
from tests.support.model_server import says, status

pytestmark = pytest.mark.slow

MINUTE_NANOS = 833_333
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "bats": {"type": "integer"}},
    "required": ["title", "bats"],
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("scrape")) as stage:
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[httpx.Client]:
    with stage.server.client() as client:
        yield client


def _nanos(response: httpx.Response) -> int:
    return round(float(response.headers["x-noctule-cost"]) * 1e9)


def test_one_shot_reads_a_page_and_costs_a_minute(stage: Stage, client: httpx.Client) -> None:
    reply = stage.scrape(client, stage.article).raise_for_status()
    body = reply.json()

    assert set(body) == {"markdown", "images", "structured"}
    assert (body["images"], body["structured"]) == (None, None)
    for part in (
        "[Home](",
        "# Bats at dusk",
        f"[More about noctules]({stage.pages.url('/more')})",
        "| dusk | 40 |",
        '```python\nprint("bats")\n```',
        "Imprint",
    ):
        assert part in body["markdown"]
    assert "bat.png" not in body["markdown"]
    assert _nanos(reply) == MINUTE_NANOS
    session = client.get(f"/sessions/{reply.headers['x-noctule-session']}")
    assert session.json()["status"] == "closed"
    assert session.json()["close_reason"] == "manual"
    assert [step["value"]["action"]["type"] for step in session.json()["steps"]] == ["goto", "scrape"]
    assert session.headers["x-noctule-cost"] == reply.headers["x-noctule-cost"]
    assert client.get("/sessions").json()["items"] == []


def test_only_main_content_leaves_the_rest_out(stage: Stage, client: httpx.Client) -> None:
    markdown = stage.scrape(client, stage.article, only_main_content=True).json()["markdown"]

    assert "forty noctules" in markdown
    assert "Home" not in markdown
    assert "Imprint" not in markdown


@pytest.mark.parametrize(
    ("fields", "there", "missing"),
    [
        ({"scrape_links": False}, "More about noctules", "]("),
        ({"scrape_images": True}, "![A noctule in flight](", "nothing of the kind"),
        ({"selector": "table"}, "| dusk | 40 |", "noctules"),
        ({"selector": "text=Home"}, "Home", "About"),
        ({"ignored_tags": ["NAV", "pre"]}, "noctules", "Home"),
        ({"use_link_placeholders": True}, "[More about noctules](link", "/more"),
    ],
)
def test_what_is_asked_for_is_what_comes(
    stage: Stage, client: httpx.Client, fields: dict[str, Any], there: str, missing: str
) -> None:
    markdown = stage.scrape(client, stage.article, **fields).raise_for_status().json()["markdown"]

    assert there in markdown
    assert missing not in markdown


def test_only_images_come_with_their_categories(stage: Stage, client: httpx.Client) -> None:
    body = stage.scrape(client, stage.article, only_images=True).json()

    found = {image["url"]: image for image in body["images"]}
    bat = found[stage.pages.url("/bat.png")]
    assert (bat["category"], bat["description"]) == ("content_image", "A noctule in flight")
    assert body["markdown"] == ""


def test_frames_follow_the_page_unless_a_part_was_asked_for(stage: Stage, client: httpx.Client) -> None:
    inner = stage.pages.add("/inner", "<p>Said in a frame")
    outer = stage.pages.add("/outer", f"<p id=p>Said outside<iframe src='{inner}'></iframe>")

    assert f"Said outside\n\nIFRAME {inner}:\n\nSaid in a frame" in stage.scrape(client, outer).json()["markdown"]
    assert stage.scrape(client, outer, selector="body").json()["markdown"] == "Said outside"


def test_what_a_script_writes_late_is_read(stage: Stage, client: httpx.Client) -> None:
    late = "<p>Now</p><script>setTimeout(() => document.body.append('and later'), 400)</script>"

    assert "and later" in stage.scrape(client, stage.pages.add("/late", late)).json()["markdown"]


def test_a_page_that_never_finishes_loading_is_read_as_far_as_it_came(stage: Stage, client: httpx.Client) -> None:
    waits = stage.pages.add("/never.js", "later", stalls_after=1)
    slow = stage.pages.add("/slow", f"<p>Here already</p><script src='{waits}'></script><p>and never here")

    reply = stage.scrape(client, slow).raise_for_status()

    assert reply.json()["markdown"] == "Here already"
    steps = client.get(f"/sessions/{reply.headers['x-noctule-session']}").json()["steps"]
    assert "did not finish loading" in steps[0]["value"]["message"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("report.pdf", "Sessions rose by a fifth."),
        ("notes.txt", "The bats came out at dusk — forty of them."),
        ("data.json", '```json\n{\n  "species"'),
        ("download/report.csv", "| January | 1204 | 8133 |"),
    ],
)
def test_a_file_is_read_as_markdown(stage: Stage, client: httpx.Client, path: str, text: str) -> None:
    assert text in stage.scrape(client, stage.site.url(path)).raise_for_status().json()["markdown"]


def test_a_feed_is_read_as_markdown(stage: Stage, client: httpx.Client) -> None:
    feed = "<rss version='2.0'><channel><title>Bats</title><item><title>Dusk</title></item></channel></rss>"
    url = stage.pages.add("/feed", feed, headers={"Content-Type": "application/rss+xml"})

    assert "Dusk" in stage.scrape(client, url).raise_for_status().json()["markdown"]


@pytest.mark.parametrize(("path", "kind"), [("picture.png", "image/png"), ("tone.wav", "audio/")])
def test_a_file_that_is_no_text_is_refused_by_its_type(
    stage: Stage, client: httpx.Client, path: str, kind: str
) -> None:
    reply = stage.scrape(client, stage.site.url(path))

    assert reply.status_code == 400
    assert reply.headers["x-error-class"] == "NotteApiExecutionError"
    assert kind in reply.json()["message"]
    assert client.get("/sessions").json()["items"] == []


def test_a_page_that_cannot_be_reached_says_why_and_leaves_no_session(stage: Stage, client: httpx.Client) -> None:
    reply = stage.scrape(client, "http://127.0.0.1:9/")

    assert reply.status_code == 400
    assert "127.0.0.1" in reply.json()["message"]
    assert client.get("/sessions").json()["items"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "nothing"},
        {"url": "file:///etc/passwd"},
        {"response_format": {"type": "bat"}},
        {"response_format": "a bat"},
        {"colour": "red"},
        {"ignored_tags": "nav"},
        {"max_duration_minutes": 0},
    ],
)
def test_a_request_that_is_wrong_in_itself_starts_no_session(
    stage: Stage, client: httpx.Client, fields: dict[str, Any]
) -> None:
    before = client.get("/usage").json()["session_count"]
    reply = client.post("/scrape", json={"url": stage.article, **fields})

    assert reply.status_code == 422, reply.text
    assert client.get("/usage").json()["session_count"] == before


def test_session_fields_and_tags_are_the_sessions(stage: Stage, client: httpx.Client) -> None:
    wish = {"url": stage.article, "user_agent": "Bat/1.0", "viewport_width": 800, "viewport_height": 600}
    reply = client.post("/scrape", json=wish, headers={"X-Noctule-Tags": "nightly"}).raise_for_status()

    assert reply.headers["x-noctule-tags"] == "nightly"
    assert stage.pages.requests[-1].headers["user-agent"] == "Bat/1.0"
    session = client.get(f"/sessions/{reply.headers['x-noctule-session']}").json()
    assert (session["viewport_width"], session["user_agent"]) == (800, "Bat/1.0")


def test_a_cookie_of_one_scrape_is_not_there_in_the_next(stage: Stage, client: httpx.Client) -> None:
    url = stage.pages.add("/cookie", "<p>x<script>document.cookie = 'bat=1; max-age=999'</script>")
    for _ in range(2):
        stage.scrape(client, url).raise_for_status()
    assert all("cookie" not in request.headers for request in stage.pages.requests if request.path == "/cookie")


def test_data_comes_from_the_model_and_its_cost_is_told(stage: Stage, client: httpx.Client) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    answer = '{"success": true, "error": null, "data": {"title": "Bats at dusk", "bats": 40}}'
    stage.model.then(says(answer, usage=usage))
    reply = stage.scrape(client, stage.article, response_format=SCHEMA, instructions="The article")

    body = reply.raise_for_status().json()
    assert body["structured"] == {"success": True, "error": None, "data": {"title": "Bats at dusk", "bats": 40}}
    assert "# Bats at dusk" in body["markdown"]
    assert _nanos(reply) == MINUTE_NANOS + 100 * 1_000 + 20 * 10_000
    session = client.get(f"/sessions/{reply.headers['x-noctule-session']}")
    assert session.headers["x-noctule-cost"] == reply.headers["x-noctule-cost"]


def test_a_model_that_fails_is_told_in_the_data(stage: Stage, client: httpx.Client) -> None:
    stage.model.then(status(401))
    body = stage.scrape(client, stage.article, response_format=SCHEMA).raise_for_status().json()

    assert body["structured"]["success"] is False
    assert body["structured"]["data"] is None
    assert body["structured"]["error"]
    assert "# Bats at dusk" in body["markdown"]


def test_a_session_is_scraped_as_often_as_one_likes(stage: Stage, client: httpx.Client) -> None:
    path = f"/sessions/{client.post('/sessions/start', json={}).json()['session_id']}"
    client.post(f"{path}/page/execute", json={"type": "goto", "url": stage.article}).raise_for_status()
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
    stage.model.then(says('{"success": true, "error": null, "data": {"a": 1}}', usage=usage))
    whole = client.post(f"{path}/page/scrape?update_metadata=False", json={})
    data = client.post(f"{path}/page/scrape", json={"instructions": "All of it", "model": None})
    acted = client.post(f"{path}/page/execute", json={"type": "scrape", "selector": "h1"}).json()
    missing = client.post(f"{path}/page/scrape", json={"selector": "#missing"})
    steps = client.get(path).json()["steps"]
    client.delete(f"{path}/stop").raise_for_status()
    over = client.post(f"{path}/page/scrape", json={})

    assert "# Bats at dusk" in whole.json()["markdown"]
    assert "x-noctule-cost" not in whole.headers
    assert data.json()["structured"]["data"] == {"a": 1}
    assert _nanos(data) == 10 * 1_000 + 10_000
    assert acted["data"] == {"markdown": "# Bats at dusk", "images": None, "structured": None}
    assert (missing.status_code, missing.headers["x-error-class"]) == (400, "NotteApiExecutionError")
    assert "#missing" in missing.json()["message"]
    assert [step["value"]["action"]["type"] for step in steps] == ["goto", *["scrape"] * 4]
    assert over.status_code == 409


def test_html_of_the_callers_gives_data_and_its_schema(stage: Stage, client: httpx.Client) -> None:
    frames = [{"frameUrl": "https://example.org/", "frameData": "<h1>Forty bats</h1>"}]
    stage.model.then(says('{"success": true, "error": null, "data": {"bats": 40}}'))
    made = client.post("/scrape_from_html", json={"frames": frames, "instructions": "How many?"}).raise_for_status()
    given = client.post("/scrape_from_html", json={"frames": frames, "response_format": SCHEMA}).raise_for_status()

    assert made.json() == {
        "model_schema": {
            "success": True,
            "model_schema": {"type": "object", "properties": {"bats": {"type": "integer"}}, "required": ["bats"]},
            "error": None,
        },
        "scrape": {"success": True, "error": None, "data": {"bats": 40}},
    }
    assert "# Forty bats" in stage.model.asked[-2].texts("user")[-1]
    assert given.json()["model_schema"]["model_schema"] == SCHEMA
    assert float(made.headers["x-noctule-cost"]) > 0


@pytest.mark.parametrize("body", [{}, {"frames": []}, {"frames": [{"frameUrl": "x"}]}, {"frames": "<p>"}])
def test_html_that_is_not_there_is_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    assert client.post("/scrape_from_html", json=body).status_code == 422
