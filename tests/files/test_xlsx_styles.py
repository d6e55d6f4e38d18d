"""Numbers of a workbook: read as its formats show them, or refused by their cell; never silently otherwise."""

from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pytest

from tests.cast import HUMMER, JEEP
from tests.files.reading import read_all, read_rows
from tests.files.workbooks import MAIN, RELATIONS, build_workbook, give_relations, give_row
from tests.tables import each_row

HEADER = give_row(1, "vin", "observations")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.xlsx"


def read_cell(path: Path, cell: str, parts: dict[str, str | bytes]) -> str:
    build_workbook(path, HEADER + give_row(2, HUMMER, cell), parts=parts)
    ((_, cells),) = read_rows(path)
    return cells["observations"]


def give_styles(code: str) -> dict[str, str | bytes]:
    formats = f'<numFmt numFmtId="164" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    named = give_relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"))
    return {"xl/styles.xml": styles, "xl/_rels/workbook.xml.rels": named}


@each_row(
    "code, value, text",
    [
        ("00000", "417", "00417"),
        ("00000", "0", "00000"),
        ("00000", "1234567", "1234567"),
        ("00000;-00000", "417", "00417"),
        ("[Red]00000", "417", "00417"),
        ("000-00-0000", "12345", "000-01-2345"),
        ('"VH-"000', "7", "VH-007"),
        ('"VH-"0', "7", "VH-7"),
        ('"VH-"General', "7", "VH-7"),
        (r"\V\H000", "7", "VH007"),
        ('"00"0', "7", "007"),
        ("#,##0", "1234", "1234"),
        ("0.00", "4", "4"),
        ('0" km"', "7", "7"),
        ('"$"#,##0.00', "7.5", "7.5"),
        ("0%", "0.05", "0.05"),
        ("0.00E+00", "12", "12"),
        ("General", "417", "417"),
        ("@", "417", "417"),
        ("", "417", "417"),
        ("dd/mm/yyyy", "45000", "2023-03-15"),
        (r"yyyy\-mm\-dd;@", "45000", "2023-03-15"),
        ("mm:ss.00", "0.5", "12:00:00"),
        ("[h]:mm", "1.5", "36:00:00"),
        ('"' + "[" * 100, "7", "7"),
    ],
)
def test_a_number_is_read_as_its_format_shows_it(path: Path, code: str, value: str, text: str) -> None:
    assert read_cell(path, f'<c s="0"><v>{value}</v></c>', parts=give_styles(code)) == text


@each_row(
    "code, value",
    [("00000", "-3"), ("00000", "4.5"), ("0,000", "417"), ("00.00", "3.5"), ("[<100]000;0000", "7"), ("00%", "0.05")],
)
def test_zeros_that_are_not_followed_refuse_the_row_by_its_cell(path: Path, code: str, value: str) -> None:
    cell = f'<c s="0"><v>{value}</v></c>'
    build_workbook(path, HEADER + give_row(2, HUMMER, cell), parts=give_styles(code))
    _, (refusal,) = read_all(path)
    assert refusal.column == "observations"
    assert refusal.detail.startswith(f"The cell B2 has the number format '{code}'")


def test_what_openpyxl_writes_with_zeros_is_read_with_them(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["vin", "customId"], [HUMMER, 417], [JEEP, 31_000]):
        book.active.append(row)
        book.active.cell(book.active.max_row, 2).number_format = "00000"
    book.save(path)
    assert [cells["customId"] for _, cells in read_rows(path)] == ["00417", "31000"]


@pytest.mark.parametrize(
    "number, text", [(43_538, "2023-03-15"), (0, "1904-01-01"), (0.5, "12:00:00"), (1.5, "1904-01-02 12:00:00")]
)
def test_dates_that_count_from_1904_are_read_so(path: Path, number: float, text: str) -> None:
    book = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr date1904="1"/>'
        '<sheets><sheet name="Flota" sheetId="1" r:id="r1"/></sheets></workbook>'
    )
    parts = {**give_styles("dd/mm/yyyy"), "xl/workbook.xml": book}
    assert read_cell(path, f'<c s="0"><v>{number}</v></c>', parts=parts) == text
