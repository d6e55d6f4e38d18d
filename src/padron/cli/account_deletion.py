"""``padron accounts delete``: exports an account into a folder, and deletes it while the servers run."""

import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_json, word_trouble
from padron.cli.vehicles import give_principal
from padron.domain.account import Account
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote, quote_path
from padron.domain.vehicle import VehicleVersion
from padron.files.writers import Form, open_writer
from padron.service.administration import archive
from padron.service.administration.removal import await_quiet, delete_account, find_account_to_delete
from padron.service.runtime import Runtime

_DEFAULTS = CommonOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Deletion:
    """What was deleted, and where its files are; None without files."""

    account: Account
    rows: int
    folder: Path | None


def delete_with_export(
    name: str,
    /,
    *,
    yes: str | None = None,
    export_to: Path | None = None,
    export: bool = True,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Delete an account with all that belongs to it, for ever. Servers may run meanwhile.

    The account is disabled first, and its vehicles and its history are written into a folder. If you interrupt the
    deletion, run the command again.

    Parameters
    ----------
    name
        The account's name.

    yes
        The name once more, so that nobody is asked for it.

    export_to
        A new folder for the account's files [default: account-ID in this folder].

    export
        With --no-export, write no files.
    """
    if export_to is not None and not export:
        raise UsageError("--export-to and --no-export cannot be used together: choose one.")
    if yes is not None and yes != name:
        raise UsageError(f"--yes is {quote(yes)}, but the account is {quote(name)}: write the same name twice.")
    if yes is None:
        _ask(name)

    async def work(runtime: Runtime) -> _Deletion:
        account = await find_account_to_delete(runtime, name)
        is_begun = account.deleting_at is not None  # some of it is already gone, so there is nothing whole to export
        folder = (export_to or Path(f"account-{account.account_id}")) if export and not is_begun else None
        if folder is not None:
            _check_free(folder)
        await await_quiet(runtime, account)
        if folder is not None:
            await _export(runtime, account, folder)
        return _Deletion(account=account, rows=await _delete(runtime, account), folder=folder)

    done = run_with_runtime(options, work)
    if json:
        folder_name = None if done.folder is None else str(done.folder)
        print_json({"id": done.account.account_id, "name": name, "rows": done.rows, "folder": folder_name})
        return 0
    if done.folder is not None:
        print(f"Wrote vehicles, former versions and changes to {done.folder}.")
    print(f"Deleted the account {name} with {done.rows} rows.")
    return 0


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"Deleting cannot be undone. To confirm it, add --yes {quote(name)}.")
    print(f"This deletes the account {name} with all vehicles, history, keys and webhooks. It cannot be undone.")
    if input("Type the account's name to confirm: ") != name:
        raise PadronError(Code.BAD_PARAMETERS, "That is not the account's name. Nothing was deleted.")


def _check_free(folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise PadronError(
            Code.BAD_PARAMETERS, f"{quote_path(folder)} already exists. Name a new folder with --export-to."
        )


async def _export(runtime: Runtime, account: Account, folder: Path) -> None:
    """Write the files into a folder with a temporary name, which gets its own name when all of it is on the disk."""
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    principal = give_principal(account.account_id)
    try:
        part.mkdir(mode=0o700)
        with _create(part / "vehicles.jsonl") as raw:
            await _write_versions(raw, archive.read_vehicles(runtime, principal))
        with _create(part / "former-versions.jsonl") as raw:
            await _write_versions(raw, archive.read_former_versions(runtime, principal))
        with _create(part / "changes.jsonl") as raw:
            async for lines in archive.read_changes(runtime, principal):
                raw.writelines(lines)
            _sync(raw)
        _check_free(folder)
        part.rename(folder)
    except OSError as error:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The folder {quote_path(folder)} cannot be written: {word_trouble(folder, error)}. The account is "
            "disabled, and nothing of it was deleted.",
        ) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(part)


async def _write_versions(raw: BinaryIO, pages: AsyncIterator[list[VehicleVersion]]) -> None:
    with open_writer(Form.JSONL, raw) as writer:
        async for page in pages:
            writer.write(page)
    _sync(raw)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(raw: BinaryIO) -> None:
    raw.flush()
    os.fsync(raw.fileno())


async def _delete(runtime: Runtime, account: Account) -> int:
    """Delete the account, with a line on stderr that counts, if it is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows deleted"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=None)
        return await delete_account(runtime, account, lambda rows: progress.update(task, completed=rows))
