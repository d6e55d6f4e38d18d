"""The limit on vehicles: exact for every way to register one, and no hindrance for vehicles that are there."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.domain.vehicle import Edits
from padron.domain.vin import Vin
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.registration import Registered, Registration, put_vehicle, upsert_vehicle_info
from padron.store.postgres.transaction import PostgresTransaction
from padron.store.sqlite.transaction import SqliteTransaction
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, Cast, Member, make_vin
from tests.conftest import OpenStore, Select, SteppedClock
from tests.service.importing import count, run
from tests.service.repairs import make_acme

COUNT = "SELECT count(*) FROM vehicles WHERE slot >= 0"
of_three = pytest.mark.parametrize("limits", [Limits(vehicles=3)], ids=["three"])
of_ten = pytest.mark.parametrize("limits", [Limits(vehicles=10)], ids=["ten"])


async def put(runtime: Runtime, member: Member, vin: str, **edits: str | int) -> Registered:
    given: Edits = dict(edits)
    asked = Registration(vin=Vin(vin), edits=given, request_id="r")
    if "plate" in edits:
        return await upsert_vehicle_info(runtime, member.principal, asked)
    return await put_vehicle(runtime, member.principal, asked)


async def check_full(runtime: Runtime, member: Member, vin: str, **edits: str | int) -> None:
    with pytest.raises(PadronError, match=r"already has [0-9]+ vehicles, the maximum") as caught:
        await put(runtime, member, vin, **edits)
    assert caught.value.code is Code.VEHICLE_LIMIT_REACHED


def rows(first: int, last: int, **cells: str) -> list[Mapping[str, str]]:
    return [{"vin": make_vin(number), **cells} for number in range(first, last)]


@of_three
@pytest.mark.parametrize("edits", [{"doors": 4}, {"plate": "ABC123"}], ids=["own form", "upsert"])
@pytest.mark.long("postgres")
async def test_one_vehicle_too_many_is_refused_and_known_ones_can_still_be_updated(
    runtime: Runtime, cast: Cast, select: Select, edits: dict[str, str | int]
) -> None:
    for vin in (HUMMER, JEEP, make_vin(1)):
        await put(runtime, cast.acme, vin)
    await check_full(runtime, cast.acme, UNKNOWN_VIN, **edits)
    assert await select(COUNT) == [(3,)]
    assert not (await put(runtime, cast.acme, HUMMER, **edits)).created
    assert (await put(runtime, cast.beta, HUMMER)).created


@of_ten
async def test_many_at_once_take_the_last_places_once(
    runtime: Runtime, cast: Cast, open_store: OpenStore, engine: str, clock: SteppedClock, limits: Limits
) -> None:
    other = runtime if engine == "sqlite" else build_runtime(await open_store(), clock, limits=limits)
    asked = [put([runtime, other][number % 2], cast.acme, make_vin(number)) for number in range(40)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Registered) for one in outcomes) == 10
    assert {one.code for one in outcomes if isinstance(one, PadronError)} == {Code.VEHICLE_LIMIT_REACHED}


@pytest.mark.parametrize("limits", [Limits(vehicles=1)], ids=["one"])
@pytest.mark.long("postgres")
async def test_a_lowered_limit_hinders_only_new_vehicles(
    runtime: Runtime, cast: Cast, clock: SteppedClock, limits: Limits
) -> None:
    earlier = build_runtime(runtime.store, clock)
    for vin in (HUMMER, JEEP):
        await put(earlier, cast.acme, vin)
    await check_full(runtime, cast.acme, UNKNOWN_VIN)
    assert not (await put(runtime, cast.acme, HUMMER, doors=2)).created
    assert count(await run(runtime, cast, [{"vin": JEEP, "doors": "3"}, {"vin": UNKNOWN_VIN}])) == {
        "updated": 1, "refused": 1,
    }  # fmt: skip
    assert limits.vehicles == 1


@of_ten
@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.long("postgres")
async def test_an_import_registers_up_to_the_limit_refuses_the_rest_by_line_and_goes_on(
    runtime: Runtime, cast: Cast, select: Select, *, dry_run: bool
) -> None:
    await run(runtime, cast, rows(0, 4))
    asked = [*rows(2, 12), {"vin": make_vin(1), "doors": "4"}, {"vin": make_vin(12)}, {"vin": make_vin(0)}]
    done = await run(runtime, cast, asked, dry_run=dry_run, chunk_rows=5)
    assert count(done) == {"registered": 6, "updated": 1, "unchanged": 3, "refused": 3}
    assert done.summary.stopped is None
    assert [(one.line, one.column) for one in done.refusals] == [(10, "vin"), (11, "vin"), (13, "vin")]
    assert {one.detail for one in done.refusals} == {
        "The vehicle was not registered, because this account already has 10 vehicles, the maximum."
    }
    assert await select(COUNT) == [(4 if dry_run else 10,)]


@of_three
@pytest.mark.long("postgres")
async def test_kept_duplicates_count_and_those_that_are_already_there_are_no_fault(
    runtime: Runtime, cast: Cast, select: Select
) -> None:
    asked = [{"vin": HUMMER, "doors": str(number)} for number in range(5)]
    assert count(await run(runtime, cast, asked, keep_duplicates=True)) == {
        "registered": 1, "kept_duplicates": 2, "refused": 2,
    }  # fmt: skip
    assert count(await run(runtime, cast, asked[:3], keep_duplicates=True)) == {"unchanged": 3}
    assert await select(COUNT) == [(3,)]


@pytest.mark.parametrize("limits", [Limits(vehicles=300)], ids=["three hundred"])
@pytest.mark.long("postgres")
async def test_two_imports_at_once_fill_the_account_and_not_more(
    runtime: Runtime, cast: Cast, open_store: OpenStore, engine: str, clock: SteppedClock, limits: Limits,
    select: Select,
) -> None:  # fmt: skip
    other = runtime if engine == "sqlite" else build_runtime(await open_store(), clock, limits=limits)
    done = await asyncio.gather(
        run(runtime, cast, rows(0, 250), chunk_rows=7), run(other, cast, rows(250, 500), chunk_rows=9)
    )
    assert [one.summary.stopped for one in done] == [None, None]
    assert sum(count(one)["registered"] for one in done) == 300
    assert sum(count(one)["refused"] for one in done) == 200
    assert await select(COUNT) == [(300,)]


def miscount(engine: str, monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[int]:
    """Let the first counts miss a vehicle, as if somebody registered it right after them. Give the true counts."""
    counts: list[int] = []
    kind: type[SqliteTransaction | PostgresTransaction] = (
        SqliteTransaction if engine == "sqlite" else PostgresTransaction
    )
    real = kind.count_vehicles

    async def count_vehicles(self: Any) -> int:  # noqa: ANN401 - one of two classes
        counts.append(await real(self))
        return counts[-1] - (len(counts) <= times)

    monkeypatch.setattr(kind, "count_vehicles", count_vehicles)
    return counts


@of_ten
async def test_who_takes_the_room_after_it_was_counted_makes_the_import_count_again(
    runtime: Runtime, cast: Cast, engine: str, monkeypatch: pytest.MonkeyPatch, select: Select
) -> None:
    await run(runtime, cast, rows(0, 8))
    counts = miscount(engine, monkeypatch, times=2)
    assert count(await run(runtime, cast, rows(5, 15))) == {"registered": 2, "unchanged": 3, "refused": 5}
    assert counts == [8, 8, 8]
    assert await select(COUNT) == [(10,)]


@of_ten
@pytest.mark.long("postgres")
async def test_an_import_whose_room_is_taken_again_and_again_stops_with_the_reason(
    runtime: Runtime, cast: Cast, engine: str, monkeypatch: pytest.MonkeyPatch, select: Select
) -> None:
    await run(runtime, cast, rows(0, 10))
    miscount(engine, monkeypatch, times=100)
    stopped = (await run(runtime, cast, rows(8, 12))).summary.stopped
    assert stopped is not None
    assert stopped.code is Code.VEHICLE_LIMIT_REACHED
    assert await select(COUNT) == [(10,)]


@pytest.mark.long("postgres")
async def test_a_repair_frees_places_and_its_undo_may_exceed_the_limit(
    runtime: Runtime, cast: Cast, select: Select, clock: SteppedClock
) -> None:
    acme = await make_acme(runtime, cast)
    ((before,),) = await select(COUNT)
    full = build_runtime(runtime.store, clock, limits=Limits(vehicles=before))
    await check_full(full, cast.acme, make_vin(1))
    freed = len((await acme.repair(acme.ids[0])).former)
    assert freed > 0
    for number in range(freed):
        await put(full, cast.acme, make_vin(100 + number))
    await check_full(full, cast.acme, make_vin(1))
    assert await select(COUNT) == [(before,)]
    await undo_request(full, cast.acme.principal, "r-repair", "r-undo", None)
    assert await select(COUNT) == [(before + freed,)]
