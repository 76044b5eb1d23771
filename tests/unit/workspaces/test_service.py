"""Workspaces and keys, on both databases."""

import asyncio

import pytest

from noctule.db.engine import Database
from noctule.kit.errors import Conflict, InvalidRequest, NotFound, Unavailable
from noctule.kit.ids import new_id
from noctule.kit.paging import PageQuery
from noctule.kit.scope import KeyScope
from noctule.workspaces import store
from noctule.workspaces.domain import ENVIRONMENT_KEY_NAME, Identity
from noctule.workspaces.service import WorkspaceService
from tests.support.clock import FrozenClock
from tests.unit.workspaces.accounts import RememberedAccounts

KEY = "operator-key-0123456789-abcdef"
OTHER = "operator-key-9876543210-fedcba"


@pytest.fixture
def accounts() -> RememberedAccounts:
    return RememberedAccounts()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def workspaces(database: Database, clock: FrozenClock, accounts: RememberedAccounts) -> WorkspaceService:
    return WorkspaceService(database, clock, accounts)


def test_a_new_workspace_has_an_account_on_its_plan(workspaces: WorkspaceService, accounts: RememberedAccounts) -> None:
    made = asyncio.run(workspaces.create("acme", "free"))
    assert accounts.plans == {made.id: "free"}
    assert asyncio.run(workspaces.get("acme")) == made
    assert asyncio.run(workspaces.list_workspaces()) == [made]
    assert asyncio.run(workspaces.list_ids()) == [made.id]


def test_two_workspaces_cannot_have_one_name(workspaces: WorkspaceService) -> None:
    asyncio.run(workspaces.create("acme", "free"))
    with pytest.raises(Conflict, match="acme"):
        asyncio.run(workspaces.create("acme", "free"))


def test_an_unknown_plan_leaves_no_workspace_behind(workspaces: WorkspaceService) -> None:
    with pytest.raises(InvalidRequest, match="free, admin"):
        asyncio.run(workspaces.create("acme", "platinum"))
    assert asyncio.run(workspaces.list_workspaces()) == []


def test_a_bad_name_is_refused(workspaces: WorkspaceService) -> None:
    with pytest.raises(InvalidRequest, match="1 to 64"):
        asyncio.run(workspaces.create("a/b", "free"))


def test_a_plan_changes_by_name_and_by_id(workspaces: WorkspaceService, accounts: RememberedAccounts) -> None:
    made = asyncio.run(workspaces.create("acme", "free"))
    for name, plan in (("acme", "admin"), (made.id, "free"), (made.id.upper(), "admin")):
        assert asyncio.run(workspaces.set_plan(name, plan)) == made
        assert accounts.plans == {made.id: plan}
    for nobody in ("nobody", new_id(), ""):
        with pytest.raises(NotFound):
            asyncio.run(workspaces.set_plan(nobody, "free"))


def test_no_name_can_be_taken_for_the_id_of_another(workspaces: WorkspaceService) -> None:
    made = asyncio.run(workspaces.create("acme", "free"))
    with pytest.raises(InvalidRequest, match="does not look like an id"):
        asyncio.run(workspaces.create(made.id.upper(), "free"))


def test_the_same_id_makes_one_workspace(workspaces: WorkspaceService, database: Database) -> None:
    async def story() -> None:
        id = new_id()
        made = [await database.write(lambda link: workspaces.add(link, "acme", "free", id=id)) for _ in range(2)]
        assert made[0] == made[1] == await workspaces.get(id)
        with pytest.raises(Conflict, match="'acme' before"):
            await database.write(lambda link: workspaces.add(link, "other", "free", id=id))
        with pytest.raises(Conflict, match="already"):
            await database.write(lambda link: workspaces.add(link, "acme", "free", id=new_id()))
        assert len(await workspaces.list_workspaces()) == 1

    asyncio.run(story())


def test_pages_of_workspaces_are_newest_first(
    workspaces: WorkspaceService, database: Database, clock: FrozenClock
) -> None:
    async def story() -> None:
        for name in ("one", "two", "three"):
            await workspaces.create(name, "free")
            clock.advance(1)
        queries = [PageQuery(page, 2) for page in (1, 2, 3)]
        pages = await database.read(lambda link: [workspaces.page(link, query) for query in queries])
        assert [[each.name for each in page] for page in pages] == [["three", "two", "one"], ["one"], []]

    asyncio.run(story())


