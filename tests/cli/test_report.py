"""``padron report time-in-status``."""

import csv
import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP
from tests.cli.conftest import Answer, Cli, check_sentence, fill_register

NOW = datetime.now(UTC)
TODAY = NOW.date().isoformat()
LATER = (NOW + timedelta(days=2)).date().isoformat()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        f"vin\n{HUMMER}\n{JEEP}\n",
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "--account", "Acme", "fleet.csv"),
        ("vehicles", "status", "--account", "Acme", "4", JEEP, "--reason", "+Frenos"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def ask(cli: Cli, *arguments: str, begin: str = "2026-01-01", end: str | None = None) -> Answer:
    end = datetime.now(UTC).isoformat() if end is None else end
    return cli("report", "time-in-status", "--account", "Acme", "--from", begin, "--to", end, *arguments)


def age_by_days(tmp_path: Path, days: int) -> None:
    """Move all that happened into the past."""
    import apsw  # noqa: PLC0415 - only here

    file = apsw.Connection(str(tmp_path / "padron.db"))
    file.execute("UPDATE changes SET changed_at = changed_at - ? * 86400000000", (days,))
    file.close()


def test_the_tables_have_days_for_each_vehicle_the_sums_and_the_reasons(cli: Cli, tmp_path: Path) -> None:
    age_by_days(tmp_path, 10)
    answer = ask(cli)
    assert (answer.status, answer.err) == (0, "")
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["VIN", "Plate", "Unit", "Days", "Active", "In", "the", "Shop", "Downtime"]
    assert lines[1] == [HUMMER, "10.00", "10.00", "0.00", "0.00"]
    assert lines[2] == [JEEP, "10.00", "0.00", "10.00", "10.00"]
    assert lines[3] == ["Total", "(2)", "20.00", "10.00", "10.00", "10.00"]
    assert lines[5:] == [["Downtime", "by", "reason", "Days"], ["+Frenos", "10.00"]]


def test_a_date_is_midnight_in_utc(cli: Cli, tmp_path: Path) -> None:
    age_by_days(tmp_path, 10)
    document = ask(cli, "--json", begin=(NOW - timedelta(days=3)).date().isoformat(), end=TODAY).document
    assert (document["from"][10:], document["to"]) == ("T00:00:00Z", f"{TODAY}T00:00:00Z")
    assert [vehicle["seconds"] for vehicle in document["vehicles"]] == [3 * 86_400] * 2
    assert document["total"]["downtime"]["reasons"] == [{"reason": "+Frenos", "seconds": 259_200, "days": 3.0}]
    only = ask(cli, "--json", "--vin", JEEP.lower(), begin="2026-01-01T00:00:00-06:00", end=TODAY).document
    assert [vehicle["vin"] for vehicle in only["vehicles"]] == [JEEP]
    assert only["from"] == "2026-01-01T06:00:00Z"


@pytest.mark.parametrize(
    "begin, end, seconds",
    [("yesterday", "today", 86_400), ("Yesterday", TODAY, 86_400), ("2026-01-01", "yesterday", None),
     ("today", "now", None)],
)  # fmt: skip
def test_a_day_may_be_named_by_a_word_and_is_one_of_utc(
    cli: Cli, tmp_path: Path, begin: str, end: str, seconds: int | None
) -> None:
    age_by_days(tmp_path, 10)
    document = ask(cli, "--json", begin=begin, end=end).document
    midnight = datetime.now(UTC).date()
    instants = {
        "today": f"{midnight}T00:00:00Z",
        "yesterday": f"{midnight - timedelta(days=1)}T00:00:00Z",
    }
    assert document["from"] == instants.get(begin.lower(), "2026-01-01T00:00:00Z")
    if end != "now":
        assert document["to"] == instants.get(end, f"{TODAY}T00:00:00Z")
    if seconds is not None:
        assert [vehicle["seconds"] for vehicle in document["vehicles"]] == [seconds] * 2


def test_a_row_has_the_plate_and_the_unit_number_as_they_were_at_the_end(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "named.csv").write_text(f"vin,plate,customId\n{HUMMER},ABC1234,U-7\n")
    assert cli("vehicles", "import", "--account", "Acme", "named.csv").status == 0
    hummer, jeep = ask(cli, "--json").document["vehicles"]
    assert (hummer["plate"], hummer["customId"]) == ("ABC1234", "U-7")
    assert (jeep["plate"], jeep["customId"]) == (None, None)
    assert ask(cli).out.splitlines()[1].split()[:3] == [HUMMER, "ABC1234", "U-7"]
    rows = list(csv.DictReader(io.StringIO(ask(cli, "--csv").out, newline="")))
    names = {(row["kind"], row["vin"]): (row["plate"], row["customId"]) for row in rows}
    assert names == {("vehicle", HUMMER): ("ABC1234", "U-7"), ("vehicle", JEEP): ("", ""), ("total", ""): ("", "")}


def test_csv_has_all_cells_and_no_formula(cli: Cli, tmp_path: Path) -> None:
    age_by_days(tmp_path, 10)
    rows = list(csv.DictReader(io.StringIO(ask(cli, "--csv", end=TODAY).out, newline="")))
    assert {(row["kind"], row["vin"], row["status"], row["reason"]) for row in rows} == {
        ("vehicle", HUMMER, "Active", ""),
        ("vehicle", JEEP, "In the Shop", "'+Frenos"),
        ("vehicle", JEEP, "Active", ""),
        ("total", "", "Active", ""),
        ("total", "", "In the Shop", "'+Frenos"),
    }
    own = sum(int(row["seconds"]) for row in rows if row["kind"] == "vehicle")
    assert own == sum(int(row["seconds"]) for row in rows if row["kind"] == "total") > 0


def test_the_table_of_a_large_fleet_is_cut_and_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.cli.report.TABLE_VEHICLES_MAX", 1)
    monkeypatch.setattr("padron.cli.report.REASONS_SHOWN_MAX", 0)
    answer = ask(cli)
    assert HUMMER in answer.out
    assert JEEP not in answer.out
    assert "Total (2)" in answer.out
    assert "first 1 of 2 vehicles. --csv prints all" in answer.err


def test_a_period_without_vehicles_is_no_failure(cli: Cli) -> None:
    answer = ask(cli, end="2026-01-02")
    assert (answer.status, answer.out) == (0, "No vehicle existed in this period.\n")
    assert ask(cli, "--json", end="2026-01-02").document["total"]["seconds"] == 0


def test_what_cannot_be_reported_is_one_sentence(cli: Cli) -> None:
    for form in ([], ["--csv"], ["--json"]):
        check_sentence(ask(cli, *form, end=LATER), 1, "is in the future")
    check_sentence(ask(cli, begin="2026-01-03", end="2026-01-02"), 1, "from is not before to")
    check_sentence(
        ask(cli, begin="last monday"), 2, "use now, today, yesterday, a date such as 2026-11-01 (midnight in UTC)"
    )
    check_sentence(ask(cli, begin="2026-01-01T00:00:00"), 2, "or an instant such as 2026-11-01T08:00:00Z")
    check_sentence(ask(cli, "--csv", "--json"), 2, "cannot be used together")
    check_sentence(ask(cli, "--vin", "NOTAVIN"), 1, "character 2")
    check_sentence(cli("report", "time-in-status", "--account", "Acme", "--from", "2026-01-01"), 2, "--to")
