"""``padron duplicates``: shows VINs with several vehicles, and makes one vehicle of them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from cyclopts import App, Parameter

from padron.cli.actors import give_actor
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.change import parse_reason
from padron.domain.duplicates import STATUS_FIELD, DuplicateGroup, Repair, Repaired, find_differences
from padron.domain.quoting import quote
from padron.domain.status import STATUS_TEXTS, VehicleStatus, parse_status_text
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS_BY_NAME, Vehicle, VehicleVersion, parse_value
from padron.domain.vin import parse_vin
from padron.files.parsing import parse_integer
from padron.service.accounts import get_account
from padron.service.actors import name_actors
from padron.service.runtime import Runtime
from padron.service.vehicles.duplicates import list_duplicates, repair_duplicates

PAGE_VINS = 50
SHOWN_DEFAULT = 50  # VINs
COLUMNS_MAX = 8  # vehicles side by side; --json shows all

duplicates = App(name="duplicates", help="Show vehicles with the same VIN, and make one vehicle of them.")

_DEFAULTS = CommonOptions()
_Pairs = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]


class _Groups(NamedTuple):
    """The groups of duplicates to show, and whether there are more."""

    groups: list[DuplicateGroup]
    more: bool
    names: Mapping[str, str]  # of authors, by their ids


class _Outcome(NamedTuple):
    """The result of a repair, and the names of authors by their ids."""

    done: Repaired
    names: Mapping[str, str]


@duplicates.command(name="list")
def show_duplicates(
    *,
    account: str,
    vin: str | None = None,
    limit: int = SHOWN_DEFAULT,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Show VINs with several vehicles: the vehicles side by side, with the values that differ.

    Parameters
    ----------
    account
        The name of the account that owns the vehicles.

    vin
        Only this VIN.

    limit
        The maximum number of VINs to show.
    """
    only = None if vin is None else parse_vin(vin)
    if limit < 1:
        raise UsageError(f"--limit is {limit}: it must be at least 1.")

    async def work(runtime: Runtime) -> _Groups:
        principal = give_principal((await get_account(runtime, account)).account_id)
        found: list[DuplicateGroup] = []
        cursor: str | None = None
        while True:
            page = await list_duplicates(runtime, principal, only, min(PAGE_VINS, limit - len(found)), cursor)
            found += page.rows
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                authors = [version.vehicle.status_by for group in found for version in group.versions]
                names = await name_actors(runtime, principal.account_id, authors)
                return _Groups(found, more=cursor is not None, names=names)

    groups, more, names = run_with_runtime(options, work)
    if json:
        print_json({"duplicates": [_show_group(group, names) for group in groups], "more": more})
        return 0
    for group in groups:
        _print_group(group)
    if not groups:
        print(
            f"No VIN has several vehicles in the account {account}." if only is None else f"{only} has no duplicates."
        )
    elif more:
        print("There are more VINs. Use a higher --limit to see them.")
    return 0


