"""``padron vehicles status``: pasted lists, statuses by name, a table of results."""

import io
import shutil
import sys
from itertools import product
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus, parse_status_text
from padron.domain.tags import parse_tag
from padron.service.statuses import bulk
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.cli.conftest import Answer, Cli, check_sentence, fill_register
from tests.tables import each_row

FLEET = [HUMMER, JEEP, *(make_vin(number) for number in range(5))]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    load = ("vehicles", "import", "--account", "Acme", "fleet.csv")
    return fill_register(
        tmp_path_factory.mktemp("filled"), "vin\n" + "\n".join(FLEET), ("accounts", "add", "Acme"), load
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def set_status(cli: Cli, status: str, *arguments: str) -> Answer:
    return cli("vehicles", "status", "--account", "Acme", status, *arguments)


@each_row("status", SETTABLE_STATUSES.values())
def test_a_status_is_named_by_its_id_or_in_either_language_in_any_letter_case(status: VehicleStatus) -> None:
    text = STATUS_TEXTS[status]
    for name in (str(status.value), text.name, text.nombre, text.name.upper(), text.nombre.lower(), f" {text.nombre} "):
        assert parse_status_text(name) is status
    assert parse_status_text("PERDIDA TOTAL") is VehicleStatus.TOTAL_LOSS
    assert parse_status_text("en  corralon") is VehicleStatus.IMPOUNDED


@each_row("text", ["", "2", "Info Changed", "información cambiada", "10", "-1", "Baja", "3 - Sold", "1" * 5_000, "²"])
def test_a_text_that_is_no_settable_status_is_refused(text: str) -> None:
    with pytest.raises(PadronError):
        parse_status_text(text)


PASTED = [
    f"{HUMMER}\n{JEEP}\n",
    f"{HUMMER},{JEEP}",
    f"  '{HUMMER.lower()}';\t\"{JEEP}\" ; ",
    f"\ufeff“{HUMMER}”,\r\n“{JEEP}”\r\n{HUMMER}",
    f"{HUMMER}\u00a0{JEEP}",
]
WAYS = ["argument", "file", "utf-16", "stdin"]
ONCE = {*((PASTED[3], way) for way in WAYS), *((pasted, "argument") for pasted in PASTED)}  # each list and each way


@pytest.mark.parametrize(
    "pasted, way",
    [pytest.param(*row, marks=() if row in ONCE else pytest.mark.long) for row in product(PASTED, WAYS)],
)
def test_a_list_is_taken_as_it_was_pasted(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pasted: str, way: str
) -> None:
    encoding = "utf-16" if way == "utf-16" else "utf-8"
    (tmp_path / "list.txt").write_bytes(pasted.encode(encoding))
    arguments = [pasted] if way == "argument" else ["--file", "-" if way == "stdin" else "list.txt"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pasted.encode())))
    answer = set_status(cli, "en taller", *arguments, "--reason", "Revisión", "--json")
    assert answer.status == 0, answer.err
    document = answer.document
    assert [(row["vin"], row["result"]) for row in document["results"]] == [(HUMMER, "changed"), (JEEP, "changed")]
    assert document["vehicleStatusId"] == 4


def test_the_table_shows_each_vehicle_and_a_refusal_makes_the_exit_status_1(cli: Cli) -> None:
    assert set_status(cli, "Sold", JEEP).status == 0
    answer = set_status(cli, "8", HUMMER, JEEP, UNKNOWN_VIN, "NOTAVIN")
    assert answer.status == 1
    lines = answer.out.splitlines()
    assert lines[0].split() == ["VIN", "Result", "Revision", "Detail"]
    for line, vin, result in ((lines[1], HUMMER, "changed"), (lines[2], JEEP, "unchanged")):
        *shown, revision = line.split()
        tag = parse_tag(revision)
        assert (shown, tag and tag.revision) == ([vin, result], 2)
    assert "has no current vehicle" in lines[3]
    assert "character 2" in lines[4]
    assert lines[5].startswith("Set Sold: changed 1, unchanged 1, refused 2. Request cli-")


def test_more_than_fit_into_one_call_go_in_several_under_one_request(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.cli.vehicle_status.BULK_MAX", 3)
    monkeypatch.setattr(bulk, "BULK_MAX", 3)
    document = set_status(cli, "3", *FLEET, "--json").document
    assert (document["changed"], [row["vin"] for row in document["results"]]) == (7, FLEET)


def test_a_dry_run_changes_nothing(cli: Cli) -> None:
    assert "Would set Stolen: changed 1" in set_status(cli, "Robado", HUMMER, "--dry-run").out
    (row,) = set_status(cli, "Robado", HUMMER, "--dry-run", "--json").document["results"]
    assert (row["result"], row["revision"]) == ("changed", None)
    assert set_status(cli, "Robado", HUMMER, "--json").document["changed"] == 1


def test_what_cannot_be_understood_is_one_sentence(cli: Cli) -> None:
    check_sentence(set_status(cli, "Sould", HUMMER), 1, "'Sould' is not a vehicle status; did you mean Sold (8)?")
    check_sentence(set_status(cli, "2", HUMMER), 1, "set by the system")
    check_sentence(set_status(cli, "8"), 2, "no VIN")
    check_sentence(set_status(cli, "8", " ,; "), 2, "no VIN")
    check_sentence(set_status(cli, "8", "--file", "none.txt"), 2, "cannot be read")
    check_sentence(cli("vehicles", "status", "--account", "Nobody", "8", HUMMER), 1, "Nobody")
    check_sentence(set_status(cli, "8", HUMMER, "--reason", "x" * 501), 1, "501 characters")
