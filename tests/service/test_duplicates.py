"""Making one vehicle of several with a VIN: who is kept, what becomes of the others, and every clash on the way."""

import asyncio
from collections.abc import Awaitable

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.gate import RefusalReason
from padron.domain.operation import RunQuestion, WorkState, format_run_id
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.tags import format_tag
from padron.files.columns import ImportRow
from padron.service.imports.importing import import_vehicles
from padron.service.operations.claims import claim_work
from padron.service.operations.declaring import put_operation
from padron.service.operations.gate import check_vehicles
from padron.service.operations.runs import get_run, start_run
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.service.statuses.undo import undo_request
from padron.service.vehicles import duplicates
from padron.service.vehicles.duplicates import list_duplicates
from padron.service.vehicles.reading import get_vehicle, list_history
from padron.store.base import WriteTransaction
from padron.store.sqlite.transaction import MANY
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, Cast, get_one, make_vin, trust
from tests.conftest import OpenStore, Select, SteppedClock
from tests.service.repairs import Acme, Record, Seen, check_refusal, keep_duplicates, make_acme, repair
from tests.service.stores import FaultyStore

ACTIVE, SHOP, SOLD = VehicleStatus.ACTIVE, VehicleStatus.IN_THE_SHOP, VehicleStatus.SOLD
FORMER = VehicleStatus.INFO_CHANGED


@pytest.fixture
async def acme(runtime: Runtime, cast: Cast) -> Acme:
    return await make_acme(runtime, cast)


@pytest.mark.parametrize("place", [0, pytest.param(2, marks=pytest.mark.long("postgres"))])
@pytest.mark.long("postgres")
async def test_the_one_that_is_kept_answers_to_the_vin_again(acme: Acme, place: int) -> None:
    before = await acme.look()
    keep = acme.ids[place]
    done = await acme.repair(keep)
    assert [one.vehicle_id for one in done.former] == [one for one in acme.ids if one != keep]
    kept = before[keep]
    assert await acme.look() == {
        vehicle_id: before[vehicle_id] for vehicle_id in before if vehicle_id not in acme.ids or vehicle_id == keep
    }
    version = await get_vehicle(acme.runtime, acme.principal, HUMMER)
    assert (version.vehicle, version.details) == (done.vehicle, kept.details)
    assert (version.vehicle.vehicle_id, version.vehicle.slot, version.vehicle.revision) == (keep, 0, 1)
    await acme.set_status(SOLD)
    await acme.put(HUMMER, doors=1)
    assert (await acme.look())[keep].status is SOLD


@pytest.mark.parametrize("keep_duplicates", [False, pytest.param(True, marks=pytest.mark.long("postgres"))])
@pytest.mark.long("postgres")
async def test_an_import_finds_the_one_that_is_kept_among_many_rows(acme: Acme, *, keep_duplicates: bool) -> None:
    await acme.repair(acme.ids[0])
    kept = (await acme.look())[acme.ids[0]]
    others = [ImportRow(line=line, cells={"vin": make_vin(line)}) for line in range(3, 3 + MANY)]  # all at once
    cells = {name: str(value) for name, value in kept.details.items()} | {"vin": HUMMER, "ownerName": "Luz"}
    summary = await import_vehicles(
        acme.runtime,
        acme.principal,
        [ImportRow(line=2, cells=cells), *others],
        request_id="r-import",
        keep_duplicates=keep_duplicates,
    )
    assert (summary.counts.registered, summary.counts.refused) == (MANY, 0)
    assert (summary.counts.updated, summary.counts.kept_duplicates) == ((0, 1) if keep_duplicates else (1, 0))
    assert len(await acme.runtime.store.read(acme.account_id).list_by_vin(HUMMER)) == (2 if keep_duplicates else 1)


@pytest.mark.long("postgres")
async def test_the_others_are_former_versions_with_their_own_end(acme: Acme) -> None:
    done = await acme.repair(acme.ids[0], reason="Typed twice")
    former = await acme.runtime.store.read(acme.account_id).list_vehicles(VehicleQuery(filters={}, status=FORMER))
    assert [version.vehicle.vehicle_id for version, _ in former] == acme.ids[1:]
    assert {version.valid_to for version, _ in former} == {done.former[0].status_since}
    for vehicle_id, status in ((acme.ids[1], SHOP), (acme.ids[2], ACTIVE)):
        entry, first = await acme.runtime.store.read(acme.account_id).list_history(vehicle_id, None, 5)
        assert (entry.from_status, entry.to_status, entry.reason) == (status, FORMER, "Typed twice")
        assert (entry.by, entry.request_id) == (acme.principal.actor, "r-repair")
        assert first.to_status is status


