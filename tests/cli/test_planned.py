"""``padron planned`` and planning with ``padron vehicles status``."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.cli.conftest import ACTOR, Answer, Cli, check_sentence, fill_register

LATER = "2031-12-01T08:00:00Z"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        f"vin\n{HUMMER}\n{JEEP}\n",
        ("accounts", "add", "Acme"),
        ("accounts", "add", "Beta"),
        ("vehicles", "import", "--account", "Acme", "fleet.csv"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def set_status(cli: Cli, *arguments: str) -> Answer:
    return cli("vehicles", "status", "--account", "Acme", *arguments)


def list_planned(cli: Cli, *arguments: str, account: str = "Acme") -> Answer:
    return cli("planned", "list", "--account", account, *arguments)


def test_a_list_of_vehicles_is_planned_listed_and_cancelled(cli: Cli) -> None:
    done = set_status(cli, "Sold", HUMMER, JEEP, "--effective-at", LATER, "--reason", "Auction", "--json").document
    assert (done["planned"], done["changed"], done["refused"]) == (2, 0, 0)
    first, second = list_planned(cli, "--json").document["plannedChanges"]
    assert {one["plannedChangeId"] for one in done["results"]} == {first["id"], second["id"]}
    assert (first["vin"], first["effectiveAt"], first["state"]) == (HUMMER, LATER, "pending")
    assert (first["reason"], first["createdBy"], first["requestId"]) == ("Auction", ACTOR, done["requestId"])
    (only,) = list_planned(cli, "--vin", JEEP.lower(), "--state", "pending", "--json").document["plannedChanges"]
    assert only == second
    table = list_planned(cli)
    assert [HUMMER in line and "Sold" in line for line in table.out.splitlines()] == [False, True, False]
    cancelled = cli("planned", "cancel", "--account", "Acme", first["id"])
    assert (cancelled.status, cancelled.out) == (0, f"Cancelled: {HUMMER} will not become Sold at {LATER}.\n")
    check_sentence(cli("planned", "cancel", "--account", "Acme", first["id"]), 1, "cannot be cancelled: it ended at")
    check_sentence(cli("planned", "cancel", "--account", "Beta", second["id"]), 1, "no planned change")
    assert cli("planned", "cancel", "--account", "Acme", second["id"], "--json").document["state"] == "cancelled"
    assert list_planned(cli, "--state", "pending").out == "There are no planned changes.\n"


def test_until_changes_now_and_plans_the_return(cli: Cli) -> None:
    done = set_status(cli, "4", HUMMER, "--until", "2031-12-01T02:00-06:00")
    assert "changed 1, unchanged 0, refused 0" in done.out
    (back,) = list_planned(cli, "--json").document["plannedChanges"]
    assert f"Planned change {back['id']}." in done.out
    assert (back["kind"], back["vehicleStatusId"], back["effectiveAt"]) == ("return", 1, LATER)
    assert "back to Active" in list_planned(cli).out


def test_a_list_may_be_cut_short_and_another_account_s_plans_are_not_in_it(cli: Cli) -> None:
    set_status(cli, "8", HUMMER, JEEP, "--effective-at", LATER)
    assert len(list_planned(cli, "--limit", "1", "--json").document["plannedChanges"]) == 1
    check_sentence(list_planned(cli, "--limit", "0"), 2, "--limit is 0")
    assert list_planned(cli, "--json", account="Beta").document == {"plannedChanges": []}


@pytest.mark.parametrize("option", ["--effective-at", "--until"])
def test_a_time_without_an_offset_is_wrong_usage(cli: Cli, option: str) -> None:
    for text in ("2031-12-01T08:00:00", "2031-12-01T08:00", "2031-12-01", "tomorrow", "", "179000"):
        check_sentence(set_status(cli, "4", HUMMER, option, text), 2, option)
    assert list_planned(cli).out == "There are no planned changes.\n"


def test_what_cannot_be_planned_is_refused_for_each_vehicle(cli: Cli) -> None:
    past = set_status(cli, "4", HUMMER, UNKNOWN_VIN, "--effective-at", "2020-01-01T00:00Z")
    assert past.status == 1
    assert len(re.findall("refused .*is in the past; the server's time is", past.out)) == 2
    same = set_status(cli, "1", HUMMER, "--until", LATER)
    assert same.status == 1
    assert "there is no earlier status for `until` to restore" in same.out
    assert list_planned(cli).out == "There are no planned changes.\n"


def test_a_dry_run_plans_nothing(cli: Cli) -> None:
    done = set_status(cli, "4", HUMMER, "--effective-at", LATER, "--dry-run", "--json").document
    assert (done["planned"], done["results"][0]["plannedChangeId"]) == (1, None)
    assert list_planned(cli).out == "There are no planned changes.\n"
