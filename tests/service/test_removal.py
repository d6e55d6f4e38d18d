"""A whole account is deleted in portions: all of it or, interrupted, the rest of it the next time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.account import Account, Principal, Scope
from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.service.accounts import add_key, disable_account, enable_account, get_account
from padron.service.administration import archive, removal
from padron.service.administration.removal import await_quiet, delete_account, find_account_to_delete
from padron.service.operations.gate_leases import switch, take_lease
from padron.service.runtime import Runtime
from padron.service.statuses import single
from padron.service.vehicles.registration import Registration, put_vehicle
from padron.store.removal import REMOVED_TABLES, RemovalTransaction
from tests.cast import HUMMER, Cast, get_one, make_vin, registered, save
from tests.conftest import OpenStore, Select

FLEET = 300


@pytest.fixture
async def fleet(runtime: Runtime, cast: Cast) -> Account:
    for member in (cast.acme, cast.beta):
        changes = [registered(make_vin(number)) for number in range(FLEET)]
        await save(runtime.store, member.account.account_id, *changes)
    return cast.acme.account


async def count_all(select: Select, account_id: int) -> dict[str, int]:
    tables = ("vehicles", "versions", "changes", "api_keys", "counters", "accounts")
    return {
        table: (await select(f"SELECT count(*) FROM {table} WHERE account_id = {account_id}"))[0][0]  # noqa: S608
        for table in tables
    }


async def test_an_account_goes_with_all_its_rows_and_the_others_stay(
    runtime: Runtime, cast: Cast, fleet: Account, select: Select
) -> None:
    before = await count_all(select, cast.beta.account.account_id)
    told: list[int] = []
    rows = await delete_account(runtime, fleet, told.append)
    assert set((await count_all(select, fleet.account_id)).values()) == {0}
    assert await count_all(select, cast.beta.account.account_id) == before
    assert rows >= 3 * FLEET
    assert told == sorted(told)
    assert told[-1] == rows
    with pytest.raises(PadronError) as refusal:
        await get_account(runtime, "Acme")
    assert refusal.value.code is Code.ACCOUNT_NOT_FOUND


async def test_a_deletion_that_was_interrupted_is_finished_by_the_next_one(
    runtime: Runtime, fleet: Account, select: Select
) -> None:
    def break_off(rows: int) -> None:
        if rows > FLEET:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await delete_account(runtime, fleet, break_off)
    left = await count_all(select, fleet.account_id)
    assert 0 < sum(left.values()) < 3 * FLEET
    with pytest.raises(PadronError, match="'Acme' is being deleted"):
        await get_account(runtime, "Acme")
    with pytest.raises(PadronError, match="is being deleted"):
        await enable_account(runtime, fleet)
    again = await find_account_to_delete(runtime, "Acme")
    assert again.deleting_at is not None
    await delete_account(runtime, again, lambda _: None)
    assert set((await count_all(select, fleet.account_id)).values()) == {0}


async def test_what_is_written_during_the_deletion_goes_too(runtime: Runtime, fleet: Account, select: Select) -> None:
    """Somebody who began before the account was disabled may still write, until nothing is left."""
    late = iter(range(1_000, 1_003))

    async def write() -> None:
        number = next(late, None)
        if number is not None:
            await save(runtime.store, fleet.account_id, registered(make_vin(number)))

    writing: list[asyncio.Task[None]] = []
    await delete_account(runtime, fleet, lambda _: writing.append(asyncio.create_task(write())))
    await asyncio.gather(*writing, return_exceptions=True)
    assert len(writing) > 3
    assert set((await count_all(select, fleet.account_id)).values()) == {0}


@pytest.fixture
def write_late(runtime: Runtime, fleet: Account, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Register a vehicle with each of these numbers when versions are gone and the vehicles come next."""
    numbers = [1_000, 1_001, 1_002]
    remove_portion = removal._remove_portion

    async def write_and_remove(runtime_: Runtime, account: Account, table: str, pace: removal._Pace) -> int:
        if table == "vehicles" and numbers:
            await save(runtime.store, fleet.account_id, registered(make_vin(numbers.pop())))
        return await remove_portion(runtime_, account, table, pace)

    monkeypatch.setattr(removal, "_remove_portion", write_and_remove)
    monkeypatch.setattr(removal, "PAUSE_S", 0.0)
    return numbers


async def test_a_row_that_names_one_to_be_removed_goes_in_the_next_round(
    runtime: Runtime, fleet: Account, select: Select, write_late: list[int]
) -> None:
    await delete_account(runtime, fleet, lambda _: None)
    assert not write_late
    assert set((await count_all(select, fleet.account_id)).values()) == {0}


async def test_somebody_who_does_not_stop_writing_is_told_of_and_the_next_deletion_ends(
    runtime: Runtime, fleet: Account, select: Select, write_late: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "ROUNDS_MAX", 2)
    with pytest.raises(PadronError, match="Somebody still writes to the account 'Acme'") as refusal:
        await delete_account(runtime, fleet, lambda _: None)
    assert refusal.value.code is Code.STORE_UNAVAILABLE
    assert len(write_late) == 1
    assert (await count_all(select, fleet.account_id))["vehicles"] > 0
    await delete_account(runtime, fleet, lambda _: None)
    assert set((await count_all(select, fleet.account_id)).values()) == {0}


Step = Callable[[], Awaitable[None]]