@pytest.mark.long("postgres")
async def test_without_a_reason_history_says_who_was_kept(acme: Acme) -> None:
    await acme.repair(acme.ids[0])
    (entry, *_) = await acme.runtime.store.read(acme.account_id).list_history(acme.ids[1], None, 5)
    assert entry.reason == f"Duplicate: vehicle {acme.ids[0]} is kept"


@pytest.mark.long("postgres")
async def test_a_merge_takes_values_and_the_status_and_removes_what_the_source_has_not(acme: Acme) -> None:
    first, second, third = acme.ids
    done = await acme.repair(
        third, take={"plate": first, "doors": second, "vehicleStatusId": second}, edits={"ownerName": "Luz"}
    )
    assert (await acme.look())[third] == Seen(
        vin=HUMMER, status=SHOP, details={"plate": "AAA111", "doors": 4, "ownerName": "Luz"}
    )
    assert (done.vehicle.revision, (await get_one(acme.runtime.store, acme.account_id)).revision) == (3, 3)
    history = (await list_history(acme.runtime, acme.principal, HUMMER, limit=9, cursor=None)).rows
    assert [entry.type.value for entry in history] == ["infoChanged", "statusChanged", "registered"]
    assert history[0].differences == {"plate": (None, "AAA111"), "doors": (None, 4), "ownerName": ("Eva", "Luz")}
    await acme.undo()
    await acme.repair(first, take={"plate": third, "doors": first}, status=SOLD)
    assert (await acme.look())[first] == Seen(vin=HUMMER, status=SOLD, details={"ownerName": "Ana", "doors": 2})


@pytest.mark.long("postgres")
async def test_a_merge_that_changes_nothing_of_the_kept_leaves_its_revision(acme: Acme) -> None:
    first, _, third = acme.ids
    done = await acme.repair(first, take={"ownerName": first, "vehicleStatusId": third}, edits={"doors": 2})
    assert (done.vehicle.revision, len(done.changes)) == (1, 2)


@pytest.mark.long("postgres")
async def test_a_dry_run_says_the_same_and_writes_nothing(acme: Acme) -> None:
    before = await acme.look()
    last = await acme.runtime.store.read(acme.account_id).find_last_change()
    tried = await acme.repair(acme.ids[2], take={"plate": acme.ids[0]}, dry_run=True)
    assert await acme.look() == before
    assert await acme.runtime.store.read(acme.account_id).find_last_change() == last
    done = await acme.repair(acme.ids[2], take={"plate": acme.ids[0]})
    assert (done.details, [one.vehicle_id for one in done.former]) == (
        tried.details,
        [one.vehicle_id for one in tried.former],
    )


