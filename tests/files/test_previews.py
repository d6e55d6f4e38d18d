"""What a file looks like before it is imported, and what its columns seem to be."""

from contextlib import suppress
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.domain.file_preview import COLUMNS_MAX, Confidence, FilePreview
from padron.domain.file_reading import CellCorrection, ReadingOptions
from padron.domain.language import Language
from padron.files.columns import FileRow, ImportRow, RowFault
from padron.files.correcting import check_corrections, correct_rows
from padron.files.previews import preview_file
from tests.cast import HUMMER, JEEP
from tests.files.workbooks import write_workbook


def look(folder: Path, text: str | bytes, **options: object) -> FilePreview:
    path = folder / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return preview_file(path, ReadingOptions(**options))  # type: ignore[arg-type]


def guess(preview: FilePreview) -> list[tuple[str, str | None, str]]:
    return [(one.name, one.column, one.confidence.value) for one in preview.columns]


def test_a_spanish_file_with_titles_is_understood(tmp_path: Path) -> None:
    text = f"Flota del Norte;;\n\nNIV;Placas;Estatus;Kilometraje\n{HUMMER};ABC1234;Vendido;12\n{JEEP};;En taller;\n"
    preview = look(tmp_path, text)
    assert preview.header_row == 3
    assert preview.language is Language.SPANISH
    assert guess(preview) == [
        ("NIV", "vin", "sure"),
        ("Placas", "plate", "sure"),
        ("Estatus", "vehicleStatusId", "sure"),
        ("Kilometraje", None, "none"),
    ]
    assert [row.line for row in preview.before] == [1, 3]
    assert [row.cells for row in preview.rows] == [(HUMMER, "ABC1234", "Vendido", "12"), (JEEP, "", "En taller", "")]
    assert preview.names_vin


def test_cells_say_what_a_name_does_not(tmp_path: Path) -> None:
    preview = look(tmp_path, f"Unidad,Situación,Colour of it,Platte\n{HUMMER},Vendido,red,A\n{JEEP},Robado,blue,B\n")
    assert guess(preview) == [
        ("Unidad", "vin", "likely"),
        ("Situación", "vehicleStatusId", "likely"),
        ("Colour of it", None, "none"),
        ("Platte", "plate", "likely"),
    ]
    assert preview.header_row == 1


def test_no_field_is_given_twice_and_the_surest_has_it(tmp_path: Path) -> None:
    preview = look(tmp_path, f"plat,plate,Placas,vin\nA,B,C,{HUMMER}\n")
    assert [one.column for one in preview.columns] == [None, "plate", None, "vin"]


def test_beside_submarca_the_model_is_the_year(tmp_path: Path) -> None:
    preview = look(tmp_path, f"vin,Modelo,Submarca\n{HUMMER},2020,Jetta\n")
    assert [one.column for one in preview.columns] == ["vin", None, "modelName"]


def test_what_was_chosen_counts_more_than_any_guess(tmp_path: Path) -> None:
    mapping = {"plate": "-", "Algo": "plate", "vin": "vin"}
    preview = look(tmp_path, f"plate,Algo,vin\nX,ABC1234,{HUMMER}\n", mapping=mapping)
    assert [one.column for one in preview.columns] == [None, "plate", "vin"]
    assert {one.confidence for one in preview.columns} == {Confidence.CHOSEN}


def test_the_row_with_the_names_can_be_chosen(tmp_path: Path) -> None:
    text = f"vin,plate\n{HUMMER},A\nVIN,Placa\n{JEEP},B\n"
    preview = look(tmp_path, text, header_row=3)
    assert [row.line for row in preview.before] == [1, 2, 3]
    assert [row.cells[0] for row in preview.rows] == [JEEP]
    with pytest.raises(PadronError, match="Row 50"):
        look(tmp_path, text, header_row=50)


def test_the_fingerprint_is_of_the_names_alone(tmp_path: Path) -> None:
    first = look(tmp_path, f"NIV,Placa\n{HUMMER},A\n").fingerprint
    assert look(tmp_path, f"niv;PLACA\n{JEEP};B\n").fingerprint == first
    assert look(tmp_path, f"Placa,NIV\nA,{HUMMER}\n").fingerprint != first


def test_a_workbook_names_its_sheets_and_the_first_with_content_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_workbook(path, [], [["vin"], [HUMMER]], [["NIV", "Placa"], [JEEP, "ABC1234"]])
    preview = preview_file(path, ReadingOptions())
    assert preview.sheets == ("Sheet", "More 2", "More 3")
    assert (preview.sheet, preview.rows[0].cells) == ("More 2", (HUMMER,))
    other = preview_file(path, ReadingOptions(sheet="More 3"))
    assert (other.sheet, other.rows[0].cells) == ("More 3", (JEEP, "ABC1234"))


def test_lines_of_json_have_members_for_columns(tmp_path: Path) -> None:
    preview = look(tmp_path, f'{{"vin": "{HUMMER}", "doors": 4}}\nnot json\n{{"vin": "{JEEP}", "Dueño": null}}\n')
    assert guess(preview) == [("vin", "vin", "sure"), ("doors", "doors", "sure"), ("Dueño", "ownerName", "sure")]
    assert [(row.line, row.cells) for row in preview.rows] == [(1, (HUMMER, "4", "")), (3, (JEEP, "", ""))]
    assert preview.header_row is None


@pytest.mark.parametrize("text", [b"", b"\n\n", b"%PDF-1.7", b"\x00\x01\x02"])
def test_what_is_no_table_is_refused_or_empty_but_never_fails(tmp_path: Path, text: bytes) -> None:
    with suppress(PadronError):
        assert not look(tmp_path, text).names_vin


def test_a_preview_is_bounded(tmp_path: Path) -> None:
    wide = ",".join(f"c{n}" for n in range(3_000))
    preview = look(tmp_path, f"vin,{wide}\n" + f"{HUMMER}," + "x" * 5_000 + "\n" * 500)
    assert len(preview.columns) == COLUMNS_MAX
    assert max(len(cell) for row in preview.rows for cell in row.cells) <= 120
    many = look(tmp_path, "vin\n" + f"{HUMMER}\n" * 500)
    assert len(many.rows) == 20


def test_a_correction_takes_the_place_of_a_cell_and_its_problem() -> None:
    rows: list[FileRow] = [
        ImportRow(line=2, cells={"vin": "a", "doors": "x"}, problems={"plate": "bad"}),
        ImportRow(line=3, cells={"vin": "b"}),
        RowFault(line=4, column=None, detail="no"),
    ]
    given = [CellCorrection(line=2, column="plate", value="P"), CellCorrection(line=4, column="vin", value="c")]
    first, second, third = correct_rows(rows, given)
    assert first == ImportRow(line=2, cells={"vin": "a", "doors": "x", "plate": "P"})
    assert [second, third] == rows[1:]


def test_corrections_name_cells_and_the_last_one_counts() -> None:
    one = CellCorrection(line=2, column="plate", value="A")
    two = CellCorrection(line=2, column="plate", value="B")
    assert check_corrections([one, two]) == (two,)
    for wrong in (
        CellCorrection(line=0, column="plate", value="A"),
        CellCorrection(line=1, column="colour", value="A"),
        CellCorrection(line=1, column="plate", value="\x00"),
        CellCorrection(line=1, column="plate", value="x" * 501),
    ):
        with pytest.raises(PadronError):
            check_corrections([wrong])
    with pytest.raises(PadronError, match="1,001"):
        check_corrections([CellCorrection(line=line, column="vin", value="A") for line in range(1, 1_002)])
