"""CSV as programs and people write it, and as nobody should."""

import csv
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import PadronError
from padron.files.csv_rows import RECORD_LENGTH_MAX
from padron.files.lines import LINE_LENGTH_MAX
from tests.cast import HUMMER, JEEP
from tests.files.reading import read_all, read_rows
from tests.tables import each_row

OWNER = "Águila y Ñandú"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@each_row("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@each_row("delimiter", [",", ";", "\t"])
@each_row("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_as_it_was_meant(path: Path, encoding: str, delimiter: str, end: str) -> None:
    lines = [["NIV", "Propietario", "Observaciones"], [HUMMER, OWNER, "a,b;c\td"], [JEEP, "", 'said "no"']]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(lines)
    write(path, text.getvalue().encode(encoding))
    assert read_rows(path) == [
        (2, {"vin": HUMMER, "ownerName": OWNER, "observations": "a,b;c\td"}),
        (3, {"vin": JEEP, "ownerName": "", "observations": 'said "no"'}),
    ]


def test_windows_has_signs_of_its_own_in_latin_1(path: Path) -> None:
    write(path, f"vin,observations\n{HUMMER},5 € “ñ” …\n".encode("cp1252"))
    assert read_rows(path) == [(2, {"vin": HUMMER, "observations": "5 € “ñ” …"})]


def test_one_damaged_byte_does_not_make_a_file_latin_1(path: Path) -> None:
    write(path, f"vin,ownerName\n{JEEP},{OWNER}\n".encode() + HUMMER.encode() + b",\xc1guila\n")
    rows, (refusal,) = read_all(path)
    assert rows == [(2, {"vin": JEEP, "ownerName": OWNER})]
    assert (refusal.line, refusal.column) == (3, "ownerName")
    assert "not UTF-8" in refusal.detail


def test_the_encoding_is_found_however_late_the_first_accent_comes(path: Path) -> None:
    plain = f"{HUMMER},x\n" * 60_000  # more than one block
    write(path, f"vin,ownerName\n{plain}".encode() + f"{JEEP},{OWNER}\n".encode("latin-1"))
    *_, (line, cells) = read_rows(path)
    assert (line, cells) == (60_002, {"vin": JEEP, "ownerName": OWNER})


def test_blank_lines_are_left_out_and_counted(path: Path) -> None:
    write(path, f"\n\nvin,plate\n\n{HUMMER},ABC123\n,\n{JEEP},\n\n")
    assert [line for line, _ in read_rows(path)] == [5, 7]


def test_a_first_line_may_name_the_delimiter(path: Path) -> None:
    write(path, f"sep=;\r\nVIN;Placa\r\n{HUMMER};ABC123\r\n")
    assert read_rows(path) == [(3, {"vin": HUMMER, "plate": "ABC123"})]


def test_columns_without_a_name_at_the_end_are_none(path: Path) -> None:
    write(path, f"vin;plate;;\n{HUMMER};ABC123;;\n{JEEP};;;x\n")
    rows, (refusal,) = read_all(path)
    assert rows == [(2, {"vin": HUMMER, "plate": "ABC123"})]
    assert "more cells than the 2 named columns: cell 4 'x'" in refusal.detail


def test_a_quoted_cell_may_run_over_lines(path: Path) -> None:
    write(path, f'vin,observations\n{HUMMER},"two\nlines, ""quoted"""\n{JEEP},ok\n')
    assert read_rows(path) == [
        (2, {"vin": HUMMER, "observations": 'two\nlines, "quoted"'}),
        (4, {"vin": JEEP, "observations": "ok"}),
    ]


def test_an_inch_sign_within_a_cell_is_no_quotation(path: Path) -> None:
    write(path, f'vin,observations\n{HUMMER},12" wheels\n{JEEP},ok\n')
    assert [cells["observations"] for _, cells in read_rows(path)] == ['12" wheels', "ok"]


@pytest.mark.parametrize("tail", ["", f"{JEEP},ok\n" * 3, f"{JEEP},ok\n" + "x" * RECORD_LENGTH_MAX + "\n"])
def test_a_quotation_left_open_costs_its_own_line_alone(path: Path, tail: str) -> None:
    write(path, f'vin,ownerName\n{HUMMER},"open\n{tail}')
    rows, refusals = read_all(path)
    found = [(line, cells["vin"]) for line, cells in rows if cells["vin"][0] != "x"]
    assert found == [(3 + place, JEEP) for place in range(tail.count(JEEP))]
    assert (refusals[0].line, refusals[0].column) == (2, None)
    assert "A quotation mark is not closed" in refusals[0].detail


@pytest.mark.parametrize("cells", ['"a"b', '"a" "b"'])
def test_a_line_that_is_not_csv_is_refused_alone(path: Path, cells: str) -> None:
    write(path, f"vin,ownerName\n{HUMMER},{cells}\n{JEEP},ok\n")
    rows, (refusal,) = read_all(path)
    assert rows == [(3, {"vin": JEEP, "ownerName": "ok"})]
    assert refusal.line == 2


def test_a_line_without_end_is_passed_over_in_little_memory(path: Path) -> None:
    with path.open("wb") as file:
        file.write(f"vin,ownerName\n{HUMMER},ok\n".encode())
        for _ in range(64):
            file.write(b"x" * LINE_LENGTH_MAX)
        file.write(f"\n{JEEP},ok\n".encode())
    tracemalloc.start()
    rows, (refusal,) = read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for line, _ in rows] == [2, 4]
    assert (refusal.line, refusal.column) == (3, None)
    assert "more than 1,048,576 characters" in refusal.detail
    assert peak < 12 * LINE_LENGTH_MAX


def test_a_line_without_end_at_the_end_is_refused_too(path: Path) -> None:
    write(path, f"vin\n{HUMMER}\n" + "x" * (3 * LINE_LENGTH_MAX))
    rows, (refusal,) = read_all(path)
    assert len(rows) == 1
    assert refusal.line == 3


def test_nul_bytes_reach_the_cell_that_refuses_them(path: Path) -> None:
    write(path, f"vin,ownerName\n{HUMMER},a\0b\n")
    assert read_rows(path) == [(2, {"vin": HUMMER, "ownerName": "a\0b"})]


def test_a_defused_formula_is_armed_again(path: Path) -> None:
    write(path, f"vin,ownerName,observations\n{HUMMER},'=1+1,\"'@a, 'b'\"\n{JEEP},'quoted',''=x\n")
    assert [list(cells.values())[1:] for _, cells in read_rows(path)] == [["=1+1", "@a, 'b'"], ["'quoted'", "'=x"]]


def test_what_can_be_read_only_once_is_told_how_to_come_in(path: Path) -> None:
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)  # so that opening it to read does not wait
    try:
        with pytest.raises(PadronError, match="can be read only once"):
            read_all(path)
    finally:
        os.close(writer)


