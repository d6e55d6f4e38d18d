"""An import step by step: rehearsed, interrupted, and gone on with."""

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.file_import import ImportCounts
from padron.domain.file_reading import UnreadableFileError
from padron.domain.status import VehicleStatus
from padron.files.columns import ImportRow
from padron.service.imports.importing import ImportStep, ImportSummary, import_vehicles
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, JEEP, Cast, make_vin
from tests.service.importing import Cells, read_all, read_record, run

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


@pytest.mark.parametrize(
    "chunk_rows",
    [pytest.param(1, marks=pytest.mark.long("postgres")), 2, pytest.param(100, marks=pytest.mark.long("postgres"))],
)
@pytest.mark.parametrize("keep_duplicates, counted", [(False, 2), (True, 1)])
@pytest.mark.long("postgres")
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
    assert imported.summary.counts.registered == counted
    assert imported.summary.counts.refused >= 2
    assert await read_record(runtime, cast) != before


async def test_a_checkpoint_is_committed_with_the_rows_of_its_step(runtime: Runtime, cast: Cast) -> None:
    noted: list[ImportStep] = []

    async def fail_at_second(transaction: WriteTransaction, step: ImportStep) -> None:
        assert len(await transaction.lock_vehicles([make_vin(step.counts.read - 1)])) == 1
        noted.append(step)
        if len(noted) == 2:
            raise PadronError(Code.STORE_UNAVAILABLE, "The disk is full.")

    rows = [{"vin": make_vin(number)} for number in range(6)]
    imported = await run(runtime, cast, rows, checkpoint=fail_at_second, chunk_rows=2)
    assert str(imported.summary.stopped) == "The disk is full."
    assert [step.counts.read for step in noted] == [2, 4]
    assert imported.steps == noted[:1]
    assert (imported.summary.counts.read, imported.summary.counts.registered) == (2, 2)
    assert (await read_record(runtime, cast))[1] == [(make_vin(0), 1), (make_vin(1), 1)]


@pytest.mark.long("postgres")
async def test_an_import_goes_on_where_an_earlier_run_came_to(runtime: Runtime, cast: Cast) -> None:
    rows = [{"vin": make_vin(number), "doors": "2"} for number in range(5)]
    rows += [{"vin": make_vin(0), "doors": "3"}, {"vin": make_vin(9)}]
    first = await run(runtime, cast, rows, chunk_rows=2, should_stop=iter([False, False, True]).__next__)
    assert (first.summary.counts.read, first.summary.is_interrupted) == (4, True)
    await run(runtime, cast, [{"vin": make_vin(1), "doors": "9"}])  # a later change of a row that is behind us
    rest = await run(runtime, cast, rows, chunk_rows=2, start=first.summary.counts)
    assert rest.summary == ImportSummary(counts=ImportCounts(read=7, registered=6, refused=1))
    (refusal,) = rest.refusals
    assert (refusal.line, refusal.detail) == (7, f"The VIN {make_vin(0)} already appears on line 2 of the file.")
    assert await read_all(runtime, cast, make_vin(1)) == [(0, VehicleStatus.ACTIVE, {"doors": 9})]


class BrokenFile:
    """Rows of a file that breaks after them."""

    is_ended = False

    def __init__(self, *vins: str) -> None:
        self._rows = [ImportRow(line=line, cells={"vin": vin}) for line, vin in enumerate(vins, start=2)]

    async def take(self, count: int) -> list[ImportRow]:
        if not self._rows:
            raise UnreadableFileError("The part is damaged.")
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


@pytest.mark.long("postgres")
async def test_rows_that_cannot_be_read_on_stop_the_import_after_what_was_read(runtime: Runtime, cast: Cast) -> None:
    broken = BrokenFile(HUMMER, JEEP)
    summary = await import_vehicles(runtime, cast.acme.principal, broken, request_id="r", chunk_rows=500)
    assert isinstance(summary.stopped, UnreadableFileError)
    assert (summary.counts, str(summary.stopped)) == (ImportCounts(read=2, registered=2), "The part is damaged.")
    assert [len(await read_all(runtime, cast, vin)) for vin in (HUMMER, JEEP)] == [1, 1]


@pytest.mark.parametrize("passed", [0, 3])
@pytest.mark.long("postgres")
async def test_a_file_that_breaks_because_the_import_is_to_stop_is_not_to_blame(
    runtime: Runtime, cast: Cast, passed: int
) -> None:
    """Whoever stops an import ends the process that reads its file, perhaps over rows that are written already."""
    start = ImportCounts(read=passed, registered=passed)
    summary = await import_vehicles(
        runtime, cast.acme.principal, BrokenFile(), request_id="r", start=start, should_stop=lambda: True
    )
    assert summary == ImportSummary(counts=start, is_interrupted=True)
