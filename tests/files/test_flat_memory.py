"""A file of any length takes the same memory: of ten times the rows, a leak of some bytes each would show."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from padron.files import encodings, lines, parsing
from padron.files.parsing import open_parser
from padron.files.rows import open_rows
from tests import effort
from tests.cast import make_vin
from tests.files.workbooks import build_workbook, give_row

FEW, MANY = 4_000, effort.MEMORY_ROWS
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


@pytest.mark.campaign
@pytest.mark.parametrize(
    "write, keep",
    [(write_csv, "duplicates"), (write_csv, "none"), (write_xlsx, "none")],  # rows of both forms are parsed alike
)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, int], None], keep: str
) -> None:
    for module in (lines, encodings):  # so that both files have many blocks
        monkeypatch.setattr(module, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr(parsing, "VALUES_KEPT_MAX", 500)
    peaks = []
    for count in (FEW, MANY):
        path = tmp_path / f"{count}"
        write(path, count)
        gc.collect()
        tracemalloc.start()
        with open_rows(path) as rows, open_parser(keep_duplicates=keep == "duplicates") as parser:
            rest, read = iter(rows), 0
            while chunk := list(islice(rest, 500)):
                read += len(parser.parse_rows(chunk).rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert read == count
    assert peaks[1] - peaks[0] < LEAK_BYTES_MAX * (MANY - FEW)
