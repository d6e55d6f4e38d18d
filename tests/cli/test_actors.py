"""Who made a change, as commands record and print it."""

import asyncio
import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.cli.actors import give_actor
from padron.cli.vehicles import give_principal
from padron.config import read_settings
from padron.service.accounts import get_account
from padron.service.administration.own_account import list_acts
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.wiring import use_runtime
from tests.cast import HUMMER, get_one, registered, save, status_changed
from tests.cli.conftest import ACTOR, ACTOR_NAME, SYSTEM_USER, Cli

LABEL = "=HYPERLINK(1)"
BEGAN = datetime(2020, 5, 1, tzinfo=UTC)
ARCHIVES = Path("archives")


@pytest.fixture
def key_id(cli: Cli, acme: None) -> str:
    """The key that set the status of a vehicle, which a command of an earlier version registered."""
    del acme
    made = cli("keys", "add", "--account", "Acme", "--name", LABEL, "--scope", "vehicles:read", "--json").document["id"]

    async def write() -> None:
        async with use_runtime(read_settings({})) as runtime:
            account_id = (await get_account(runtime, "Acme")).account_id
            await save(runtime.store, account_id, replace(registered(HUMMER, at=BEGAN), by="cli"))
            change = status_changed(await get_one(runtime.store, account_id), at=BEGAN + timedelta(days=1))
            await save(
                runtime.store, account_id, replace(change, by=made, vehicle=replace(change.vehicle, status_by=made))
            )

    asyncio.run(write())
    return str(made)


@pytest.fixture
def unknown_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that runs under a number for which the system has no name."""
    give_actor.cache_clear()
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)
    yield
    give_actor.cache_clear()


def test_a_command_records_the_system_user_and_not_what_the_environment_says(
    cli: Cli, key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_actor.cache_clear()
    for name in ("LOGNAME", "USER", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert cli("vehicles", "status", "--account", "Acme", "4", HUMMER).status == 0
    newest = cli("vehicles", "history", "--account", "Acme", HUMMER, "--json").document["history"][0]
    assert (newest["by"], newest["byName"]) == (f"cli:{SYSTEM_USER}", f"command line (user {SYSTEM_USER})")
    assert key_id != newest["by"]


def test_what_a_command_administers_is_recorded_with_the_system_user(cli: Cli, key_id: str) -> None:
    assert cli("keys", "change", key_id, "--name", "Sur").status == 0
    assert cli("keys", "revoke", key_id).status == 0
    assert cli("accounts", "rename", "Acme", "Acme Norte").status == 0

    async def read() -> set[tuple[str, str]]:
        async with use_runtime(read_settings({})) as runtime:
            account_id = (await get_account(runtime, "Acme Norte")).account_id
            page = await list_acts(runtime, give_principal(account_id), limit=50, cursor=None)
            return {(act.deed.type.value, act.by) for act in page.rows}

    kinds = {"accountAdded", "accountRenamed", "keyAdded", "keyChanged", "keyRevoked"}
    assert asyncio.run(read()) == {(kind, ACTOR) for kind in kinds}


def test_a_user_without_a_name_is_recorded_by_number(unknown_user: None) -> None:
    del unknown_user
    assert give_actor() == "cli:4000000001"


def test_the_history_names_keys_and_the_command_line_of_earlier_versions(cli: Cli, key_id: str) -> None:
    asked = ("vehicles", "history", "--account", "Acme", HUMMER)
    changed, first = cli(*asked, "--json").document["history"]
    assert (changed["by"], changed["byName"]) == (key_id, f"key {LABEL}")
    assert (first["by"], first["byName"]) == ("cli", "command line")
    assert f"key {LABEL}" in cli(*asked).out
    shown = cli("vehicles", "show", "--account", "Acme", HUMMER, "--json").document
    assert (shown["changedBy"], shown["changedByName"]) == (key_id, f"key {LABEL}")
    assert shown["history"][0]["byName"] == f"key {LABEL}"


def test_another_label_is_shown_for_old_changes_and_no_cell_is_a_formula(cli: Cli, key_id: str) -> None:
    assert cli("keys", "change", key_id, "--name", "@Norte").status == 0
    rows = list(csv.reader(io.StringIO(cli("vehicles", "history", "--account", "Acme", HUMMER, "--csv").out)))
    assert rows[0][-3:] == ["by", "requestId", "byName"]
    assert [row[-1] for row in rows[1:]] == ["key @Norte", "command line"]


def test_plans_and_duplicates_name_their_authors(cli: Cli, key_id: str) -> None:
    del key_id
    later = ("--effective-at", "2031-12-01T08:00:00Z")
    assert cli("vehicles", "status", "--account", "Acme", "8", HUMMER, *later).status == 0
    (plan,) = cli("planned", "list", "--account", "Acme", "--json").document["plannedChanges"]
    assert (plan["createdByName"], plan["endedByName"]) == (ACTOR_NAME, None)
    assert ACTOR_NAME in cli("planned", "list", "--account", "Acme").out
    ended = cli("planned", "cancel", "--account", "Acme", plan["id"], "--json").document
    assert (ended["endedBy"], ended["endedByName"]) == (ACTOR, ACTOR_NAME)
    Path("more.csv").write_text(f"vin,plate\n{HUMMER},AAA111\n")
    assert cli("vehicles", "import", "--account", "Acme", "more.csv", "--keep-duplicates").status == 0
    (group,) = cli("duplicates", "list", "--account", "Acme", "--json").document["duplicates"]
    assert [one["changedByName"] for one in group["vehicles"]] == [f"key {LABEL}", ACTOR_NAME]
    kept = str(group["vehicles"][1]["vehicleId"])
    done = cli("duplicates", "resolve", "--account", "Acme", HUMMER, "--keep", kept, "--json").document
    assert done["vehicle"]["changedByName"] == ACTOR_NAME


def test_an_archive_has_ids_and_the_register_names_them(cli: Cli, key_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.cli.archives.NAMED_AT_ONCE", 1)

    async def archive() -> None:
        ARCHIVES.mkdir()
        async with use_runtime(read_settings({})) as runtime:
            account_id = (await get_account(runtime, "Acme")).account_id
            await archive_account(runtime, account_id, ArchivePlan(folder=ARCHIVES, age=timedelta(days=365), portion=9))

    asyncio.run(archive())
    for form in (["--account", "Acme"], ["--account-id", "1"]):
        lines = [json.loads(line) for line in cli("archive", "read", "archives", *form).out.splitlines()]
        label = f"key {LABEL}" if form[0] == "--account" else None
        assert [(line["by"], line["byName"]) for line in lines] == [("cli", "command line"), (key_id, label)]
        history = cli("archive", "history", "archives", HUMMER, *form, "--json").document["history"]
        assert [one["byName"] for one in history] == [label, "command line"]
        assert (label or key_id) in cli("archive", "history", "archives", HUMMER, *form).out
