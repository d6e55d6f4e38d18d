"""What an account counts: what an earlier register begins with, from its vehicles."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.domain.status import VehicleStatus
from padron.store import postgres, sqlite
from padron.store.base import Store, WriteTransaction
from padron.store.sql.migrations import load_migrations
from tests.cast import HUMMER, NOON, get_one, registered, save, status_changed
from tests.database import write
from tests.postgres import Postgres

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OF_BEFORE = """
    INSERT INTO accounts (name, created_at) VALUES ('Acme', {at}), ('Beta', {at});
    INSERT INTO counters (account_id, last_change) VALUES (1, 4), (2, 0);
    INSERT INTO vehicles (account_id, vehicle_id, vin, slot, status, status_since, status_by, revision, created_at,
        updated_at)
    VALUES (1, 1, '137ZA903X1E412677', 0, 1, {at}, 'k', 1, {at}, {at}),
        (1, 2, '1C4RJEAG2EC476429', 0, 1, {earlier}, 'k', 1, {earlier}, {earlier}),
        (1, 3, '1C4RJEAG2EC476429', 1, 1, {earlier}, 'k', 1, {earlier}, {earlier}),
        (1, 4, '1C4RJEAG2EC476429', -1, 0, {earlier}, 'k', 1, {earlier}, {earlier});
"""
IDENTITIES = "INSERT INTO identities SELECT account_id, vehicle_id, vin, slot, plate FROM vehicles"


async def migrate_in_two(engine: str, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring an empty database to the schema before, write what a register of then holds, and go on."""
    migrations = load_migrations(f"padron.store.{engine}")
    before = [one.name for one in migrations].index("last_instants")

    async def migrate() -> None:
        if engine == "sqlite":
            sqlite.migrate(database)
        else:
            await postgres.migrate(database)

    with monkeypatch.context() as earlier:
        earlier.setattr(f"padron.store.{engine}.engine.MIGRATIONS", migrations[:before])
        await migrate()
    at, hour = (NOON - EPOCH) // timedelta(microseconds=1), 3_600_000_000
    times = (str(at), str(at - hour)) if engine == "sqlite" else (f"'{NOON}'", f"'{NOON - timedelta(hours=1)}'")
    await write(engine, database, OF_BEFORE.format(at=times[0], earlier=times[1]))
    if engine == "postgres":
        await write(engine, database, IDENTITIES)
    await migrate()


async def count_vehicles(store: Store, account_id: int) -> int:
    async def work(transaction: WriteTransaction) -> int:
        return await transaction.count_vehicles()

    return await store.write(account_id, work)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.long("postgres")
async def test_an_account_of_before_goes_on_from_its_latest_vehicle_and_has_counted_the_current_ones(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = str(tmp_path / "padron.db")
    server: Postgres | None = None
    if engine == "postgres":
        server = request.getfixturevalue("postgres_server")
        assert server is not None
        database = await server.create_database(migrated=False)
    await migrate_in_two(engine, database, monkeypatch)
    store: Store = await (sqlite if engine == "sqlite" else postgres).open_store(database)
    assert [await store.read(account).find_last_instant() for account in (1, 2)] == [NOON, EPOCH]
    assert [await count_vehicles(store, account) for account in (1, 2)] == [3, 0]
    vehicle = await get_one(store, 1)
    await save(store, 1, status_changed(vehicle, VehicleStatus.SOLD, at=NOON - timedelta(hours=2)))
    await save(store, 2, registered(HUMMER, at=NOON - timedelta(hours=2)))
    assert [await count_vehicles(store, account) for account in (1, 2)] == [3, 1]
    assert [(await get_one(store, account)).updated_at for account in (1, 2)] == [NOON, NOON - timedelta(hours=2)]
    await store.close()
    if server is not None:
        await server.drop_database(database)
