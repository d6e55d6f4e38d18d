"""The examination of a register, on both engines: a sound one has no fault, and each planted fault is found."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from padron.domain.deletion import Deletion, decide_deletion
from padron.domain.finding import CheckName, Finding, Severity
from padron.service.doctor import records as of_records
from padron.service.doctor.examining import examine
from padron.service.doctor.records import Clock
from padron.store import postgres, sqlite
from padron.store.base import Store
from padron.store.examination import Examination
from tests.cast import NOON, get_one, info_changed, make_vin, registered, restored, retired, save, status_changed
from tests.conftest import Select
from tests.database import write

# The PostgreSQL of the tests does without the settings that make it safe, which is faster. The examination says so.
# The tests' servers do not sync to the disk, nor do the nodes of a cluster, where there is one.
OF_THE_TESTS = {"sqlite": set[CheckName](), "postgres": {CheckName.SETTINGS, CheckName.NODES}}


def open_examination(engine: str, database: str) -> Examination:
    if engine == "sqlite":
        return sqlite.SqliteExamination(database, sqlite.MIGRATIONS)
    return postgres.PostgresExamination(database, postgres.MIGRATIONS)


async def list_findings(
    engine: str, database: str, notes: list[str] | None = None, clock: Clock = lambda: NOON
) -> list[Finding]:
    examination = open_examination(engine, database)
    try:
        heard = [] if notes is None else notes
        return [finding async for finding in examine(examination, clock, heard.append)]
    finally:
        await examination.close()


async def find_faults(engine: str, database: str) -> dict[CheckName, str]:
    """Give the faults, but for those that the tests' server always has."""
    return {
        finding.check: finding.detail
        for finding in await list_findings(engine, database)
        if finding.severity is Severity.FAULT and finding.check not in OF_THE_TESTS[engine]
    }


async def fill(store: Store) -> None:
    """Make two accounts with every kind of change."""
    for name in ("Acme", "Beta"):
        account = (await store.directory.add_account(name, NOON)).account_id
        await save(store, account, *(registered(make_vin(number), plate=f"P{number}") for number in range(1, 8)))
        await save(store, account, registered(make_vin(1), slot=1, plate="DOUBLE"))
        await save(store, account, status_changed(await get_one(store, account, make_vin(2))))
        vehicle = await get_one(store, account, make_vin(2))
        await save(store, account, info_changed(vehicle, {"plate": "P2"}, {"plate": "P2B"}, vin=make_vin(20)))
        _, double = await store.read(account).list_by_vin(make_vin(1))
        change = retired(double)
        await save(store, account, change)
        await save(store, account, restored(change.vehicle, {"plate": "DOUBLE"}, slot=1))
        _, double = await store.read(account).list_by_vin(make_vin(1))
        await save(store, account, retired(double))


