"""What both engines promise of operations, and what a status change does to work, whichever way it is made."""

from dataclasses import replace
from datetime import timedelta

import apsw
import asyncpg
import pytest

from padron.domain.operation import (
    ClaimKey,
    Operation,
    Outcome,
    Result,
    Run,
    RunQuestion,
    RunResultPlace,
    VehicleResultPlace,
    Work,
    WorkState,
)
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.store.base import Store, WriteTransaction
from padron.store.operations import decode_question, encode_question
from padron.store.sql.statements import load_statements
from tests.cast import HUMMER, JEEP, NOON, after, get_one, info_changed, registered, save, status_changed
from tests.conftest import Select
from tests.database import write

POLL = Operation(name="poll", description="", lease_s=60, attempts_max=3, created_at=NOON, updated_at=NOON)
RUN = Run(
    run_id=7,
    operation="poll",
    question=RunQuestion(),
    is_queueing=False,
    position=0,
    position_max=9,
    queued_count=0,
    refused_count=0,
    created_at=NOON,
    created_by="Acme",
    moved_at=NOON,
)
STATES = "SELECT h.vin, w.state FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id ORDER BY w.vehicle_id, w.run_id"  # noqa: E501 - one statement
FAIL = {
    "sqlite": ["CREATE TRIGGER planted AFTER UPDATE ON work BEGIN SELECT RAISE(ABORT, 'planted'); END"],
    "postgres": [
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$",
        "CREATE TRIGGER planted AFTER UPDATE ON work FOR EACH ROW EXECUTE FUNCTION fail()",
    ],
}


