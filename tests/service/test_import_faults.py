"""All that is wrong with a row is said at once, and the row counts once; what comes after it sees none of it."""

import pytest

from padron.domain.language import Language
from padron.files.columns import FileRow, ImportRow, RowFault
from padron.service.imports.importing import import_vehicles
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, Cast, make_vin
from tests.service.importing import Imported, count, read_all, run

LONG = "x" * 151
EARLIER = "v1r1t5f3a9c0d"  # a revision that no vehicle is at


def list_faults(imported: Imported) -> list[tuple[int, str | None]]:
    return [(one.line, one.column) for one in imported.refusals]


@pytest.mark.parametrize(
    "chunk_rows",
    [1, pytest.param(500, marks=pytest.mark.long("postgres"))],
    ids=["in a transaction each", "in one transaction"],
)
@pytest.mark.parametrize("dry_run", [False, True], ids=["written", "rehearsed"])
async def test_every_fault_of_a_row_is_said(runtime: Runtime, cast: Cast, chunk_rows: int, *, dry_run: bool) -> None:
    rows = [
        {"vin": make_vin(1), "plate": "AAA111"},
        {"vin": "SHORT", "plate": "A-1", "doors": "x", "brandName": LONG, "vehicleStatusId": "Baja"},
        {"vin": make_vin(1), "plate": "BBB-111", "doors": "31"},  # the VIN came before
        {"vin": make_vin(2), "plate": "AAA111", "doors": "x"},  # the first row has the plate
        {"vin": make_vin(3), "plate": "CCC111", "doors": "x", "revision": EARLIER},  # no vehicle to edit
        {"vin": make_vin(4), "plate": "CCC111"},  # free: the row before is not written
    ]
    imported = await run(runtime, cast, rows, chunk_rows=chunk_rows, dry_run=dry_run)
    assert count(imported) == {"registered": 2, "refused": 4}
    assert list_faults(imported) == [
        (3, "vin"), (3, "plate"), (3, "doors"), (3, "brandName"), (3, "vehicleStatusId"),
        (4, "vin"), (4, "plate"), (4, "doors"),
        (5, "doors"), (5, "plate"),
        (6, "doors"), (6, "vin"),
    ]  # fmt: skip
    details = [one.detail for one in imported.refusals]
    assert "Perhaps BBB111." in details[6]
    assert details[9] == f"The vehicle {make_vin(1)} already has the plate AAA111."


@pytest.mark.long("postgres")
async def test_a_plate_is_looked_at_as_it_is_where_the_row_stands(runtime: Runtime, cast: Cast) -> None:
    rows = [{"vin": make_vin(1), "plate": "AAA111", "doors": "x"}, {"vin": make_vin(2), "plate": "AAA111"}]
    imported = await run(runtime, cast, rows)
    assert (list_faults(imported), count(imported)) == ([(2, "doors")], {"registered": 1, "refused": 1})


async def test_a_vehicles_own_plate_is_no_fault_beside_others(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "plate": "AAA111"}])
    imported = await run(runtime, cast, [{"vin": HUMMER, "plate": "aaa111", "doors": "x"}])
    assert list_faults(imported) == [(2, "doors")]


async def test_an_edit_that_is_too_old_says_so_beside_its_other_faults(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}, {"vin": JEEP, "plate": "AAA111"}])
    await run(runtime, cast, [{"vin": HUMMER, "doors": "5"}])
    edited = {"vin": HUMMER, "doors": "6", "plate": "AAA111", "revision": EARLIER}
    assert list_faults(await run(runtime, cast, [edited])) == [(2, "revision"), (2, "plate")]
    assert list_faults(await run(runtime, cast, [{**edited, "brandName": LONG}])) == [
        (2, "brandName"), (2, "revision"), (2, "plate"),
    ]  # fmt: skip
    unreadable = {"vin": HUMMER, "doors": "x", "revision": EARLIER}  # whatever its cell was to say, it differs
    assert list_faults(await run(runtime, cast, [unreadable])) == [(2, "doors"), (2, "revision")]
    assert (await read_all(runtime, cast))[0][2] == {"doors": 5}


@pytest.mark.long("postgres")
async def test_several_vehicles_with_the_vin_are_said_beside_other_faults(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}, {"vin": HUMMER, "doors": "5"}], keep_duplicates=True)
    await run(runtime, cast, [{"vin": JEEP, "plate": "AAA111"}])
    imported = await run(runtime, cast, [{"vin": HUMMER, "doors": "x", "plate": "AAA111"}])
    assert list_faults(imported) == [(2, "doors"), (2, "vin"), (2, "plate")]


