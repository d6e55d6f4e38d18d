"""Workbooks: what their cells say, which sheet is read, and what is not read at all."""

import datetime as dt
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import PadronError
from padron.files import xlsx_package, xlsx_workbook
from tests.cast import HUMMER, JEEP, make_vin
from tests.files.reading import read_all, read_rows
from tests.files.workbooks import (
    MAIN,
    SHEET,
    TEXTS,
    build_shared,
    build_workbook,
    give_row,
    write_workbook,
)
from tests.tables import each_row

OWNER = "Águila y Ñandú"
HEADER = give_row(1, "vin", "observations")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.bin"  # the content decides, not the name


def read_cell(path: Path, cell: str, *, parts: dict[str, str | bytes] | None = None) -> str:
    build_workbook(path, HEADER + give_row(2, HUMMER, cell), parts=parts)
    ((_, cells),) = read_rows(path)
    return cells["observations"]


def test_a_workbook_is_read_by_its_rows_numbers(path: Path) -> None:
    rows = [["NIV", "Propietario", "Puertas"], [HUMMER, OWNER, 4], [], [JEEP, None, "3"], [None, " ", None]]
    write_workbook(path, rows)
    assert read_rows(path) == [
        (2, {"vin": HUMMER, "ownerName": OWNER, "doors": "4"}),
        (4, {"vin": JEEP, "ownerName": "", "doors": "3"}),
        (5, {"vin": "", "ownerName": " ", "doors": ""}),
    ]


@each_row(
    "value, text",
    [
        (4, "4"),
        (4.0, "4"),
        (0.1, "0.1"),
        (1e5, "100000"),
        (True, "true"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.date(1900, 1, 1), "1900-01-01"),
        (dt.datetime(2024, 2, 29, 13, 30), "2024-02-29 13:30:00"),  # noqa: DTZ001 - a cell has no zone
        (dt.time(13, 30), "13:30:00"),
        ("00123", "00123"),
        ("'=1+1", "=1+1"),
    ],
)
def test_a_value_is_read_as_it_is_shown(path: Path, value: object, text: str) -> None:
    write_workbook(path, [["vin", "observations"], [HUMMER, value]])
    assert [cells["observations"] for _, cells in read_rows(path)] == [text]


@each_row(
    "cell, text",
    [
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        ('<c t="str"><f>CONCAT("a","b")</f><v>ab</v></c>', "ab"),
        ('<c t="s"><v>1</v></c>', "Águila"),
        ('<c t="s"><v>0</v></c>', "rich text"),
        ('<c t="b"><v>0</v></c>', "false"),
        ("<c><v>4.0000</v></c>", "4"),
        ("<c><v>1E+3</v></c>", "1000"),
        ('<c r="B2" t="inlineStr"><is><r><t>a </t></r><r><t>b</t></r><rPh><t>x</t></rPh></is></c>', "a b"),
        ("<c/>", ""),
        ('<c t="s"/>', ""),
        ('<c t="s"><v></v></c>', ""),
        ('<c t="b"/>', ""),
        ('<c t="e"/>', ""),
        ('<c t="d"/>', ""),
        ('<c t="n"><v> </v></c>', ""),
        ('<c t="inlineStr"><is/></c>', ""),
        ('<c t="str"><f>T(1)</f><v></v></c>', ""),
        ('<c t="b"><v>TRUE</v></c>', "true"),
        ("<c><v>0.30000000000000004</v></c>", "0.3"),
        ("<c><v>12345.670000000002</v></c>", "12345.67"),
        ("<c><v>2019.9999999999998</v></c>", "2020"),
        ("<c><v>-0</v></c>", "0"),
        ("<c><v>1E-7</v></c>", "0.0000001"),
        ('<c t="d"><v>2024-02-29</v></c>', "2024-02-29"),
        ('<c t="d"><v>2024-02-29T00:00:00</v></c>', "2024-02-29"),
        ('<c t="d"><v>2024-02-29T13:30:00.000Z</v></c>', "2024-02-29 13:30:00"),
        ('<c t="d"><v>13:30:00</v></c>', "13:30:00"),
    ],
)
def test_a_cell_of_each_kind_is_read(path: Path, cell: str, text: str) -> None:
    texts = f'<sst xmlns="{MAIN}"><si><r><t>rich </t></r><r><t>text</t></r></si><si><t>Águila</t></si></sst>'
    assert read_cell(path, cell, parts={TEXTS: texts}) == text


