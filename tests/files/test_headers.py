"""Which row of a file names its columns, and what is said when none does as it must."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.domain.file_reading import HEADER_ROWS_MAX, MAPPED_MAX, Header, ReadingOptions
from padron.domain.language import Language
from padron.files.headers import HeaderSearch, Table
from padron.files.rows import open_rows
from tests.cast import HUMMER
from tests.files.workbooks import write_workbook
from tests.tables import each_row

FORMS = ("csv", "xlsx")
TITLES = [["Flota del Norte"], ["Generado", "2026-03-01"], []]
NAMES = ["NIV", "Placas", "Kilometraje", "Póliza"]


def take(names: Sequence[str], mapping: Mapping[str, str] | None = None, *, ignore_unknown: bool = False) -> Table:
    table = HeaderSearch(ReadingOptions(mapping=mapping or {}, ignore_unknown=ignore_unknown, header_row=1)).take(
        1, names
    )
    assert table is not None
    return table


def write(tmp_path: Path, form: str, rows: Sequence[Sequence[str]]) -> Path:
    path = tmp_path / f"fleet.{form}"
    if form == "xlsx":
        write_workbook(path, [list(row) for row in rows])
    else:
        path.write_text("".join(f"{','.join(row)}\n" for row in rows), "utf-8")
    return path


def read(path: Path, options: ReadingOptions) -> tuple[Header, list[int]]:
    with open_rows(path, options) as rows:
        return rows.header, [row.line for row in rows]


def refuse(path: Path, options: ReadingOptions | None = None) -> str:
    with pytest.raises(PadronError) as refused, open_rows(path, options):
        pass
    return refused.value.detail


def test_a_mapping_names_the_rest_and_ignores_what_it_says() -> None:
    mapping = {"Estado": "stateId", "Kilometraje": "-", "notas internas": "", "Linea": "Modelo"}
    header = ["Serie", "ESTADO", "kilometraje", "Notas Internas", "línea"]
    assert take(header, mapping).columns == ["vin", "stateId", None, None, "modelName"]


def test_a_mapping_counts_before_the_names_that_are_known() -> None:
    columns = take(["Serie", "Color", "VIN"], {"Color": "version", "Serie": "-"}).columns
    assert columns == [None, "version", "vin"]


def test_beside_submarca_modelo_is_the_year_for_which_there_is_no_column() -> None:
    said = "'Modelo' (the year, because Submarca is the model) is an unknown name"
    with pytest.raises(PadronError, match=re.escape(said)):
        take(["NIV", "Submarca", "Modelo"])
    table = take(["NIV", "Submarca", "Modelo"], ignore_unknown=True)
    assert (table.columns, table.header.ignored) == (["vin", "modelName", None], ("Modelo",))
    assert take(["NIV", "Submarca", "Modelo"], {"Modelo": "version"}).columns == ["vin", "modelName", "version"]
    assert take(["NIV", "Submarca", "Modelo"], {"Submarca": "type"}).columns == ["vin", "type", "modelName"]


@each_row(
    "names, mapping, said",
    [
        (["vin", "colr"], {}, "'colr' (perhaps vehicleColor) is an unknown name."),
        (["vin", "Kilometraje", "Póliza"], {}, "'Kilometraje' and 'Póliza' are unknown names"),
        (["vin", "a\u200bb", "Año"], {}, "'a<U+200B ZERO WIDTH SPACE>b' and 'Año' are unknown names"),
        (["vin", "", "plate"], {}, "the empty name of column 2 is an unknown name"),
        (["vin", "plate", "Placas"], {}, "'plate' and 'Placas' both name plate"),
        (["vin", "Estatus", "assetStatusId"], {}, "both name vehicleStatusId"),
        (["vin"], {"vin": "-"}, "no column has the VIN"),
        (["plate", "Placa", "x"], {}, "'x' is an unknown name; 'plate' and 'Placa' both name plate; no column has the"),
        (["vin"], {"Km": "mileage", "Año": "year"}, "is not a column: 'Km' to 'mileage' and 'Año' to 'year'."),
        (["vin"], {str(number): "-" for number in range(MAPPED_MAX + 1)}, "more than 1,000 names"),
    ],
)  # fmt: skip
def test_all_that_is_wrong_with_the_names_is_said_at_once(
    names: list[str], mapping: Mapping[str, str], said: str
) -> None:
    with pytest.raises(PadronError, match=re.escape(said)):
        take(names, mapping)


def test_many_unknown_names_are_counted() -> None:
    with pytest.raises(PadronError, match="'x29' and 970 more are unknown names") as refused:
        take(["vin", *(f"x{number}" for number in range(1_000))])
    assert len(refused.value.detail) < 1_000


@pytest.mark.parametrize("form", FORMS)
def test_title_rows_are_skipped_and_the_row_with_the_names_is_told(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [*TITLES, ["NIV", "Placas"], [HUMMER, "ABC123"]])
    header, lines = read(path, ReadingOptions())
    assert (header.row, header.language, lines) == (4, Language.SPANISH, [5])


@pytest.mark.parametrize("form", FORMS)
def test_names_are_looked_for_in_the_first_rows_with_content_alone(tmp_path: Path, form: str) -> None:
    titles = [[f"Hoja {number}"] for number in range(HEADER_ROWS_MAX - 1)]
    header, _ = read(write(tmp_path, form, [[], *titles, ["vin"]]), ReadingOptions())
    assert header.row == HEADER_ROWS_MAX + 1
    said = refuse(write(tmp_path, form, [*titles, ["placa", "Marca", "x"], ["vin"]]))
    assert "None of the first 20 rows with content names the VIN. Row 20 comes closest: 'x' is an unknown name" in said
    assert "; no column has the VIN" in said


@pytest.mark.parametrize("form", FORMS)
def test_the_row_with_the_names_can_be_said(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [["VIN", "x"], [], ["Serie", "Placa"], [HUMMER, "ABC123"]])
    assert "Row 1 has wrong column names" in refuse(path)
    assert read(path, ReadingOptions(header_row=3))[0].row == 3
    assert read(path, ReadingOptions(header_row=3))[1] == [4]
    assert "Row 2, which should have the column names, is empty" in refuse(path, ReadingOptions(header_row=2))
    assert "Row 9, which should have the column names, is empty" in refuse(path, ReadingOptions(header_row=9))
    assert "Row 4 has wrong column names" in refuse(path, ReadingOptions(header_row=4))


@pytest.mark.parametrize("form", FORMS)
def test_unknown_columns_are_ignored_when_asked_and_named(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [NAMES, [HUMMER, "ABC123", "x", ""]])
    assert "'Kilometraje' and 'Póliza' are unknown names" in refuse(path)
    with open_rows(path, ReadingOptions(ignore_unknown=True)) as rows:
        assert rows.header.ignored == ("Kilometraje", "Póliza")
        (row,) = rows
    assert getattr(row, "cells", None) == {"vin": HUMMER, "plate": "ABC123"}


def test_a_column_that_comes_twice_is_wrong_even_when_unknown_ones_are_ignored() -> None:
    with pytest.raises(PadronError, match="both name plate"):
        take(["vin", "Placa", "Placas", "x"], ignore_unknown=True)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_without_content_has_no_names(tmp_path: Path, form: str) -> None:
    assert "The file has no content" in refuse(write(tmp_path, form, []))


def test_a_workbook_says_which_sheet_was_read(tmp_path: Path) -> None:
    assert read(write(tmp_path, "xlsx", [["vin"]]), ReadingOptions())[0].sheet == "Sheet"