@pytest.mark.long("postgres")
async def test_cells_that_a_reader_could_not_read_are_faults_of_their_row(runtime: Runtime, cast: Cast) -> None:
    rows: list[FileRow] = [
        ImportRow(line=2, cells={"vin": HUMMER, "doors": "x"}, problems={"plate": "The cell B2 holds an error."}),
        ImportRow(line=3, cells={"doors": "4"}, problems={"vin": "The cell A3 holds an error."}),
        RowFault(line=4, column=None, detail="The line is too long."),
    ]
    steps: list[RowFault] = []
    summary = await import_vehicles(
        runtime, cast.acme.principal, rows, request_id="r", on_step=lambda step: steps.extend(step.refusals)
    )
    assert [(one.line, one.column) for one in steps] == [(2, "plate"), (2, "doors"), (3, "vin"), (4, None)]
    assert (summary.counts.read, summary.counts.refused) == (3, 3)


@pytest.mark.parametrize(
    "text, doors",
    [("4.0", 4), ("4.00", 4), ("4,0", 4), (" 4 ", 4), ("04", 4), ("4.000", None), ("4.5", None), ("4.", None)],
)
@pytest.mark.long("postgres")
async def test_an_integer_may_be_written_with_a_point(
    runtime: Runtime, cast: Cast, text: str, doors: int | None
) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, "doors": text, "vehicleStatusId": text}])
    if doors is None:
        assert list_faults(imported) == [(2, "doors"), (2, "vehicleStatusId")]
    else:
        assert [(status.value, details) for _, status, details in await read_all(runtime, cast)] == [(4, {"doors": 4})]


@pytest.mark.long("postgres")
async def test_line_breaks_are_kept_in_observations_and_are_spaces_elsewhere(runtime: Runtime, cast: Cast) -> None:
    text = "one\r\ntwo\rthree\n"
    await run(
        runtime, cast, [{"vin": HUMMER, "observations": text, "ownerName": text, "brandName": "\n", "doors": "4\n"}]
    )
    assert (await read_all(runtime, cast))[0][2] == {
        "observations": "one\ntwo\nthree\n", "ownerName": "one two three", "doors": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "plate", ["XYZ-00-00", "xyz 00 00", "XYZ\u201300\u00a000", "XYZ.00/00", "XYZ_0000", " xyz0000 "]
)
@pytest.mark.long("postgres")
async def test_plates_and_vins_are_taken_as_they_are_written_when_asked(
    runtime: Runtime, cast: Cast, plate: str
) -> None:
    written = f"{HUMMER[:3]}-{HUMMER[3:9].lower()} {HUMMER[9:]}"
    imported = await run(runtime, cast, [{"vin": written, "plate": plate}], normalize=True)
    assert count(imported) == {"registered": 1}
    assert (await read_all(runtime, cast))[0][2] == {"plate": "XYZ0000"}


@pytest.mark.parametrize(
    "cells", [{"plate": "AB-1"}, {"plate": "ABC-12345678"}, {"plate": "ÑÑ-12"}, {"vin": "1HG-CM8"}]
)
@pytest.mark.long("postgres")
async def test_what_is_no_plate_or_vin_without_separators_either_is_refused(
    runtime: Runtime, cast: Cast, cells: dict[str, str]
) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, **cells}], normalize=True)
    assert list_faults(imported) == [(2, next(iter(cells)))]
    assert "Perhaps" not in imported.refusals[0].detail


@pytest.mark.long("postgres")
async def test_no_letter_of_a_vin_is_guessed(runtime: Runtime, cast: Cast) -> None:
    imported = await run(runtime, cast, [{"vin": "1HGCM82633A0O4352"}], normalize=True)
    assert list_faults(imported) == [(2, "vin")]


@pytest.mark.long("postgres")
async def test_a_status_is_told_of_in_the_files_language(runtime: Runtime, cast: Cast) -> None:
    (fault,) = (await run(runtime, cast, [{"vin": HUMMER, "vehicleStatusId": "3 - Vendido"}])).refusals
    assert fault.detail == (
        "'3 - Vendido' has an id and a name that do not belong together: 3 is Stolen, and Sold is 8."
    )
    rows = [{"vin": HUMMER, "vehicleStatusId": "3 - Vendido"}]
    (fault,) = (await run(runtime, cast, rows, language=Language.SPANISH)).refusals
    assert fault.detail == (
        "'3 - Vendido' has an id and a name that do not belong together: 3 is Robado, and Vendido is 8."
    )
