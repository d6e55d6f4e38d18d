"""``padron vehicles erase``."""

import shutil
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP
from tests.cli.conftest import Answer, Cli, check_sentence, fill_register

ANA = "Ana Sofía Quintanilla"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        f"vin,plate,ownerName,taxIdentifier\n{HUMMER},ABC1234,{ANA},QUSA900101\n{JEEP},ABC1235,{ANA},OTHER\n",
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "--account", "Acme", "fleet.csv"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def erase(cli: Cli, *words: str) -> Answer:
    return cli("vehicles", "erase", *words, "--account", "Acme")


def list_values(cli: Cli, field: str) -> dict[str, str | None]:
    found = cli("vehicles", "list", "--account", "Acme", "--json").document["vehicles"]
    return {one["vin"]: one.get(field) for one in found}


def test_the_fields_of_a_vehicle_are_erased_and_the_history_says_so(cli: Cli) -> None:
    answer = erase(cli, HUMMER, "--fields", "ownerName", "taxIdentifier", "--reason", "Case 12")
    assert (answer.status, answer.err) == (0, "")
    assert "Erased values of 1 vehicle. Request cli-" in answer.out
    assert list_values(cli, "ownerName") == {HUMMER: None, JEEP: ANA}
    assert list_values(cli, "taxIdentifier")[HUMMER] is None
    history = cli("vehicles", "history", HUMMER, "--account", "Acme").out
    assert "erased ownerName, taxIdentifier in 1 changes" in history
    newest = cli("vehicles", "history", HUMMER, "--account", "Acme", "--json").document["history"][0]
    assert (newest["type"], newest["fields"]) == ("erased", ["ownerName", "taxIdentifier"])
    lines = cli("vehicles", "history", HUMMER, "--account", "Acme", "--csv").out.splitlines()
    assert "erased" in lines[1]
    assert "Case 12" in lines[1]


def test_a_person_is_erased_everywhere_and_no_file_of_the_register_has_the_name(cli: Cli) -> None:
    document = erase(cli, "--value", ANA.upper(), "--fields", "ownerName", "--json").document
    assert sorted(one["vin"] for one in document["erased"]) == sorted([HUMMER, JEEP])
    assert list_values(cli, "ownerName") == {HUMMER: None, JEEP: None}
    for path in Path.cwd().iterdir():
        assert b"Quintanilla" not in path.read_bytes(), path


def test_a_dry_run_erases_nothing(cli: Cli) -> None:
    assert "Would erase values of 2 vehicles." in erase(cli, "--value", ANA, "--fields", "ownerName", "--dry-run").out
    assert list_values(cli, "ownerName") == {HUMMER: ANA, JEEP: ANA}


def test_neither_a_vehicle_nor_a_text_is_a_wrong_command_line(cli: Cli) -> None:
    check_sentence(erase(cli, "--fields", "ownerName"), 2, "--value")
    check_sentence(erase(cli, HUMMER, "--fields", "plate"), 1, "plate")
