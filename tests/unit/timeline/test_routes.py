"""Timelines over HTTP: pages, filters, and who may see them."""

import json
from datetime import timedelta
from typing import Any

from noctule.browser.commands import Captured, CapturedEvent
from noctule.sessions.domain import CloseReason
from tests.unit.timeline.house import House, Served, exchange, serve


async def _story(tag: Served) -> str:
    """A session with two batches written and one event in memory."""
    house = tag.house
    session = await house.start(tag.home)
    house.tell(session, ("navigation", {"url": "http://a/"}), exchange("http://a/"), ("console", {"text": "one"}))
    await house.timelines._recorder.flush(session)
    when = house.clock.now().isoformat()
    await house.sessions.record_step(session, "execution_result", {"ended_at": when, "success": True})
    house.tell(session, exchange("http://a/2"), ("page_error", {"text": "Uncaught"}))
    await house.timelines._recorder.flush(session)
    house.tell(session, ("console", {"text": "two"}))
    return session


async def _get(tag: Served, session: str, **query: Any) -> Any:
    reply = await tag.mine.get(f"/sessions/{session}/timeline", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


EVERYTHING = ["session", "cost", "navigation", "request", "console", "step", "request", "page_error", "console"]


def test_a_timeline_has_everything_in_the_order_of_its_instants(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        page = await _get(tag, session)
        assert [event["kind"] for event in page["events"]] == EVERYTHING
        instants = [event["at"] for event in page["events"]]
        assert instants == sorted(instants)
        assert page["events"][1]["data"]["cost"].startswith("0.")

    serve(house, body)


def test_pages_add_up_to_the_whole_whatever_their_size(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        await house.sessions.ends.end(session, CloseReason.MANUAL)
        await house.timelines.close()
        whole = (await _get(tag, session))["events"]
        for limit in (1, 2, 3, 5, 100):
            found: list[Any] = []
            query: dict[str, Any] = {"limit": limit}
            while True:
                page = await _get(tag, session, **query)
                found += page["events"]
                assert len(page["events"]) <= limit
                if not page["has_more"]:
                    break
                query["cursor"] = page["next_cursor"]
            assert found == whole
            assert page["next_cursor"] is None

    serve(house, body)


def test_a_live_timeline_can_be_followed_without_a_gap(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        seen: dict[str, Any] = {}
        query: dict[str, Any] = {}
        for number in range(5):
            page = await _get(tag, session, **query)
            seen |= {event["id"]: event for event in page["events"]}
            query = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            house.tell(session, ("console", {"text": f"later {number}"}))
            house.clock.advance(1)
        house.clock.advance(60)
        page = await _get(tag, session, **query)
        seen |= {event["id"]: event for event in page["events"]}
        whole = (await _get(tag, session))["events"]
        assert seen.keys() == {event["id"] for event in whole}

    serve(house, body)


def test_a_live_timeline_is_never_said_to_be_over(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await house.start(tag.home)
        for query in ({}, {"kind": "dialog"}):
            assert (await _get(tag, session, **query))["next_cursor"] is not None

    serve(house, body)


def test_what_is_told_late_is_found_behind_pages_that_were_full(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await house.start(tag.home)
        house.clock.advance(60)
        house.tell(session, *(("console", {"text": str(number)}) for number in range(4)))
        query: dict[str, Any] = {"kind": ["console", "request"], "limit": 2}
        while (page := await _get(tag, session, **query))["has_more"]:
            query["cursor"] = page["next_cursor"]
        ended = house.clock.now() - timedelta(seconds=3)
        house.fleet.tell(Captured(session, (CapturedEvent(ended, *exchange("http://a/")),)))  # type: ignore[arg-type]
        found = await _get(tag, session, kind="request", cursor=page["next_cursor"])
        assert [event["data"]["url"] for event in found["events"]] == ["http://a/"]

    serve(house, body)


def test_kinds_and_instants_can_be_chosen(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        events = (await _get(tag, session))["events"]
        chosen = (await _get(tag, session, kind=["request", "page_error"]))["events"]
        assert [event["kind"] for event in chosen] == ["request", "request", "page_error"]
        middle = events[4]["at"]
        since = (await _get(tag, session, since=middle))["events"]
        until = (await _get(tag, session, until=middle))["events"]
        assert until + since == events
        assert since[0]["at"] == middle

    serve(house, body)


def test_the_whole_comes_as_lines(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        reply = await tag.mine.get(f"/sessions/{session}/timeline.ndjson")
        assert reply.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line)["kind"] for line in reply.text.splitlines()] == EVERYTHING

    serve(house, body)


def test_bad_questions_are_told_so(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        for query in ({"kind": "everything"}, {"cursor": "!"}, {"since": "2026-01-01"}, {"limit": 0}):
            reply = await tag.mine.get(f"/sessions/{session}/timeline", params=query)
            assert reply.status_code == 422, query

    serve(house, body)


def test_another_workspaces_session_is_not_there(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _story(tag)
        for path in ("timeline", "timeline.ndjson", "har", "network/logs"):
            reply = await tag.theirs.get(f"/sessions/{session}/{path}")
            assert reply.status_code == 404, path
            assert (await tag.mine.get(f"/sessions/unknown/{path}")).status_code == 404

    serve(house, body)
