"""Builds workbooks by hand, with whatever in them, and as another program writes them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"

SHEET = "xl/worksheets/sheet1.xml"
TEXTS = "xl/sharedStrings.xml"


def write_workbook(path: Path, *sheets: Sequence[object]) -> Path:
    """Write the rows of each sheet as openpyxl does: numbers as they are, formulas without values."""
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets, start=1):
        sheet = book.active if number == 1 else book.create_sheet(f"More {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def build_workbook(path: Path, rows: str, *, parts: dict[str, str | bytes] | None = None) -> Path:
    """Write a workbook with this XML within ``sheetData``; ``parts`` replaces or adds parts."""
    relation = f'<Relationship Id="r1" Type="{RELATIONS}/{{}}" Target="{{}}"/>'
    whole: dict[str, str | bytes] = {
        "_rels/.rels": _wrap("Relationships", _PACKAGE, relation.format("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
            '<sheets><sheet name="Flota" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _wrap(
            "Relationships",
            _PACKAGE,
            relation.format("worksheet", "worksheets/sheet1.xml")
            + relation.format("sharedStrings", "/xl/sharedStrings.xml").replace("r1", "r2"),
        ),
        SHEET: _wrap("worksheet", MAIN, f"<sheetData>{rows}</sheetData>"),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in {**whole, **(parts or {})}.items():
            package.writestr(name, content)
    return path


def build_shared(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write a workbook whose cells share their texts, as Excel does."""
    texts = sorted({cell for row in rows for cell in row})
    places = {text: place for place, text in enumerate(texts)}
    cells = ([f'<c t="s"><v>{places[cell]}</v></c>' for cell in row] for row in rows)
    inner = "".join(give_row(number, *row) for number, row in enumerate(cells, start=1))
    shared = _wrap("sst", MAIN, "".join(f"<si><t>{text}</t></si>" for text in texts))
    return build_workbook(path, inner, parts={TEXTS: shared})


def give_row(number: int, *cells: str) -> str:
    """Give the XML of a row of texts; a cell that begins with < stands as it is."""
    inner = "".join(cell if cell.startswith("<") else f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{inner}</row>'


def give_relations(*named: tuple[str, str]) -> str:
    """Give the part that names others by their kinds, as r1, r2 and so on."""
    inner = (
        f'<Relationship Id="r{place}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(named, start=1)
    )
    return _wrap("Relationships", _PACKAGE, "".join(inner))


def _wrap(tag: str, namespace: str, inner: str) -> str:
    return f'<{tag} xmlns="{namespace}">{inner}</{tag}>'