@duplicates.command(name="resolve")
def resolve(
    vin: str,
    /,
    *,
    account: str,
    keep: int,
    reason: str | None = None,
    dry_run: bool = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Keep one of the vehicles with a VIN unchanged. The others become former versions.

    Parameters
    ----------
    vin
        The VIN of the vehicles.

    account
        The name of the account that owns the vehicles.

    keep
        The id of the vehicle to keep, as padron duplicates list shows it.

    reason
        A reason to record in the history.

    dry_run
        Show what would be done, without doing it.
    """
    return _repair(_build_repair(vin, keep, reason, (), ()), account, dry_run=dry_run, json=json, options=options)


@duplicates.command(name="merge")
def merge(  # noqa: PLR0913 - the options of one command
    vin: str,
    /,
    *,
    account: str,
    keep: int,
    take: _Pairs = None,
    given: Annotated[list[str] | None, Parameter(name="--set", consume_multiple=True, negative="")] = None,
    reason: str | None = None,
    dry_run: bool = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Keep one of the vehicles with a VIN, with values from the others. The others become former versions.

    Parameters
    ----------
    vin
        The VIN of the vehicles.

    account
        The name of the account that owns the vehicles.

    keep
        The id of the vehicle to keep, as padron duplicates list shows it.

    take
        FIELD=ID: take the value of the vehicle with this id, for example plate=42 vehicleStatusId=42.

    given
        FIELD=VALUE: set a value, for example doors=4 vehicleStatusId="En taller". FIELD= removes the value.

    reason
        A reason to record in the history.

    dry_run
        Show what would be done, without doing it.
    """
    repair = _build_repair(vin, keep, reason, take or (), given or ())
    return _repair(repair, account, dry_run=dry_run, json=json, options=options)


def _build_repair(vin: str, keep: int, reason: str | None, take: Sequence[str], given: Sequence[str]) -> Repair:
    values = _split_pairs("--set", given)
    status = values.pop(STATUS_FIELD, None)
    return Repair(
        vin=parse_vin(vin),
        keep=keep,
        request_id=f"cli-{secrets.token_hex(8)}",
        by=give_actor(),
        take={name: parse_integer(f"--take {name}", text) for name, text in _split_pairs("--take", take).items()},
        edits={name: _parse_given(name, text) for name, text in values.items()},
        status=None if status is None else parse_status_text(status),
        reason=None if reason is None else parse_reason(reason),
    )


def _split_pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    split: dict[str, str] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or (name not in FIELDS_BY_NAME and name != STATUS_FIELD):
            names = ", ".join((STATUS_FIELD, *FIELDS_BY_NAME))
            raise UsageError(f"{option} {quote(pair)} must begin with a field and =. The fields are {names}.")
        if name in split:
            raise UsageError(f"{option} names {name} twice.")
        split[name] = text
    return split


def _parse_given(name: str, text: str) -> str | int | None:
    one = FIELDS_BY_NAME[name]
    return parse_value(one, text if one.is_text or not text else parse_integer(name, text))


def _repair(repair: Repair, account: str, *, dry_run: bool, json: bool, options: CommonOptions) -> int:
    async def work(runtime: Runtime) -> _Outcome:
        principal = give_principal((await get_account(runtime, account)).account_id)
        done = await repair_duplicates(runtime, principal, repair, dry_run=dry_run)
        return _Outcome(done, await name_actors(runtime, principal.account_id, [done.vehicle.status_by]))

    done, names = run_with_runtime(options, work)
    if json:
        former = [_name_vehicle(one, has_revision=not dry_run) for one in done.former]
        kept = _show(done.version, names, has_revision=not dry_run)
        print_json({"requestId": repair.request_id, "dryRun": dry_run, "vehicle": kept, "former": former})
        return 0
    ids = ", ".join(str(one.vehicle_id) for one in done.former)
    print(
        f"{'Would keep' if dry_run else 'Kept'} vehicle {repair.keep} of {repair.vin}; former versions: {ids}. "
        f"Request {repair.request_id}."
    )
    return 0


def _show_group(group: DuplicateGroup, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "vin": group.vin,
        "count": group.count,
        "vehicles": [_show(version, names) for version in group.versions],
        "differences": find_differences(group.versions),
    }


def _name_vehicle(vehicle: Vehicle, *, has_revision: bool) -> dict[str, object]:
    """Give a vehicle's id and its tag. A vehicle that a dry run shows is not stored, so it has no tag."""
    return {"vehicleId": vehicle.vehicle_id, "revision": format_tag(vehicle) if has_revision else None}


def _show(version: VehicleVersion, names: Mapping[str, str], *, has_revision: bool = True) -> dict[str, object]:
    vehicle = version.vehicle
    return {
        **_name_vehicle(vehicle, has_revision=has_revision),
        STATUS_FIELD: vehicle.status.value,
        "statusSince": give_instant(vehicle.status_since),
        "changedBy": vehicle.status_by,
        "changedByName": names.get(vehicle.status_by),
        "reason": vehicle.status_reason,
        "createdAt": give_instant(vehicle.created_at),
        **version.details,
    }


def _print_group(group: DuplicateGroup) -> None:
    """Print the vehicles as columns, with the values that differ."""
    shown = group.versions[:COLUMNS_MAX]
    rest = f", the first {len(shown)} of them:" if len(shown) < group.count else ":"
    print(f"{group.vin} has {group.count} vehicles{rest}")
    rows: list[tuple[str, ...]] = [
        ("created", *(give_instant(version.vehicle.created_at) or "" for version in shown)),
        ("status since", *(give_instant(version.vehicle.status_since) or "" for version in shown)),
    ]
    differences = find_differences(group.versions)
    for name, values in differences.items():
        rows.append((name, *(_show_value(name, value) for value in values[: len(shown)])))
    if not differences:
        rows.append(("all values", *("the same" for _ in shown)))
    print_table(("", *(f"vehicle {version.vehicle.vehicle_id}" for version in shown)), rows, "")
    print()


def _show_value(name: str, value: str | int | None) -> str:
    if value is None:
        return "-"
    if name == STATUS_FIELD and isinstance(value, int):
        return f"{value} {STATUS_TEXTS[VehicleStatus(value)].name}"
    return str(value)
