"""``padron undo``."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP
from tests.cli.conftest import ACTOR, Answer, Cli, check_sentence, fill_register

LATER = f"{datetime.now(UTC).year + 1}-12-31T00:00Z"


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


def set_status(cli: Cli, status: str, *vins: str, when: tuple[str, ...] = ()) -> str:
    done = cli("vehicles", "status", "--account", "Acme", status, *vins, *when, "--json")
    assert done.status == 0
    return str(done.document["requestId"])


def undo(cli: Cli, request_id: str, *words: str) -> Answer:
    return cli("undo", request_id, "--account", "Acme", *words)


def read_statuses(cli: Cli) -> dict[str, int]:
    found = cli("vehicles", "list", "--account", "Acme", "--json").document["vehicles"]
    return {one["vin"]: one["vehicleStatusId"] for one in found}


def test_what_a_request_changed_is_taken_back_and_the_undo_too(cli: Cli) -> None:
    request_id = set_status(cli, "Sold", HUMMER, JEEP)
    answer = undo(cli, request_id, "--reason", "Wrong list")
    assert (answer.status, answer.err) == (0, "")
    assert f"Undid {request_id}: undone 2, cancelled 0, unchanged 0, left 0." in answer.out
    assert read_statuses(cli) == {HUMMER: 1, JEEP: 1}
    history = cli("vehicles", "history", HUMMER, "--account", "Acme", "--json").document["history"]
    assert (history[0]["reason"], history[0]["by"]) == ("Wrong list", ACTOR)
    assert undo(cli, answer.out.split()[-1].rstrip(".")).status == 0
    assert read_statuses(cli) == {HUMMER: 8, JEEP: 8}


def test_a_dry_run_says_the_same_and_changes_nothing(cli: Cli) -> None:
    request_id = set_status(cli, "Sold", HUMMER, JEEP)
    set_status(cli, "Stolen", JEEP)
    rehearsed = undo(cli, request_id, "--dry-run", "--json")
    assert (rehearsed.status, rehearsed.document["dryRun"]) == (1, True)
    assert read_statuses(cli) == {HUMMER: 8, JEEP: 3}
    assert len(cli("vehicles", "history", HUMMER, "--account", "Acme", "--json").document["history"]) == 2
    done = undo(cli, request_id, "--json")
    for answer in (rehearsed, done):
        results = [(one["vin"], one["result"], one["left"]) for one in answer.document["results"]]
        assert results == [(HUMMER, "undone", None), (JEEP, "left", "changedSince")]
        assert (answer.document["undone"], answer.document["left"]) == (1, 1)
    assert rehearsed.document["results"][0]["revision"] is None  # there is none yet
    assert done.document["results"][0]["revision"].startswith("v1r3t")
    assert done.status == 1
    assert read_statuses(cli) == {HUMMER: 1, JEEP: 3}
    assert "Would undo" in undo(cli, request_id, "--dry-run").out


def test_what_it_planned_is_cancelled_after_a_dry_run_that_cancels_nothing(cli: Cli) -> None:
    request_id = set_status(
        cli, "Sold", HUMMER, JEEP, when=("--effective-at", f"{datetime.now(UTC).year + 1}-12-31T00:00Z")
    )
    for words, pending in ((("--dry-run",), 2), ((), 0)):
        answer = undo(cli, request_id, *words, "--json")
        assert (answer.status, answer.document["cancelled"]) == (0, 2)
        plans = cli("planned", "list", "--account", "Acme", "--state", "pending", "--json").document["plannedChanges"]
        assert len(plans) == pending
        assert sorted(one["vin"] for one in answer.document["results"]) == sorted((HUMMER, JEEP))


def test_an_import_is_taken_back_as_far_as_it_can_be(cli: Cli) -> None:
    Path("edited.csv").write_text(f"vin,plate\n{HUMMER},XYZ9999\n")
    request_id = cli("vehicles", "import", "--account", "Acme", "edited.csv", "--json").document["requestId"]
    assert undo(cli, request_id).status == 0
    assert cli("vehicles", "show", HUMMER, "--account", "Acme", "--json").document["plate"] == "ABC1234"


def test_a_request_that_changed_nothing_is_a_sentence(cli: Cli) -> None:
    check_sentence(undo(cli, "José"), 1, "No request 'José' has changed anything in the account.")
    check_sentence(undo(cli, "José", "--dry-run"), 1, "No request 'José' has changed anything in the account.")
    check_sentence(cli("undo", "x", "--account", "Nadie"), 1, "There is no account named 'Nadie'.")
    check_sentence(undo(cli, "x", "--reason", "y" * 501), 1, "reason")
