"""JSON Lines as they are read: members as in the API, and what is no vehicle refused by its line."""

import json
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.files import json_rows
from padron.files.columns import FileRow, ImportRow, RowFault
from padron.files.rows import open_rows
from tests.cast import HUMMER, JEEP
from tests.tables import each_row


def read(tmp_path: Path, content: bytes | str) -> list[FileRow]:
    path = tmp_path / "vehicles.any"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_rows(path) as rows:
        found = list(rows)
        assert rows.bytes_read == rows.bytes_total == path.stat().st_size
    return found


def test_members_become_cells_and_what_nobody_sets_is_passed_over(tmp_path: Path) -> None:
    line = {
        "vin": HUMMER, "vehicleStatusId": 4, "operational": False, "statusSince": "2026-03-01T12:00:00Z",
        "createdAt": "x", "updatedAt": 5, "doors": 4, "ownerName": "=1'", "observations": None, "plate": "",
        "revision": "v7r7t7",
    }  # fmt: skip
    (row,) = read(tmp_path, "\ufeff" + json.dumps(line))
    assert isinstance(row, ImportRow)
    assert row.line == 1
    assert row.cells == {
        "vin": HUMMER, "vehicleStatusId": "4", "doors": "4", "ownerName": "=1'", "observations": "", "plate": "",
        "revision": "v7r7t7",
    }  # fmt: skip


def test_blank_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = read(tmp_path, f'  {{"vin": "{HUMMER}"}}\r\n\n   \n{{"VIN": "{JEEP}"}}')
    assert [(row.line, row.cells) for row in rows if isinstance(row, ImportRow)] == [
        (1, {"vin": HUMMER}),
        (4, {"vin": JEEP}),
    ]


@each_row(
    "line, said",
    [
        ('{"vin": "x", "vin": "y"}', "'vin' and 'vin' both name vin"),
        ('{"vin": "x", "shoeSize": "9", "colr": 1}', "'shoeSize' and 'colr' (perhaps vehicleColor) are unknown names"),
        ('{"doors": 4}', "no column has the VIN"),
        ("{}", "no column has the VIN"),
        ("[1, 2]", "not a JSON object"),
        ("7", "not a JSON object"),
        ('{"vin": "x"', "not JSON in UTF-8: expecting"),
        ('{"vin": "x"} {"vin": "y"}', "not JSON in UTF-8: extra data at character 14"),
        ("vin,doors", "not JSON in UTF-8"),
        ('{"vin": ' + "1" * 5_000 + "}", "too many digits"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ("\x00", "not JSON in UTF-8"),
    ],
)
def test_a_line_that_is_no_vehicle_is_refused_alone(tmp_path: Path, line: str, said: str) -> None:
    first, refusal, last = read(tmp_path, f'{{"vin": "{HUMMER}"}}\n{line}\n{{"vin": "{JEEP}"}}\n')
    assert isinstance(first, ImportRow)
    assert isinstance(refusal, RowFault)
    assert (refusal.line, said in refusal.detail) == (2, True), refusal
    assert isinstance(last, ImportRow)


@pytest.mark.parametrize("value", ["3.0", "true", '{"a": 1}', '["a"]'])
def test_each_value_that_no_cell_can_hold_is_a_problem_of_its_column(tmp_path: Path, value: str) -> None:
    (row,) = read(tmp_path, f'{{"vin": "x", "doors": {value}, "plate": {value}, "ownerName": "a"}}')
    assert isinstance(row, ImportRow)
    assert row.cells == {"vin": "x", "ownerName": "a"}
    assert row.problems == {name: f"{name} must be text or an integer." for name in ("doors", "plate")}


def test_unknown_members_are_ignored_when_asked_and_named(tmp_path: Path) -> None:
    path = tmp_path / "vehicles.jsonl"
    path.write_text('{"vin": "x", "shoeSize": 9}\n{"vin": "y", "shoeSize": 9, "hat": {"a": 1}}\n')
    with open_rows(path, ReadingOptions(ignore_unknown=True)) as rows:
        assert [row.cells for row in rows if isinstance(row, ImportRow)] == [{"vin": "x"}, {"vin": "y"}]
        assert rows.header == Header(ignored=("shoeSize", "hat"))


def test_a_file_without_a_row_of_names_has_none_to_choose(tmp_path: Path) -> None:
    path = tmp_path / "vehicles.jsonl"
    path.write_text('{"vin": "x"}\n')
    with pytest.raises(PadronError, match="no header row"), open_rows(path, ReadingOptions(header_row=2)):
        pass


def test_a_line_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    _, refusal = read(tmp_path, b'{"vin": "x"}\n{"vin": "\xff"}\n')
    assert isinstance(refusal, RowFault)
    assert "a byte is wrong" in refusal.detail


def test_a_line_without_an_end_is_passed_over_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "LINE_BYTES_MAX", 50)
    refusal, row, again = read(tmp_path, f'{{"vin": "{"1" * 500}"}}\n{{"vin": "{JEEP}"}}\n{{{"x" * 99}')
    assert isinstance(refusal, RowFault)
    assert isinstance(row, ImportRow)
    assert row.line == 2
    assert isinstance(again, RowFault)
    assert (refusal.line, again.line) == (1, 3)
    assert "more than 50 bytes" in refusal.detail


def test_what_does_not_begin_with_a_brace_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(PadronError):
        read(tmp_path, '[{"vin": "x"}]')