@pytest.fixture
def late_steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Take one of these steps each time when the last look at all tables has found nothing."""
    steps: list[Step] = []
    remove_rows = RemovalTransaction.remove_rows

    async def remove_and_act(transaction: RemovalTransaction, table: str, limit: int) -> int:
        count = await remove_rows(transaction, table, limit)
        if limit == 1 and table == REMOVED_TABLES[-1] and steps:
            await steps.pop()()
        return count

    monkeypatch.setattr(RemovalTransaction, "remove_rows", remove_and_act)
    monkeypatch.setattr(removal, "PAUSE_S", 0.0)
    return steps


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_key_that_is_made_after_the_last_look_goes_in_the_next_round(
    runtime: Runtime, cast: Cast, select: Select, open_store: OpenStore, late_steps: list[Step]
) -> None:
    account = cast.acme.account
    other = replace(runtime, store=await open_store())

    async def make_key() -> None:
        await add_key(other, account, label="late", scopes=["vehicles:read"], expires_in=None)

    late_steps.append(make_key)
    await delete_account(runtime, account, lambda _: None)
    assert not late_steps
    assert set((await count_all(select, account.account_id)).values()) == {0}


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_vehicle_that_is_registered_after_the_last_look_is_refused(
    runtime: Runtime, cast: Cast, select: Select, open_store: OpenStore, late_steps: list[Step]
) -> None:
    """Its row names no account, so the database would keep it for ever."""
    account_id = cast.acme.account.account_id
    other = await open_store()
    registering: list[asyncio.Task[None]] = []

    async def register() -> None:
        registering.append(asyncio.create_task(save(other, account_id, registered(HUMMER))))
        await asyncio.wait(registering, timeout=0.5)  # unless something holds it up, it is done by then

    late_steps.append(register)
    await delete_account(runtime, cast.acme.account, lambda _: None)
    (outcome,) = await asyncio.gather(*registering, return_exceptions=True)
    assert isinstance(outcome, PadronError), outcome
    assert outcome.code is Code.ACCOUNT_NOT_FOUND
    assert set((await count_all(select, account_id)).values()) == {0}


async def test_another_accounts_status_call_comes_between_the_portions(
    runtime: Runtime, cast: Cast, fleet: Account
) -> None:
    request = StatusRequest(
        vin=make_vin(7), status=VehicleStatus.SOLD, reason=None, revisions=None, by="Beta", request_id="r"
    )
    deleting = asyncio.create_task(delete_account(runtime, fleet, lambda _: None))
    await asyncio.sleep(0)
    await single.set_status(runtime, cast.beta.principal, request)
    assert not deleting.done()
    assert (await get_one(runtime.store, cast.beta.account.account_id, make_vin(7))).status is VehicleStatus.SOLD
    await deleting


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nothing_is_deleted_until_the_keys_of_the_account_are_refused_everywhere(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=2) < removal.QUIET_AFTER
    monkeypatch.setattr(removal, "QUIET_AFTER", timedelta(seconds=0.3))
    clock = asyncio.get_running_loop().time
    began_s = clock()
    await await_quiet(runtime, cast.acme.account)
    assert clock() - began_s >= 0.3
    account = await find_account_to_delete(runtime, "Acme")
    assert account.disabled_at is not None
    monkeypatch.setattr(removal, "QUIET_AFTER", timedelta(seconds=1))  # which the clock has gone on by since
    began_s = clock()
    await await_quiet(runtime, account)
    assert clock() - began_s < 0.5


def test_a_portion_grows_while_it_is_fast_and_shrinks_at_once_when_it_is_slow() -> None:
    pace = removal._Pace()
    sizes = []
    for took_s in [0.001] * 12 + [0.05] * 12:
        pace.learn(took_s)
        sizes.append(pace.rows)
    assert sizes[0] == 2 * removal.PORTION_ROWS_MIN
    assert max(sizes) == removal.PORTION_ROWS_MAX
    assert sizes[-1] == removal.PORTION_ROWS_MIN
    pace.learn(removal.PORTION_S)
    assert pace.rows == removal.PORTION_ROWS_MIN


@pytest.mark.long("postgres")
async def test_the_archive_has_vehicles_former_versions_and_every_change_in_order(runtime: Runtime, cast: Cast) -> None:
    principal = Principal(account_id=cast.acme.account.account_id, actor="cli", scopes=frozenset(Scope))
    for owner in ("Ana", "Benito"):
        registration = Registration(vin=HUMMER, edits={"ownerName": owner}, request_id=f"r-{owner}")
        await put_vehicle(runtime, cast.acme.principal, registration)
    await disable_account(runtime, cast.acme.account)
    vehicles = [one async for page in archive.read_vehicles(runtime, principal) for one in page]
    assert [(one.vehicle.vin, one.details["ownerName"]) for one in vehicles] == [(HUMMER, "Benito")]
    former = [one async for page in archive.read_former_versions(runtime, principal) for one in page]
    assert [one.details["ownerName"] for one in former] == ["Ana"]
    lines = [json.loads(line) async for page in archive.read_changes(runtime, principal) for line in page]
    assert [(one["number"], one["type"]) for one in lines] == [(1, "vehicle.registered"), (2, "vehicle.info_changed")]
    assert [one["byName"] for one in lines] == ["key Acme", "key Acme"]


async def test_nothing_goes_before_the_leases_of_local_gates_have_ended(
    runtime: Runtime, cast: Cast, fleet: Account, select: Select
) -> None:
    await switch(runtime, fleet, is_on=True)
    await take_lease(runtime, cast.acme.principal, 1.0, None)
    deleting = asyncio.create_task(delete_account(runtime, fleet, lambda _: None))
    await asyncio.sleep(0.5)
    assert (await count_all(select, fleet.account_id))["vehicles"] == FLEET
    (lease,) = (await runtime.store.read(fleet.account_id).gate_leases.load()).leases
    assert lease.is_ending
    assert await asyncio.wait_for(deleting, 20) >= 3 * FLEET