@pytest.fixture(scope="module")
async def filled_file(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite register that is filled: a copy is made faster than its rows."""
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("filled")))
    store = sqlite.SqliteStore(str(path))
    await fill(store)
    await store.close()
    return path


@pytest.fixture
def database(engine: str, database: str, request: pytest.FixtureRequest) -> str:
    """The path or the URL of a register, which is empty unless it is a file that the test wants filled."""
    if engine == "sqlite" and "filled" in request.fixturenames:
        shutil.copy(request.getfixturevalue("filled_file"), database)
    return database


@pytest.fixture
async def filled(store: Store, engine: str) -> Store:
    """A register of two accounts with every kind of change."""
    if engine == "postgres":
        await fill(store)
    return store


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_an_account_that_is_being_deleted_is_a_notice_and_hides_no_fault_of_another(
    engine: str, database: str
) -> None:  # fmt: skip
    await write(engine, database, "UPDATE accounts SET deleting_at = created_at WHERE name = 'Acme'")
    await write(engine, database, "DELETE FROM changes WHERE account_id = 1 AND number < 5")
    assert await find_faults(engine, database) == {}
    notices = [one.detail for one in await list_findings(engine, database) if one.check is CheckName.ACCOUNTS]
    assert "Account 1 is being deleted and was left out." in notices[0]
    await write(engine, database, "DELETE FROM changes WHERE account_id = 2 AND number = 3")
    assert "Account 2 lacks 1 of the changes 1 to " in (await find_faults(engine, database))[CheckName.RECORD]
    await write(engine, database, "UPDATE accounts SET deleting_at = NULL")
    assert "Account 1 lacks 4 of the changes 1 to " in (await find_faults(engine, database))[CheckName.RECORD]


@pytest.mark.long("postgres")
async def test_a_deleted_vehicle_is_no_fault_whether_it_came_back_or_not(
    filled: Store, engine: str, database: str
) -> None:
    for vin in (make_vin(3), make_vin(4)):
        vehicle = await get_one(filled, 1, vin)
        change = decide_deletion([vehicle], Deletion(vin=vin, by="Acme", request_id="r-deleted"), NOON)
        await save(filled, 1, change)
    await save(filled, 1, restored(change.vehicle, {"plate": "P4"}))
    assert await find_faults(engine, database) == {}


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "size",
    [pytest.param(1, marks=pytest.mark.long("postgres")), 3, pytest.param(1_000, marks=pytest.mark.long("postgres"))],
)
async def test_a_sound_register_has_no_fault_whatever_the_portions(
    engine: str, database: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(of_records, "PORTION_CHANGES", size)
    monkeypatch.setattr(of_records, "PORTION_VEHICLES", size)
    notes: list[str] = []
    findings = await list_findings(engine, database, notes)
    expected = OF_THE_TESTS[engine] & {one.check for one in findings}
    assert {one.check for one in findings if one.severity is Severity.FAULT} == expected
    assert {CheckName.PAGES, CheckName.SCHEMA, CheckName.VERSION, *of_records.CHECKS} <= {one.check for one in findings}
    assert len([note for note in notes if note.startswith("vehicles of account 1")]) == -(-8 // size)


@pytest.mark.long("postgres")
async def test_an_empty_register_has_no_fault(store: Store, engine: str, database: str) -> None:
    del store
    assert await find_faults(engine, database) == {}


async def tidy(engine: str, database: str) -> None:
    """Remove what does not fit together, because after each test a fixture looks for it as well."""
    tables = ["counters", "search_texts", "versions", "vehicles", *(["identities"] if engine == "postgres" else [])]
    await write(engine, database, "; ".join(f"DELETE FROM {table}" for table in tables))  # noqa: S608 - our own


PLANTED = {
    "a change is missing": ("DELETE FROM changes WHERE account_id = 1 AND number = 3", CheckName.RECORD),
    "the last change is missing": ("DELETE FROM changes WHERE account_id = 2 AND number = 13", CheckName.COUNTERS),
    "a counter is behind": ("UPDATE counters SET last_change = 5 WHERE account_id = 2", CheckName.COUNTERS),
    "vehicles are miscounted": ("UPDATE counters SET vehicle_count = 5 WHERE account_id = 1", CheckName.COUNTERS),
    "a counter is missing": ("DELETE FROM counters WHERE account_id = 1", CheckName.COUNTERS),
    "a status is another": (
        "UPDATE vehicles SET status = 5 WHERE account_id = 1 AND vehicle_id = 3", CheckName.HISTORIES,
    ),
    "a former vehicle has a status": (
        "UPDATE vehicles SET status = 5 WHERE account_id = 1 AND vehicle_id = 8", CheckName.HISTORIES,
    ),
    "a revision is another": (
        "UPDATE vehicles SET revision = 9 WHERE account_id = 2 AND vehicle_id = 7", CheckName.HISTORIES,
    ),
    "a step of the history is broken": (
        "UPDATE changes SET from_status = 4 WHERE account_id = 1 AND number = 9", CheckName.HISTORIES,
    ),
    "a change leads elsewhere": (
        "UPDATE changes SET to_status = 4 WHERE account_id = 1 AND number = 9", CheckName.HISTORIES,
    ),
    "a change is of another vehicle": (
        "UPDATE changes SET vehicle_id = 5 WHERE account_id = 1 AND number = 9", CheckName.HISTORIES,
    ),
    "a change is of no vehicle": (
        "UPDATE changes SET vehicle_id = 500 WHERE account_id = 1 AND number = 9", CheckName.RECORD,
    ),
    "core data is missing": ("DELETE FROM versions WHERE account_id = 1 AND vehicle_id = 4", CheckName.CORE_DATA),
    "core data is another vehicle's": (
        "UPDATE versions SET vin = 'ELSEWHERE' WHERE account_id = 1 AND vehicle_id = 4", CheckName.CORE_DATA,
    ),
    "a text of the search is missing": (
        "DELETE FROM search_texts WHERE account_id = 1 AND vehicle_id = 4", CheckName.SEARCH,
    ),
    "a text of the search is another vehicle's": (
        "UPDATE search_texts SET text = 'elsewhere' WHERE account_id = 1 AND vehicle_id = 4", CheckName.SEARCH,
    ),
    "a plate is another": (
        "UPDATE versions SET plate = 'ELSEWHERE' WHERE account_id = 1 AND vehicle_id = 4", CheckName.CORE_DATA,
    ),
}  # fmt: skip
FIRST_OF_CHECK = {check: name for name, (_, check) in reversed(PLANTED.items())}.values()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "name",
    [name if name in FIRST_OF_CHECK else pytest.param(name, marks=pytest.mark.long("postgres")) for name in PLANTED],
)
async def test_a_planted_fault_is_found(engine: str, database: str, name: str) -> None:
    statement, check = PLANTED[name]
    await write(engine, database, statement)
    assert check in await find_faults(engine, database), name
    await tidy(engine, database)


LOST_GRAMS = {
    "sqlite": "INSERT INTO search_index (search_index, rowid, grams) "
    "SELECT 'delete', (account_id << 40) | vehicle_id, search_grams(text, '') FROM search_texts "
    "WHERE account_id = 1 AND vehicle_id = 1",
    "postgres": "UPDATE search_texts SET grams = '{1}' WHERE account_id = 1 AND vehicle_id = 1",
}


@pytest.mark.usefixtures("filled")
async def test_a_vehicle_that_the_index_of_the_search_lacks_is_found(engine: str, database: str) -> None:
    await write(engine, database, LOST_GRAMS[engine])
    assert "vehicle 1 of account 1" in (await find_faults(engine, database))[CheckName.SEARCH]


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_a_text_that_a_former_vehicle_left_behind_is_found(engine: str, database: str) -> None:
    text = "(1, 8, 'x')" if engine == "sqlite" else "(1, 8, 'x', '{}')"
    await write(engine, database, f"INSERT INTO search_texts VALUES {text}")  # noqa: S608 - our own
    assert "1 texts of vehicles that are not current" in (await find_faults(engine, database))[CheckName.ORPHANS]


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_a_fault_names_the_vehicle_and_the_account(engine: str, database: str) -> None:
    await write(engine, database, "UPDATE vehicles SET revision = 9 WHERE account_id = 2 AND vehicle_id = 7")
    (detail,) = (await find_faults(engine, database)).values()
    assert "Vehicle 7 of account 2" in detail
    assert "revision 9" in detail


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_of_many_faults_the_first_are_shown_and_the_rest_counted(engine: str, database: str) -> None:
    await write(engine, database, "UPDATE vehicles SET revision = revision + 1")
    detail = (await find_faults(engine, database))[CheckName.HISTORIES]
    assert detail.count("Vehicle ") == 3
    assert detail.endswith("And 13 more.")


@pytest.mark.usefixtures("filled")
async def test_rows_of_no_account_are_found(engine: str, database: str, select: Select) -> None:
    await write(
        engine, database,
        "INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, "
        "to_status) SELECT 77, 1, 1, vin, type, changed_at, changed_by, request_id, to_status FROM changes "
        "WHERE account_id = 1 AND number = 1",
    )  # fmt: skip
    assert await select("SELECT count(*) FROM changes WHERE account_id = 77") == [(1,)]
    faults = await find_faults(engine, database)
    assert "Account 77" in faults[CheckName.ACCOUNTS]
    assert "Account 77" in faults[CheckName.COUNTERS]
    await write(engine, database, "DELETE FROM changes WHERE account_id = 77")


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_a_change_in_the_future_is_found(store: Store, engine: str, database: str) -> None:
    await save(store, 1, registered(make_vin(90), at=NOON + timedelta(hours=1)))
    faults = await find_faults(engine, database)
    assert list(faults) == [CheckName.CLOCK]
    assert "2026-03-01T13:00:00Z" in faults[CheckName.CLOCK]


@pytest.mark.usefixtures("filled")
@pytest.mark.long("postgres")
async def test_a_change_that_is_made_meanwhile_is_none_of_the_future(store: Store, engine: str, database: str) -> None:
    await save(store, 2, registered(make_vin(90), at=NOON + timedelta(hours=1)))
    looks = iter([NOON, NOON + timedelta(hours=1)])
    findings = await list_findings(engine, database, clock=lambda: next(looks))
    wrong = [one for one in findings if one.check is CheckName.CLOCK and one.severity is Severity.FAULT]
    assert wrong == [], "An account is compared with the instant at which it is read."


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("engine", ["postgres"])
async def test_an_identity_that_is_not_its_vehicles_is_found(engine: str, database: str) -> None:
    await write(engine, database, "UPDATE identities SET vin = 'ELSEWHERE' WHERE account_id = 2 AND vehicle_id = 3")
    assert "Vehicle 3 of account 2" in (await find_faults(engine, database))[CheckName.IDENTITIES]
    await tidy(engine, database)


@pytest.mark.usefixtures("store")
@pytest.mark.long("postgres")
async def test_pending_migrations_end_the_examination(engine: str, database: str) -> None:
    last = (sqlite if engine == "sqlite" else postgres).MIGRATIONS[-1]
    await write(engine, database, f"DELETE FROM schema_migrations WHERE number = {last.number}")  # noqa: S608 - our own
    findings = await list_findings(engine, database)
    assert "padron migrate" in next(one.detail for one in findings if one.check is CheckName.SCHEMA)
    assert CheckName.RECORD not in {one.check for one in findings}
    await write(engine, database, f"INSERT INTO schema_migrations (number, name) VALUES ({last.number}, '{last.name}')")  # noqa: S608
