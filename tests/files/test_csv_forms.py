"""CSV as programs save it: separators they name, line ends, cells they leave out; and files made to take long."""

import csv
import io
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import PadronError
from padron.domain.file_reading import ReadingOptions
from padron.files import csv_rows
from padron.files.csv_rows import RECORD_LENGTH_MAX
from padron.files.encodings import BLOCK_BYTES
from padron.files.lines import LINE_LENGTH_MAX
from padron.files.rows import open_rows
from tests.cast import HUMMER, JEEP
from tests.files.reading import read_all, read_rows
from tests.tables import each_row

HOSTILE_BYTES = 160_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@each_row("separator", [";", ",", "\t", "|", "^", "~", ":", "\x1f", "¦", " "])
@each_row("form", ["sep={}", '"sep={}"', "SEP={}", "sep={},,,", '"sep={}";;;'])
def test_a_first_line_may_name_any_separator(path: Path, separator: str, form: str) -> None:
    rows = [form.format(separator), separator.join(["NIV", "Placa"]), separator.join([HUMMER, '"ABC123"'])]
    assert read_rows(write(path, "\r\n".join(rows))) == [(3, {"vin": HUMMER, "plate": "ABC123"})]


@pytest.mark.parametrize("named", ["ab", "a", "1", ";x"])
def test_a_separator_of_no_one_sign_is_refused(path: Path, named: str) -> None:
    with pytest.raises(PadronError, match="it must be one character, as in sep=;"):
        read_all(write(path, f"sep={named}\nvin\n{HUMMER}\n"))


def test_a_first_line_that_names_no_separator_is_passed_over(path: Path) -> None:
    assert read_rows(write(path, f"sep=\nvin|plate\n{HUMMER}|ABC123\n")) == [(3, {"vin": HUMMER, "plate": "ABC123"})]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_by_which_most_names_are_known(path: Path, separator: str) -> None:
    names = separator.join(['"NIV"', "Número de placa", '"Nombre, en el RFC"', "Marca"])
    title = "Flota; norte, sur | este\t2026"
    write(path, f"{title}\n{names}\n{separator.join([HUMMER, 'ABC123', 'x', 'y;z'.replace(separator, '')])}\n")
    with open_rows(path, ReadingOptions(mapping={"Nombre, en el RFC": "rfcName"})) as rows:
        assert rows.header.row == 2
        (row,) = rows
    assert getattr(row, "cells", {}).keys() == {"vin", "plate", "rfcName", "brandName"}


def test_a_separator_that_makes_more_cells_of_the_names_is_not_taken_for_that(path: Path) -> None:
    write(path, f"NIV;Placa;Notas internas, externas, de taller, etc.\n{HUMMER};ABC123;x\n")
    with open_rows(path, ReadingOptions(ignore_unknown=True)) as rows:
        assert [getattr(row, "cells", None) for row in rows] == [{"vin": HUMMER, "plate": "ABC123"}]


@each_row("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "cp1252"])
def test_utf_16_needs_no_mark(path: Path, encoding: str) -> None:
    write(path, f"NIV;Propietario\r\n{HUMMER};Águila y Ñandú\r\n".encode(encoding))
    assert read_rows(path) == [(2, {"vin": HUMMER, "ownerName": "Águila y Ñandú"})]


@each_row("end", ["\n", "\r\n", "\r"])
@each_row("inside", ["\n", "\r\n", "\r"])
def test_a_line_break_in_quotation_marks_ends_no_row(path: Path, end: str, inside: str) -> None:
    write(path, end.join(["vin,observations,plate", f'{HUMMER},"one{inside}two, ""2""{inside}",ABC123', f"{JEEP},,"]))
    (first, cells), (second, _) = read_rows(path)
    assert cells["observations"].replace("\r\n", "\n").replace("\r", "\n") == 'one\ntwo, "2"\n'
    assert cells["plate"] == "ABC123"
    assert (first, second) == (2, 3 if inside == "\r" and end != "\r" else 5 if inside else 4)


def test_line_breaks_in_the_names_are_spaces(path: Path) -> None:
    assert read_rows(write(path, f'"Número\nde serie";"No.\r\nde placa"\n{HUMMER};ABC123\n')) == [
        (4, {"vin": HUMMER, "plate": "ABC123"})
    ]


@each_row("first", ["\r", "\r\n", "\n"])
@each_row("end", ["\r", "\r\n"])
def test_a_line_end_may_lie_between_two_blocks(path: Path, first: str, end: str) -> None:
    head = f"vin,observations{first}{HUMMER},"
    row = f"{head}{'x' * (BLOCK_BYTES - len(head) - 1)}"  # the block ends with the first sign of the line end
    if first != "\r" and end == "\r":
        write(path, f"{row}{end}\n{JEEP},\n")  # CR belongs to a cell there, but before LF
    else:
        write(path, f"{row}{end}{JEEP},{end}")
    assert [(line, cells["vin"]) for line, cells in read_rows(path)] == [(2, HUMMER), (3, JEEP)]


def test_a_line_break_in_the_names_does_not_say_how_lines_end(path: Path) -> None:
    write(path, f'"Número\rde serie","Dueño"\n{HUMMER},a\rb\n')
    assert read_rows(path) == [(2, {"vin": HUMMER, "ownerName": "a\rb"})]


def test_cells_that_are_left_out_at_the_end_are_empty(path: Path) -> None:
    write(path, f"vin,plate,doors,ownerName\n{HUMMER},ABC123\n{JEEP}\n")
    assert read_rows(path) == [
        (2, {"vin": HUMMER, "plate": "ABC123", "doors": "", "ownerName": ""}),
        (3, {"vin": JEEP, "plate": "", "doors": "", "ownerName": ""}),
    ]


def test_cells_beyond_the_names_are_taken_when_empty_and_named_when_not(path: Path) -> None:
    write(path, f"vin,plate\n{HUMMER},ABC123,, ,\n{JEEP},ABC124,,x,,Peña\n")
    rows, (refusal,) = read_all(path)
    assert rows == [(2, {"vin": HUMMER, "plate": "ABC123"})]
    assert refusal.line == 3
    assert "more cells than the 2 named columns: cell 4 'x' and cell 6 'Peña'" in refusal.detail


@pytest.mark.parametrize("cell", ['="00712"', '"=""00712"""'])
def test_the_text_mark_of_spreadsheet_programs_is_none_of_the_text(path: Path, cell: str) -> None:
    write(path, f'="NIV",="Número económico"\n="{HUMMER}",{cell}\n')
    assert read_rows(path) == [(2, {"vin": HUMMER, "customId": "00712"})]


def test_lines_of_spaces_are_blank(path: Path) -> None:
    assert [line for line, _ in read_rows(write(path, f"vin,plate\n  \n , \n{HUMMER},ABC123\n\t\n"))] == [4]


def test_each_cell_with_bytes_of_no_encoding_is_a_problem_of_its_column(path: Path) -> None:
    write(path, f"vin,ownerName,brandName\n{JEEP},Ñandú,Águila\n".encode() + HUMMER.encode() + b",\xc1,\xd1\n")
    _, refusals = read_all(path)
    assert [(one.line, one.column) for one in refusals] == [(3, "ownerName"), (3, "brandName")]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10) | st.text(
    "\",;|\t\r\n=' ", max_size=6
)


