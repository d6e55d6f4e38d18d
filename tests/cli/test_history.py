"""``padron vehicles history``."""

import csv
import io
import shutil
from pathlib import Path

import pytest

from tests.cast import HUMMER, UNKNOWN_VIN
from tests.cli.conftest import ACTOR, ACTOR_NAME, Answer, Cli, check_sentence, fill_register


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register where a vehicle is registered, goes into the shop, and gets another plate."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "later.csv").write_text(f"vin,plate,ownerName,doors\n{HUMMER},BBBB2,,4\n")
    return fill_register(
        folder,
        f"vin,plate,ownerName\n{HUMMER},AAAA1,=Ana\n",
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "--account", "Acme", "fleet.csv"),
        ("vehicles", "status", "--account", "Acme", "4", HUMMER, "--reason", "Frenos\nnuevos"),
        ("vehicles", "import", "--account", "Acme", "later.csv"),
    )


@pytest.fixture(autouse=True)
def happenings(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def ask(cli: Cli, *arguments: str) -> Answer:
    return cli("vehicles", "history", "--account", "Acme", *arguments)


def test_the_table_has_a_line_for_each_change_newest_first(cli: Cli) -> None:
    answer = ask(cli, HUMMER.lower())
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].split() == ["When", "What", "Change", "By", "Reason", "Request"]
    assert [line.split()[1] for line in lines[1:]] == ["infoChanged", "statusChanged", "registered"]
    assert "plate: AAAA1 → BBBB2; doors: (none) → 4" in lines[1]
    assert "Active → In the Shop" in lines[2]
    assert "Frenos\\nnuevos" in lines[2]
    assert all(ACTOR_NAME in line for line in lines[1:])


def test_json_has_what_the_api_has(cli: Cli) -> None:
    document = ask(cli, HUMMER, "--json").document
    assert document["vin"] == HUMMER
    info, status, registered = document["history"]
    assert (info["former"], info["current"]) == ({"plate": "AAAA1", "doors": None}, {"plate": "BBBB2", "doors": 4})
    assert (status["fromStatusId"], status["toStatusId"], status["reason"]) == (1, 4, "Frenos\nnuevos")
    assert {*registered} == {"type", "at", "by", "byName", "requestId", "toStatusId"}
    assert (registered["by"], registered["byName"]) == (ACTOR, ACTOR_NAME)
    assert registered["at"].endswith("Z")
    assert info["requestId"].startswith("import-")


def test_csv_has_a_line_for_each_value(cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(cli, HUMMER, "--csv").out, newline="")))
    assert [(row["type"], row["field"], row["former"], row["current"]) for row in rows] == [
        ("infoChanged", "plate", "AAAA1", "BBBB2"),
        ("infoChanged", "doors", "", "4"),
        ("statusChanged", "", "", ""),
        ("registered", "", "", ""),
    ]
    assert (rows[2]["fromStatusId"], rows[2]["toStatusId"], rows[3]["fromStatusId"]) == ("1", "4", "")


def test_inactive_is_a_status_and_not_nothing(cli: Cli) -> None:
    for status in ("0", "1"):
        assert cli("vehicles", "status", "--account", "Acme", status, HUMMER).status == 0
    latest = next(csv.DictReader(io.StringIO(ask(cli, HUMMER, "--csv").out, newline="")))
    assert (latest["fromStatusId"], latest["toStatusId"]) == ("0", "1")
    assert ask(cli, HUMMER, "--json").document["history"][0]["fromStatusId"] == 0
    assert "Inactive → Active" in ask(cli, HUMMER).out


def test_more_than_a_page_is_printed_whole(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.cli.history.LIMIT_MAX", 2)
    assert len(ask(cli, HUMMER, "--json").document["history"]) == 3


def test_what_cannot_be_shown_is_one_sentence(cli: Cli) -> None:
    check_sentence(ask(cli, UNKNOWN_VIN), 1, "no current vehicle")
    check_sentence(ask(cli, "NOTAVIN"), 1, "character 2")
    check_sentence(ask(cli, HUMMER, "--json", "--csv"), 2, "cannot be used together")
    check_sentence(cli("vehicles", "history", "--account", "Nobody", HUMMER), 1, "Nobody")
