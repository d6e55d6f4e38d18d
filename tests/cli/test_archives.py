"""padron archive, on files that were written for a SQLite register: both forms, and exit status."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.config import read_settings
from padron.files.archives import list_parts
from padron.service.accounts import get_account
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.runtime import Runtime
from padron.wiring import use_runtime
from tests.cast import HUMMER, JEEP, get_one, info_changed, registered, save, status_changed
from tests.cli.conftest import Cli

FOLDER = Path("archives")
BEGAN = datetime(2020, 5, 1, tzinfo=UTC)


async def _write(runtime: Runtime) -> None:
    account_id = (await get_account(runtime, "Acme")).account_id
    store = runtime.store
    await save(
        store, account_id, registered(HUMMER, at=BEGAN, plate="RTA412C", ownerName="Ana"), registered(JEEP, at=BEGAN)
    )
    hummer = await get_one(store, account_id, HUMMER)
    await save(store, account_id, status_changed(hummer, at=BEGAN + timedelta(days=1), reason="Robo"))
    hummer = await get_one(store, account_id, HUMMER)
    change = info_changed(
        hummer,
        {"plate": "RTA412C", "ownerName": "Ana"},
        {"plate": "NEW1234", "ownerName": "Bea"},
        at=BEGAN + timedelta(days=2),
    )
    await save(store, account_id, change)
    FOLDER.mkdir()
    await archive_account(runtime, account_id, ArchivePlan(folder=FOLDER, age=timedelta(days=365), portion=3))


@pytest.fixture
def archived(cli: Cli, acme: None) -> Cli:
    """The commands, beside a register with four old changes, which are in two files."""
    del acme

    async def write() -> None:
        async with use_runtime(read_settings({})) as runtime:
            await _write(runtime)

    asyncio.run(write())
    return cli


def test_the_files_are_listed_and_verified(archived: Cli) -> None:
    listed = archived("archive", "list", "archives", "--account", "Acme", "--json").document["files"]
    assert [(one["accountId"], one["first"], one["last"]) for one in listed] == [(1, 1, 3), (1, 4, 4)]
    answer = archived("archive", "verify", "archives", "--json")
    assert (answer.status, answer.document["ok"]) == (0, True)
    assert [one["latestAt"] for one in answer.document["files"]] == ["2020-05-02T00:00:00Z", "2020-05-03T00:00:00Z"]


def test_a_missing_and_a_damaged_file_are_faults(archived: Cli) -> None:
    first, second = list_parts(FOLDER)
    whole = second.path.read_bytes()
    second.path.write_bytes(whole[:-1])
    answer = archived("archive", "verify", "archives")
    assert answer.status == 1
    assert "is damaged" in answer.err
    second.path.write_bytes(whole)
    first.path.unlink()
    answer = archived("archive", "verify", "archives", "--json")
    assert (answer.status, answer.document["ok"]) == (1, False)
    assert "lacks changes 1 to 3" in answer.err
    refused = archived("archive", "read", "archives", "--account", "Acme")
    assert (refused.status, refused.out) == (1, "")


def test_the_changes_of_an_account_and_of_a_vehicle_are_printed(archived: Cli) -> None:
    lines = archived("archive", "read", "archives", "--account-id", "1").out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4]
    assert json.loads(lines[0])["details"] == {"plate": "RTA412C", "ownerName": "Ana"}
    history = archived("archive", "history", "archives", HUMMER, "--account", "Acme", "--json").document["history"]
    assert [one["type"] for one in history] == ["infoChanged", "statusChanged", "registered"]
    assert history[1]["reason"] == "Robo"
    assert "RTA412C → NEW1234" in archived("archive", "history", "archives", HUMMER, "--account", "Acme").out


def test_the_register_at_an_archived_instant_is_printed(archived: Cli) -> None:
    lines = archived("archive", "as-of", "archives", "2020-05-02", "--account", "Acme").out.splitlines()
    hummer, jeep = (json.loads(line) for line in lines)
    assert (hummer["vin"], hummer["plate"], hummer["vehicleStatusId"]) == (HUMMER, "RTA412C", 3)
    assert (jeep["vin"], jeep["statusSince"]) == (JEEP, "2020-05-01T00:00:00Z")
    only = archived("archive", "as-of", "archives", "2020-05-01", "--account", "Acme", "--vin", HUMMER)
    assert json.loads(only.out)["vehicleStatusId"] == 1
    later = archived("archive", "as-of", "archives", "2020-05-03", "--account", "Acme")
    assert (later.status, later.out) == (1, "")
    assert "ask the register itself" in later.err


def test_the_account_is_named_in_one_way(archived: Cli) -> None:
    assert archived("archive", "read", "archives").status == 2
    assert archived("archive", "read", "archives", "--account", "Acme", "--account-id", "1").status == 2
    assert archived("archive", "read", "archives", "--account-id", "2").status == 1
    assert archived("archive", "list", "nowhere").status == 1


def test_personal_values_are_erased_from_the_files(archived: Cli) -> None:
    before = archived("archive", "read", "archives", "--account", "Acme").out
    assert before.count('"Ana"') == 2  # as it was registered, and as the former value
    assert archived("archive", "erase", "archives", "--account", "Acme", "--fields", "ownerName").status == 2
    erased = archived("archive", "erase", "archives", JEEP, "--account", "Acme", "--fields", "ownerName", "--json")
    assert erased.document == {"files": [], "changeNumbers": []}
    chosen = ("--value", "ana", "--fields", "ownerName,legalName")
    erased = archived("archive", "erase", "archives", "--account", "Acme", *chosen, "--json")
    assert erased.document["changeNumbers"] == [1, 4]
    after = archived("archive", "read", "archives", "--account", "Acme").out
    assert after == before.replace('"Ana"', '"[erased]"')
    assert archived("archive", "verify", "archives").status == 0
    again = archived("archive", "erase", "archives", HUMMER, "--account", "Acme", "--fields", "ownerName")
    assert again.out == "Erased values in 1 archived changes, in 1 files.\n"
    assert "Bea" not in archived("archive", "read", "archives", "--account", "Acme").out
