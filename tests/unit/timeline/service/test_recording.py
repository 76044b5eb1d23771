"""Taking in what happens, and writing it down."""

import asyncio
import shutil
from typing import Any

from noctule.timeline.domain import MASK
from noctule.timeline.service import EventQuery
from tests.unit.timeline.house import HOME, House, exchange


def console(text: str) -> tuple[str, dict[str, Any]]:
    return "console", {"text": text}


def run(house: House, body: Any) -> None:
    async def main() -> None:
        await body(house)
        await house.timelines.close()

    asyncio.run(main())


def test_the_last_batch_of_a_session_is_written_at_once(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.tell(session, console("a"), exchange("http://a/"), is_last=True)
        await house.written(session)

    run(house, body)
    names = [path.suffix for path in house.files()]
    assert sorted(names) == [".jsonl", ".ndjson"]


def test_a_full_batch_is_written_while_the_session_lives(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.tell(session, *(console(str(number)) for number in range(500)))
        await house.written(session)
        assert len(house.files()) == 1
        house.tell(session, console("one more"))
        await asyncio.sleep(0.05)
        assert len(house.files()) == 1
        assert len(await house.kinds(session)) == 500 + 1 + 2

    run(house, body)


def test_nothing_that_is_written_has_a_secret_in_it(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.timelines.hide(session, ["hunter2"])
        post = {"headers": [["Authorization", "Bearer tok"]], "body": {"text": "password=p4ss&x=hunter2"}}
        house.tell(session, console("hunter2"), exchange("http://a/?token=abcd", request=post), is_last=True)
        house.timelines.note(session, "takeover", {"typed": "hunter2"})
        await house.written(session)

    run(house, body)
    written = b"".join(path.read_bytes() for path in house.files()).decode()
    assert MASK in written
    for secret in ("hunter2", "p4ss", "abcd", "Bearer tok"):
        assert secret not in written


def test_what_is_in_memory_still_is_told_masked(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.tell(session, console("Authorization: Bearer abcdefgh"))
        (event,) = await house.timelines._recorder.pending(session)
        assert event.data["text"] == f"Authorization: Bearer {MASK}"
        assert not house.files()

    run(house, body)


def test_the_end_of_the_server_writes_what_is_left(house: House) -> None:
    async def body(house: House) -> None:
        house.tell(await house.start(), console("a"))

    run(house, body)
    assert len(house.files()) == 1


def test_a_session_without_capture_can_be_noted(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.timelines.note(session, "takeover", {"state": "begun"})
        assert "takeover" in await house.kinds(session)
        await house.timelines.close()
        assert "takeover" in await house.kinds(session)
        assert not house.timelines._recorder._sessions

    run(house, body)


def test_a_store_that_is_away_loses_nothing(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        shutil.rmtree(house.folder)
        house.folder.write_text("in the way")
        house.tell(session, console("a"), is_last=True)
        await asyncio.sleep(0.1)
        house.folder.unlink()
        await house.timelines.close()
        assert "console" in await house.kinds(session)

    run(house, body)


def test_more_than_memory_has_room_for_is_counted(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.tell(session, *(console(str(number)) for number in range(6000)), is_last=True)
        await house.written(session)
        told = [e async for e in await house.timelines.events(HOME, session, EventQuery())]
        kept = sum(event.kind == "console" for event in told)
        assert kept + sum(event.data["count"] for event in told if event.kind == "left_out") == 6000

    run(house, body)


def test_a_batch_whose_number_is_taken_gets_another(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        house.tell(session, exchange("http://a/"))
        await house.timelines.network(HOME, session, 10)
        taking = house.timelines._recorder._sessions[session]
        taking.number = 0
        house.tell(session, console("a"), is_last=True)
        async with asyncio.timeout(10):
            while not taking.failures:
                await asyncio.sleep(0.01)
        await house.timelines.close()
        assert await house.kinds(session) == ["session", "cost", "request", "console"]

    run(house, body)


def test_long_heads_and_what_goes_through_sockets_count_as_memory(house: House) -> None:
    async def body(house: House) -> None:
        session = await house.start()
        response = {"headers": [["X", "v" * 30_000]]}
        socket = {"messages": [{"type": "send", "data": "x" * 1000}] * 100}
        house.tell(session, *[exchange("http://a/", response=response, websocket=socket)] * 200)
        await house.written(session)
        assert house.timelines._recorder._sessions[session].pending_bytes == 0
        left_out = [e async for e in await house.timelines.events(HOME, session, EventQuery(frozenset({"left_out"})))]
        assert left_out[0].data["count"] > 50

    run(house, body)
