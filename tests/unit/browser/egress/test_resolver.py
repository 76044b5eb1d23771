"""The system's resolver, asked without blocking and without asking twice."""

import asyncio

import pytest

from noctule.browser.egress.resolver import ResolveFailed, SystemResolver


def test_a_name_of_the_hosts_file_is_found() -> None:
    assert "127.0.0.1" in asyncio.run(SystemResolver().resolve("localhost"))


def test_the_same_question_at_the_same_time_has_one_answer() -> None:
    async def ask() -> None:
        resolver = SystemResolver()
        answers = await asyncio.gather(*(resolver.resolve("localhost") for _ in range(500)))
        assert len(set(answers)) == 1

    asyncio.run(ask())


def test_a_name_that_nobody_can_know_fails_as_such() -> None:
    with pytest.raises(ResolveFailed) as caught:
        asyncio.run(asyncio.wait_for(SystemResolver().resolve("a" * 64 + ".invalid"), 10))
    assert "could not be resolved" in caught.value.message


def test_someone_who_stops_waiting_takes_nobody_elses_answer() -> None:
    async def ask() -> None:
        resolver = SystemResolver()
        first = asyncio.create_task(resolver.resolve("localhost"))
        second = asyncio.create_task(resolver.resolve("localhost"))
        await asyncio.sleep(0)
        first.cancel()
        assert "127.0.0.1" in await second

    asyncio.run(ask())
