"""``padron archive erase``: no file of the archive has the value any more, and all of them are whole."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.config import read_settings
from padron.service.accounts import get_account
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.runtime import Runtime
from padron.wiring import use_runtime
from tests.cast import HUMMER, JEEP, get_one, info_changed, registered, save, status_changed
from tests.cli.conftest import Cli, check_sentence

FOLDER = Path("archives")
BEGAN = datetime(2020, 5, 1, tzinfo=UTC)
ANA = "Ana Quintanilla"


async def _fill(runtime: Runtime) -> None:
    account_id = (await get_account(runtime, "Acme")).account_id
    store = runtime.store
    both = (registered(HUMMER, at=BEGAN, ownerName=ANA, legalName="Flota"), registered(JEEP, at=BEGAN, ownerName=ANA))
    await save(store, account_id, *both)
    details = {"ownerName": ANA, "legalName": "Flota"}
    for days, owner in enumerate(("Eva", ANA, "Eva"), start=1):
        change = info_changed(
            await get_one(store, account_id), details, {"ownerName": owner}, at=BEGAN + timedelta(days=days)
        )
        details = {**details, "ownerName": owner}
        await save(store, account_id, change)
    await save(store, account_id, status_changed(await get_one(store, account_id), at=BEGAN + timedelta(days=5)))
    FOLDER.mkdir()


async def _archive(runtime: Runtime) -> None:
    account_id = (await get_account(runtime, "Acme")).account_id
    await archive_account(runtime, account_id, ArchivePlan(folder=FOLDER, age=timedelta(days=365), portion=3))


@pytest.fixture
def archived(cli: Cli) -> Cli:
    """The commands, beside a register with six old changes, which are in two files."""
    assert cli("accounts", "add", "Acme").status == 0

    async def write() -> None:
        async with use_runtime(read_settings({})) as runtime:
            await _fill(runtime)
            await _archive(runtime)

    asyncio.run(write())
    return cli


def read_all() -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in sorted(FOLDER.rglob("*.gz"))]


def test_a_value_goes_from_all_files_and_they_stay_whole(archived: Cli) -> None:
    before = read_all()
    assert all(b"Quintanilla" in text for text in before)
    rehearsed = archived(
        "archive", "erase", "archives", "--value", ANA, "--fields", "ownerName", "--account", "Acme", "--dry-run",
        "--json",
    )  # fmt: skip
    assert read_all() == before
    done = archived(
        "archive", "erase", "archives", "--value", ANA.upper(), "--fields", "ownerName", "--account", "Acme", "--json"
    )
    assert [one["changeNumbers"] for one in done.document["files"]] == [[1, 2, 3], [4, 5]]
    assert done.document["files"] == rehearsed.document["files"]
    after = read_all()
    assert not any(b"Quintanilla" in text for text in after)
    assert any(b'"Eva"' in text for text in after)
    assert any(b'"[erased]"' in text for text in after)
    assert archived("archive", "verify", "archives").status == 0
    assert {path.suffix for path in FOLDER.rglob("*") if path.is_file()} == {".gz"}


def test_only_the_vehicles_with_the_vin_are_touched(archived: Cli) -> None:
    words = ("archive", "erase", "archives", "--vin", JEEP, "--fields", "ownerName", "--account", "Acme", "--json")
    assert [one["changeNumbers"] for one in archived(*words).document["files"]] == [[2]]
    assert archived(*words).document["files"] == []


def test_an_archived_erasure_still_says_which_changes_it_was_about(archived: Cli) -> None:
    erased = archived("vehicles", "erase", JEEP, "--fields", "ownerName", "--account", "Acme", "--json").document

    async def archive_again() -> None:
        async with use_runtime(read_settings({})) as runtime:
            account_id = (await get_account(runtime, "Acme")).account_id
            plan = ArchivePlan(folder=FOLDER, age=timedelta(seconds=-1), portion=1)
            await archive_account(runtime, account_id, plan)

    asyncio.run(archive_again())
    history = archived("archive", "history", "archives", JEEP, "--account", "Acme", "--json").document["history"]
    assert (history[0]["type"], history[0]["fields"]) == ("erased", ["ownerName"])
    assert history[0]["changeNumbers"] == erased["erased"][0]["changeNumbers"]


def test_neither_a_vehicle_nor_a_text_is_a_wrong_command_line(archived: Cli) -> None:
    check_sentence(archived("archive", "erase", "archives", "--fields", "ownerName", "--account", "Acme"), 2, "--value")
