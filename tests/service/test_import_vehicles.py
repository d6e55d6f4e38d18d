"""Importing vehicles: what becomes of each row, once and again."""

from collections.abc import Mapping
from datetime import datetime

import pytest

from padron.domain.change import ChangeType
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.files.columns import ImportRow
from padron.service.imports.importing import import_vehicles
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, Cast, make_vin
from tests.conftest import Select
from tests.service.importing import Cells, count, list_types, read_all, run

CHUNK_ROWS = 20
ROWS = 320  # from 300 on, the engines look for all at once


async def test_an_unknown_vin_is_registered_with_the_status_of_the_row(runtime: Runtime, cast: Cast) -> None:
    rows: list[Cells] = [
        {"vin": HUMMER.lower(), "plate": "abc123", "doors": "4", "vehicleStatusId": "7"},
        {"vin": JEEP},
    ]
    assert count(await run(runtime, cast, rows)) == {"registered": 2}
    assert await read_all(runtime, cast) == [(0, VehicleStatus.IMPOUNDED, {"plate": "ABC123", "doors": 4})]
    assert await read_all(runtime, cast, JEEP) == [(0, VehicleStatus.ACTIVE, {})]


@pytest.mark.long("postgres")
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


@pytest.mark.long("postgres")
async def test_the_same_file_again_writes_nothing(runtime: Runtime, cast: Cast) -> None:
    rows = [{"vin": HUMMER, "plate": "ABC123", "vehicleStatusId": "4"}, {"vin": JEEP, "doors": "5"}]
    await run(runtime, cast, rows)
    assert count(await run(runtime, cast, rows)) == {"unchanged": 2}
    assert await list_types(runtime, cast) == [ChangeType.REGISTERED]


@pytest.mark.long("postgres")
async def test_an_empty_status_cell_keeps_the_status(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": "8"}])
    assert count(await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": ""}])) == {"unchanged": 1}
    assert [status for _, status, _ in await read_all(runtime, cast)] == [VehicleStatus.SOLD]


@pytest.mark.parametrize("gap", [0, CHUNK_ROWS], ids=["in one transaction", "in two"])
@pytest.mark.long("postgres")
async def test_a_vin_that_occurs_again_in_the_file_is_refused_with_its_line(
    runtime: Runtime, cast: Cast, gap: int
) -> None:
    between = [{"vin": make_vin(number)} for number in range(gap)]
    summary = await run(
        runtime, cast, [{"vin": HUMMER}, *between, {"vin": HUMMER, "doors": "2"}], chunk_rows=CHUNK_ROWS
    )
    assert count(summary) == {"registered": 1 + gap, "refused": 1}
    (refusal,) = summary.refusals
    assert (refusal.line, refusal.column) == (gap + 3, "vin")
    assert "already appears on line 2 " in refusal.detail
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
        ({"vin": HUMMER, "vehicleStatusId": "lent"}, "vehicleStatusId", "'lent' is not a vehicle status"),
        ({"vin": HUMMER, "ownerName": "a\x00b"}, "ownerName", "printable"),
    ],
)
@pytest.mark.long("postgres")
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


@pytest.mark.long("postgres")
async def test_a_plate_that_an_earlier_row_took_by_an_update_is_taken(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "ABC123"}])
    summary = await run(runtime, cast, [{"vin": HUMMER, "plate": "NEW123"}, {"vin": JEEP, "plate": "NEW123"}])
    assert count(summary) == {"updated": 1, "refused": 1}


@pytest.mark.long("postgres")
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
@pytest.mark.long("postgres")
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
    first = await run(runtime, cast, rows, keep_duplicates=True, chunk_rows=CHUNK_ROWS)
    assert count(first) == {"registered": 1 + gap, "kept_duplicates": 3}
    kept = await read_all(runtime, cast)
    assert [slot for slot, _, _ in kept] == [0, 1, 2, 3]
    again = await run(runtime, cast, rows, keep_duplicates=True, chunk_rows=CHUNK_ROWS)
    assert count(again) == {"unchanged": 4 + gap}
    assert await read_all(runtime, cast) == kept
    longer = await run(
        runtime, cast, [*rows, {"vin": HUMMER, "doors": "4"}], keep_duplicates=True, chunk_rows=CHUNK_ROWS
    )
    assert count(longer) == {"unchanged": 4 + gap, "kept_duplicates": 1}