@each_row(
    "cell, said",
    [
        ("<c><f>1+1</f></c>", "The cell B2 is a formula without a value"),
        ('<c t="e"><f>1/0</f><v>#DIV/0!</v></c>', "The cell B2 has the error #DIV/0!"),
        ("<c><v>12345678901234567</v></c>", "more than 15 digits"),
        ("<c><v>1e400</v></c>", "more than 15 digits"),
        ("<c><v>nan</v></c>", "more than 15 digits"),
        ("<c><v>four</v></c>", "which is not a number"),
        ("<c><v>1_000</v></c>", "which is not a number"),
        ('<c t="d"><v>29.2.2024</v></c>', "The cell B2 has '29.2.2024', which is not a date"),
        ('<c t="b"><f>1=1</f></c>', "The cell B2 is a formula without a value"),
        ('<c t="s"><v>7</v></c>', "a text that is not in the workbook"),
        (f"<c><v>{'1' * 40_000}</v></c>", "more than 32,767 characters"),
        ('<c r="ZZZ2"><v>1</v></c>', "The cell ZZZ2 is after column 1,000"),
        ('<c r="E2"><v>1</v></c>', "a cell in column E"),
    ],
)
def test_a_cell_that_cannot_be_used_refuses_its_row_by_its_place(path: Path, cell: str, said: str) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER, cell) + give_row(3, JEEP, "ok"))
    rows, (refusal,) = read_all(path)
    assert rows == [(3, {"vin": JEEP, "observations": "ok"})]
    assert refusal.line == 2
    assert said in refusal.detail


def test_rows_that_claim_one_number_are_counted_on(path: Path) -> None:
    build_workbook(path, HEADER + give_row(3, HUMMER, "a") + give_row(3, HUMMER, "b") + give_row(1, JEEP, "c"))
    assert [line for line, _ in read_rows(path)] == [3, 4, 5]


def test_a_cell_in_a_column_that_is_ignored_refuses_nothing(path: Path) -> None:
    build_workbook(path, give_row(1, "vin", "Total") + give_row(2, HUMMER, "<c><f>1+1</f></c>"))
    assert read_rows(path, {"Total": "-"}) == [(2, {"vin": HUMMER})]


def test_a_sheet_is_chosen_by_name_when_several_have_content(path: Path) -> None:
    rows = [["vin"], [HUMMER]]
    assert read_rows(write_workbook(path, rows, [])) == [(2, {"vin": HUMMER})]
    write_workbook(path, [["Notes"]], rows)
    with pytest.raises(PadronError, match=r"'Sheet', 'More 2'\. Choose one with sheet \(--sheet\)"):
        read_rows(path)
    assert read_rows(path, sheet="more 2") == [(2, {"vin": HUMMER})]
    with pytest.raises(PadronError, match=r"no sheet 'Flota'\. Its sheets are 'Sheet', 'More 2'"):
        read_rows(path, sheet="Flota")


def test_csv_has_no_sheets(path: Path) -> None:
    path.write_text(f"vin\n{HUMMER}\n")
    with pytest.raises(PadronError, match="is a text file without sheets"):
        read_rows(path, sheet="Flota")


def test_texts_beyond_those_in_memory_come_from_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_workbook, "TEXTS_KEPT_MAX", 3)
    rows = [[make_vin(number), f"Propietario {number}"] for number in range(50)]
    build_shared(path, [["vin", "ownerName"], *rows])
    assert [list(cells.values()) for _, cells in read_rows(path)] == rows


BOMB_BYTES, TOO_MANY_BYTES = 50_000_000, 33_000_000
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData>{HEADER}</sheetData></worksheet>'
)