@pytest.mark.long("postgres")
async def test_what_cannot_be_repaired_is_refused_and_nothing_is_changed(acme: Acme) -> None:
    before = await acme.look()
    first, second, third = acme.ids
    found = await acme.runtime.store.read(acme.account_id).list_by_vin(HUMMER)
    every = {vehicle.vehicle_id: format_tag(vehicle) for vehicle in found}
    stranger = next(vehicle_id for vehicle_id, seen in before.items() if seen.vin == JEEP)
    refused: list[tuple[Awaitable[object], Code, str]] = [
        (acme.repair(first, vin=UNKNOWN_VIN), Code.VEHICLE_NOT_FOUND, UNKNOWN_VIN),
        (acme.repair(stranger, vin=JEEP), Code.NO_DUPLICATES, "one current vehicle"),
        (acme.repair(stranger), Code.BAD_PARAMETERS, f"{stranger} does not have the VIN"),
        (acme.repair(-1), Code.BAD_PARAMETERS, f"{first}, {second}, {third}"),
        (acme.repair(2**60), Code.BAD_PARAMETERS, "does not have the VIN"),
        (acme.repair(first, take={"doors": stranger}), Code.BAD_PARAMETERS, f"{stranger} does not have the VIN"),
        (acme.repair(first, take={"wheels": second}), Code.BAD_PARAMETERS, "'wheels'"),
        (acme.repair(first, take={"doors": second}, edits={"doors": 3}), Code.BAD_PARAMETERS, "both taken"),
        (acme.repair(first, take={"vehicleStatusId": second}, status=SOLD), Code.BAD_PARAMETERS, "both taken"),
        (acme.repair(first, revisions={**every, second: "v1r2t1"}), Code.REVISION_MISMATCH, f"vehicle {second}"),
        (
            acme.repair(first, revisions={first: every[first], second: every[second]}),
            Code.REVISION_MISMATCH,
            f"vehicle {third}",
        ),
        (acme.repair(first, revisions={}), Code.REVISION_MISMATCH, f"vehicle {first}"),
        (acme.repair(first, revisions={**every, 9: every[first]}), Code.REVISION_MISMATCH, "Read them again"),
        (acme.repair(first, revisions={**every, second: every[third]}), Code.REVISION_MISMATCH, f"vehicle {second}"),
        (acme.repair(first, revisions=dict.fromkeys(every, "1")), Code.REVISION_MISMATCH, "a plain number"),
        (acme.repair(second), Code.PLATE_IN_USE, JEEP),
        (acme.repair(first, take={"plate": second}), Code.PLATE_IN_USE, JEEP),
        (acme.repair(third, edits={"plate": "JEEP01"}), Code.PLATE_IN_USE, JEEP),
    ]
    for work, code, said in refused:
        await check_refusal(work, code, said)
    assert await acme.look() == before
    assert (await acme.repair(first, revisions=every)).vehicle.vehicle_id == first


@pytest.mark.long("postgres")
async def test_a_plate_that_clashes_is_no_obstacle_once_it_is_another(acme: Acme) -> None:
    second = acme.ids[1]
    await acme.repair(second, take={"plate": acme.ids[0]})
    assert (await acme.look())[second].details["plate"] == "AAA111"
    await acme.undo()
    await acme.repair(second, edits={"plate": None})
    assert "plate" not in (await acme.look())[second].details


@pytest.mark.long("postgres")
async def test_a_plate_is_free_once_the_one_that_bore_it_is_former(acme: Acme) -> None:
    await acme.repair(acme.ids[2])
    await acme.put(make_vin(1), plate="AAA111")
    await check_refusal(acme.put(make_vin(2), plate="AAA111"), Code.PLATE_IN_USE, "AAA111")


async def test_duplicates_that_share_a_plate_leave_it_to_the_one_that_is_kept(runtime: Runtime, cast: Cast) -> None:
    account_id = cast.acme.account.account_id
    same: list[Record] = [(ACTIVE, {"plate": "SAME11", "doors": doors}) for doors in range(3)]
    acme = Acme(runtime, cast, await keep_duplicates(runtime, account_id, *same))
    for place in (2, 0, 1):
        await acme.repair(acme.ids[place], request_id=f"r-{place}")
        assert [seen.details["doors"] for seen in (await acme.look()).values()] == [place]
        await acme.undo(f"r-{place}", f"u-{place}")
        assert len(await acme.look()) == 3


