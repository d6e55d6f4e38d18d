"""padron accounts delete: what it asks, what it writes before, and what is left after."""

import io
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from padron.cli import account_deletion
from padron.service.administration import removal
from tests.cli.conftest import Cli, check_sentence, fill_register

DELETE = ("accounts", "delete", "Acme")
SURE = (*DELETE, "--yes", "Acme")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts = [("accounts", "add", name) for name in ("Acme", "Beta")]
    imports = [("vehicles", "import", "--account", name, "fleet.csv") for name in ("Acme", "Beta")]
    return fill_register(
        tmp_path_factory.mktemp("filled"),
        "vin,plate\n3LNHL2GC1BR262548,AAA111\n137ZA903X1E412677,BBB222\n",
        *accounts,
        *imports,
        ("vehicles", "status", "--account", "Acme", "Sold", "3LNHL2GC1BR262548"),
    )


@pytest.fixture(autouse=True)
def fleet(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "QUIET_AFTER", timedelta(0))  # no server has a key of it
    shutil.copy(filled, tmp_path)
    (tmp_path / "fleet.csv").touch()


class Terminal(io.StringIO):
    """Somebody who types at a terminal."""

    def isatty(self) -> bool:
        return True


def list_names(cli: Cli) -> list[str]:
    return [one["name"] for one in cli("accounts", "list", "--json").document["accounts"]]


def test_an_account_is_written_into_a_folder_and_is_gone_then(cli: Cli) -> None:
    done = cli(*SURE, "--json").document
    assert done["folder"] == "account-1"
    assert done["rows"] > 0
    assert list_names(cli) == ["Beta"]
    folder = Path("account-1")
    assert sorted(path.name for path in folder.iterdir()) == [
        "changes.jsonl",
        "former-versions.jsonl",
        "vehicles.jsonl",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    vehicles = [json.loads(line) for line in (folder / "vehicles.jsonl").read_text().splitlines()]
    assert {one["vin"]: one["vehicleStatusId"] for one in vehicles} == {"3LNHL2GC1BR262548": 8, "137ZA903X1E412677": 1}
    changes = [json.loads(line) for line in (folder / "changes.jsonl").read_text().splitlines()]
    assert [one["number"] for one in changes] == [1, 2, 3]
    assert changes[-1]["toStatusId"] == 8
    assert len(cli("vehicles", "list", "--account", "Beta", "--json").document["vehicles"]) == 2
    check_sentence(cli("vehicles", "list", "--account", "Acme"), 1, "There is no account named 'Acme'.")


def test_files_are_left_out_when_told(cli: Cli) -> None:
    answer = cli(*SURE, "--no-export")
    assert answer.status == 0
    assert "Deleted the account Acme" in answer.out
    assert not Path("account-1").exists()
    assert list_names(cli) == ["Beta"]


def test_somebody_at_a_terminal_types_the_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("acme\n"))
    refused = cli(*DELETE, "--no-export")
    assert refused.status == 1
    assert "Nothing was deleted." in refused.err
    assert list_names(cli) == ["Acme", "Beta"]
    assert cli("accounts", "list", "--json").document["accounts"][0]["disabledAt"] is None
    monkeypatch.setattr("sys.stdin", Terminal("Acme\n"))
    assert cli(*DELETE, "--no-export").status == 0
    assert list_names(cli) == ["Beta"]


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        ([*DELETE], 2, "add --yes 'Acme'"),
        ([*DELETE, "--yes", "acme"], 2, "--yes is 'acme', but the account is 'Acme'"),
        ([*SURE, "--no-export", "--export-to", "x"], 2, "--export-to and --no-export"),
        (["accounts", "delete", "Nobody", "--yes", "Nobody"], 1, "There is no account named 'Nobody'."),
        ([*SURE, "--export-to", "fleet.csv"], 1, "already exists. Name a new folder"),
    ],
)
def test_what_is_not_meant_deletes_nothing_and_disables_nothing(
    cli: Cli, arguments: list[str], status: int, said: str
) -> None:
    check_sentence(cli(*arguments), status, said)
    assert [one["disabledAt"] for one in cli("accounts", "list", "--json").document["accounts"]] == [None, None]


def test_a_folder_that_cannot_be_written_leaves_the_account_disabled_and_whole(cli: Cli) -> None:
    check_sentence(cli(*SURE, "--export-to", "none/there"), 1, "nothing of it was deleted")
    assert [one["disabledAt"] is None for one in cli("accounts", "list", "--json").document["accounts"]] == [
        False,
        True,
    ]
    assert len(cli("vehicles", "list", "--account", "Acme", "--json").document["vehicles"]) == 2
    assert not list(Path().glob("**/*.part"))


def test_an_interrupted_deletion_is_shown_and_finished_without_another_export(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def break_off(*_: object) -> int:
            raise KeyboardInterrupt

        patch.setattr(removal, "_remove_portion", break_off)
        assert cli(*SURE).status == 130
    assert "being deleted since" in cli("accounts", "list").out
    check_sentence(cli("keys", "list", "--account", "Acme"), 1, "Run padron accounts delete again")
    assert Path("account-1").is_dir()
    done = cli(*SURE, "--json").document
    assert done["folder"] is None
    assert list_names(cli) == ["Beta"]


def test_an_export_that_breaks_off_leaves_no_folder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(account_deletion, "_sync", fill_disk)
    check_sentence(cli(*SURE), 1, "No space left on device")
    assert not list(Path().glob("*account-1*"))
    assert list_names(cli) == ["Acme", "Beta"]
