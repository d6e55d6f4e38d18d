"""The three forms of an export, read back by readers that are not ours."""

import csv
import io
import json
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from padron.domain.errors import PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Details, VehicleVersion
from padron.files import writers
from padron.files.export_rows import EXPORT_COLUMNS, give_members
from padron.files.writers import BYTE_ORDER_MARK, Form, open_writer
from tests.cast import NOON, make_vehicle, make_vin
from tests.tables import each_row

NOON_STAMP = f"t{int(NOON.timestamp()) * 1_000_000:x}"
WHOLE: Details = {
    field.name: f"{field.name} é 😀" if field.is_text else place for place, field in enumerate(FIELDS)
} | {"plate": "0012345"}  # fmt: skip


def make_version(number: int = 1, details: Details = WHOLE, **vehicle: Any) -> VehicleVersion:  # noqa: ANN401
    return VehicleVersion(
        vehicle=replace(make_vehicle(make_vin(number), vehicle_id=number), revision=number, **vehicle),
        details=details,
        began=number,
        valid_from=NOON,
        valid_to=None,
    )


def write(form: Form, *versions: VehicleVersion, **options: Any) -> bytes:  # noqa: ANN401
    raw = io.BytesIO()
    with open_writer(form, raw, **options) as writer:
        for version in versions:
            writer.write([version])
    return raw.getvalue()


def read_xlsx(data: bytes) -> list[list[tuple[str, str] | None]]:
    """Give the cells of the sheet, each with its type, straight from the XML."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - written a moment ago
    assert not list(root.iter(f"{space}f")), "There is a formula."
    assert not list(root.iter(f"{space}hyperlink")), "There is a link."
    rows: list[list[tuple[str, str] | None]] = []
    for row in root.iter(f"{space}row"):
        cells: list[tuple[str, str] | None] = [None] * len(EXPORT_COLUMNS)
        for cell in row:
            letters = "".join(one for one in cell.attrib["r"] if one.isalpha())
            place = 0
            for letter in letters:
                place = place * 26 + ord(letter) - 64
            cells[place - 1] = (cell.attrib.get("t", "n"), "".join(cell.itertext()))
        rows.append(cells)
    return rows


def test_csv_has_every_column_in_one_order_with_the_revision_last() -> None:
    data = write(Form.CSV, make_version(7))
    assert not data.startswith(BYTE_ORDER_MARK)
    header, row = csv.reader(io.StringIO(data.decode(), newline=""))
    assert header == ["vin", "vehicleStatusId", *(field.name for field in FIELDS), "revision"]
    assert row == [make_vin(7), "1", *map(str, WHOLE.values()), f"v7r7{NOON_STAMP}"]
    assert data.count(b"\r\n") == 2
    assert data.replace(b"\r\n", b"").count(b"\n") == 0


def test_csv_may_have_a_mark_and_another_delimiter() -> None:
    data = write(Form.CSV, make_version(1, {"ownerName": 'a;b,"c"'}), delimiter=";", mark=True)
    assert data.startswith(BYTE_ORDER_MARK + b"vin;vehicleStatusId;")
    assert b';"a;b,""c""";' in data


@each_row("text", ["=1+1", "+52 55", "-", "@a", "'=1"])
def test_formulas_are_defused_in_spreadsheets_and_left_alone_in_json(text: str) -> None:
    version = make_version(1, {"observations": text})
    (row,) = csv.DictReader(io.StringIO(write(Form.CSV, version).decode(), newline=""))
    assert row["observations"] == f"'{text}"
    cells = read_xlsx(write(Form.XLSX, version))[1]
    assert cells[EXPORT_COLUMNS.index("observations")] == ("inlineStr", f"'{text}")
    assert json.loads(write(Form.JSONL, version))["observations"] == text


def test_in_xlsx_text_stays_text_and_integers_are_numbers() -> None:
    odd: Details = {
        "plate": "1E10", "customId": "007", "taxIdentifier": "https://fleet.example", "version": "mailto:a@b",
        "ownerName": "  two  ", "modelName": "<&>\"'", "observations": "{=1}", "engineNumber": "1/2", "doors": 4,
    }  # fmt: skip
    cells = dict(zip(EXPORT_COLUMNS, read_xlsx(write(Form.XLSX, make_version(3, odd)))[1], strict=True))
    assert cells["vin"] == ("inlineStr", make_vin(3))
    assert cells["doors"] == ("n", "4")
    assert cells["revision"] == ("inlineStr", f"v3r3{NOON_STAMP}")
    assert cells["legalName"] is None
    for name in ("plate", "customId", "taxIdentifier", "version", "ownerName", "modelName", "observations"):
        assert cells[name] == ("inlineStr", odd[name])


def test_an_xlsx_sheet_that_is_full_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "SHEET_ROWS_MAX", 3)
    assert len(read_xlsx(write(Form.XLSX, make_version(1), make_version(2)))) == 3
    with pytest.raises(PadronError, match="more vehicles than an XLSX sheet can hold"):
        write(Form.XLSX, make_version(1), make_version(2), make_version(3))


@pytest.mark.parametrize("form", Form)
def test_what_is_given_up_leaves_no_temporary_file(form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with suppress(KeyboardInterrupt), open_writer(form, io.BytesIO()) as writer:
        writer.write([make_version(number) for number in range(1, 500)])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    write(form, make_version(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", Form)
def test_a_register_without_vehicles_gives_a_file_with_its_columns(form: Form) -> None:
    data = write(form)
    match form:
        case Form.CSV:
            assert data.decode().strip().split(",") == list(EXPORT_COLUMNS)
        case Form.XLSX:
            assert [cell and cell[1] for cell in read_xlsx(data)[0]] == list(EXPORT_COLUMNS)
        case Form.JSONL:
            assert data == b""


def test_a_former_version_has_status_2_and_no_revision_to_edit() -> None:
    former = replace(make_version(5, {"doors": 2}), valid_to=NOON)
    (row,) = csv.DictReader(io.StringIO(write(Form.CSV, former).decode(), newline=""))
    assert (row["vehicleStatusId"], row["doors"], row["revision"]) == ("2", "2", "")
    members = json.loads(write(Form.JSONL, former))
    assert (members["vehicleStatusId"], members["validTo"]) == (2, "2026-03-01T12:00:00Z")
    assert "revision" not in members


def test_json_lines_are_a_vehicle_a_line_in_the_apis_shape() -> None:
    stolen = make_version(2, {"ownerName": "línea\u2028", "doors": 3}, status=VehicleStatus.STOLEN)
    lines = write(Form.JSONL, make_version(1), stolen).split(b"\n")
    assert lines[-1] == b""
    assert json.loads(lines[1]) == {
        "vin": make_vin(2), "vehicleStatusId": 3, "operational": False, "statusSince": "2026-03-01T12:00:00Z",
        "createdAt": "2026-03-01T12:00:00Z", "updatedAt": "2026-03-01T12:00:00Z",
        "ownerName": "línea\u2028", "doors": 3, "revision": f"v2r2{NOON_STAMP}",
    }  # fmt: skip
    assert list(give_members(make_version(1)))[-1] == "revision"
