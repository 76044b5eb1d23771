"""Writes under an Idempotency-Key happen once, over crashes too; on both databases."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.http import store
from noctule.http.idempotency import Answer, Claim, Idempotency, fingerprint
from noctule.kit.clock import SystemClock
from noctule.kit.errors import Conflict, NoctuleError, Overloaded, PaymentRequired, TooManyRequests
from noctule.kit.seal import Sealer
from tests.support.clock import FrozenClock
from tests.unit.http.door import SECRET, open_door

KEY = {"Idempotency-Key": "0123abcd"}


async def _records(database: Database) -> list[str]:
    query = store.idempotency.select()
    return [row.state for row in await database.read(lambda connection: connection.execute(query).all())]


def test_the_same_request_under_a_key_gives_the_same_answer_once(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            first = await client.post("/things", json={"name": "a"}, headers=KEY)
            again = await client.post("/things", json={"name": "a"}, headers=KEY)
            assert first.status_code == again.status_code == 200
            assert first.content == again.content
            assert "idempotent-replayed" not in first.headers
            assert again.headers["idempotent-replayed"] == "true"
            assert again.headers["content-type"] == "application/json"
            assert door.things.begun == 1

    asyncio.run(story())


def test_another_request_under_the_key_is_a_conflict(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            await client.post("/things", json={"name": "a"}, headers=KEY)
            others = [
                client.post("/things", json={"name": "b"}, headers=KEY),
                client.post("/things?x=1", json={"name": "a"}, headers=KEY),
                client.put("/things", json={"name": "a"}, headers=KEY),
                client.delete("/things/1", headers=KEY),
                client.post("/things", json={"name": "a"}, headers=KEY | {"X-Noctule-Anything": "more"}),
            ]
            for answer in await asyncio.gather(*others):
                assert answer.status_code == 409
                assert "another request" in answer.json()["message"]
            assert door.things.begun == 1

    asyncio.run(story())


def test_keys_of_other_workspaces_and_requests_without_a_key_are_apart(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            await door.workspaces.create("other", "free")
            _, foreign = await door.workspaces.create_key("other", "ci")
            mine = await client.post("/things", json={}, headers=KEY)
            theirs = await client.post("/things", json={}, headers=KEY | {"Authorization": f"Bearer {foreign}"})
            plain = await client.post("/things", json={})
            assert len({answer.json()["id"] for answer in (mine, theirs, plain)}) == 3
            assert await _records(database) == ["done", "done"]

    asyncio.run(story())


def test_reads_do_not_care_about_the_key(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            for _ in range(2):
                answer = await client.get("/who", headers={"Idempotency-Key": ""})
                assert answer.status_code == 200
            assert await _records(database) == []

    asyncio.run(story())


def test_final_refusals_are_kept_too(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            for body, status in (({"size": 0}, 422), ({}, 422)):
                answer = await client.post("/things", json={"size": 0}, headers=KEY)
                assert answer.status_code == status, body
            assert answer.headers["idempotent-replayed"] == "true"
            assert "body.size" in answer.json()["message"]
            assert door.things.begun == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    "failure",
    [
        Overloaded("The machine is full."),
        TooManyRequests("Too many sessions."),
        PaymentRequired("Nothing is left."),
        RuntimeError("a bug"),
    ],
)
def test_a_failure_that_passes_is_forgotten_so_that_the_retry_runs(database: Database, failure: Exception) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            door.things.failure = failure
            refused = await client.post("/things", json={}, headers=KEY)
            assert refused.status_code == (failure.status if isinstance(failure, NoctuleError) else 500)
            assert await _records(database) == []
            door.things.failure = None
            done = await client.post("/things", json={}, headers=KEY)
            assert done.status_code == 200
            assert "idempotent-replayed" not in done.headers
            assert door.things.begun == 2

    asyncio.run(story())


def test_duplicates_in_flight_wait_for_the_first_and_get_its_answer(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            door.things.may_finish = asyncio.Event()
            requests = [asyncio.create_task(client.post("/things", json={}, headers=KEY)) for _ in range(10)]
            async with asyncio.timeout(5):
                while door.things.begun == 0:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            assert not any(request.done() for request in requests)
            door.things.may_finish.set()
            answers = await asyncio.gather(*requests)
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.content for answer in answers}) == 1
            assert door.things.begun == 1

    asyncio.run(story())


def test_a_duplicate_does_not_wait_for_ever(database: Database) -> None:
    async def story() -> None:
        patient = Idempotency(
            database, SystemClock(), Sealer(SECRET), instance_id="here", boot_id="1", wait_seconds=0.05
        )
        assert isinstance(await patient.open("w", "k", "print"), Claim)
        with pytest.raises(Conflict, match="still being carried out"):
            await patient.open("w", "k", "print")

    asyncio.run(story())


def test_a_crash_in_the_middle_lets_the_retry_run_under_the_same_ids(database: Database) -> None:
    async def story() -> None:
        async with open_door(database, boot_id="boot-1") as before, before.client() as client:
            before.things.may_finish = asyncio.Event()
            lost = asyncio.create_task(client.post("/things", json={}, headers=KEY))
            async with asyncio.timeout(5):
                while before.things.begun == 0:
                    await asyncio.sleep(0.005)
            assert await _records(database) == ["running"]
            # The next boot finds the record of a request that nobody carries out any more.
            async with open_door(database, boot_id="boot-2") as after, after.client(key=before.key) as retrying:
                answer = await retrying.post("/things", json={}, headers=KEY)
                assert answer.status_code == 200
                assert "idempotent-replayed" not in answer.headers
                retried_id = answer.json()["id"]
            before.things.may_finish.set()
            assert (await lost).json()["id"] == retried_id

    asyncio.run(story())


def test_another_server_that_works_on_it_is_not_disturbed_unless_it_is_long_gone(database: Database) -> None:
    async def story() -> None:
        clock, sealer = FrozenClock(), Sealer(SECRET)
        here = Idempotency(database, clock, sealer, instance_id="here", boot_id="1")
        there = Idempotency(database, clock, sealer, instance_id="there", boot_id="1")
        assert isinstance(await there.open("w", "k", "print"), Claim)
        with pytest.raises(Conflict, match="another server"):
            await here.open("w", "k", "print")
        clock.advance(timedelta(minutes=21).total_seconds())
        assert isinstance(await here.open("w", "k", "print"), Claim)

    asyncio.run(story())


def test_answers_too_large_to_keep_are_sent_once_and_never_run_again(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            for path in ("/large", "/stream"):
                headers = {"Idempotency-Key": path}
                first = await client.post(path, headers=headers)
                assert first.status_code == 200
                assert len(first.content) > 20
                again = await client.post(path, headers=headers)
                assert again.status_code == 409
                assert "too large to keep" in again.json()["message"]
            assert door.things.begun == 2

    asyncio.run(story())


def test_stored_answers_are_sealed(database: Database) -> None:
    async def story() -> None:
        async with open_door(database) as door, door.client() as client:
            made = (await client.post("/things", json={}, headers=KEY)).json()["id"]
            rows = await database.read(lambda connection: connection.execute(store.idempotency.select()).all())
            assert len(rows[0].answer) > 20
            assert made.encode() not in rows[0].answer

    asyncio.run(story())


def test_records_end_after_a_day_and_then_the_key_is_free(database: Database) -> None:
    async def story() -> None:
        clock = FrozenClock()
        async with open_door(database, clock=clock) as door, door.client() as client:
            await client.post("/things", json={"name": "a"}, headers=KEY)
            clock.advance(timedelta(hours=23, minutes=59).total_seconds())
            assert await door.idempotency.purge() == 0
            clock.advance(120)
            assert await door.idempotency.purge() == 1
            assert (await client.post("/things", json={"name": "b"}, headers=KEY)).status_code == 200

    asyncio.run(story())


def test_a_purge_is_bounded_and_takes_the_oldest(database: Database) -> None:
    async def story() -> None:
        clock = FrozenClock()

        def fill(connection: Connection) -> None:
            for index in range(7):
                store.add(
                    connection,
                    "w",
                    f"k{index}",
                    "print",
                    instance_id="i",
                    boot_id="b",
                    created_at=clock.now() + timedelta(seconds=index),
                )

        await database.write(fill)
        late = clock.now() + timedelta(days=1)
        assert await database.write(lambda connection: store.purge(connection, late, 5)) == 5
        left = await database.read(lambda connection: connection.execute(store.idempotency.select()).all())
        assert sorted(row.key for row in left) == ["k5", "k6"]

    asyncio.run(story())


def test_the_chance_of_a_form_boundary_does_not_make_another_request() -> None:
    def form(boundary: str) -> tuple[bytes, bytes]:
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{boundary}--\r\n'
        return f"multipart/form-data; boundary={boundary}".encode(), body.encode()

    first, second = (fingerprint("POST", "/x", b"", *form(boundary)) for boundary in ("abc123", "zyx987"))
    assert first == second
    assert fingerprint("POST", "/x", b"", b"application/json", b"{}") != first


@pytest.mark.parametrize(
    ("status", "final"),
    [(200, True), (400, True), (404, True), (409, True), (422, True)]
    + [(status, False) for status in (401, 402, 408, 413, 429, 500, 503, 529)],
)
def test_which_answers_are_final(status: int, final: bool) -> None:
    assert Answer(status, [], b"").is_final is final
