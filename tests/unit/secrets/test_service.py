"""Secrets, stored and handed out, on both databases."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

import pytest

from noctule.db.engine import Database
from noctule.kit.errors import Conflict, InvalidRequest, NoctuleError, NotFound
from noctule.kit.seal import Sealer
from noctule.llm.prices import PriceList
from noctule.llm.routing import Router, configured
from noctule.secrets import store
from noctule.secrets.domain import MOST_SECRETS
from noctule.secrets.service import SecretService
from tests.support.units import write
from tests.unit.secrets.conftest import ENV, HOME, LLM, OTHER, House

E = TypeVar("E", bound=NoctuleError)

VALUE = "correct horse battery staple"


def test_what_is_stored_comes_back_until_it_is_deleted(house: House) -> None:
    async def body() -> None:
        made = await house.secrets.store(HOME, ENV, "DATABASE_URL", VALUE)
        assert (made.name, made.namespace, made.key_hint) == ("DATABASE_URL", ENV, "****aple")
        assert (made.created_at, made.last_used_at) == (house.clock.now(), None)
        assert await house.secrets.list(HOME) == [made]
        assert await house.secrets.value(HOME, ENV, "DATABASE_URL") == VALUE
        await house.secrets.delete(HOME, made.id)
        assert await house.secrets.list(HOME) == []
        with pytest.raises(NotFound):
            await house.secrets.value(HOME, ENV, "DATABASE_URL")
        with pytest.raises(NotFound):
            await house.secrets.delete(HOME, made.id)

    asyncio.run(body())


@pytest.mark.parametrize("value", ["x", " two\r\nlines \n", "ä😀\u202e", "x" * 16_384, '"\\u0041%00'])
def test_a_value_comes_back_as_it_was(house: House, value: str) -> None:
    async def body() -> None:
        await house.secrets.store(HOME, ENV, "A", value)
        assert await house.secrets.value(HOME, ENV, "A") == value

    asyncio.run(body())


def test_storing_a_name_again_replaces_the_value_and_keeps_the_id(house: House) -> None:
    async def body() -> None:
        first = await house.secrets.store(HOME, ENV, "A", VALUE)
        await house.secrets.value(HOME, ENV, "A")
        house.clock.advance(5)
        second = await house.secrets.store(HOME, ENV, "A", "short")
        assert (second.id, second.created_at, second.key_hint) == (first.id, first.created_at, "****")
        assert second.last_used_at is None
        assert await house.secrets.list(HOME) == [second]
        assert await house.secrets.value(HOME, ENV, "A") == "short"

    asyncio.run(body())


def test_a_name_stands_for_one_value_in_each_namespace_and_case_counts(house: House) -> None:
    async def body() -> None:
        for namespace, name, value in ((ENV, "KEY", "one"), (LLM, "KEY", "two"), (ENV, "key", "three")):
            await house.secrets.store(HOME, namespace, name, value)
        assert await house.secrets.value(HOME, ENV, "KEY") == "one"
        assert await house.secrets.value(HOME, LLM, "KEY") == "two"
        assert await house.secrets.value(HOME, ENV, "key") == "three"
        assert [(each.namespace, each.name) for each in await house.secrets.list(HOME)] == [
            (ENV, "KEY"),
            (ENV, "key"),
            (LLM, "KEY"),
        ]
        assert [each.name for each in await house.secrets.list(HOME, LLM)] == ["KEY"]

    asyncio.run(body())


def test_another_workspace_finds_nothing_and_changes_nothing(house: House) -> None:
    async def body() -> None:
        mine = await house.secrets.store(HOME, LLM, "OPENAI_API_KEY", "key-of-mine")
        assert await house.secrets.list(OTHER) == []
        assert await house.secrets.provider_key(OTHER, "openai") is None
        with pytest.raises(NotFound):
            await house.secrets.value(OTHER, LLM, "OPENAI_API_KEY")
        with pytest.raises(NotFound):
            await house.secrets.delete(OTHER, mine.id)
        theirs = await house.secrets.store(OTHER, LLM, "OPENAI_API_KEY", "key-of-theirs")
        assert theirs.id != mine.id
        assert await house.secrets.provider_key(HOME, "openai") == "key-of-mine"
        assert await house.secrets.provider_key(OTHER, "openai") == "key-of-theirs"

    asyncio.run(body())


def test_a_key_that_is_stored_wins_over_the_servers_for_its_workspace_alone(house: House) -> None:
    async def body() -> None:
        router = Router(configured(None, "sk-server", "openai/gpt-4o-mini"), house.secrets, PriceList(), house.clock)
        await house.secrets.store(HOME, LLM, "OPENAI_API_KEY", "sk-mine")
        await house.secrets.store(HOME, LLM, "ANTHROPIC_API_KEY", "ant-mine")
        routes = {
            (workspace, model): await router.route(workspace, model)
            for workspace in (HOME, OTHER)
            for model in (None, "anthropic/claude-sonnet-4-5")
        }
        assert {place: (route.name, route.key, route.is_byok) for place, route in routes.items()} == {
            (HOME, None): ("openai/gpt-4o-mini", "sk-mine", True),
            (HOME, "anthropic/claude-sonnet-4-5"): ("anthropic/claude-sonnet-4-5", "ant-mine", True),
            (OTHER, None): ("openai/gpt-4o-mini", "sk-server", False),
            (OTHER, "anthropic/claude-sonnet-4-5"): ("openai/gpt-4o-mini", "sk-server", False),
        }

    asyncio.run(body())


def test_a_use_is_noted_once_a_minute(house: House) -> None:
    async def body() -> None:
        began = house.clock.now()
        await house.secrets.store(HOME, LLM, "OPENAI_API_KEY", VALUE)
        await house.secrets.store(HOME, LLM, "ANTHROPIC_API_KEY", VALUE)
        await house.secrets.list(HOME)
        noted = []
        for _ in range(5):
            await house.secrets.provider_key(HOME, "openai")
            noted.append((await house.known())["OPENAI_API_KEY"].last_used_at)
            house.clock.advance(30)
        seconds = [None if at is None else (at - began).total_seconds() for at in noted]
        assert seconds == [0, 0, 60, 60, 120]
        assert (await house.known())["ANTHROPIC_API_KEY"].last_used_at is None

    asyncio.run(body())


def test_a_note_of_the_old_value_does_not_mark_the_new_one(house: House) -> None:
    async def body() -> None:
        old = await house.secrets.store(HOME, ENV, "A", "one")
        house.clock.advance(1)
        await house.secrets.store(HOME, ENV, "A", "two")
        write(house.database, store.note_use, old, house.clock.now())
        assert (await house.known())["A"].last_used_at is None

    asyncio.run(body())


def test_of_two_notes_at_once_the_first_one_stays(house: House) -> None:
    async def body() -> None:
        made = await house.secrets.store(HOME, ENV, "A", "one")
        first = house.clock.now()
        write(house.database, store.note_use, made, first)
        house.clock.advance(1)
        write(house.database, store.note_use, made, house.clock.now())
        assert (await house.known())["A"].last_used_at == first

    asyncio.run(body())


def test_a_provider_has_no_key_until_one_is_stored(house: House) -> None:
    async def body() -> None:
        assert await house.secrets.provider_key(HOME, "openai") is None
        await house.secrets.store(HOME, ENV, "OPENAI_API_KEY", "of-a-function")
        assert await house.secrets.provider_key(HOME, "openai") is None
        await house.secrets.store(HOME, LLM, "openai", "first-key")
        assert await house.secrets.provider_key(HOME, "openai") == "first-key"
        house.clock.advance(1)
        latest = await house.secrets.store(HOME, LLM, "OPENAI_API_KEY", "second-key")
        assert await house.secrets.provider_key(HOME, "openai") == "second-key"
        await house.secrets.delete(HOME, latest.id)
        assert await house.secrets.provider_key(HOME, "openai") == "first-key"

    asyncio.run(body())


def test_a_workspace_has_so_many_secrets_and_no_more(house: House) -> None:
    async def body() -> None:
        for i in range(MOST_SECRETS):
            await house.secrets.store(HOME, ENV if i % 2 else LLM, f"A{i}", "value")
        for namespace in (ENV, LLM):
            await _refused(house.secrets.store(HOME, namespace, "ONE_MORE", "value"), Conflict, "at most 100")
        assert "ONE_MORE" not in await house.known()
        again = await house.secrets.store(HOME, LLM, "A0", "another")
        await house.secrets.store(OTHER, ENV, "A", "value")
        await house.secrets.delete(HOME, again.id)
        await house.secrets.store(HOME, ENV, "ONE_MORE", "value")
        assert len(await house.known()) == MOST_SECRETS

    asyncio.run(body())


def test_many_stores_at_once_leave_one_secret_a_name_and_keep_the_bound(house: House) -> None:
    async def body() -> None:
        for i in range(MOST_SECRETS - 2):
            await house.secrets.store(HOME, ENV, f"A{i}", "value")
        stores = [house.secrets.store(HOME, ENV, f"B{i % 4}", f"value-{i}") for i in range(16)]
        outcomes = await asyncio.gather(*stores, return_exceptions=True)
        assert {type(each) for each in outcomes if isinstance(each, BaseException)} == {Conflict}
        known = await house.known()
        assert len(known) == MOST_SECRETS
        assert len({secret.id for secret in known.values()}) == MOST_SECRETS

    asyncio.run(body())


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [("sk-hidden-thing", "A", "name"), ("A", "hidden-thing\x00", "value"), ("A", "hidden-thing" * 2000, "value")],
)
def test_a_refusal_changes_nothing_and_repeats_nothing(house: House, name: str, value: str, place: str) -> None:
    async def body() -> None:
        await house.secrets.store(HOME, ENV, "A", "before")
        error = await _refused(house.secrets.store(HOME, ENV, name, value), InvalidRequest, f"body.{place}: ")
        assert "hidden-thing" not in repr((error.message, error.detail, error))
        assert list(await house.known()) == ["A"]
        assert await house.secrets.value(HOME, ENV, "A") == "before"

    asyncio.run(body())


def test_values_are_sealed_and_in_no_repr_or_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        made = await house.secrets.store(HOME, ENV, "A", VALUE)
        assert VALUE not in repr(made)
        await house.secrets.value(HOME, ENV, "A")
        await house.secrets.store(HOME, ENV, "A", VALUE + "r")
        written = house.everything_written()
        assert b"****pler" in written
        assert b"horse" not in written

    with caplog.at_level(logging.DEBUG):
        asyncio.run(body())
    assert "horse" not in caplog.text


def test_a_value_moved_to_another_row_or_workspace_opens_nothing(house: House) -> None:
    async def body() -> None:
        mine = await house.secrets.store(HOME, ENV, "A", VALUE)
        theirs = await house.secrets.store(OTHER, ENV, "A", "theirs")

        sealed = write(house.database, store.sealed_value, mine.id)
        write(house.database, store.replace, theirs, sealed)
        error = await _refused(house.secrets.value(OTHER, ENV, "A"), Conflict, "store its value again")
        assert VALUE not in str(error)
        assert (await house.known(OTHER))["A"].last_used_at is None

    asyncio.run(body())


def test_without_the_key_file_a_value_is_a_conflict_and_no_other_key_is_used(house: House) -> None:
    async def body() -> None:
        await house.secrets.store(HOME, LLM, "OPENAI_API_KEY", VALUE)
        other = SecretService(house.database, house.clock, Sealer(bytes(31) + b"1"))
        for asked in (other.value(HOME, LLM, "OPENAI_API_KEY"), other.provider_key(HOME, "openai")):
            await _refused(asked, Conflict, "OPENAI_API_KEY cannot be read with this server's key file")
        await other.store(HOME, LLM, "OPENAI_API_KEY", "anew")
        assert await other.provider_key(HOME, "openai") == "anew"

    asyncio.run(body())


def test_a_value_is_handed_out_although_its_use_cannot_be_noted(sqlite: Database) -> None:
    async def body() -> None:
        house = House(sqlite)
        await house.secrets.store(HOME, LLM, "openai", VALUE)
        # A writer with no room for a step refuses each; reads go on.
        full = Database(str(sqlite.engine.url), waiting_limit=0)
        try:
            assert await SecretService(full, house.clock, house.sealer).provider_key(HOME, "openai") == VALUE
        finally:
            full.close()
        assert (await house.known())["openai"].last_used_at is None

    asyncio.run(body())


async def _refused(asked: Awaitable[object], kind: type[E], words: str) -> E:
    with pytest.raises(kind, match=words) as caught:
        await asked
    return caught.value
