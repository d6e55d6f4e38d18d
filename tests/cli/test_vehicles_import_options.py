"""``padron vehicles import`` with files as people have them: titles, extra columns, several faults in a line."""

import csv
import json
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP
from tests.cli.conftest import Answer, Cli, check_sentence
from tests.cli.test_vehicles_import import SUMMARY, read_details, read_report

pytestmark = pytest.mark.usefixtures("acme")

LONG = "x" * 151
TITLED = f"Flota del Norte\n\nNIV,Placas,Kilometraje,Póliza\n{HUMMER},XYZ-00-00,12,P1\n"


def run_import(cli: Cli, content: str, *arguments: str) -> Answer:
    Path("fleet.csv").write_text(content, "utf-8")
    return cli("vehicles", "import", "--account", "Acme", *arguments, "fleet.csv")


def test_every_fault_of_a_line_is_said_and_the_line_counts_once(cli: Cli) -> None:
    content = f"vin,plate,doors,brandName,Estatus\n{HUMMER},AB-12,x,{LONG},Vendidaa\nSHORT,,99,,\n{JEEP},ABC123,4,,\n"
    answer = run_import(cli, content)
    assert (answer.status, answer.out) == (1, SUMMARY.format(3, 1, 0, 0, 0, 2))
    _, *faults = read_report()
    assert [(line, column) for line, column, _ in faults] == [
        ("2", "plate"), ("2", "doors"), ("2", "brandName"), ("2", "vehicleStatusId"), ("3", "vin"), ("3", "doors"),
    ]  # fmt: skip
    assert len(answer.err.splitlines()) == len(faults) + 1
    assert answer.err.endswith("All 2 refused lines are in fleet.csv.report.csv.\n")
    refusals = run_import(cli, content, "--json").document["refusals"]
    assert [[str(one["line"]), one["column"], one["detail"]] for one in refusals] == faults


def test_more_refused_lines_are_counted_beside_the_faults_that_are_shown(cli: Cli) -> None:
    answer = run_import(cli, "vin,doors\n" + "x,y\n" * 15)
    assert "padron: 5 more lines were refused.\n" in answer.err


def test_titles_and_unknown_columns_are_told(cli: Cli) -> None:
    said = "'Kilometraje' and 'Póliza' are unknown names"
    check_sentence(run_import(cli, TITLED), 1, said)
    answer = run_import(cli, TITLED, "--ignore-unknown", "--normalize")
    assert (answer.status, answer.out) == (0, SUMMARY.format(1, 1, 0, 0, 0, 0))
    assert answer.err.splitlines() == [
        "padron: Row 3 has the column names. The rows before it are not read.",
        "padron: These columns are not read, because their names are unknown: Kilometraje and Póliza.",
    ]
    assert read_details(HUMMER) == {"plate": "XYZ0000"}
    document = run_import(cli, TITLED, "--ignore-unknown", "--normalize", "--json").document
    assert (document["headerRow"], document["ignoredColumns"], document["sheet"]) == (
        3, ["Kilometraje", "Póliza"], None,
    )  # fmt: skip


def test_the_row_with_the_names_can_be_said(cli: Cli) -> None:
    content = f"vin\nNIV,Placas\n{HUMMER},ABC123\n"
    assert run_import(cli, content, "--header-row", "2").status == 0
    assert read_details(HUMMER) == {"plate": "ABC123"}
    check_sentence(run_import(cli, content, "--header-row", "0"), 1, "The header row is 0: it must be from 1 to 1,000")


def test_a_written_plate_gets_a_hint(cli: Cli) -> None:
    answer = run_import(cli, f"vin,plate\n{HUMMER},XYZ-00-00\n{JEEP},xyz 102 a\n")
    assert "Perhaps XYZ0000." in answer.err
    assert "Perhaps XYZ102A." in answer.err


def test_a_hint_on_a_status_has_the_files_language(cli: Cli) -> None:
    assert "did you mean Vendido (8)?" in run_import(cli, f"NIV,Estatus\n{HUMMER},Vendidaa\n").err
    assert "did you mean Sold (8)?" in run_import(cli, f"VIN,Status\n{HUMMER},Vendidaa\n").err


@pytest.mark.parametrize("suffix", ["csv", pytest.param("xlsx", marks=pytest.mark.long)])
def test_an_export_in_spanish_with_statuses_by_name_comes_back(cli: Cli, suffix: str) -> None:
    run_import(cli, f'vin,vehicleStatusId,observations\n{HUMMER},7,"a;=1\n\uff1db"\n{JEEP},1,\n')
    export = ("vehicles", "export", "--account", "Acme", "--lang", "es", "--status-names")
    assert cli(*export, f"out.{suffix}").status == 0
    if suffix == "csv":
        with Path("out.csv").open(encoding="utf-8-sig", newline="") as file:
            first, second = csv.DictReader(file)
        assert (first["NIV"], first["Estatus"], second["Estatus"]) == (HUMMER, "En corralón", "Activo")
        assert first["Observaciones"] == "a;'=1\n'\uff1db"
        assert set(first) > {"Placa", "Marca", "Modelo", "Revisión"}
    answer = cli("vehicles", "import", "--account", "Acme", f"out.{suffix}")
    assert answer.out == SUMMARY.format(2, 0, 0, 2, 0, 0)


def test_json_lines_have_the_apis_words(cli: Cli) -> None:
    run_import(cli, f"vin\n{HUMMER}\n")
    answer = cli("vehicles", "export", "--account", "Acme", "--lang", "es", "out.jsonl")
    assert answer.status != 0
    assert "JSON Lines have the API's names" in answer.err
    assert cli("vehicles", "export", "--account", "Acme", "out.jsonl").status == 0
    assert json.loads(Path("out.jsonl").read_text())["vehicleStatusId"] == 1
