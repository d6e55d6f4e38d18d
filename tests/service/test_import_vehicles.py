"""Importing vehicles: what becomes of each row, once and again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from padron.domain.change import ChangeType
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Details
from padron.files.columns import ImportRow, Refusal
from padron.service.imports import CHUNK_ROWS, ImportStep, ImportSummary, import_vehicles
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, JEEP, Cast, make_vin
from tests.conftest import Select

Cells = dict[str, str]


@dataclass(kw_only=True)
class Imported:
    summary: ImportSummary
    refusals: list[Refusal]
    steps: list[ImportStep]


async def run(
    runtime: Runtime,
    cast: Cast,
    rows: Iterable[Mapping[str, str]],
    **options: Any,  # noqa: ANN401 - handed on as they are
) -> Imported:
    numbered = [ImportRow(line=line, cells=cells) for line, cells in enumerate(rows, start=2)]
    steps: list[ImportStep] = []
    summary = await import_vehicles(
        runtime, cast.acme.principal, numbered, request_id="r-import", on_step=steps.append, **options
    )
    return Imported(summary=summary, refusals=[one for step in steps for one in step.refusals], steps=steps)


def count(imported: Imported) -> dict[str, int]:
    summary = imported.summary
    names = ("registered", "updated", "unchanged", "kept_duplicates", "refused")
    counts = {name: getattr(summary, name) for name in names}
    assert summary.read == sum(counts.values())
    return {name: number for name, number in counts.items() if number}


async def read_all(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> list[tuple[int, VehicleStatus, Details]]:
    found = await runtime.store.read(cast.acme.account.account_id).list_versions_by_vin(vin)
    return [(one.vehicle.slot, one.vehicle.status, one.details) for one in found]


async def list_types(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> list[ChangeType]:
    reader = runtime.store.read(cast.acme.account.account_id)
    vehicles = await reader.list_by_vin(vin)
    return [entry.type for entry in await reader.list_history(vehicles[0].vehicle_id, None, 50)]


async def test_an_unknown_vin_is_registered_with_the_status_of_the_row(runtime: Runtime, cast: Cast) -> None:
    rows: list[Cells] = [
        {"vin": HUMMER.lower(), "plate": "abc123", "doors": "4", "vehicleStatusId": "7"},
        {"vin": JEEP},
    ]
    assert count(await run(runtime, cast, rows)) == {"registered": 2}
    assert await read_all(runtime, cast) == [(0, VehicleStatus.IMPOUNDED, {"plate": "ABC123", "doors": 4})]
    assert await read_all(runtime, cast, JEEP) == [(0, VehicleStatus.ACTIVE, {})]


async def test_history_names_the_operator_and_one_request_for_the_whole_import(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER}, {"vin": JEEP}])
    reader = runtime.store.read(cast.acme.account.account_id)
    for vin in (HUMMER, JEEP):
        (vehicle,) = await reader.list_by_vin(vin)
        (entry,) = await reader.list_history(vehicle.vehicle_id, None, 50)
        assert (entry.by, entry.request_id) == (cast.acme.principal.actor, "r-import")


async def test_a_known_vin_takes_the_values_and_the_status_of_the_row(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123", "brandName": "Hummer"}])
    change = {"vin": HUMMER, "plate": "", "brandName": "Jeep", "vehicleStatusId": "3"}
    assert count(await run(runtime, cast, [change])) == {"updated": 1}
    details = {"plate": "ABC123", "brandName": "Jeep"}  # the empty cell kept the plate
    assert await read_all(runtime, cast) == [(0, VehicleStatus.STOLEN, details)]
    assert await list_types(runtime, cast) == [
        ChangeType.STATUS_CHANGED,
        ChangeType.INFO_CHANGED,
        ChangeType.REGISTERED,
    ]


async def test_the_same_file_again_writes_nothing(runtime: Runtime, cast: Cast) -> None:
    rows = [{"vin": HUMMER, "plate": "ABC123", "vehicleStatusId": "4"}, {"vin": JEEP, "doors": "5"}]
    await run(runtime, cast, rows)
    assert count(await run(runtime, cast, rows)) == {"unchanged": 2}
    assert await list_types(runtime, cast) == [ChangeType.REGISTERED]


async def test_an_empty_status_cell_keeps_the_status(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": "8"}])
    assert count(await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": ""}])) == {"unchanged": 1}
    assert [status for _, status, _ in await read_all(runtime, cast)] == [VehicleStatus.SOLD]


@pytest.mark.parametrize("gap", [0, CHUNK_ROWS], ids=["in one transaction", "in two"])
async def test_a_vin_that_occurs_again_in_the_file_is_refused_with_its_line(
    runtime: Runtime, cast: Cast, gap: int
) -> None:
    between = [{"vin": make_vin(number)} for number in range(gap)]
    summary = await run(runtime, cast, [{"vin": HUMMER}, *between, {"vin": HUMMER, "doors": "2"}])
    assert count(summary) == {"registered": 1 + gap, "refused": 1}
    (refusal,) = summary.refusals
    assert (refusal.line, refusal.column) == (gap + 3, "vin")
    assert "stands on line 2 " in refusal.detail
    assert await read_all(runtime, cast) == [(0, VehicleStatus.ACTIVE, {})]


@pytest.mark.parametrize(
    "cells, column, said",
    [
        ({"vin": "1HGCM82633A0O4352"}, "vin", "no letter O"),
        ({"vin": ""}, "vin", "0 characters"),
        ({"vin": HUMMER, "doors": "31"}, "doors", "0 to 30"),
        ({"vin": HUMMER, "doors": "٣"}, "doors", "integer"),
        ({"vin": HUMMER, "plate": "A-1"}, "plate", "4 to 10"),
        ({"vin": HUMMER, "vehicleStatusId": "2"}, "vehicleStatusId", "the system alone"),
        ({"vin": HUMMER, "vehicleStatusId": "lent"}, "vehicleStatusId", "no vehicle status"),
        ({"vin": HUMMER, "ownerName": "a\x00b"}, "ownerName", "printable"),
    ],
)
async def test_a_cell_that_cannot_be_used_refuses_its_line_alone(
    runtime: Runtime, cast: Cast, cells: Cells, column: str, said: str
) -> None:
    summary = await run(runtime, cast, [cells, {"vin": JEEP}])
    assert count(summary) == {"registered": 1, "refused": 1}
    (refusal,) = summary.refusals
    assert (refusal.line, refusal.column) == (2, column)
    assert said in refusal.detail
    assert await read_all(runtime, cast) == []


async def test_a_plate_that_another_vehicle_bears_refuses_the_line(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}])
    summary = await run(runtime, cast, [{"vin": JEEP, "plate": "abc123"}])
    assert count(summary) == {"refused": 1}
    assert (summary.refusals[0].line, summary.refusals[0].column) == (2, "plate")
    assert HUMMER in summary.refusals[0].detail


async def test_two_rows_of_one_transaction_cannot_take_the_same_plate(runtime: Runtime, cast: Cast) -> None:
    summary = await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}, {"vin": JEEP, "plate": "ABC123"}])
    assert count(summary) == {"registered": 1, "refused": 1}


async def test_a_plate_that_an_earlier_row_took_by_an_update_is_taken(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}])
    summary = await run(runtime, cast, [{"vin": HUMMER, "plate": "NEW123"}, {"vin": JEEP, "plate": "NEW123"}])
    assert count(summary) == {"updated": 1, "refused": 1}


async def test_a_plate_that_an_earlier_row_gives_up_is_free(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}, {"vin": JEEP, "plate": "JEEP01"}])
    rows = [
        {"vin": HUMMER, "plate": "NEW123"},
        {"vin": JEEP, "plate": "ABC123"},
        {"vin": make_vin(1), "plate": "JEEP01"},
    ]
    assert count(await run(runtime, cast, rows)) == {"registered": 1, "updated": 2}
    assert [details["plate"] for _, _, details in await read_all(runtime, cast, JEEP)] == ["ABC123"]


async def test_a_duplicate_is_kept_on_demand_with_the_next_slot(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}])
    rows = [{"vin": HUMMER, "plate": "ABC123", "doors": "2"}, {"vin": HUMMER, "doors": "3", "vehicleStatusId": "8"}]
    assert count(await run(runtime, cast, rows, keep_duplicates=True)) == {"kept_duplicates": 2}
    assert await read_all(runtime, cast) == [
        (0, VehicleStatus.ACTIVE, {"plate": "ABC123"}),
        (1, VehicleStatus.ACTIVE, {"plate": "ABC123", "doors": 2}),  # a kept duplicate may share a plate
        (2, VehicleStatus.SOLD, {"doors": 3}),
    ]


@pytest.mark.parametrize("gap", [0, CHUNK_ROWS], ids=["in one transaction", "in two"])
async def test_kept_duplicates_do_not_pile_up_when_the_file_is_run_again(
    runtime: Runtime, cast: Cast, gap: int
) -> None:
    between = [{"vin": make_vin(number)} for number in range(gap)]
    rows: list[Mapping[str, str]] = [
        {"vin": HUMMER, "doors": "2", "vehicleStatusId": "3"},
        {"vin": HUMMER, "doors": "2"},
        *between,
        {"vin": HUMMER, "doors": "2"},
        {"vin": HUMMER, "doors": "4"},
    ]
    first = await run(runtime, cast, rows, keep_duplicates=True)
    assert count(first) == {"registered": 1 + gap, "kept_duplicates": 3}
    kept = await read_all(runtime, cast)
    assert [slot for slot, _, _ in kept] == [0, 1, 2, 3]
    again = await run(runtime, cast, rows, keep_duplicates=True)
    assert count(again) == {"unchanged": 4 + gap}
    assert await read_all(runtime, cast) == kept
    longer = await run(runtime, cast, [*rows, {"vin": HUMMER, "doors": "4"}], keep_duplicates=True)
    assert count(longer) == {"unchanged": 4 + gap, "kept_duplicates": 1}


async def test_a_row_for_several_vehicles_with_its_vin_is_refused(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER}, {"vin": HUMMER}], keep_duplicates=True)
    summary = await run(runtime, cast, [{"vin": HUMMER, "doors": "2"}])
    assert count(summary) == {"refused": 1}
    assert "2 current vehicles" in summary.refusals[0].detail


async def test_refusals_are_handed_on_with_the_transaction_of_their_rows(runtime: Runtime, cast: Cast) -> None:
    found = await run(runtime, cast, [{"vin": "?"}] * (2 * CHUNK_ROWS + 7))
    assert found.summary.refused == 2 * CHUNK_ROWS + 7
    assert [refusal.line for refusal in found.refusals] == list(range(2, 2 * CHUNK_ROWS + 9))
    assert [len(step.refusals) for step in found.steps] == [CHUNK_ROWS, CHUNK_ROWS, 7]


async def test_an_interrupted_import_keeps_what_was_written_and_says_how_far_it_came(
    runtime: Runtime, cast: Cast
) -> None:
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    rows = [{"vin": make_vin(number)} for number in range(CHUNK_ROWS + 1)]
    found = await run(runtime, cast, rows, should_stop=should_stop)
    assert found.summary.interrupted
    assert [step.summary.read for step in found.steps] == [CHUNK_ROWS]
    assert count(found) == {"registered": CHUNK_ROWS}
    assert await read_all(runtime, cast, make_vin(CHUNK_ROWS)) == []
    assert len(await read_all(runtime, cast, make_vin(CHUNK_ROWS - 1))) == 1


async def test_a_key_without_the_scopes_cannot_import(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(PadronError) as refused:
        await import_vehicles(runtime, cast.gamma.principal, [], request_id="r")
    assert refused.value.code is Code.FORBIDDEN


async def read_revision(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> str:
    (vehicle,) = await runtime.store.read(cast.acme.account.account_id).list_by_vin(vin)
    return str(vehicle.revision)


async def test_a_row_of_an_export_shows_the_whole_vehicle_so_an_empty_cell_removes(
    runtime: Runtime, cast: Cast
) -> None:
    vehicle = {"vin": HUMMER, "plate": "ABC123", "doors": "4", "brandName": "Hummer", "vehicleStatusId": "4"}
    await run(runtime, cast, [vehicle])
    edited = {"vin": HUMMER, "plate": "", "doors": "2", "vehicleStatusId": "", "revision": "1"}
    assert count(await run(runtime, cast, [edited])) == {"updated": 1}
    # brandName has no column in the file, and the status is kept.
    assert await read_all(runtime, cast) == [(0, VehicleStatus.IN_THE_SHOP, {"doors": 2, "brandName": "Hummer"})]


async def test_an_export_that_was_not_edited_changes_nothing(runtime: Runtime, cast: Cast) -> None:
    vehicle = {"vin": HUMMER, "plate": "ABC123", "ownerName": "", "vehicleStatusId": "4"}
    await run(runtime, cast, [vehicle])
    assert count(await run(runtime, cast, [{**vehicle, "revision": "1"}])) == {"unchanged": 1}
    assert await list_types(runtime, cast) == [ChangeType.REGISTERED]


@pytest.mark.parametrize(
    "edit",
    [{"ownerName": "Otro"}, {"brandName": ""}, {"vehicleStatusId": "8"}, {"doors": "5", "brandName": "Jeep"}],
)
async def test_an_old_row_of_an_export_overwrites_nobodys_later_change(
    runtime: Runtime, cast: Cast, edit: Cells
) -> None:
    exported = {"vin": HUMMER, "doors": "4", "brandName": "Hummer", "ownerName": "", "vehicleStatusId": "1"}
    await run(runtime, cast, [exported])
    await run(runtime, cast, [{"vin": HUMMER, "doors": "5"}])
    imported = await run(runtime, cast, [{**exported, **edit, "revision": "1"}])
    assert count(imported) == {"refused": 1}
    (refusal,) = imported.refusals
    assert (refusal.line, refusal.column) == (2, "revision")
    assert "changed since the export: it is at revision 2" in refusal.detail
    assert (await read_all(runtime, cast))[0][2] == {"doors": 5, "brandName": "Hummer"}


async def test_an_old_row_that_says_what_is_so_already_is_unchanged(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    await run(runtime, cast, [{"vin": HUMMER, "doors": "5", "vehicleStatusId": "3"}])
    again = {"vin": HUMMER, "doors": "5", "vehicleStatusId": "Robado", "revision": "1"}
    assert count(await run(runtime, cast, [again])) == {"unchanged": 1}


async def test_an_edit_can_be_run_again_after_an_interruption(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    edited = {"vin": HUMMER, "doors": "5", "vehicleStatusId": "3", "revision": await read_revision(runtime, cast)}
    assert count(await run(runtime, cast, [edited])) == {"updated": 1}
    assert count(await run(runtime, cast, [edited])) == {"unchanged": 1}


@pytest.mark.parametrize("revision", ["0", "-1", "1.5", "x", "9" * 40])
async def test_a_revision_that_no_export_wrote_is_refused(runtime: Runtime, cast: Cast, revision: str) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, "revision": revision}])
    assert [(one.line, one.column) for one in imported.refusals] == [(2, "revision")]


async def test_an_exported_row_whose_vehicle_is_not_there_is_refused(runtime: Runtime, cast: Cast) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, "revision": "1"}, {"vin": JEEP, "revision": " "}])
    assert count(imported) == {"registered": 1, "refused": 1}
    assert (imported.refusals[0].column, await read_all(runtime, cast)) == ("vin", [])
    assert "no vehicle" in imported.refusals[0].detail


async def test_who_keeps_duplicates_edits_no_export(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    rows = [{"vin": HUMMER, "doors": "4", "revision": "7"}, {"vin": HUMMER, "doors": "", "revision": "1"}]
    assert count(await run(runtime, cast, rows, keep_duplicates=True)) == {"unchanged": 1, "kept_duplicates": 1}


@pytest.mark.parametrize("text", ["4", "In the Shop", "en TALLER", " En taller "])
async def test_a_status_may_be_given_by_its_name(runtime: Runtime, cast: Cast, text: str) -> None:
    assert count(await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": text}])) == {"registered": 1}
    assert [status for _, status, _ in await read_all(runtime, cast)] == [VehicleStatus.IN_THE_SHOP]


async def test_spaces_around_what_is_no_free_text_do_not_matter(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": f" {HUMMER} ", "plate": " abc123 ", "doors": " 4 ", "ownerName": " A "}])
    details = {"plate": "ABC123", "doors": 4, "ownerName": " A "}
    assert await read_all(runtime, cast) == [(0, VehicleStatus.ACTIVE, details)]
    refused = await run(runtime, cast, [{"vin": JEEP, "plate": "   "}])
    assert [one.column for one in refused.refusals] == ["plate"]


async def read_record(runtime: Runtime, cast: Cast) -> tuple[int, list[tuple[str, int]]]:
    """Give the number of the last change, and each vehicle with its revision."""
    reader = runtime.store.read(cast.acme.account.account_id)
    found = await reader.list_vehicles(VehicleQuery(filters={}, limit=500))
    vehicles = [version.vehicle for version, _ in found]
    return await reader.find_last_change(), [(vehicle.vin, vehicle.revision) for vehicle in vehicles]


KNOWN: list[Cells] = [
    {"vin": make_vin(1), "plate": "AAA111", "doors": "2"},
    {"vin": make_vin(2), "plate": "BBB222"},
    {"vin": make_vin(3)},
]
MIXED: list[Cells] = [
    {"vin": make_vin(1), "plate": "NEW111"},  # gives AAA111 up
    {"vin": make_vin(2), "plate": "AAA111"},  # and takes it
    {"vin": make_vin(4), "plate": "BBB222", "vehicleStatusId": "3"},  # what 2 gave up
    {"vin": make_vin(5), "plate": "NEW111"},  # taken by 1: refused
    {"vin": make_vin(3), "vehicleStatusId": "8"},
    {"vin": make_vin(1), "doors": "5"},  # twice in the file
    {"vin": make_vin(6), "plate": "GGG777"},
    {"vin": make_vin(7), "plate": "ggg777"},  # taken by 6: refused
    {"vin": make_vin(3), "doors": "9", "revision": "1"},
]


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
@pytest.mark.parametrize("keep_duplicates, counted", [(False, 2), (True, 1)])
async def test_a_dry_run_decides_as_the_run_does_and_writes_nothing(
    runtime: Runtime, cast: Cast, chunk_rows: int, keep_duplicates: object, counted: int
) -> None:
    await run(runtime, cast, KNOWN)
    before = await read_record(runtime, cast)
    options = {"keep_duplicates": keep_duplicates, "chunk_rows": chunk_rows}
    rehearsed = await run(runtime, cast, [*MIXED, *MIXED], dry_run=True, **options)
    assert await read_record(runtime, cast) == before
    imported = await run(runtime, cast, [*MIXED, *MIXED], **options)
    assert rehearsed == imported
    assert imported.summary.registered == counted
    assert imported.summary.refused >= 2
    assert await read_record(runtime, cast) != before


async def test_a_checkpoint_is_committed_with_the_rows_of_its_step(runtime: Runtime, cast: Cast) -> None:
    noted: list[ImportStep] = []

    async def fail_at_second(transaction: WriteTransaction, step: ImportStep) -> None:
        assert len(await transaction.lock_vehicles([make_vin(step.summary.read - 1)])) == 1
        noted.append(step)
        if len(noted) == 2:
            raise PadronError(Code.STORE_UNAVAILABLE, "The disk is full.")

    rows = [{"vin": make_vin(number)} for number in range(6)]
    imported = await run(runtime, cast, rows, checkpoint=fail_at_second, chunk_rows=2)
    assert imported.summary.stopped == "The disk is full."
    assert [step.summary.read for step in noted] == [2, 4]
    assert imported.steps == noted[:1]
    assert (imported.summary.read, imported.summary.registered) == (2, 2)
    assert (await read_record(runtime, cast))[1] == [(make_vin(0), 1), (make_vin(1), 1)]


async def test_an_import_goes_on_where_an_earlier_run_came_to(runtime: Runtime, cast: Cast) -> None:
    rows = [{"vin": make_vin(number), "doors": "2"} for number in range(5)]
    rows += [{"vin": make_vin(0), "doors": "3"}, {"vin": make_vin(9)}]
    first = await run(runtime, cast, rows, chunk_rows=2, should_stop=iter([False, False, True]).__next__)
    assert (first.summary.read, first.summary.interrupted) == (4, True)
    await run(runtime, cast, [{"vin": make_vin(1), "doors": "9"}])  # a later change of a row that is behind us
    rest = await run(runtime, cast, rows, chunk_rows=2, start=first.summary)
    assert rest.summary == ImportSummary(read=7, registered=6, refused=1)
    (refusal,) = rest.refusals
    assert (refusal.line, refusal.detail) == (7, f"The VIN {make_vin(0)} stands on line 2 of the file already.")
    assert await read_all(runtime, cast, make_vin(1)) == [(0, VehicleStatus.ACTIVE, {"doors": 9})]


async def test_rows_that_cannot_be_read_on_stop_the_import_after_what_was_read(runtime: Runtime, cast: Cast) -> None:
    def give_rows() -> Iterator[ImportRow]:
        yield ImportRow(line=2, cells={"vin": HUMMER})
        yield ImportRow(line=3, cells={"vin": JEEP})
        raise PadronError(Code.BAD_PARAMETERS, "The part is damaged.")

    summary = await import_vehicles(runtime, cast.acme.principal, give_rows(), request_id="r", chunk_rows=1)
    assert (summary.registered, summary.stopped) == (2, "The part is damaged.")


async def test_many_rows_are_written_as_one_by_one(runtime: Runtime, cast: Cast, select: Select) -> None:
    """The engines write many registrations in another way than few."""
    rows = [
        {"vin": make_vin(number), "plate": f"P{number:05d}", "ownerName": f"Águila {number}", "doors": str(number % 31),
         "vehicleStatusId": str(number % 2 * 3)}
        for number in range(700)
    ]  # fmt: skip
    tables = ("vehicles", "versions", "changes")
    seen = []
    for account, chunk_rows in ((cast.acme, 700), (cast.beta, 1)):
        numbered = [ImportRow(line=line, cells=cells) for line, cells in enumerate(rows, start=2)]
        await import_vehicles(runtime, account.principal, numbered, request_id="r", chunk_rows=chunk_rows)
        account_id = account.account.account_id
        found = []
        for table in tables:
            key = "number" if table == "changes" else "vehicle_id"
            found += await select(f"SELECT * FROM {table} WHERE account_id = $1 ORDER BY {key}", account_id)  # noqa: S608
        actor = account.principal.actor
        seen.append([["by" if value == actor else blank_instant(value) for value in row[1:]] for row in found])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 2_100


def blank_instant(value: object) -> object:
    """Leave instants out: they go on with each transaction. SQLite has them as microseconds."""
    return None if isinstance(value, datetime) or (isinstance(value, int) and value > 10**15) else value
