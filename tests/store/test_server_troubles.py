"""PostgreSQL's own refusals are remembered: readiness tells of them until a write succeeds, or for a minute."""

import pytest

from padron.domain.trouble import TroubleCode, TroubledError
from padron.store import postgres
from padron.store.base import Store
from padron.store.postgres import troubles
from tests.cast import make_vin, registered, save
from tests.database import write

MAKE_REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$
"""
REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION refuse()"
ALLOW = ("DROP TRIGGER refuse ON changes", "DROP FUNCTION refuse()")
WRITES = {
    "disk_full": TroubleCode.DISK_FULL,
    "io_error": TroubleCode.DISK_FAILING,
    "read_only_sql_transaction": TroubleCode.READ_ONLY,
}


@pytest.fixture
def engine() -> str:
    return "postgres"


async def find_code(store: Store) -> TroubleCode | None:
    try:
        await store.check()
    except TroubledError as error:
        return error.trouble.code
    return None


_ONE_SERVER = pytest.mark.plain_postgres("a cluster is ready while a node refuses (tests/cluster/test_troubles.py)")


@_ONE_SERVER
@pytest.mark.parametrize("state", WRITES)
async def test_a_refused_write_is_told_until_one_succeeds(store: Store, acme: int, database: str, state: str) -> None:
    assert await find_code(store) is None
    await write("postgres", database, MAKE_REFUSAL.format(state=state), REFUSE)
    with pytest.raises(TroubledError):
        await save(store, acme, registered())
    assert await find_code(store) is WRITES[state]
    await store.read(acme).list_by_vin(make_vin(1))  # a read says nothing about writes
    assert await find_code(store) is WRITES[state]
    await write("postgres", database, *ALLOW)
    await save(store, acme, registered())
    assert await find_code(store) is None


@_ONE_SERVER
async def test_after_some_seconds_the_store_tries_to_write_by_itself(
    store: Store, acme: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write("postgres", database, MAKE_REFUSAL.format(state="disk_full"), REFUSE)
    with pytest.raises(TroubledError):
        await save(store, acme, registered())
    await store.watch()
    assert await find_code(store) is TroubleCode.DISK_FULL
    monkeypatch.setattr(troubles, "TRY_AFTER_S", -1.0)
    await store.watch()
    assert await find_code(store) is None
    await write("postgres", database, *ALLOW)


@_ONE_SERVER
async def test_damage_is_told_for_a_while_and_other_calls_go_on(
    store: Store, acme: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(store, acme, registered())
    await write("postgres", database, MAKE_REFUSAL.format(state="data_corrupted"), REFUSE)
    with pytest.raises(TroubledError):
        await save(store, acme, registered(make_vin(2)))
    await write("postgres", database, *ALLOW)
    assert await find_code(store) is TroubleCode.DAMAGED
    await save(store, acme, registered(make_vin(2)))
    assert await find_code(store) is TroubleCode.DAMAGED
    monkeypatch.setattr(troubles, "DAMAGE_S", -1.0)
    assert isinstance(store, postgres.PostgresStore)
    with pytest.raises(TroubledError), store._troubles.note_errors():
        raise TroubledError(TroubleCode.DAMAGED, "Again.")
    assert await find_code(store) is None


async def test_a_database_that_only_reads_is_opened_and_is_not_ready(database: str) -> None:
    reading = f"{database}{'&' if '?' in database else '?'}default_transaction_read_only=on"
    store = await postgres.open_store(reading)
    try:
        assert await store.directory.list_accounts() == []
        assert await find_code(store) is TroubleCode.READ_ONLY
    finally:
        await store.close()
