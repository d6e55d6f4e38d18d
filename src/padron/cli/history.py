"""``padron vehicles history``: the changes of a vehicle, newest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from padron.cli.options import CommonOptions, Csv, Json, check_one_form, run_with_runtime
from padron.cli.outputs import give_instant, print_csv, print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.change import ChangeType, HistoryEntry
from padron.domain.instants import format_instant
from padron.domain.query import LIMIT_MAX
from padron.domain.status import STATUS_TEXTS
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.actors import name_actors
from padron.service.runtime import Runtime
from padron.service.vehicles.reading import list_history

_CSV_COLUMNS = (
    "at", "type", "fromStatusId", "toStatusId", "field", "former", "current", "reason", "by", "requestId",
    "byName",
)  # fmt: skip
_NOTHING = "(none)"
_DEFAULTS = CommonOptions()


class _History(NamedTuple):
    """The changes of a vehicle, and the names of their authors by their ids."""

    entries: Sequence[HistoryEntry]
    names: Mapping[str, str]


def print_history(
    vin: str, /, *, account: str, json: Json = False, csv: Csv = False, options: CommonOptions = _DEFAULTS
) -> int:
    """Print every change of a vehicle, newest first: its time, kind, values, author, reason and request.

    Parameters
    ----------
    vin
        The VIN of the vehicle.

    account
        The name of the account that owns the vehicle.
    """
    check_one_form(json=json, csv=csv)
    wanted = parse_vin(vin)

    async def work(runtime: Runtime) -> _History:
        principal = give_principal((await get_account(runtime, account)).account_id)
        entries: list[HistoryEntry] = []
        cursor: str | None = None
        while True:
            page = await list_history(runtime, principal, wanted, limit=LIMIT_MAX, cursor=cursor)
            entries += page.rows
            cursor = page.next_cursor
            if cursor is None:
                authors = [entry.by for entry in entries]
                return _History(entries, await name_actors(runtime, principal.account_id, authors))

    entries, names = run_with_runtime(options, work)
    if json:
        print_json({"vin": wanted, "history": [show_entry(entry, names) for entry in entries]})
    elif csv:
        print_csv([_CSV_COLUMNS, *(row for entry in entries for row in _list_csv_rows(entry, names))])
    else:
        cells = [
            (
                give_instant(entry.at) or "", entry.type.value, describe_entry(entry), names.get(entry.by, entry.by),
                entry.reason or "", entry.request_id,
            )
            for entry in entries
        ]  # fmt: skip
        print_table(("When", "What", "Change", "By", "Reason", "Request"), cells, "There are no changes.")
    return 0


def show_entry(entry: HistoryEntry, names: Mapping[str, str]) -> dict[str, object]:
    """Give an entry with the same members as in the API, with the names of authors by their ids."""
    shown: dict[str, object] = {
        "type": entry.type.value,
        "at": format_instant(entry.at),
        "by": entry.by,
        "byName": names.get(entry.by),
        "requestId": entry.request_id,
    }
    if entry.erased is not None:
        return {**shown, "fields": [*entry.erased.fields], "changeNumbers": [*entry.erased.numbers]}
    if entry.differences is not None:
        shown["former"] = {name: former for name, (former, _) in entry.differences.items()}
        shown["current"] = {name: current for name, (_, current) in entry.differences.items()}
        return shown
    shown["toStatusId"] = entry.to_status.value
    if entry.type is not ChangeType.REGISTERED:
        came_from = None if entry.from_status is None else entry.from_status.value
        shown |= {"fromStatusId": came_from, "reason": entry.reason}
    return shown


def _list_csv_rows(entry: HistoryEntry, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Give one line, or one line for each changed value."""
    first = (format_instant(entry.at), entry.type.value)
    last = (entry.reason or "", entry.by, entry.request_id, names.get(entry.by, ""))
    if entry.differences is None:
        came_from = "" if entry.from_status is None else str(entry.from_status.value)
        yield *first, came_from, str(entry.to_status.value), "", "", "", *last
        return
    for name, (former, current) in entry.differences.items():
        values = ("" if value is None else str(value) for value in (former, current))
        yield *first, "", "", name, *values, *last


def describe_entry(entry: HistoryEntry) -> str:
    """Describe the change in a few words."""
    if entry.erased is not None:
        return f"erased {', '.join(entry.erased.fields)} in {len(entry.erased.numbers)} changes"
    if entry.differences is not None:
        return "; ".join(
            f"{name}: {_NOTHING if former is None else former} → {_NOTHING if current is None else current}"
            for name, (former, current) in entry.differences.items()
        )
    name = "deleted" if entry.type is ChangeType.DELETED else STATUS_TEXTS[entry.to_status].name
    return name if entry.from_status is None else f"{STATUS_TEXTS[entry.from_status].name} → {name}"
