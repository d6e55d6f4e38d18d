"""A process of its own reads ahead: the same rows, the same errors, and nothing left when nobody reads."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from padron.domain.errors import PadronError
from padron.domain.file_reading import ReadingOptions
from padron.domain.status import VehicleStatus
from padron.files.ahead import PIPE_BYTES, open_rows_ahead
from padron.files.columns import FileRow, ParsedRow
from padron.files.parsing import open_parser
from padron.files.reader import BATCH_ROWS
from padron.files.rows import open_rows
from tests.cast import HUMMER, make_vin


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.csv"
    lines = [
        f"{make_vin(number)},{number % 40},Águila {number},Robado,{(number and f'v{number}r1t1') or ''}"
        for number in range(2_500)
    ]
    lines += [f"{make_vin(7)},1,,,", "x,,,,", '"', f"{HUMMER},,,4,v9r9t9"]
    path.write_text("\n".join(["vin,doors,ownerName,status,revision", *lines]))
    return path


def read_here(path: Path, *, keep_duplicates: bool) -> list[FileRow]:
    with open_rows(path) as rows, open_parser(keep_duplicates=keep_duplicates) as parser:
        parsed = parser.parse_rows(rows)
    here: list[FileRow] = [*parsed.rows, *parsed.refused]
    return sorted(here, key=lambda row: row.line)


@pytest.mark.parametrize("keep", [pytest.param("duplicates", marks=pytest.mark.long), "none"])
def test_another_process_gives_the_same_rows(path: Path, keep: str) -> None:
    keep_duplicates = keep == "duplicates"
    with open_rows_ahead(path, keep_duplicates=keep_duplicates) as rows:
        assert rows.bytes_total == path.stat().st_size
        ahead = list(rows)
        assert rows.bytes_read == rows.bytes_total
    assert ahead == read_here(path, keep_duplicates=keep_duplicates)
    last = ahead[-1]
    assert isinstance(last, ParsedRow)
    assert (last.status, last.revision) == (VehicleStatus.IN_THE_SHOP, None if keep_duplicates else "v9r9t9")
    assert len(ahead) > 2 * BATCH_ROWS


def test_mapping_and_sheet_reach_the_other_process(path: Path) -> None:
    refused = pytest.raises(PadronError, match="a text file without sheets")
    with refused, open_rows_ahead(path, ReadingOptions(sheet="Flota")):
        pass
    with open_rows_ahead(path, ReadingOptions(mapping={"doors": "-", "ownerName": "legalName"})) as rows:
        first = next(iter(rows))
    assert isinstance(first, ParsedRow)
    assert first.edits == {"legalName": "Águila 0"}


def test_a_file_that_cannot_be_read_is_told_as_by_this_process(tmp_path: Path) -> None:
    with pytest.raises(PadronError, match="cannot be read: No such file"), open_rows_ahead(tmp_path / "none.csv"):
        pass


def test_nothing_from_the_folder_of_the_command_is_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path.parent / "csv.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(path.parent)
    with open_rows_ahead(path) as rows:
        assert isinstance(next(iter(rows)), ParsedRow)


def test_the_other_process_ends_when_nobody_reads_on(path: Path) -> None:
    with path.open("a") as file:
        file.writelines(f"\n{make_vin(number)},,{'x' * 100},," for number in range(3_000, 3_000 + PIPE_BYTES // 50))
    before = set(psutil.Process().children())
    with open_rows_ahead(path) as rows:
        next(iter(rows))
        (reader,) = set(psutil.Process().children()) - before
    assert not reader.is_running()


def test_a_reading_process_that_is_killed_is_told(path: Path) -> None:
    with path.open("a") as file:
        file.writelines(f"\n{make_vin(number)},,{'x' * 100},," for number in range(3_000, 3_000 + PIPE_BYTES // 25))
    before = set(psutil.Process().children())
    with open_rows_ahead(path) as rows:
        rest = iter(rows)
        next(rest)
        (reader,) = set(psutil.Process().children()) - before
        os.kill(reader.pid, signal.SIGKILL)
        with pytest.raises(PadronError, match="was ended by SIGKILL before the file was read"):
            list(rest)


def test_ctrl_c_is_for_the_other_process_to_hear(path: Path) -> None:
    before = set(psutil.Process().children())
    with open_rows_ahead(path) as rows:
        (reader,) = set(psutil.Process().children()) - before
        os.kill(reader.pid, signal.SIGINT)
        assert len(list(rows)) == 2_504
