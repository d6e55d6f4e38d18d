"""A file of any length takes the same memory: of ten times the rows, a leak of some bytes each would show."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from padron.files import encodings, lines, parsing, xlsx_package
from padron.files.parsing import open_parser
from padron.files.rows import open_rows
from tests import effort
from tests.cast import make_vin
from tests.files.workbooks import build_workbook, give_row

FIRST = 150  # after them the program keeps what it makes once, and does not count it as a file's
FEW, MANY = 600, effort.MEMORY_ROWS
LEAK_BYTES_MAX = 12  # for each row


def list_cells(count: int) -> Iterator[tuple[str, ...]]:
    return ((make_vin(number), f"P{number:06d}", f"Propietario {number}", "Rojo") for number in range(count))


def write_csv(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("vin,plate,ownerName,color\n")
        file.writelines(",".join(cells) + "\n" for cells in list_cells(count))


def write_xlsx(path: Path, count: int) -> None:
    rows = (give_row(number, *cells) for number, cells in enumerate(list_cells(count), start=2))
    build_workbook(path, give_row(1, "vin", "plate", "ownerName", "color") + "".join(rows))


def measure_peak(path: Path, write: Callable[[Path, int], None], count: int, keep: str) -> int:
    """Give the most bytes that are held at once while so many rows are read and parsed."""
    write(path, count)
    gc.collect()
    tracemalloc.start()
    with open_rows(path) as rows, open_parser(keep_duplicates=keep == "duplicates") as parser:
        rest, read = iter(rows), 0
        while chunk := list(islice(rest, 150)):
            read += len(parser.parse_rows(chunk).rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == count
    return peak


@pytest.mark.campaign
@pytest.mark.parametrize(
    "write, keep",
    [
        pytest.param(write_csv, "duplicates", marks=pytest.mark.long),
        pytest.param(write_csv, "none", marks=pytest.mark.long),
        (write_xlsx, "none"),  # rows of both forms are parsed alike
    ],
)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, int], None], keep: str
) -> None:
    # So that both files have many blocks, and fill what is kept of the values before.
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(encodings, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(xlsx_package, "_BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(parsing, "VALUES_KEPT_MAX", 150)
    peaks = [measure_peak(tmp_path / f"{count}", write, count, keep) for count in (FIRST, FEW, MANY)][1:]
    assert peaks[1] - peaks[0] < LEAK_BYTES_MAX * (MANY - FEW)