def test_a_key_speaks_for_its_workspace_until_it_is_revoked(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        home = await workspaces.create("acme", "free")
        key, secret = await workspaces.create_key("acme", "ci")
        assert secret.startswith("noct_")
        assert await workspaces.authenticate(secret) == Identity(home.id, key.id, "ci")
        assert await workspaces.authenticate(secret + "x") is None
        assert await workspaces.authenticate("nonsense") is None
        assert (await workspaces.revoke_key(key.id[:8])).id == key.id
        assert await workspaces.authenticate(secret) is None
        await workspaces.revoke_key(key.id)

    asyncio.run(story())


def test_an_operators_key_is_known_as_one_and_belongs_to_the_first_workspace(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        home = (await workspaces.bootstrap(KEY, "admin")).workspace
        await workspaces.create("acme", "free")
        key, secret = await workspaces.create_key("default", "desk", KeyScope.OPERATOR)
        assert await workspaces.authenticate(secret) == Identity(home.id, key.id, "desk", KeyScope.OPERATOR)
        identity = await workspaces.authenticate(KEY)
        assert identity is not None
        assert identity.scope is KeyScope.WORKSPACE
        scopes = {each.name: each.scope for _, each in await workspaces.list_keys()}
        assert scopes == {ENVIRONMENT_KEY_NAME: KeyScope.WORKSPACE, "desk": KeyScope.OPERATOR}
        with pytest.raises(InvalidRequest, match="all workspaces"):
            await workspaces.create_key("acme", "desk", KeyScope.OPERATOR)
        assert (await workspaces.revoke_key(key.id)).scope is KeyScope.OPERATOR
        assert await workspaces.authenticate(secret) is None

    asyncio.run(story())


def test_an_operators_key_is_no_key_to_call_with(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        await workspaces.ensure_default("admin")
        _, secret = await workspaces.create_key("default", "desk", KeyScope.OPERATOR)
        assert not await workspaces.has_keys()
        with pytest.raises(Conflict, match="operator's key"):
            await workspaces.bootstrap(secret, "admin")
        assert (await workspaces.bootstrap(None, "admin")).new_secret is not None
        assert await workspaces.has_keys()

    asyncio.run(story())


def test_a_revocation_by_another_process_holds_at_once(
    workspaces: WorkspaceService, database_url: str, clock: FrozenClock, accounts: RememberedAccounts
) -> None:
    elsewhere = Database(database_url)
    other = WorkspaceService(elsewhere, clock, accounts)

    async def story() -> None:
        await workspaces.create("acme", "free")
        key, secret = await workspaces.create_key("acme", "ci")
        assert await workspaces.authenticate(secret) is not None
        await other.revoke_key(key.id)
        assert await workspaces.authenticate(secret) is None

    try:
        asyncio.run(story())
    finally:
        elsewhere.close()


def test_callers_that_come_together_are_told_apart(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        await workspaces.create("acme", "free")
        made = [await workspaces.create_key("acme", f"key {index}") for index in range(5)]
        secrets = [secret for _, secret in made] * 4 + ["noct_unknown_unknown_unknown"] * 4
        found = await asyncio.gather(*(workspaces.authenticate(secret) for secret in secrets))
        names = [identity.key_name if identity else None for identity in found]
        assert names == [f"key {index}" for index in range(5)] * 4 + [None] * 4
        waiting = asyncio.create_task(workspaces.authenticate(secrets[0]))
        await asyncio.sleep(0)
        waiting.cancel()
        assert await workspaces.authenticate(secrets[1]) is not None

    asyncio.run(story())


def test_a_database_that_is_away_is_said_to_every_caller(clock: FrozenClock, accounts: RememberedAccounts) -> None:
    async def story() -> None:
        nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
        service = WorkspaceService(nowhere, clock, accounts)
        outcomes = await asyncio.gather(*(service.authenticate(KEY) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        await service.close()
        nowhere.close()

    asyncio.run(story())


def test_no_secret_is_stored(workspaces: WorkspaceService, database: Database) -> None:
    async def story() -> None:
        await workspaces.bootstrap(KEY, "admin")
        _, secret = await workspaces.create_key("default", "ci")
        rows = await database.read(lambda connection: connection.execute(store.api_key.select()).all())
        assert len(rows) == 2
        assert KEY not in repr(rows)
        assert secret not in repr(rows)
        assert secret[-4:] in repr(rows)

    asyncio.run(story())


@pytest.mark.parametrize("id", ["", "zz", "%", "________", "00000000", "0000-000' OR"])
def test_an_unknown_key_cannot_be_revoked(workspaces: WorkspaceService, id: str) -> None:
    async def story() -> None:
        await workspaces.bootstrap(KEY, "admin")
        with pytest.raises(NotFound):
            await workspaces.revoke_key(id)
        assert await workspaces.authenticate(KEY) is not None

    asyncio.run(story())


def test_keys_are_listed_with_their_workspaces_and_without_secrets(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        await workspaces.create("acme", "free")
        await workspaces.create("other", "free")
        mine, _ = await workspaces.create_key("acme", "ci")
        foreign, _ = await workspaces.create_key("other", "ci")
        assert [(home.name, key.id) for home, key in await workspaces.list_keys("acme")] == [("acme", mine.id)]
        assert {key.id for _, key in await workspaces.list_keys()} == {mine.id, foreign.id}
        with pytest.raises(NotFound):
            await workspaces.list_keys("nobody")
        with pytest.raises(NotFound):
            await workspaces.create_key("nobody", "ci")
        with pytest.raises(InvalidRequest, match="kept"):
            await workspaces.create_key("acme", ENVIRONMENT_KEY_NAME)

    asyncio.run(story())


def test_the_first_start_makes_a_key_and_tells_it_once(
    workspaces: WorkspaceService, accounts: RememberedAccounts
) -> None:
    async def story() -> None:
        assert not await workspaces.has_keys()
        first = await workspaces.bootstrap(None, "admin")
        assert first.workspace.name == "default"
        assert accounts.plans == {first.workspace.id: "admin"}
        assert first.new_secret is not None
        assert await workspaces.authenticate(first.new_secret) is not None
        assert await workspaces.has_keys()
        again = await workspaces.bootstrap(None, "admin")
        assert again.workspace == first.workspace
        assert again.new_secret is None

    asyncio.run(story())


def test_the_environment_key_is_ensured_on_every_start(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        first = await workspaces.bootstrap(KEY, "admin")
        assert first.new_secret is None
        identity = await workspaces.authenticate(KEY)
        assert identity is not None
        assert identity.workspace_id == first.workspace.id
        await workspaces.revoke_key(identity.key_id)
        await workspaces.bootstrap(KEY, "admin")
        assert await workspaces.authenticate(KEY) == identity

    asyncio.run(story())


def test_a_new_environment_key_ends_the_one_before_and_no_other(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        await workspaces.bootstrap(KEY, "admin")
        _, made = await workspaces.create_key("default", "ci")
        await workspaces.bootstrap(OTHER, "admin")
        assert await workspaces.authenticate(KEY) is None
        assert await workspaces.authenticate(OTHER) is not None
        assert await workspaces.authenticate(made) is not None

    asyncio.run(story())


def test_the_environment_key_cannot_be_taken_from_another_workspace(workspaces: WorkspaceService) -> None:
    async def story() -> None:
        await workspaces.create("acme", "free")
        _, secret = await workspaces.create_key("acme", "ci")
        with pytest.raises(Conflict, match="another workspace"):
            await workspaces.bootstrap(secret, "admin")

    asyncio.run(story())


def test_servers_that_start_at_once_share_one_workspace(
    database_url: str, database: Database, clock: FrozenClock, accounts: RememberedAccounts
) -> None:
    others = [Database(database_url) for _ in range(4)]

    async def story() -> None:
        services = [WorkspaceService(other, clock, accounts) for other in others]
        made = await asyncio.gather(*(service.bootstrap(KEY, "admin") for service in services))
        assert len({each.workspace.id for each in made}) == 1
        keys = await services[0].list_keys()
        assert [key.name for _, key in keys] == [ENVIRONMENT_KEY_NAME]

    try:
        asyncio.run(story())
    finally:
        for other in others:
            other.close()


def test_the_last_use_of_a_key_is_noted_late_and_at_the_end(workspaces: WorkspaceService, clock: FrozenClock) -> None:
    async def story() -> None:
        await workspaces.bootstrap(KEY, "admin")
        await workspaces.authenticate(KEY)
        clock.advance(5)
        await workspaces.authenticate(KEY)
        await workspaces.close()
        [(_, key)] = await workspaces.list_keys()
        assert key.last_used_at == clock.now()

    asyncio.run(story())
