"""Builds the one statement that is not fixed: the list, with any filters, any order, from any position.

Column names come from closed tables, values are always parameters, and only the mark of a parameter differs
between the engines. A sort key is never NULL (absent text is stored as '', an absent integer as -1), so a
position is one comparison of rows, the same on both.
"""

from collections.abc import Callable

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
_OPERATIONAL = ", ".join(str(status.value) for status in VehicleStatus if is_operational(status))


def build_list(
    template: str,
    account_id: int,
    query: VehicleQuery,
    mark: Callable[[int], str],
    *,
    store_instant: Callable[[int], object] = int,
) -> tuple[str, list[object]]:
    """Give the statement and its parameters. The template has the hooks ``:key``, ``:where`` and ``:order``.

    ``store_instant`` turns a position's microseconds into what the engine's columns of instants hold.
    """
    parameters: list[object] = [account_id]

    def add(value: object) -> str:
        parameters.append(value)
        return mark(len(parameters))

    key = _SORT_COLUMNS[query.sort]
    clauses = [f"v.is_former = {1 if query.status is VehicleStatus.INFO_CHANGED else 0}"]
    if query.status is not None and query.status is not VehicleStatus.INFO_CHANGED:
        clauses.append(f"h.status = {add(query.status.value)}")
    if query.operational is not None:
        sign = "IN" if query.operational else "NOT IN"
        clauses.append(f"h.status {sign} ({_OPERATIONAL})")
    for name, value in query.filters.items():
        clauses += _build_filter(name, value, add)
    if query.after is not None:
        sign = "<" if query.descending else ">"
        after = ", ".join(add(part) for part in _list_parts(query, store_instant))
        left = "v.vehicle_id, v.began" if query.sort is None else f"{key}, v.vehicle_id, v.began"
        clauses.append(f"({left}) {sign} ({after})")
    way = "DESC" if query.descending else "ASC"
    columns = ["v.vehicle_id", "v.began"] if query.sort is None else [key, "v.vehicle_id", "v.began"]
    order = ", ".join(f"{column} {way}" for column in columns)
    where = " AND ".join(clauses)
    statement = template.replace(":key", key).replace(":where", where).replace(":order", order)
    return f"{statement} LIMIT {add(query.limit)}", parameters


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


def _build_filter(name: str, value: str | int, add: Callable[[object], str]) -> list[str]:
    if name == "vin":
        return [f"v.vin = {add(value)}"]
    field = FIELDS_BY_NAME[name]
    column = f"v.{field.column}"
    absent = "''" if field.is_text else "-1"
    # The second condition lets both planners use the index, which leaves out vehicles without a value.
    return [f"{column} = {add(fold_text(str(value)) if field.is_text else value)}", f"{column} <> {absent}"]


def _list_parts(query: VehicleQuery, store_instant: Callable[[int], object]) -> list[object]:
    if query.after is None:
        return []
    rest: list[object] = [query.after.vehicle_id, query.after.began]
    key = query.after.key
    if key is None:
        return rest
    return [store_instant(int(key)) if query.sort in TIME_SORTS else key, *rest]
