"""``padron archive``: lists, verifies and reads archived changes, and answers questions about the archived time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from cyclopts import App, Parameter

from padron.cli.history import describe_entry, show_entry
from padron.cli.options import CommonOptions, Json, parse_instant, run_with_runtime, split_commas
from padron.cli.outputs import UsageError, give_instant, print_error, print_json, print_table
from padron.cli.vehicle_views import show_vehicle
from padron.domain.actors import find_self_named
from padron.domain.archives import ArchivedChange
from padron.domain.erasure import Selection, parse_fields
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.vin import parse_vin
from padron.files.archives import list_parts
from padron.service.accounts import get_account
from padron.service.actors import name_actors
from padron.service.retention.erasing import erase_archive
from padron.service.retention.past import VerifiedPart, read_archive, read_history, rebuild_state, verify_archive
from padron.service.runtime import Runtime
from padron.wiring import read_clock

archive = App(name="archive", help="List, verify and read archived changes.")

AccountId = Annotated[int | None, Parameter(help="The account's id, instead of its name. Then no database is needed.")]

NAMED_AT_ONCE = 1_000  # changes

_DEFAULTS = CommonOptions()

T = TypeVar("T")

_Name = Callable[[Iterable[str]], Awaitable[Mapping[str, str]]]


class _ArchivedHistory(NamedTuple):
    """Archived changes, and the names of their authors by their ids."""

    changes: Sequence[ArchivedChange]
    names: Mapping[str, str]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ErasedChoice:
    """Which values are erased."""

    fields: Annotated[list[str], Parameter(consume_multiple=True, negative="")]
    """The fields whose values are erased."""

    value: str | None = None
    """Only values that are this text, in any letter case. It is needed without a VIN."""


@archive.command(name="list")
def list_files(
    folder: Path,
    /,
    *,
    account: str | None = None,
    account_id: AccountId = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """List the files of an archive, with the account and the numbers of the changes in each.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    account
        The name of the account.
    """  # fmt: skip
    parts = list_parts(folder, _find_account(account, account_id, options))
    if json:
        shown = [
            {"file": str(part.path), "accountId": part.account_id, "first": part.first, "last": part.last}
            for part in parts
        ]
        print_json({"files": shown})
        return
    rows = [(str(part.account_id), str(part.first), str(part.last), str(part.path)) for part in parts]
    print_table(("Account", "First", "Last", "File"), rows, "There are no archived changes.")


@archive.command
def verify(
    folder: Path,
    /,
    *,
    account: str | None = None,
    account_id: AccountId = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Read all files, and say whether each is whole and goes on where the one before it ended.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    account
        The name of the account.
    """  # fmt: skip
    parts = list(verify_archive(folder, _find_account(account, account_id, options)))
    faults = [part.fault for part in parts if part.fault is not None]
    if json:
        print_json({"ok": not faults, "files": [_show_part(part) for part in parts]})
    else:
        rows = [
            (
                "fault" if one.fault else "ok", str(one.part.account_id), str(one.part.first), str(one.part.last),
                give_instant(one.trailer.latest_at if one.trailer else None) or "", str(one.part.path),
            )
            for one in parts
        ]  # fmt: skip
        print_table(("", "Account", "First", "Last", "Until", "File"), rows, "There are no archived changes.")
    for fault in faults:
        print_error(fault)
    return 1 if faults else 0


@archive.command
def read(
    folder: Path, /, *, account: str | None = None, account_id: AccountId = None, options: CommonOptions = _DEFAULTS
) -> None:
    """Print all archived changes of an account, oldest first: one JSON object a line.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    account
        The name of the account.
    """

    async def work(found: int, name: _Name) -> None:
        changes = read_archive(folder, found)
        while page := list(islice(changes, NAMED_AT_ONCE)):
            names = await name([one.change.by for one in page])
            for one in page:
                _print_line(_show_change(one, names))

    _run_named(account, account_id, options, work)