@each_row(
    "content, said",
    [
        (b"", "The file has no content"),
        (b"\0" * 1000, "no column has the VIN"),
        (b"x" * (2 * LINE_LENGTH_MAX), "cannot be a header"),
        (b'"vin\n', "not CSV"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "without a password"),
        (b"PK\x03\x04 no package", "damaged"),
        (b"\n" * 1000, "The file has no content"),
    ],
)
def test_what_is_no_table_is_named_in_one_sentence(path: Path, content: bytes, said: str) -> None:
    with pytest.raises(PadronError, match=said) as refused:
        read_all(write(path, content))
    assert len(refused.value.detail) < 1_000


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=8), delimiter=st.sampled_from(",;\t"), data=st.data())
def test_whatever_the_csv_module_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str, data: st.DataObject
) -> None:
    text = io.StringIO(newline="")
    if data.draw(st.booleans()):
        writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["vin", "ownerName", "observations"])
    writer.writerows([HUMMER, f".{one}", f".{two}"] for one, two in rows)  # the dot: no apostrophe comes first
    path = write(tmp_path_factory.mktemp("csv") / "fleet.csv", text.getvalue())
    read = [(cells["ownerName"], cells["observations"]) for _, cells in read_rows(path)]
    assert read == [(f".{one}", f".{two}") for one, two in rows]


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_the_reading(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(tmp_path_factory.mktemp("csv") / "fleet.csv", b"vin,ownerName\n" + content)
    try:
        rows, refusals = read_all(path)
    except PadronError as refused:
        assert refused.detail.endswith((".", ")."))  # noqa: PT017 - most bytes are read, some are no table
    else:
        assert all(set(cells) == {"vin", "ownerName"} for _, cells in rows)
        assert all(refusal.detail.endswith((".", "?")) for refusal in refusals)
