"""Files of exchanges, and archives, over HTTP."""

import json

from tests.support.har import har_problems
from tests.unit.timeline.house import House, Served, exchange, serve


async def _batches(tag: Served, count: int) -> str:
    session = await tag.house.start(tag.home)
    for number in range(count):
        tag.house.tell(session, exchange(f"http://a/{number}"), ("console", {"text": "x"}))
        await tag.house.timelines._recorder.flush(session)
    return session


def test_files_of_a_live_session_are_up_to_date_and_can_be_fetched_without_a_key(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _batches(tag, 2)
        tag.house.tell(session, exchange("http://a/now"))
        logs = (await tag.mine.get(f"/sessions/{session}/network/logs")).json()
        assert (logs["session_id"], logs["format"], logs["total_batch_count"]) == (session, "batched_v1", 3)
        urls = []
        for file in logs["batches"]:
            assert file["key"].endswith(".jsonl")
            assert file["download_url_expires_in_seconds"] == 3600
            reply = await tag.mine.get(
                file["download_url"].replace("http://noctule", ""), headers={"Authorization": ""}
            )
            assert reply.status_code == 200
            assert len(reply.content) == file["size"]
            urls += [json.loads(line)["data"]["url"] for line in reply.text.splitlines()]
        assert urls == ["http://a/0", "http://a/1", "http://a/now"]

    serve(house, body)


def test_the_limit_bounds_the_files_and_not_their_count(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await _batches(tag, 4)
        query = {"limit": "2", "download": "False"}
        logs = (await tag.mine.get(f"/sessions/{session}/network/logs", params=query)).json()
        assert len(logs["batches"]) == 2
        assert logs["total_batch_count"] == 4
        assert logs["batches"][0]["download_url"] is None

    serve(house, body)


def test_a_session_without_exchanges_has_no_files_and_an_empty_archive(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await tag.house.start(tag.home)
        logs = (await tag.mine.get(f"/sessions/{session}/network/logs")).json()
        assert (logs["batches"], logs["total_batch_count"]) == ([], 0)
        archive = (await tag.mine.get(f"/sessions/{session}/har")).json()
        assert not har_problems(archive)
        assert archive["log"]["entries"] == []

    serve(house, body)


def test_an_archive_has_all_exchanges_by_their_beginnings(house: House) -> None:
    async def body(tag: Served) -> None:
        session = await tag.house.start(tag.home)
        for second in (5, 1, 3):
            begun = f"2026-03-10T12:00:0{second}+00:00"
            tag.house.tell(session, exchange(f"http://a/{second}", started_at=begun))
            await tag.house.timelines._recorder.flush(session)
        archive = (await tag.mine.get(f"/sessions/{session}/har")).json()
        assert not har_problems(archive)
        assert [entry["request"]["url"] for entry in archive["log"]["entries"]] == [
            "http://a/1",
            "http://a/3",
            "http://a/5",
        ]

    serve(house, body)
