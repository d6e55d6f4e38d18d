"""A database that fails between two writes: whichever it is, nothing is left behind. Without these tests a change
row that is written in a transaction of its own goes unnoticed."""

import apsw
import asyncpg
import pytest

from padron.domain.change import Change
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.store.base import Store
from tests.cast import (
    HUMMER,
    JEEP,
    NOON,
    after,
    get_one,
    info_changed,
    registered,
    restored,
    retired,
    save,
    status_changed,
)  # fmt: skip
from tests.conftest import Select
from tests.database import write
from tests.shared_registers import SharedRegister, SharedRegisters

TABLES = (
    "SELECT * FROM vehicles WHERE account_id = $1 ORDER BY vehicle_id",
    "SELECT vehicle_id, began, ended, is_former, vin, plate FROM versions WHERE account_id = $1 ORDER BY 1, 2",
    "SELECT account_id, number, vehicle_id, type, request_id FROM changes WHERE account_id = $1 ORDER BY number",
    "SELECT * FROM counters WHERE account_id = $1",
)
# What each batch writes: the rows of the record and the counter always.
STATUSES = [("INSERT", "changes"), ("UPDATE", "counters"), ("UPDATE", "vehicles")]
INFO = [*STATUSES, ("UPDATE", "versions"), ("INSERT", "versions")]
REGISTRATION = [("INSERT", "changes"), ("UPDATE", "counters"), ("INSERT", "vehicles"), ("INSERT", "versions")]
MIXED = [*INFO, ("INSERT", "vehicles")]
RETIREMENT = [*STATUSES, ("UPDATE", "versions")]
RESTORATION = [*STATUSES, ("INSERT", "versions")]
WRITES = {
    "statuses": STATUSES, "info": INFO, "registration": REGISTRATION, "mixed": MIXED, "retirement": RETIREMENT,
    "restoration": RESTORATION,
}  # fmt: skip
CASES = [(batch, *write) for batch, writes in WRITES.items() for write in writes]
Case = tuple[str, str, str]
_FAIL_POSTGRES = [
    "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$",
    "CREATE TRIGGER planted AFTER {} ON {} FOR EACH ROW EXECUTE FUNCTION fail()",
]
_FAIL_SQLITE = "CREATE TRIGGER planted AFTER {} ON {} BEGIN SELECT RAISE(ABORT, 'planted'); END"


@pytest.fixture
async def register(engine: str, shared_registers: SharedRegisters) -> SharedRegister:
    """The register of all cases: a database whose schema was changed is of no use to tests of other modules."""
    return await shared_registers.lend(engine)


@pytest.fixture
def store(register: SharedRegister) -> Store:
    return register.store


@pytest.fixture
def database(register: SharedRegister) -> str:
    return register.database


@pytest.fixture
async def acme(store: Store, request: pytest.FixtureRequest) -> int:
    """An account of the test's own."""
    return (await store.directory.add_account(request.node.name, NOON)).account_id


async def plant(engine: str, database: str, operation: str, table: str) -> None:
    """Make the database refuse each such write, right after it was done."""
    if engine == "sqlite":
        file = apsw.Connection(database)
        file.execute(_FAIL_SQLITE.format(operation, table))
        file.close()
        return
    await write("postgres", database, *(statement.format(operation, table) for statement in _FAIL_POSTGRES))


async def uproot(engine: str, database: str, table: str) -> None:
    if engine == "sqlite":
        file = apsw.Connection(database)
        file.execute("DROP TRIGGER planted")
        file.close()
        return
    await write("postgres", database, f"DROP TRIGGER planted ON {table}")


def make_batch(name: str, vehicle: Vehicle) -> list[Change]:
    stolen = status_changed(vehicle, VehicleStatus.STOLEN, at=after(1))
    sold = status_changed(stolen.vehicle, VehicleStatus.SOLD, at=after(2))
    edited = info_changed(vehicle, {"plate": "AAA111"}, {"plate": "BBB222"}, at=after(1))
    new = registered(JEEP, at=after(1))
    batches = {
        "statuses": [stolen, sold],
        "info": [edited],
        "registration": [new],
        "mixed": [new, edited, status_changed(edited.vehicle, at=after(2))],
        "retirement": [retired(vehicle, at=after(1))],
        "restoration": [restored(vehicle, {"plate": "AAA111"}, at=after(2))],
    }
    return batches[name]


@pytest.mark.parametrize(
    "case",
    [
        # PostgreSQL undoes a transaction whatever was in it: two batches write to every table.
        pytest.param(
            case,
            id="-".join(case).lower(),
            marks=() if case[0] in {"info", "registration"} else pytest.mark.long("postgres"),
        )
        for case in CASES
    ],
)
async def test_a_failure_after_any_write_leaves_nothing_behind(
    store: Store, acme: int, engine: str, database: str, select: Select, case: Case
) -> None:
    batch, operation, table = case
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    vehicle = await get_one(store, acme)
    if batch == "restoration":
        change = retired(vehicle, at=after(1))
        await save(store, acme, change)
        vehicle = change.vehicle
    before = [await select(statement, acme) for statement in TABLES]
    changes = make_batch(batch, vehicle)
    await plant(engine, database, operation, table)
    try:
        with pytest.raises((apsw.Error, asyncpg.PostgresError), match="planted"):
            await save(store, acme, *changes)
    finally:
        await uproot(engine, database, table)
    assert [await select(statement, acme) for statement in TABLES] == before
    await save(store, acme, *changes)
    assert [row[1] for row in await select(TABLES[2], acme)] == list(range(1, len(before[2]) + len(changes) + 1))
