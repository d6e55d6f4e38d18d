"""Builds the one statement that is not fixed: the list, with any filters, any order, from any position, now or then.

Column names come from closed tables, values are always parameters, and only the mark of a parameter differs
between the engines. A sort key is never NULL (absent text is stored as '', an absent integer as -1), so a
position is one comparison of rows, the same on both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME, Details, fold_text

ABSENT_TEXT = ""
ABSENT_NUMBER = -1
TIME_SORTS = frozenset({"statusSince", "createdAt", "updatedAt"})

_SORT_COLUMNS: dict[str | None, str] = {
    None: "v.vehicle_id",
    "vin": "v.vin",
    **{field.name: f"v.{field.column}" for field in FIELDS},
    "vehicleStatusId": "h.status",
    "statusSince": "h.status_since",
    "createdAt": "h.created_at",
    "updatedAt": "h.updated_at",
}

_PLACES = {field.name: place for place, field in enumerate(FIELDS)}
_ABSENT_COLUMNS: list[str | int] = [ABSENT_TEXT if field.is_text else ABSENT_NUMBER for field in FIELDS]

# What a vehicle was after a change is read from the record, for each vehicle that is looked at.
_LAST = """(SELECT c.{column} FROM changes AS c :index WHERE c.account_id = :account
    AND c.vehicle_id = v.vehicle_id AND c.number <= :up_to{only} ORDER BY c.number DESC LIMIT 1)"""
_PAST_COLUMNS: dict[str | None, str] = {
    **_SORT_COLUMNS,
    "vehicleStatusId": _LAST.format(column="to_status", only=""),
    "statusSince": _LAST.format(column="changed_at", only=" AND c.type IN ('registered', 'statusChanged')"),
    "createdAt": """(SELECT c.changed_at FROM changes AS c
    WHERE c.account_id = :account AND c.number = v.vehicle_id)""",
    "updatedAt": _LAST.format(column="changed_at", only=""),
}

_ANY_VERSION = "v.is_former IN (0, 1)"  # says nothing, but opens the indexes of values, which have it before the value
_OPERATIONAL = ", ".join(str(status.value) for status in VehicleStatus if is_operational(status))

Add = Callable[[object], str]  # takes a parameter's value, gives its mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """In what the engines differ: a parameter's mark, what a column of instants holds, and how to insist on an index.

    ``store_instant`` turns a position's microseconds into it.
    """

    mark: Callable[[int], str]
    store_instant: Callable[[int], object]
    use_index: Callable[[str], str]


def build_list(template: str, account_id: int, query: VehicleQuery, dialect: Dialect) -> tuple[str, list[object]]:
    """Give the statement and its parameters. The template has the hooks ``:key``, ``:where`` and ``:order``.

    One for the past has ``:index``, ``:limit`` and ``:page_order`` too.
    """
    parameters: list[object] = [account_id]
    add = _collect_parameters(parameters, dialect)
    if query.up_to is None:
        columns = _SORT_COLUMNS
        clauses = [f"v.is_former = {1 if query.status is VehicleStatus.INFO_CHANGED else 0}"]
    else:
        up_to = add(query.up_to)
        columns, clauses = _list_past_columns(up_to, dialect), _list_past_clauses(query, up_to)
    key, status = columns[query.sort], columns["vehicleStatusId"]
    if query.status is not None and query.status is not VehicleStatus.INFO_CHANGED:
        clauses.append(f"{status} = {add(query.status.value)}")
    if query.operational is not None:
        sign = "IN" if query.operational else "NOT IN"
        clauses.append(f"{status} {sign} ({_OPERATIONAL})")
    clauses += [clause for name, value in query.filters.items() for clause in _build_filter(name, value, add)]
    if query.registered_by is not None:
        first, last = query.registered_by
        clauses.append(f"v.vehicle_id BETWEEN {add(first)} AND {add(last)}")
    if query.after is not None:
        sign = "<" if query.descending else ">"
        after = ", ".join(add(part) for part in _list_parts(query, dialect))
        clauses.append(f"({', '.join(_list_order_columns(query, key, 'v'))}) {sign} ({after})")
    statement = template.replace(":key", key).replace(":where", " AND ".join(clauses))
    if query.up_to is None:
        return f"{statement.replace(':order', _give_order(query, key, 'v'))} LIMIT {add(query.limit)}", parameters
    for hook, text in (
        (":index", _give_filter_index(query.filters, dialect)),
        (":page_order", _give_order(query, "p.sort_key", "p")),
        (":order", _give_order(query, "sort_key", "v")),
        (":limit", add(query.limit)),
    ):
        statement = statement.replace(hook, text)
    return statement, parameters


def build_sums(
    template: str, given: Sequence[object], filters: Mapping[str, str | int], dialect: Dialect
) -> tuple[str, list[object]]:
    """Give the statement that sums up statuses, and its parameters: those of the template, then those of filters."""
    parameters = [*given]
    add = _collect_parameters(parameters, dialect)
    clauses = [clause for name, value in filters.items() for clause in _build_filter(name, value, add)]
    if clauses:
        clauses.append(_ANY_VERSION)
    where = "".join(f"AND {clause} " for clause in clauses)
    return template.replace(":where", where).replace(":index", _give_filter_index(filters, dialect)), parameters


def fold_columns(details: Details) -> list[str | int]:
    """Give what the columns of ``versions`` hold to find and sort by, in the order of FIELDS."""
    columns = _ABSENT_COLUMNS.copy()
    for name, value in details.items():
        columns[_PLACES[name]] = fold_text(value) if isinstance(value, str) else value
    return columns


def fold_plate(details: Details) -> str | None:
    """Give what the unique index of plates compares: two plates that differ by case are one."""
    plate = details.get("plate")
    return None if plate is None else fold_text(str(plate))


def _collect_parameters(parameters: list[object], dialect: Dialect) -> Add:
    def add(value: object) -> str:
        parameters.append(value)
        return dialect.mark(len(parameters))

    return add


def _list_past_columns(up_to: str, dialect: Dialect) -> dict[str | None, str]:
    hooks = {":index": dialect.use_index("changes_by_vehicle"), ":up_to": up_to, ":account": dialect.mark(1)}
    columns = dict(_PAST_COLUMNS)
    for hook, text in hooks.items():
        columns = {name: column.replace(hook, text) for name, column in columns.items()}
    return columns


def _list_past_clauses(query: VehicleQuery, up_to: str) -> list[str]:
    if query.status is VehicleStatus.INFO_CHANGED:
        return ["v.is_former = 1", f"v.ended <= {up_to}"]
    clauses = [f"v.began <= {up_to}", f"(v.ended IS NULL OR v.ended > {up_to})"]
    return [_ANY_VERSION, *clauses] if query.filters else clauses


def _give_filter_index(filters: Mapping[str, str | int], dialect: Dialect) -> str:
    """Give what insists on the index of a filter: left to itself, SQLite walks through all versions in order."""
    for name in filters:
        return dialect.use_index(f"versions_by_{'vin' if name == 'vin' else FIELDS_BY_NAME[name].column}")
    return ""


def _give_order(query: VehicleQuery, key: str, table: str) -> str:
    way = "DESC" if query.descending else "ASC"
    return ", ".join(f"{column} {way}" for column in _list_order_columns(query, key, table))


def _list_order_columns(query: VehicleQuery, key: str, table: str) -> list[str]:
    """Give the columns of the order. Only former versions are told apart by more than their vehicle.

    A current one that is edited between two pages has a new version, and is no further along for that.
    """
    columns = [] if query.sort is None else [key]
    columns.append(f"{table}.vehicle_id")
    return [*columns, f"{table}.began"] if query.status is VehicleStatus.INFO_CHANGED else columns


def _build_filter(name: str, value: str | int, add: Add) -> list[str]:
    if name == "vin":
        return [f"v.vin = {add(value)}"]
    field = FIELDS_BY_NAME[name]
    column = f"v.{field.column}"
    absent = "''" if field.is_text else "-1"
    # The second condition lets both planners use the index, which leaves out vehicles without a value.
    return [f"{column} = {add(fold_text(str(value)) if field.is_text else value)}", f"{column} <> {absent}"]


def _list_parts(query: VehicleQuery, dialect: Dialect) -> list[object]:
    if query.after is None:
        return []
    rest: list[object] = [query.after.vehicle_id]
    if query.status is VehicleStatus.INFO_CHANGED:
        rest.append(query.after.began)
    key = query.after.key
    if key is None:
        return rest
    return [dialect.store_instant(int(key)) if query.sort in TIME_SORTS else key, *rest]