@archive.command
def history(
    folder: Path,
    vin: str,
    /,
    *,
    account: str | None = None,
    account_id: AccountId = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Print the archived changes of a vehicle, newest first. `padron vehicles history` prints the later ones.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    vin
        A VIN that the vehicle had at some time in the archive.

    account
        The name of the account that owns the vehicle.
    """
    wanted = parse_vin(vin)

    async def work(found: int, name: _Name) -> _ArchivedHistory:
        changes = read_history(folder, found, wanted)[::-1]
        return _ArchivedHistory(changes, await name([one.change.by for one in changes]))

    changes, names = _run_named(account, account_id, options, work)
    if json:
        print_json({"vin": wanted, "history": [_show_change(change, names) for change in changes]})
        return
    rows = [
        (
            give_instant(one.change.at) or "", one.change.type.value, describe_entry(one.change),
            names.get(one.change.by, one.change.by), one.change.reason or "", one.change.request_id,
        )
        for one in changes
    ]  # fmt: skip
    print_table(("When", "What", "Change", "By", "Reason", "Request"), rows, "The archive does not have this VIN.")


@archive.command(name="as-of")
def as_of(
    folder: Path,
    at: str,
    /,
    *,
    account: str | None = None,
    account_id: AccountId = None,
    vin: str | None = None,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Print the current vehicles as they were at an archived instant: one JSON object a line.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    at
        A date (midnight in UTC), or an instant with its offset.

    account
        The name of the account that owns the vehicles.

    vin
        Only the vehicles that had this VIN then.
    """  # fmt: skip
    wanted = None if vin is None else parse_vin(vin)
    instant: datetime = parse_instant("The instant", at, read_clock())
    versions = rebuild_state(folder, _need_account(account, account_id, options), instant)
    chosen = [version for version in versions if wanted in {None, version.vehicle.vin}]
    if wanted is not None and not chosen:
        raise PadronError(
            Code.VEHICLE_NOT_FOUND, f"The account had no current vehicle with the VIN {wanted} at that instant."
        )
    for version in chosen:
        _print_line(show_vehicle(version))


@archive.command
def erase(
    folder: Path,
    vin: str | None = None,
    /,
    *,
    choice: ErasedChoice,
    account: str | None = None,
    account_id: AccountId = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Erase personal values from an archive, after `padron vehicles erase` erased them from the register.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    vin
        A VIN that the vehicle had at some time in the archive. Without it, all vehicles are meant.

    account
        The name of the account that owns the vehicles.
    """
    if vin is None and choice.value is None:
        raise UsageError("Name a VIN, or the value to erase with --value.")
    selection = Selection(fields=parse_fields(split_commas(choice.fields)), value=choice.value)
    wanted = None if vin is None else parse_vin(vin)
    erased = erase_archive(folder, _need_account(account, account_id, options), wanted, selection)
    numbers = [number for one in erased for number in one.numbers]
    if json:
        print_json({"files": [str(one.part.path) for one in erased], "changeNumbers": numbers})
        return
    print(f"Erased values in {len(numbers)} archived changes, in {len(erased)} files.")


def _run_named(
    account: str | None,
    account_id: int | None,
    options: CommonOptions,
    work: Callable[[int, _Name], Coroutine[None, None, T]],
) -> T:
    """Run ``work`` with the account's id, and with a function that names the authors of its changes.

    With --account-id there is no database, so keys and people have no names.
    """
    if account is None or account_id is not None:
        return asyncio.run(work(_need_account(account, account_id, options), _name_without_register))
    name = account

    async def run(runtime: Runtime) -> T:
        found = (await get_account(runtime, name)).account_id
        return await work(found, partial(name_actors, runtime, found))

    return run_with_runtime(options, run)


async def _name_without_register(actor_ids: Iterable[str]) -> Mapping[str, str]:
    found = map(find_self_named, actor_ids)
    return {actor.actor_id: actor.name for actor in found if actor is not None}


def _need_account(account: str | None, account_id: int | None, options: CommonOptions) -> int:
    found = _find_account(account, account_id, options)
    if found is None:
        raise UsageError("Name the account with --account, or with --account-id.")
    return found


def _find_account(account: str | None, account_id: int | None, options: CommonOptions) -> int | None:
    if account is None:
        return account_id
    if account_id is not None:
        raise UsageError("--account and --account-id cannot be used together: choose one.")
    name = account

    async def work(runtime: Runtime) -> int:
        return (await get_account(runtime, name)).account_id

    return run_with_runtime(options, work)


def _show_part(one: VerifiedPart) -> dict[str, object]:
    shown: dict[str, object] = {
        "file": str(one.part.path),
        "accountId": one.part.account_id,
        "first": one.part.first,
        "last": one.part.last,
        "fault": one.fault,
    }
    if one.trailer is not None:
        shown |= {
            "earliestAt": format_instant(one.trailer.earliest_at),
            "latestAt": format_instant(one.trailer.latest_at),
            "sha256": one.trailer.sha256,
        }
    return shown


def _show_change(one: ArchivedChange, names: Mapping[str, str]) -> dict[str, object]:
    """Give a change with the members of the API's history, and what the archive knows beside it.

    The names are of authors, by their ids: no archive has them.
    """
    shown = {"number": one.change.number, "vehicleId": one.vehicle_id, "vin": one.vin, **show_entry(one.change, names)}
    if one.details is not None:
        shown["details"] = dict(one.details)
    return shown


def _print_line(document: dict[str, object]) -> None:
    print(msgspec.json.encode(document).decode())
