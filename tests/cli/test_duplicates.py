"""``padron duplicates``: what several vehicles with one VIN have different, and one made of them."""

import shutil
from pathlib import Path

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.cli.conftest import ACTOR, ACTOR_NAME, Answer, Cli, check_sentence, fill_register

ROWS = [
    "vin,plate,doors,ownerName,vehicleStatusId",
    f"{JEEP},JEEP01,4,,",
    f"{HUMMER},AAA111,2,Ana,",
    f"{HUMMER},JEEP01,4,Ana,4",
    f"{HUMMER},,,Eva,",
    *(f"{make_vin(number)},,{doors},," for number in range(3) for doors in range(2)),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        "\n".join(ROWS),
        ("accounts", "add", "Acme"),
        ("vehicles", "import", "--account", "Acme", "--keep-duplicates", "fleet.csv"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path)


def call(cli: Cli, command: str, *arguments: str) -> Answer:
    return cli("duplicates", command, "--account", "Acme", *arguments)


def list_ids(cli: Cli) -> list[str]:
    (group,) = call(cli, "list", "--vin", HUMMER, "--json").document["duplicates"]
    return [str(one["vehicleId"]) for one in group["vehicles"]]


def test_the_vehicles_are_columns_with_what_differs(cli: Cli) -> None:
    first, second, third = list_ids(cli)
    answer = call(cli, "list", "--vin", HUMMER.lower())
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[0] == f"{HUMMER} has 3 vehicles:"
    assert lines[1].split() == ["vehicle", first, "vehicle", second, "vehicle", third]
    cells = {line.split("  ")[0].strip(): line.split() for line in lines[2:]}
    assert cells["vehicleStatusId"][1:] == ["1", "Active", "4", "In", "the", "Shop", "1", "Active"]
    assert cells["plate"][1:] == ["AAA111", "JEEP01", "-"]
    assert cells["doors"][1:] == ["2", "4", "-"]
    assert cells["ownerName"][1:] == ["Ana", "Ana", "Eva"]


def test_vehicles_with_the_same_values_are_said_to_have_them(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "same.csv").write_text(f"vin\n{UNKNOWN_VIN}\n{UNKNOWN_VIN}\n")
    assert cli("vehicles", "import", "--account", "Acme", "--keep-duplicates", "same.csv").status == 0
    lines = call(cli, "list", "--vin", UNKNOWN_VIN).out.splitlines()
    assert lines[-2].split() == ["all", "values", "the", "same", "the", "same"]


def test_json_has_every_value_and_says_whether_there_is_more(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.cli.duplicates.PAGE_VINS", 1)
    document = call(cli, "list", "--json").document
    assert [group["vin"] for group in document["duplicates"]] == [HUMMER, *(make_vin(number) for number in range(3))]
    assert document["more"] is False
    group = document["duplicates"][0]
    assert (group["count"], group["differences"]["doors"]) == (3, [2, 4, None])
    assert group["vehicles"][0] == {
        "vehicleId": group["vehicles"][0]["vehicleId"], "revision": group["vehicles"][0]["revision"],
        "vehicleStatusId": 1, "statusSince": group["vehicles"][0]["createdAt"],
        "changedBy": ACTOR, "changedByName": ACTOR_NAME, "reason": None,
        "createdAt": group["vehicles"][0]["createdAt"], "plate": "AAA111", "doors": 2, "ownerName": "Ana",
    }  # fmt: skip
    assert all(one["revision"].startswith(f"v{one['vehicleId']}r1t") for one in group["vehicles"])
    document = call(cli, "list", "--limit", "2", "--json").document
    assert (len(document["duplicates"]), document["more"]) == (2, True)
    assert (
        call(cli, "list", "--limit", "2").out.splitlines()[-1]
        == "There are more VINs. Use a higher --limit to see them."
    )


def test_a_resolve_keeps_one_and_leaves_no_duplicates(cli: Cli) -> None:
    first, second, third = list_ids(cli)
    tried = call(cli, "resolve", HUMMER, "--keep", third, "--dry-run")
    assert tried.out.startswith(
        f"Would keep vehicle {third} of {HUMMER}; former versions: {first}, {second}. Request cli-"
    )
    assert list_ids(cli) == [first, second, third]
    done = call(cli, "resolve", HUMMER.lower(), "--keep", third, "--reason", "Typed twice")
    assert done.status == 0
    assert done.out.startswith(f"Kept vehicle {third} of {HUMMER}")
    assert call(cli, "list", "--vin", HUMMER).out == f"{HUMMER} has no duplicates.\n"
    assert cli("vehicles", "status", "--account", "Acme", "Sold", HUMMER).status == 0


def test_a_merge_takes_and_gives_values(cli: Cli) -> None:
    first, second, third = list_ids(cli)
    options = ["--take", f"plate={first}", f"vehicleStatusId={second}", "--set", "doors=5", "ownerName=", "--json"]
    document = call(cli, "merge", HUMMER, "--keep", third, *options).document
    vehicle = document["vehicle"]
    assert (str(vehicle["vehicleId"]), vehicle["plate"], vehicle["doors"], vehicle["vehicleStatusId"]) == (
        third, "AAA111", 5, 4,
    )  # fmt: skip
    assert "ownerName" not in vehicle
    assert [str(one["vehicleId"]) for one in document["former"]] == [first, second]
    assert document["requestId"].startswith("cli-")
    (group,) = call(cli, "list", "--vin", make_vin(0), "--json").document["duplicates"]
    keep = str(group["vehicles"][1]["vehicleId"])
    taken = call(cli, "merge", make_vin(0), f"--keep={keep}", "--set", "vehicleStatusId=En taller", "--json").document
    assert taken["vehicle"]["vehicleStatusId"] == 4


def test_what_cannot_be_done_is_one_sentence(cli: Cli) -> None:
    first, second, third = list_ids(cli)
    check_sentence(call(cli, "resolve", HUMMER, "--keep", second), 1, JEEP)
    check_sentence(call(cli, "resolve", HUMMER, "--keep", "999"), 1, f"{first}, {second}, {third}")
    check_sentence(call(cli, "resolve", JEEP, "--keep", first), 1, "one current vehicle")
    check_sentence(call(cli, "resolve", UNKNOWN_VIN, "--keep", first), 1, UNKNOWN_VIN)
    check_sentence(call(cli, "resolve", HUMMER, "--keep", "x"), 2, "x")
    check_sentence(call(cli, "resolve", HUMMER), 2, "--keep")
    check_sentence(call(cli, "resolve", HUMMER, "--keep", first, "--reason", "x" * 501), 1, "501 characters")
    check_sentence(cli("duplicates", "list", "--account", "Nobody"), 1, "Nobody")
    check_sentence(call(cli, "list", "--vin", "O"), 1, "O")
    check_sentence(call(cli, "list", "--limit", "0"), 2, "--limit is 0")
    merge = ("merge", HUMMER, "--keep", first)
    check_sentence(call(cli, *merge, "--take", "wheels=1"), 2, "'wheels=1'")
    check_sentence(call(cli, *merge, "--take", "doors"), 2, "'doors'")
    check_sentence(call(cli, *merge, "--take", "doors=x"), 1, "--take doors is 'x'")
    check_sentence(call(cli, *merge, "--take", "doors=1", "doors=2"), 2, "doors twice")
    check_sentence(call(cli, *merge, "--set", "doors=x"), 1, "doors is 'x'")
    check_sentence(call(cli, *merge, "--set", "doors=31"), 1, "from 0 to 30")
    check_sentence(call(cli, *merge, "--set", "vehicleStatusId=2"), 1, "set by the system")
    check_sentence(call(cli, *merge, "--set", "doors=1", "--take", f"doors={second}"), 1, "both taken")
    assert list_ids(cli) == [first, second, third]


def test_a_register_without_duplicates_says_so(cli: Cli) -> None:
    assert cli("accounts", "add", "Beta").status == 0
    answer = cli("duplicates", "list", "--account", "Beta")
    assert answer.out == "No VIN has several vehicles in the account Beta.\n"
    assert cli("duplicates", "list", "--account", "Beta", "--json").document == {"duplicates": [], "more": False}