@pytest.mark.parametrize("keep", [pytest.param(0, marks=pytest.mark.long("postgres")), 2])
@pytest.mark.long("postgres")
async def test_open_work_of_what_becomes_former_is_withdrawn_and_the_gate_lets_the_kept_through(
    acme: Acme, select: Select, keep: int
) -> None:
    runtime, principal = acme.runtime, acme.principal
    (verdict,) = (await check_vehicles(runtime, principal, "tracking", [HUMMER])).verdicts
    assert verdict.reason is RefusalReason.SEVERAL
    await put_operation(runtime, principal, "tracking", description="", lease_s=60, attempts=2)
    # As when the duplicates were imported after the run: each has work of its own.
    run = await start_run(runtime, principal, "tracking", RunQuestion(vins=(JEEP,)))

    async def queue(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        held = [vehicle for vehicle in await operations.hold_vehicles([HUMMER]) if vehicle.status is ACTIVE]
        await operations.queue_vehicles(run.run, held)

    await runtime.store.write(acme.account_id, queue)
    await acme.repair(acme.ids[keep])
    (verdict,) = (await check_vehicles(runtime, principal, "tracking", [HUMMER])).verdicts
    assert verdict.is_allowed
    states: dict[int, str] = dict(
        await select("SELECT vehicle_id, state FROM work WHERE account_id = $1", acme.account_id)
    )
    assert [states[acme.ids[place]] for place in (0, 2)] == [
        "queued" if place == keep else "withdrawn" for place in (0, 2)
    ]
    report = await get_run(runtime, principal, "tracking", format_run_id(run.run.run_id))
    assert report.counts[WorkState.WITHDRAWN] == 1
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    claimed = await claim_work(runtime, principal, "tracking", limit=9, wait_s=0, gone=gone, confirm=trust)
    gone.cancel()
    assert sorted(work.vin for work in claimed) == sorted([HUMMER, JEEP])
    again = await start_run(runtime, principal, "tracking", RunQuestion(vins=(HUMMER,)))
    assert (again.run.queued_count, again.run.refused_count) == (1, 0)


@pytest.mark.long("postgres")
async def test_the_scope_is_asked_for_and_another_account_sees_nothing(acme: Acme, cast: Cast) -> None:
    others = frozenset(scope.value for scope in Scope if scope is not Scope.VEHICLES_REPAIR)
    limited = Principal(account_id=acme.account_id, actor="k", scopes=others)
    await check_refusal(repair(acme.runtime, limited, acme.ids[0]), Code.FORBIDDEN, "vehicles:repair")
    await check_refusal(list_duplicates(acme.runtime, limited, None, 5, None), Code.FORBIDDEN, "vehicles:repair")
    beta = cast.beta.principal
    assert (await list_duplicates(acme.runtime, beta, None, 5, None)).rows == []
    assert (await list_duplicates(acme.runtime, beta, HUMMER, 5, None)).rows == []
    await check_refusal(repair(acme.runtime, beta, acme.ids[0]), Code.VEHICLE_NOT_FOUND, HUMMER)
    await acme.repair(acme.ids[0])
    await check_refusal(undo_request(acme.runtime, limited, "r-repair", "u", None), Code.FORBIDDEN, "vehicles:repair")
    repairer = Principal(account_id=acme.account_id, actor="k", scopes=frozenset({Scope.VEHICLES_REPAIR.value}))
    assert len(await undo_request(acme.runtime, repairer, "r-repair", "u", None)) == 2


async def test_of_two_repairs_at_once_the_second_finds_nothing_to_resolve(
    acme: Acme, open_store: OpenStore, engine: str, clock: SteppedClock
) -> None:
    other = acme.runtime if engine == "sqlite" else build_runtime(await open_store(), clock)
    first, _, third = acme.ids
    for number in range(10):
        outcomes = await asyncio.gather(
            acme.repair(first, request_id=f"r-{number}-1"),
            repair(other, acme.principal, third, request_id=f"r-{number}-2"),
            return_exceptions=True,
        )
        (refusal,) = [one for one in outcomes if isinstance(one, BaseException)]
        assert isinstance(refusal, PadronError)
        assert refusal.code is Code.NO_DUPLICATES
        won = next(place for place, one in enumerate(outcomes, start=1) if not isinstance(one, BaseException))
        assert len(await acme.undo(f"r-{number}-{won}", f"u-{number}")) == 2
    await other.authenticator.close()


async def test_a_status_call_beside_a_repair_hits_the_kept_or_finds_several(
    acme: Acme, open_store: OpenStore, engine: str, clock: SteppedClock
) -> None:
    other = acme.runtime if engine == "sqlite" else build_runtime(await open_store(), clock)
    for number in range(10):
        asked = StatusRequest(vin=HUMMER, status=SOLD, reason=None, revisions=None, by="Acme", request_id=f"s-{number}")
        _, status = await asyncio.gather(
            acme.repair(acme.ids[2], request_id=f"r-{number}"),
            set_status(other, acme.principal, asked),
            return_exceptions=True,
        )
        seen = await acme.look()
        assert {vehicle_id for vehicle_id, one in seen.items() if one.vin == HUMMER} == {acme.ids[2]}
        if isinstance(status, BaseException):
            assert isinstance(status, PadronError)
            assert status.code is Code.MULTIPLE_VEHICLES_FOUND
            assert seen[acme.ids[2]].status is ACTIVE
        else:
            assert seen[acme.ids[2]].status is SOLD
            await acme.undo(f"s-{number}", f"us-{number}")
        assert [one.left for one in await acme.undo(f"r-{number}", f"u-{number}")] == [None, None]
    await other.lanes.close()
    await other.authenticator.close()


async def test_a_repair_that_fails_on_the_way_leaves_nothing_behind(acme: Acme, select: Select) -> None:
    faulty = FaultyStore(acme.runtime.store)
    runtime = build_runtime(faulty, SteppedClock())
    tables = (
        "SELECT * FROM vehicles WHERE account_id = $1 ORDER BY vehicle_id",
        "SELECT vehicle_id, began, ended, is_former FROM versions WHERE account_id = $1 ORDER BY vehicle_id, began",
        "SELECT number, vehicle_id, type FROM changes WHERE account_id = $1 ORDER BY number",
    )
    before = [await select(statement, acme.account_id) for statement in tables]

    for number in range(5):
        faulty.fails_before_change = number if number < 4 else None
        faulty.fails_at_move = number == 4
        with pytest.raises(RuntimeError, match="the store broke"):
            await repair(runtime, acme.principal, acme.ids[2], take={"plate": acme.ids[0]}, status=SOLD)
        assert [await select(statement, acme.account_id) for statement in tables] == before
    await runtime.authenticator.close()


async def test_pages_hold_each_vin_once_in_order_whatever_else_there_is(runtime: Runtime, cast: Cast) -> None:
    account_id, principal = cast.acme.account.account_id, cast.acme.principal
    expected: list[str] = []
    for number in range(9):
        records = [(ACTIVE, {"doors": doors}) for doors in range(1 + number % 3)]
        await keep_duplicates(runtime, account_id, *records, vin=make_vin(number))
        if len(records) > 1:
            expected.append(make_vin(number))
    await keep_duplicates(runtime, cast.beta.account.account_id, *[(ACTIVE, {})] * 2, vin=make_vin(1))
    for limit in (1, 2, 3, 50):
        vins: list[str] = []
        cursor = None
        while True:
            page = await list_duplicates(runtime, principal, None, limit, cursor)
            vins += [group.vin for group in page.rows]
            assert all(group.count == len(group.versions) == 2 + (group.vin[-1] in "258") for group in page.rows)
            if (cursor := page.next_cursor) is None:
                break
            assert len(page.rows) == limit
        assert vins == expected
    (group,) = (await list_duplicates(runtime, principal, make_vin(2), 1, None)).rows
    assert [version.details["doors"] for version in group.versions] == [0, 1, 2]
    assert (await list_duplicates(runtime, principal, make_vin(0), 1, None)).rows == []
    epoch = runtime.store.epoch
    for cursor in ("x", f"{epoch}WyJmZWVkIiwwXQ", f"{epoch}WyJkdXBsaWNhdGVzIiwiYSJd"):
        await check_refusal(list_duplicates(runtime, principal, None, 5, cursor), Code.BAD_PARAMETERS, "cursor")


@pytest.mark.long("postgres")
async def test_a_page_ends_early_rather_than_hold_too_many_vehicles(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, count in enumerate((2, 3, 9, 2, 2)):
        await keep_duplicates(runtime, cast.acme.account.account_id, *[(ACTIVE, {})] * count, vin=make_vin(number))
    monkeypatch.setattr(duplicates, "ROWS_MAX", 4)
    shown: list[list[tuple[str, int, int]]] = []
    cursor = None
    while True:
        page = await list_duplicates(runtime, cast.acme.principal, None, 50, cursor)
        shown.append([(group.vin[-1], group.count, len(group.versions)) for group in page.rows])
        if (cursor := page.next_cursor) is None:
            break
    assert shown == [[("0", 2, 2)], [("1", 3, 3)], [("2", 9, 4)], [("3", 2, 2), ("4", 2, 2)]]


@pytest.mark.long("postgres")
async def test_a_vehicle_that_lost_its_fellow_to_another_vin_is_no_duplicate(runtime: Runtime, cast: Cast) -> None:
    ids = await keep_duplicates(
        runtime, cast.acme.account.account_id, (ACTIVE, {"plate": "AAA111"}), (ACTIVE, {"plate": "BBB222"})
    )
    acme = Acme(runtime, cast, ids)
    await acme.rename("AAA111", make_vin(1))
    assert (await list_duplicates(runtime, acme.principal, None, 5, None)).rows == []
    await check_refusal(acme.repair(ids[1]), Code.NO_DUPLICATES, "one current vehicle")