@pytest.mark.long("postgres")
async def test_a_row_for_several_vehicles_with_its_vin_is_refused(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER}, {"vin": HUMMER}], keep_duplicates=True)
    summary = await run(runtime, cast, [{"vin": HUMMER, "doors": "2"}])
    assert count(summary) == {"refused": 1}
    assert "2 current vehicles" in summary.refusals[0].detail


@pytest.mark.long("postgres")
async def test_refusals_are_handed_on_with_the_transaction_of_their_rows(runtime: Runtime, cast: Cast) -> None:
    found = await run(runtime, cast, [{"vin": "?"}] * (2 * CHUNK_ROWS + 7), chunk_rows=CHUNK_ROWS)
    assert found.summary.counts.refused == 2 * CHUNK_ROWS + 7
    assert [refusal.line for refusal in found.refusals] == list(range(2, 2 * CHUNK_ROWS + 9))
    assert [len(step.refusals) for step in found.steps] == [CHUNK_ROWS, CHUNK_ROWS, 7]


@pytest.mark.long("postgres")
async def test_an_interrupted_import_keeps_what_was_written_and_says_how_far_it_came(
    runtime: Runtime, cast: Cast
) -> None:
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    rows = [{"vin": make_vin(number)} for number in range(CHUNK_ROWS + 1)]
    found = await run(runtime, cast, rows, should_stop=should_stop, chunk_rows=CHUNK_ROWS)
    assert found.summary.is_interrupted
    assert [step.counts.read for step in found.steps] == [CHUNK_ROWS]
    assert count(found) == {"registered": CHUNK_ROWS}
    assert await read_all(runtime, cast, make_vin(CHUNK_ROWS)) == []
    assert len(await read_all(runtime, cast, make_vin(CHUNK_ROWS - 1))) == 1


@pytest.mark.long("postgres")
async def test_a_key_without_the_scopes_cannot_import(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(PadronError) as refused:
        await import_vehicles(runtime, cast.gamma.principal, [], request_id="r")
    assert refused.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("text", ["4", "In the Shop", "en TALLER", " En taller "])
@pytest.mark.long("postgres")
async def test_a_status_may_be_given_by_its_name(runtime: Runtime, cast: Cast, text: str) -> None:
    assert count(await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": text}])) == {"registered": 1}
    assert [status for _, status, _ in await read_all(runtime, cast)] == [VehicleStatus.IN_THE_SHOP]


@pytest.mark.long("postgres")
async def test_spaces_around_what_is_no_free_text_do_not_matter(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": f" {HUMMER} ", "plate": " abc123 ", "doors": " 4 ", "ownerName": " A "}])
    details = {"plate": "ABC123", "doors": 4, "ownerName": " A "}
    assert await read_all(runtime, cast) == [(0, VehicleStatus.ACTIVE, details)]
    refused = await run(runtime, cast, [{"vin": JEEP, "plate": "   "}])
    assert [one.column for one in refused.refusals] == ["plate"]


async def test_many_rows_are_written_as_few_are(runtime: Runtime, cast: Cast, select: Select) -> None:
    """The engines write many registrations in another way than few."""
    rows = [
        {"vin": make_vin(number), "plate": f"P{number:05d}", "ownerName": f"Águila {number}", "doors": str(number % 31),
         "vehicleStatusId": str(number % 2 * 3)}
        for number in range(ROWS)
    ]  # fmt: skip
    tables = ("vehicles", "versions", "changes")
    seen = []
    for account, chunk_rows in ((cast.acme, ROWS), (cast.beta, CHUNK_ROWS)):
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
    assert len(seen[0]) == 3 * ROWS


def blank_instant(value: object) -> object:
    """Leave instants out: they go on with each transaction. SQLite has them as microseconds."""
    return None if isinstance(value, datetime) or (isinstance(value, int) and value > 10**15) else value
