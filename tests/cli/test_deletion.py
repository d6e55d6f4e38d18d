"""``padron vehicles delete``."""

import shutil
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP
from tests.cli.conftest import ACTOR, Answer, Cli, check_sentence, fill_register


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        f"vin,plate\n{HUMMER},ABC1234\n{JEEP},ABC1235\n",
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "--account", "Acme", "fleet.csv"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def delete(cli: Cli, vin: str, *words: str) -> Answer:
    return cli("vehicles", "delete", vin, "--account", "Acme", *words)


def list_vins(cli: Cli) -> list[str]:
    found = cli("vehicles", "list", "--account", "Acme", "--json").document["vehicles"]
    return sorted(one["vin"] for one in found)


def test_a_vehicle_is_deleted_and_the_printed_request_brings_it_back(cli: Cli) -> None:
    answer = delete(cli, HUMMER.lower(), "--reason", "Typing error")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"Deleted the vehicle {HUMMER}. Request cli-")
    assert list_vins(cli) == [JEEP]
    history = cli("vehicles", "history", HUMMER, "--account", "Acme", "--json").document["history"]
    newest = {name: history[0][name] for name in ("type", "fromStatusId", "toStatusId", "reason", "by")}
    assert newest == {"type": "deleted", "fromStatusId": 1, "toStatusId": 2, "reason": "Typing error", "by": ACTOR}
    assert "Active → deleted" in cli("vehicles", "history", HUMMER, "--account", "Acme").out
    request_id = answer.out.split()[5]
    assert cli("undo", request_id, "--account", "Acme").status == 0
    assert list_vins(cli) == sorted([HUMMER, JEEP])


def test_a_dry_run_says_so_and_deletes_nothing(cli: Cli) -> None:
    assert delete(cli, HUMMER, "--dry-run").out == f"Would delete the vehicle {HUMMER}.\n"
    document = delete(cli, HUMMER, "--dry-run", "--json").document
    assert (document["vin"], document["dryRun"], document["deletedAt"]) == (HUMMER, True, None)
    assert list_vins(cli) == sorted([HUMMER, JEEP])


def test_json_has_what_the_api_answers(cli: Cli) -> None:
    document = delete(cli, JEEP, "--json").document
    assert {*document} == {"vin", "vehicleId", "dryRun", "deletedAt", "requestId", "undoableUntil"}
    assert document["undoableUntil"] > document["deletedAt"]


def test_a_vehicle_that_is_not_there_is_a_sentence(cli: Cli) -> None:
    delete(cli, HUMMER)
    check_sentence(delete(cli, HUMMER), 1, f"no current vehicle with the VIN {HUMMER}")