@given(rows=st.lists(st.tuples(cells, cells), max_size=5), separator=st.sampled_from(",;\t|^"), named=st.booleans())
def test_whatever_a_program_quotes_is_read_as_it_was_but_for_line_ends(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], separator: str, *, named: bool
) -> None:
    text = io.StringIO(newline="")
    if named or separator == "^":
        text.write(f"sep={separator}\r\n")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(["vin", "ownerName", "observations"])
    writer.writerows([HUMMER, f".{one}", f".{two}."] for one, two in rows)  # the dot: no mark comes first
    path = write(tmp_path_factory.mktemp("csv") / "fleet.csv", text.getvalue().encode("utf-16-le"))
    read = [(row["ownerName"], row["observations"]) for _, row in read_rows(path)]

    def end(value: str) -> str:
        return value.replace("\r\n", "\n")

    # An apostrophe after a separator within a text is one of an export's: see defusing.
    expected = [(end(f".{one}"), end(f".{two}.")) for one, two in rows]
    assert [tuple(one.replace("'", "") for one in pair) for pair in read] == [
        tuple(one.replace("'", "") for one in pair) for pair in expected
    ]


def give_hostile() -> Iterator[tuple[str, str]]:
    yield "newlines", "\n" * HOSTILE_BYTES
    yield "carriage returns", "\r" * HOSTILE_BYTES
    yield "open quotes", f'{HUMMER},"x\n' * (HOSTILE_BYTES // 21)
    yield "open quotes far apart", (f'{HUMMER},"x\n' + "y\n" * 100) * (HOSTILE_BYTES // 221)
    yield "one quote that never ends", f'{HUMMER},"' + "x\n" * (HOSTILE_BYTES // 2)
    yield "quotes that are doubled", f'{HUMMER},"' + '""' * (HOSTILE_BYTES // 2)
    yield "quotes alone", '"\n' * (HOSTILE_BYTES // 2)
    yield "separators", "," * HOSTILE_BYTES
    yield "lines of separators", (",;|\t" * 250 + "\n") * (HOSTILE_BYTES // 1_001)
    yield "apostrophes", (f"{HUMMER}," + "'" * 1_000 + "\n") * (HOSTILE_BYTES // 1_020)
    yield "formulas", (f'{HUMMER},"' + ",'=" * 300 + '"\n') * (HOSTILE_BYTES // 925)
    yield "text marks", (f'{HUMMER},="' + '""' * 500 + '"\n') * (HOSTILE_BYTES // 1_025)
    yield "one line", "x" * HOSTILE_BYTES


@pytest.mark.parametrize("place", ["before the names", "after the names"])
@pytest.mark.parametrize("content", [text for _, text in give_hostile()], ids=[name for name, _ in give_hostile()])
def test_no_file_takes_more_than_a_time_in_proportion_to_its_size(
    path: Path, monkeypatch: pytest.MonkeyPatch, content: str, place: str
) -> None:
    """The program reads so many characters again that it takes most of a second: here is a sixteenth."""
    assert csv_rows.READ_AGAIN_MAX == 1 << 22
    monkeypatch.setattr(csv_rows, "READ_AGAIN_MAX", 1 << 18)
    write(path, content if place == "before the names" else f"vin,ownerName\n{content}")
    began = time.process_time()
    try:
        with open_rows(path) as rows:
            for _ in rows:
                pass
    except PadronError as refused:
        assert len(refused.detail) < 2_000  # noqa: PT017 - some are no table, and all are read or refused in time
    assert time.process_time() - began < 4  # it takes one; what is quadratic takes hours


@pytest.mark.parametrize("row", [pytest.param('"', marks=pytest.mark.long), f'{HUMMER},"'])
def test_a_quotation_that_never_ends_is_held_in_bounded_memory(path: Path, row: str) -> None:
    with path.open("w") as file:
        file.write(f"vin,ownerName\n{row}")
        for _ in range(12):
            file.write(("x" * 1_023 + "\n") * (LINE_LENGTH_MAX // 1_024))
    tracemalloc.start()
    with open_rows(path) as rows:
        count = sum(1 for _ in rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 12 * 1_024
    assert peak < 10 * RECORD_LENGTH_MAX
