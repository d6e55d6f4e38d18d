"""``padron vehicles sample``, ``list`` and ``show``."""

import csv
import io
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from padron.cli.app import run
from padron.cli.fleet import list_fleet
from tests.cli.conftest import ACTOR, Answer, Cli, check_sentence, fill_register

FLEET = list_fleet()
FIRST = FLEET[0].vin


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample fleet, imported from the file that the program gives."""
    with redirect_stdout(io.StringIO()) as sample:
        assert run(("vehicles", "sample")) == 0
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        sample.getvalue(),
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "fleet.csv", "--account", "Acme"),
    )


@pytest.fixture
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def ask(cli: Cli, *words: str) -> Answer:
    answer = cli("vehicles", "list", "--account", "Acme", *words)
    assert answer.status == 0, answer.err
    return answer


def test_the_sample_needs_no_register_and_is_imported_whole(cli: Cli, tmp_path: Path) -> None:
    answer = cli("vehicles", "sample")
    assert (answer.status, answer.err) == (0, "")
    assert list(tmp_path.iterdir()) == []
    Path("fleet.csv").write_text(answer.out, "utf-8")
    cli("accounts", "add", "Acme")
    done = cli("vehicles", "import", "fleet.csv", "--account", "Acme", "--json")
    assert done.status == 0
    assert (done.document["registered"], done.document["refused"]) == (len(FLEET), 0)
    shown = cli("vehicles", "sample", "--json").document["vehicles"]
    assert [one["vin"] for one in shown] == [one.vin for one in FLEET]
    statuses = {
        one["vin"]: one["vehicleStatusId"] for one in ask(cli, "--limit", "1000", "--json").document["vehicles"]
    }
    assert statuses == {one.vin: 1 if one.status is None else one.status.value for one in FLEET}


@pytest.mark.usefixtures("fleet")
def test_the_list_has_the_first_vehicles_and_says_that_there_are_more(cli: Cli) -> None:
    answer = ask(cli, "--limit", "3")
    assert answer.out.splitlines()[0].split() == ["VIN", "Plate", "Unit", "Status", "Since", "Brand", "Model"]
    assert [line.split()[0] for line in answer.out.splitlines()[1:]] == [one.vin for one in FLEET[:3]]
    assert answer.err == (
        "padron: These are the first 3 vehicles. Use a higher --limit, or padron vehicles export for all.\n"
    )
    assert ask(cli, "--limit", str(len(FLEET))).err == ""
    assert ask(cli, "--limit", "3", "--json").document["more"] is True


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("limit", [1, 100, 501, 5_000])
def test_the_list_goes_on_over_pages(cli: Cli, limit: int) -> None:
    found = ask(cli, "--limit", str(limit), "--json").document["vehicles"]
    assert [one["vin"] for one in found] == [one.vin for one in FLEET[:limit]]


@pytest.mark.usefixtures("fleet")
def test_the_list_is_filtered_and_sorted(cli: Cli) -> None:
    shop = [one.vin for one in FLEET if one.status is not None and one.status.value == 4]
    for status in ("4", "In the Shop", "En taller"):
        assert [one["vin"] for one in ask(cli, "--status", status, "--json").document["vehicles"]] == shop
    jeeps = ask(cli, "--filter", "brandName=jeep", "--sort=-customId", "--json").document["vehicles"]
    units = [one["customId"] for one in jeeps]
    assert units == sorted(units, reverse=True)
    assert {one["brandName"] for one in jeeps} == {"Jeep"}
    out = list(csv.DictReader(io.StringIO(ask(cli, "--no-operational", "--csv").out, newline="")))
    assert {row["operational"] for row in out} == {"false"}
    assert len(out) == sum(one.status is not None for one in FLEET)
    assert ask(cli, "--filter", "plate=NONE000").out == "The account has no such vehicle.\n"


@pytest.mark.usefixtures("fleet")
def test_a_question_that_cannot_be_understood_is_a_sentence(cli: Cli) -> None:
    list_ = ("vehicles", "list", "--account", "Acme")
    check_sentence(cli(*list_, "--limit", "0"), 2, "--limit is 0: it must be at least 1.")
    check_sentence(cli(*list_, "--sort", "color"), 1, "sort is 'color', which is not a field to sort by")
    check_sentence(cli(*list_, "--status", "garage sale"), 1, "'garage sale' is not a vehicle status")
    check_sentence(cli(*list_, "--filter", "color=Rojo"), 2, "There is no filter 'color'")
    check_sentence(cli(*list_, "--csv", "--json"), 2, "cannot be used together")
    check_sentence(cli("vehicles", "list", "--account", "Nadie"), 1, "There is no account named 'Nadie'.")


@pytest.mark.usefixtures("fleet")
def test_a_vehicle_is_shown_with_its_status_values_and_last_changes(cli: Cli) -> None:
    cli("vehicles", "status", "--account", "Acme", "En taller", FIRST, "--reason", "Frenos: señal")
    answer = cli("vehicles", "show", FIRST.lower(), "--account", "Acme")
    assert (answer.status, answer.err) == (0, "")
    shown = dict(line.split(maxsplit=1) for line in answer.out.partition("\n\n")[0].splitlines())
    shown = {name: value.strip() for name, value in shown.items()}
    assert (shown["vin"], shown["status"], shown["operational"]) == (FIRST, "In the Shop", "false")
    assert shown["reason"] == "Frenos: señal"
    assert shown["ownerName"] == FLEET[0].cells["ownerName"]
    changes = answer.out.partition("\n\n")[2].splitlines()
    assert "Active → In the Shop" in changes[1]
    assert len(changes) == 3
    document = cli("vehicles", "show", FIRST, "--account", "Acme", "--json").document
    assert (document["vehicleStatusId"], document["reason"], document["changedBy"]) == (4, "Frenos: señal", ACTOR)
    assert [entry["type"] for entry in document["history"]] == ["statusChanged", "registered"]
    assert document["more"] is False


@pytest.mark.usefixtures("fleet")
def test_of_a_long_history_the_last_changes_are_shown(cli: Cli) -> None:
    for number in range(11):
        cli("vehicles", "status", "--account", "Acme", str((4, 5)[number % 2]), FIRST)
    answer = cli("vehicles", "show", FIRST, "--account", "Acme")
    assert len(answer.out.partition("\n\n")[2].splitlines()) == 11
    assert f"last 10 changes. padron vehicles history {FIRST} prints all" in answer.err


@pytest.mark.usefixtures("fleet")
def test_a_vehicle_that_cannot_be_shown_is_a_sentence(cli: Cli) -> None:
    check_sentence(cli("vehicles", "show", "NOTAVIN", "--account", "Acme"), 1, "character 2 is 'O'")
    check_sentence(
        cli("vehicles", "show", f"{FIRST[:9]}\u200b{FIRST[9:]}", "--account", "Acme"), 1, "U+200B ZERO WIDTH"
    )
    check_sentence(cli("vehicles", "show", "1FTFW1ET5DFC10312", "--account", "Acme"), 1, "1FTFW1ET5DFC10312")
