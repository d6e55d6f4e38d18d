"""``padron vehicles list`` and ``padron vehicles show``: the present fleet, in the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

from cyclopts import Parameter

from padron.cli.history import describe_entry, show_entry
from padron.cli.options import CommonOptions, Csv, Json, check_one_form, run_with_runtime
from padron.cli.outputs import UsageError, give_instant, print_csv, print_error, print_json, print_table
from padron.cli.vehicle_export import parse_query
from padron.cli.vehicles import give_principal
from padron.domain.change import HistoryEntry
from padron.domain.instants import format_instant
from padron.domain.query import LIMIT_MAX, VehicleQuery
from padron.domain.status import STATUS_TEXTS, is_operational
from padron.domain.vehicle import FIELDS, VehicleVersion
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.actors import name_actors
from padron.service.runtime import Runtime
from padron.service.vehicles.reading import get_vehicle, list_history, list_vehicles

LIST_DEFAULT = 100
HISTORY_SHOWN = 10

_COLUMNS = (
    "vin", "plate", "customId", "vehicleStatusId", "status", "operational", "statusSince", "brandName", "modelName",
)  # fmt: skip
_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """Which vehicles."""

    status: str | None = None
    """Only vehicles with this status, by its id or its name. 2 means former versions instead."""

    operational: bool | None = None
    """Only vehicles that operations may touch. With --no-operational: only the others."""

    filter: Annotated[list[str] | None, Parameter(negative="")] = None
    """NAME=VALUE: only vehicles with this value, as in the list of the API. You can repeat this option."""

    sort: str | None = None
    """The field to sort by, with - before it for descending: --sort=-statusSince [default: order of registration]."""


_ALL = FilterOptions()


class _Fleet(NamedTuple):
    """The vehicles to show, and whether there are more."""

    vehicles: list[VehicleVersion]
    more: bool


class _Look(NamedTuple):
    """A vehicle with its last changes, and whether it has more of them."""

    version: VehicleVersion
    entries: Sequence[HistoryEntry]
    more: bool
    names: Mapping[str, str]  # of authors, by their ids


def list_fleet(
    *,
    account: str,
    chosen: FilterOptions = _ALL,
    limit: int = LIST_DEFAULT,
    json: Json = False,
    csv: Csv = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """List an account's vehicles: VIN, plate, unit number, status, and since when.

    `padron vehicles export` writes all values of all vehicles into a file, which you can edit and import again.

    Parameters
    ----------
    account
        The name of the account that owns the vehicles.

    limit
        The maximum number of vehicles to show.
    """
    check_one_form(json=json, csv=csv)
    if limit < 1:
        raise UsageError(f"--limit is {limit}: it must be at least 1.")
    query = parse_query(chosen.status, chosen.operational, chosen.filter or [], chosen.sort)

    async def work(runtime: Runtime) -> _Fleet:
        return await _load(runtime, account, query, limit)

    found, more = run_with_runtime(options, work)
    if json:
        print_json({"vehicles": [show_vehicle(version) for version in found], "more": more})
        return 0
    if csv:
        print_csv([_COLUMNS, *(_give_cells(version) for version in found)])
    else:
        rows = [(*cells[:3], cells[4], cells[6], *cells[7:]) for cells in map(_give_cells, found)]
        columns = ("VIN", "Plate", "Unit", "Status", "Since", "Brand", "Model")
        print_table(columns, rows, "The account has no such vehicle.")
    if more:
        print_error(
            f"These are the first {len(found)} vehicles. Use a higher --limit, or padron vehicles export for all."
        )
    return 0


def show_one(vin: str, /, *, account: str, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Show a vehicle: its status and the reason, all its values, and its last changes.

    Parameters
    ----------
    vin
        The VIN of the vehicle.

    account
        The name of the account that owns the vehicle.
    """
    wanted = parse_vin(vin)

    async def work(runtime: Runtime) -> _Look:
        principal = give_principal((await get_account(runtime, account)).account_id)
        version = await get_vehicle(runtime, principal, wanted)
        page = await list_history(runtime, principal, wanted, limit=HISTORY_SHOWN, cursor=None)
        authors = [version.vehicle.status_by, *(entry.by for entry in page.rows)]
        return _Look(version, page.rows, page.more, await name_actors(runtime, principal.account_id, authors))

    version, entries, more, names = run_with_runtime(options, work)
    if json:
        shown = show_vehicle(version)
        status = _show_status(version, names)
        print_json({**shown, **status, "history": [show_entry(entry, names) for entry in entries], "more": more})
        return 0
    rows = [(name, value) for name, value in _word_values(version, names).items() if value != ""]
    print_table(("Field", "Value"), rows, "")
    print()
    cells = [
        (
            give_instant(entry.at) or "", describe_entry(entry), names.get(entry.by, entry.by), entry.reason or "",
            entry.request_id,
        )
        for entry in entries
    ]  # fmt: skip
    print_table(("When", "Change", "By", "Reason", "Request"), cells, "There are no changes.")
    if more:
        print_error(f"These are the last {len(entries)} changes. padron vehicles history {wanted} prints all.")
    return 0


def show_vehicle(version: VehicleVersion) -> dict[str, object]:
    """Give a vehicle for JSON, with the names of the API."""
    vehicle = version.vehicle
    return {
        "vin": vehicle.vin,
        "vehicleStatusId": vehicle.status.value,
        "status": STATUS_TEXTS[vehicle.status].name,
        "operational": version.valid_to is None and is_operational(vehicle.status),
        "statusSince": format_instant(vehicle.status_since),
        "createdAt": format_instant(vehicle.created_at),
        "updatedAt": format_instant(vehicle.updated_at),
        **{field.name: version.details[field.name] for field in FIELDS if field.name in version.details},
    }


async def _load(runtime: Runtime, account: str, query: VehicleQuery, limit: int) -> _Fleet:
    principal = give_principal((await get_account(runtime, account)).account_id)
    found: list[VehicleVersion] = []
    cursor: str | None = None
    while len(found) < limit:
        part = replace(query, limit=min(LIMIT_MAX, limit - len(found)))
        page = (await list_vehicles(runtime, principal, part, cursor)).page
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return _Fleet(found, more=False)
    return _Fleet(found, more=True)


def _give_cells(version: VehicleVersion) -> tuple[str, ...]:
    shown = show_vehicle(version)
    return tuple(_word(shown.get(name, "")) for name in _COLUMNS)


def _show_status(version: VehicleVersion, names: Mapping[str, str]) -> dict[str, str | None]:
    """Give who set the status, and why."""
    author = version.vehicle.status_by
    return {"changedBy": author, "changedByName": names.get(author), "reason": version.vehicle.status_reason}


def _word_values(version: VehicleVersion, names: Mapping[str, str]) -> dict[str, str]:
    shown = {**show_vehicle(version), **_show_status(version, names)}
    return {name: "" if value is None else _word(value) for name, value in shown.items()}


def _word(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