def build_bomb() -> bytes:
    return b"<x>" + b" " * BOMB_BYTES + b"</x>"


@pytest.mark.parametrize(
    "build_parts, said",
    [
        (lambda: {SHEET: build_bomb()}, "compressed"),
        pytest.param(lambda: {TEXTS: build_bomb()}, "compressed", marks=pytest.mark.long),
        (lambda: {"xl/workbook.xml": build_bomb()[:TOO_MANY_BYTES]}, "the maximum is 32,000,000"),
        (lambda: {SHEET: LAUGHS}, "has an XML document type"),
        (lambda: {SHEET: "<worksheet>"}, "not well-formed XML"),
        (lambda: {"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>'}, "no visible sheet"),
        (lambda: {"_rels/.rels": "<x/>"}, "not an XLSX workbook"),
        (lambda: {"xl/_rels/workbook.xml.rels": "<x/>"}, "no visible sheet"),
        (lambda: {TEXTS: f'<sst xmlns="{MAIN}"><si><t>{"x" * 40_000}</t></si></sst>'}, "the maximum for a cell"),
    ],
    ids=range(9),
)
def test_a_workbook_made_to_harm_ends_in_one_sentence(
    path: Path, build_parts: Callable[[], dict[str, str | bytes]], said: str
) -> None:
    build_workbook(path, HEADER, parts=build_parts())
    tracemalloc.start()
    with pytest.raises(PadronError) as refused:
        read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said in refused.value.detail
    assert len(refused.value.detail) < 300
    assert peak < 40_000_000


def test_a_workbook_has_a_bounded_number_of_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert xlsx_package.PARTS_MAX == 5_000
    monkeypatch.setattr(xlsx_package, "PARTS_MAX", 50)
    build_workbook(path, HEADER, parts={f"xl/more{number}.xml": "" for number in range(51)})
    with pytest.raises(PadronError, match="55 parts: a workbook has at most 50"):
        read_all(path)


def test_a_value_that_does_not_end_is_refused_before_it_fills_the_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser begins such a value again with each block, so the real limit takes seconds: here is an eighth."""
    assert xlsx_package.SILENT_BYTES_MAX == 16_000_000
    monkeypatch.setattr(xlsx_package, "SILENT_BYTES_MAX", 2_000_000)
    build_workbook(path, HEADER, parts={SHEET: b"<x a='" + b"ab" * 1_250_000 + b"'/>"})
    tracemalloc.start()
    with pytest.raises(PadronError, match="a value of more than 2,000,000 bytes"):
        read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_damaged_part_ends_the_reading_where_it_is_damaged(path: Path) -> None:
    rows = [[make_vin(number), f"Propietario {number * 7_919}"] for number in range(1_000)]
    write_workbook(path, [["vin", "ownerName"], *rows])
    with zipfile.ZipFile(path) as package:
        sheet = package.getinfo(SHEET)
        place = sheet.header_offset + 30 + len(SHEET) + sheet.compress_size // 2
    content = bytearray(path.read_bytes())
    content[place : place + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(PadronError, match=r"damaged|not well-formed"):
        read_all(path)


def test_a_package_of_a_later_kind_than_there_is_is_refused(path: Path) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 64  # version 6.4 needed to extract
    path.write_bytes(content)
    with pytest.raises(PadronError, match=r"damaged: zip file version 6\.4\."):
        read_all(path)


def test_a_part_that_is_shorter_than_the_file_says_is_read_to_its_end(path: Path) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER, "<c><v>1</v></c>"))
    content = bytearray(path.read_bytes())
    content[content.rindex(SHEET.encode()) - 46 + 26] = 1  # 65,536 bytes more than it has, in the list of parts
    path.write_bytes(content)
    assert len(read_rows(path)) == 1


@given(st.data())
def test_no_workbook_with_damage_anywhere_breaks_the_reading(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("xlsx") / "fleet.xlsx"
    build_workbook(path, HEADER + give_row(2, HUMMER, "<c><v>1</v></c>"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        read_all(path)
    except PadronError as refused:
        assert refused.detail  # noqa: PT017 - some damage is harmless
