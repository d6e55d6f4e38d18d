"""``padron vehicles export``: the file is whole or not there, and says what the register says."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from padron.domain.tags import parse_tag
from padron.files import writers
from padron.service.vehicles import export
from tests.cast import HUMMER, JEEP, make_vin
from tests.cli.conftest import Answer, Cli, check_sentence, fill_register

FLEET = f"vin,plate,doors,ownerName,vehicleStatusId\n{HUMMER},ABC123,4,=2+2,\n{JEEP},,2,Flota Norte,8\n"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts = [("accounts", "add", name) for name in ("Acme", "Beta")]
    load = ("vehicles", "import", "--account", "Acme", "fleet.csv")
    return fill_register(tmp_path_factory.mktemp("filled"), FLEET, *accounts, load)


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def export_vehicles(cli: Cli, *arguments: str, account: str = "Acme") -> Answer:
    return cli("vehicles", "export", "--account", account, *arguments)


def list_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith("padron.db")}


def read_vins(text: str) -> list[str]:
    return [row["vin"] for row in csv.DictReader(text.splitlines())]


@pytest.mark.parametrize("file", ["out.csv", "OUT.CSV", "out.xlsx", "out.jsonl", "out.ndjson"])
def test_the_suffix_says_the_form(cli: Cli, tmp_path: Path, file: str) -> None:
    answer = export_vehicles(cli, file)
    assert (answer.status, answer.out, answer.err) == (0, f"Wrote 2 vehicles to {file}.\n", "")
    data = (tmp_path / file).read_bytes()
    assert data.startswith({"v": b"\xef\xbb\xbfvin,", "x": b"PK", "l": b'{"vin"', "n": b'{"vin"'}[file.lower()[-1]])
    assert list_files(tmp_path) == {file}


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_without_a_file_csv_without_a_mark_goes_to_standard_output(cli: Cli, arguments: tuple[str, ...]) -> None:
    answer = export_vehicles(cli, *arguments)
    assert answer.status == 0
    assert answer.out.startswith("vin,vehicleStatusId,")
    first, second = csv.DictReader(answer.out.splitlines())
    assert (first["vin"], first["plate"], first["ownerName"]) == (HUMMER, "ABC123", "'=2+2")
    assert parse_tag(first["revision"])
    assert (second["vin"], second["vehicleStatusId"], second["doors"]) == (JEEP, "8", "2")


def test_the_form_and_the_delimiter_may_be_named(cli: Cli) -> None:
    assert export_vehicles(cli, "--delimiter", ";").out.startswith("vin;vehicleStatusId;")
    assert export_vehicles(cli, "--delimiter", "tab").out.startswith("vin\tvehicleStatusId\t")
    lines = [json.loads(line) for line in export_vehicles(cli, "--form", "jsonl").out.splitlines()]
    assert [(line["vin"], line["ownerName"]) for line in lines] == [(HUMMER, "=2+2"), (JEEP, "Flota Norte")]


def test_a_program_is_told_what_was_written(cli: Cli) -> None:
    assert export_vehicles(cli, "out.jsonl", "--json").document == {
        "file": "out.jsonl",
        "form": "jsonl",
        "vehicles": 2,
    }


FILTERED: list[tuple[tuple[str, ...], list[str]]] = [
    (("--status", "Sold"), [JEEP]),
    (("--status", "vendido"), [JEEP]),
    (("--operational",), [HUMMER]),
    (("--no-operational",), [JEEP]),
    (("--filter", "doors=4"), [HUMMER]),
    (("--filter", "ownerName=flota norte", "--filter", "doors=2"), [JEEP]),
    (("--filter", "ownerName=flota norte", "--filter", "doors=4"), []),
    (("--filter", "doors=4", "--filter", "doors=2"), [HUMMER, JEEP]),
    (("--status", "2"), []),
]


def test_filters_are_those_of_the_list(cli: Cli) -> None:
    for arguments, vins in FILTERED:
        assert read_vins(export_vehicles(cli, *arguments).out) == vins, arguments


REFUSED: list[tuple[tuple[str, ...], int, str]] = [
    (("out.txt",), 2, "is not a known form"),
    (("out.csv", "--delimiter", "|"), 2, "--delimiter"),
    (("--filter", "doors"), 2, "NAME=VALUE"),
    (("--filter", "shoeSize=9"), 2, "no filter 'shoeSize'"),
    (("--filter", "operational=true", "--filter", "operational=false"), 2, "twice"),
    (("--filter", "doors=four"), 1, "doors is 'four'"),
    (("--status", "Baja"), 1, "'Baja' is not a vehicle status"),
    (("--status", "2", "--operational"), 1, "operational"),
    (("--json",), 2, "name a file"),
    (("no/such/folder/out.csv",), 1, "there is no folder"),
    ((".", "--form", "csv"), 1, "is not a file"),
]


def test_what_cannot_be_done_is_one_sentence_and_no_file(cli: Cli, tmp_path: Path) -> None:
    for arguments, status, said in REFUSED:
        check_sentence(export_vehicles(cli, *arguments), status, said)
        assert list_files(tmp_path) == set(), arguments


def test_a_file_that_exists_is_replaced_only_by_force(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("mine")
    check_sentence(export_vehicles(cli, "out.csv"), 1, "--force")
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert export_vehicles(cli, "out.csv", "--force").status == 0
    assert read_vins((tmp_path / "out.csv").read_text("utf-8-sig")) == [HUMMER, JEEP]
    assert list_files(tmp_path) == {"out.csv"}


def test_a_link_is_followed_and_stays(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "out.csv").symlink_to("far/real.csv")
    assert export_vehicles(cli, "out.csv").status == 0
    assert (tmp_path / "out.csv").is_symlink()
    assert read_vins((tmp_path / "far" / "real.csv").read_text("utf-8-sig")) == [HUMMER, JEEP]


def test_a_file_that_came_meanwhile_is_not_replaced(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(writers.CsvWriter):
        def write(self, versions: object) -> None:
            (tmp_path / "out.csv").write_text("mine")
            super().write(versions)  # type: ignore[arg-type]

    monkeypatch.setattr(writers, "CsvWriter", Late)
    check_sentence(export_vehicles(cli, "out.csv"), 1, "--force")
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert list_files(tmp_path) == {"out.csv"}


def test_what_fails_in_the_middle_leaves_the_former_file_and_nothing_else(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.xlsx").write_text("former")
    monkeypatch.setattr(writers, "SHEET_ROWS_MAX", 2)
    check_sentence(export_vehicles(cli, "out.xlsx", "--force"), 1, "more vehicles than an XLSX sheet can hold")
    assert (tmp_path / "out.xlsx").read_text() == "former"
    assert list_files(tmp_path) == {"out.xlsx"}


def test_another_accounts_vehicles_are_not_in_it(cli: Cli) -> None:
    assert read_vins(export_vehicles(cli, account="Beta").out) == []
    check_sentence(export_vehicles(cli, account="Nobody"), 1, "Nobody")


@pytest.mark.parametrize("form", ["csv", pytest.param("xlsx", marks=pytest.mark.long), "jsonl"])
def test_an_export_that_is_imported_again_changes_nothing(cli: Cli, form: str) -> None:
    assert export_vehicles(cli, f"out.{form}").status == 0
    answer = cli("vehicles", "import", "--account", "Acme", f"out.{form}", "--json")
    assert answer.status == 0, answer.err
    assert (answer.document["unchanged"], answer.document["updated"], answer.document["refused"]) == (2, 0, 0)


def test_a_fleet_of_several_pages_is_in_order_and_whole(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vins = [make_vin(number) for number in range(25)]
    (tmp_path / "more.csv").write_text("vin\n" + "\n".join(vins))
    assert cli("vehicles", "import", "--account", "Beta", "more.csv").status == 0
    monkeypatch.setattr(export, "PAGE", 7)
    assert read_vins(export_vehicles(cli, account="Beta").out) == vins