async def queue(store: Store, account_id: int, *vins: str, run_id: int = 7) -> None:
    """Queue vehicles in a run of their own."""

    async def work(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        await operations.save_operation(POLL)
        run = replace(RUN, run_id=run_id)
        assert await operations.add_run(run)
        vehicles = await operations.hold_vehicles(vins)
        assert await operations.queue_vehicles(run, vehicles) == len(vins)

    await store.write(account_id, work)


async def claim(store: Store, account_id: int, limit: int = 10) -> list[Work]:
    """Claim queued work until a minute after noon."""

    async def work(transaction: WriteTransaction) -> list[Work]:
        operations = transaction.operations
        claimed = [
            replace(one, state=WorkState.CLAIMED, attempts=one.attempts + 1, lease_until=after(60), claimed_by="k")
            for one in await operations.lock_queued("poll", limit)
        ]
        await operations.save_work(claimed)
        return claimed

    return await store.write(account_id, work)


async def register_both(store: Store, account_id: int) -> tuple[Vehicle, Vehicle]:
    await save(store, account_id, registered(HUMMER, plate="AAA111"), registered(JEEP))
    return await get_one(store, account_id, HUMMER), await get_one(store, account_id, JEEP)


def test_both_engines_have_the_same_statements_in_the_same_order() -> None:
    first, second = (
        load_statements(f"padron.store.{engine}", "sql/operations.sql") for engine in ("sqlite", "postgres")
    )
    assert list(first) == list(second)


@pytest.mark.parametrize("status", [status for status in VehicleStatus if status not in {1, 2}])
async def test_a_deactivation_withdraws_what_is_queued_and_claimed_in_all_runs(
    store: Store, acme: int, select: Select, status: VehicleStatus
) -> None:
    hummer, _ = await register_both(store, acme)
    await queue(store, acme, HUMMER, JEEP)
    await claim(store, acme)
    await queue(store, acme, HUMMER, run_id=8)
    await save(store, acme, status_changed(hummer, status))
    assert await select(STATES) == [(HUMMER, "withdrawn"), (HUMMER, "withdrawn"), (JEEP, "claimed")]


async def test_a_deactivation_among_other_changes_withdraws_as_well(store: Store, acme: int, select: Select) -> None:
    # As an import writes them: edits, registrations and statuses in one batch.
    hummer, jeep = await register_both(store, acme)
    await queue(store, acme, HUMMER, JEEP)
    edited = info_changed(jeep, {}, {"axes": "2"})
    await save(store, acme, edited, status_changed(hummer, VehicleStatus.SOLD), registered("1FTFW1E50JFB00001"))
    assert await select(STATES) == [(HUMMER, "withdrawn"), (JEEP, "queued")]


@pytest.mark.parametrize("other", [False, True], ids=["statuses alone", "among others"])
async def test_a_batch_that_reactivates_withdraws_all_the_same(
    store: Store, acme: int, select: Select, *, other: bool
) -> None:
    hummer, jeep = await register_both(store, acme)
    await queue(store, acme, HUMMER)
    off = status_changed(hummer, VehicleStatus.STOLEN)
    on = status_changed(off.vehicle, VehicleStatus.ACTIVE)
    await save(store, acme, off, on, *([info_changed(jeep, {}, {"axes": "2"})] if other else []))
    assert (await get_one(store, acme)).status is VehicleStatus.ACTIVE
    assert await select(STATES) == [(HUMMER, "withdrawn")]


async def test_an_edit_leaves_the_work_alone(store: Store, acme: int, select: Select) -> None:
    hummer, _ = await register_both(store, acme)
    await queue(store, acme, HUMMER)
    await save(store, acme, info_changed(hummer, {"plate": "AAA111"}, {"axes": "2"}, vin="1FTFW1E50JFB00001"))
    assert await select(STATES) == [("1FTFW1E50JFB00001", "queued")]


async def test_what_is_done_is_not_withdrawn(store: Store, acme: int, select: Select) -> None:
    hummer, _ = await register_both(store, acme)
    await queue(store, acme, HUMMER)
    (claimed,) = await claim(store, acme)

    async def work(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        await operations.save_work([replace(claimed, state=WorkState.SUCCEEDED, ended_at=NOON)])

    await store.write(acme, work)
    await save(store, acme, status_changed(hummer))
    assert await select(STATES) == [(HUMMER, "succeeded")]


async def test_another_accounts_work_stays(store: Store, acme: int, beta: int, select: Select) -> None:
    hummer, _ = await register_both(store, acme)
    await register_both(store, beta)
    for account_id in (acme, beta):
        await queue(store, account_id, HUMMER)
    await save(store, acme, status_changed(hummer))
    assert await select("SELECT account_id, state FROM work ORDER BY 1") == [(acme, "withdrawn"), (beta, "queued")]
    assert [work.vehicle_id for work in await claim(store, beta)] == [1]
    assert await store.read(beta).operations.find_operation("none") is None


@pytest.mark.parametrize("other", [False, True], ids=["statuses alone", "among others"])
async def test_a_failed_withdrawal_takes_the_status_change_with_it(
    store: Store, acme: int, engine: str, database: str, select: Select, *, other: bool
) -> None:
    hummer, jeep = await register_both(store, acme)
    await queue(store, acme, HUMMER)
    await write(engine, database, *FAIL[engine])
    others = [info_changed(jeep, {}, {"axes": "2"})] if other else []
    with pytest.raises((apsw.Error, asyncpg.PostgresError), match="planted"):
        await save(store, acme, status_changed(hummer), *others)
    assert (await get_one(store, acme)).status is VehicleStatus.ACTIVE
    assert await select(STATES) == [(HUMMER, "queued")]
    assert await store.read(acme).find_last_change() == 2


async def test_expired_work_is_given_oldest_lease_first_and_what_is_held_is_not(store: Store, acme: int) -> None:
    await register_both(store, acme)
    await queue(store, acme, HUMMER, JEEP)
    first, second = await claim(store, acme)

    async def prolong(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        await operations.save_work([replace(first, lease_until=after(90))])

    await store.write(acme, prolong)

    async def look(transaction: WriteTransaction) -> list[list[str]]:
        operations = transaction.operations
        found = [await operations.lock_expired("poll", after(seconds), 10) for seconds in (59, 60, 90)]
        return [[work.vin for work in works] for works in found]

    assert await store.write(acme, look) == [[], [second.vin], [second.vin, first.vin]]


async def test_a_claim_finds_its_work_and_its_result(store: Store, acme: int) -> None:
    await register_both(store, acme)
    await queue(store, acme, HUMMER)
    (claimed,) = await claim(store, acme)
    given = Result(key=claimed.key, outcome=Outcome.FAILED, text='{"a":1.50}', given_at=after(1), given_by="k")
    unknown = ClaimKey(7, 99, 1)

    async def work(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        assert await operations.lock_work([claimed.key, unknown, claimed.key]) == [claimed]
        assert await operations.load_results([claimed.key, unknown]) == []
        await operations.add_results([given])
        assert await operations.load_results([claimed.key, claimed.key, unknown]) == [given]

    await store.write(acme, work)
    reader = store.read(acme).operations
    (entry,) = await reader.list_run_results(7, RunResultPlace(0, 0), 10)
    assert (entry.result, entry.operation, entry.vin) == (given, "poll", HUMMER)
    assert await reader.list_vehicle_results(1, None, 10) == [entry]
    assert await reader.list_vehicle_results(1, VehicleResultPlace(given.given_at, 7, 1), 10) == []
    later = given.given_at + timedelta(microseconds=1)
    assert await reader.list_vehicle_results(1, VehicleResultPlace(later, 7, 1), 10) == [entry]


async def test_a_lease_that_ran_out_counts_as_what_follows_it(store: Store, acme: int) -> None:
    await register_both(store, acme)
    await queue(store, acme, HUMMER, JEEP)
    await claim(store, acme, 1)
    reader = store.read(acme).operations
    assert await reader.count_work(7, after(59), 3) == {WorkState.CLAIMED: 1, WorkState.QUEUED: 1}
    assert await reader.count_work(7, after(60), 3) == {WorkState.QUEUED: 2}
    assert await reader.count_work(7, after(60), 1) == {WorkState.EXHAUSTED: 1, WorkState.QUEUED: 1}


async def test_has_work_says_what_a_claim_would_find(store: Store, acme: int) -> None:
    await register_both(store, acme)
    reader = store.read(acme).operations
    assert not await reader.has_work("poll", NOON)
    await queue(store, acme, HUMMER)
    assert await reader.has_work("poll", NOON)
    assert not await reader.has_work("other", NOON)
    await claim(store, acme)
    assert not await reader.has_work("poll", after(59))
    assert await reader.has_work("poll", after(60))


async def test_a_run_id_is_taken_once_and_a_run_is_read_back(store: Store, acme: int, beta: int) -> None:
    run = replace(RUN, is_queueing=True, question=RunQuestion(filters={"doors": 4}, status=VehicleStatus.ACTIVE))

    async def add(transaction: WriteTransaction) -> bool:
        operations = transaction.operations
        return await operations.add_run(run)

    assert await store.write(acme, add)
    assert not await store.write(acme, add)
    assert await store.write(beta, add)
    reader = store.read(acme).operations
    assert await reader.find_run("poll", 7) == run
    assert await reader.find_run("other", 7) is None
    assert await reader.list_stalled_runs("poll", after(1)) == [run]
    assert await reader.list_stalled_runs("poll", NOON) == []


@pytest.mark.parametrize(
    "question", [RunQuestion(), RunQuestion(vins=(HUMMER, JEEP)), RunQuestion(filters={"doors": 4, "axes": "é"})]
)
def test_a_question_is_read_back(question: RunQuestion) -> None:
    assert decode_question(encode_question(question)) == question
