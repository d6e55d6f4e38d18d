"""Builds the statement of the list: any filters, any order, from any position, now or in the past.

Column names come from closed tables, and values are always parameters. The engines differ only as ``Dialect`` says.
A sort key is never NULL: absent text is stored as '', an absent integer as -1. So a position is one comparison of
rows, the same on both engines.

The statement first chooses the vehicles of a page, from as few columns as filters and order need. Then it reads their
data. A page may have several parts, each a walk along an index: vehicles with a value and those without, or one part
for each status (docs/decisions/0022-list-order.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from padron.domain.query import TIME_SORTS, VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME
from padron.store.sql.filtering import (
    ABSENT_NUMBER,
    ABSENT_TEXT,
    Add,
    build_filter,
    find_divided_filter,
    give_filter_column,
    give_filter_index,
    list_filter_keys,
    require_value,
    write_absent,
)

_STATUS_SORT = "vehicleStatusId"
_REGISTRATION_SORTS = frozenset({None, "createdAt"})  # a vehicle's id is the number of its registration
_VALUE_COLUMNS: dict[str | None, str] = {"vin": "v.vin", **{field.name: f"v.{field.column}" for field in FIELDS}}
_SORT_COLUMNS: dict[str | None, str] = {
    **_VALUE_COLUMNS,
    _STATUS_SORT: "h.status",
    "statusSince": "h.status_since",
    "updatedAt": "h.updated_at",
}


# The record of changes says what a vehicle was after a change. The statement reads it for each vehicle.
_LAST = """(SELECT c.{column} FROM changes AS c :index WHERE c.account_id = :account
    AND c.vehicle_id = v.vehicle_id AND c.number <= :up_to{only} ORDER BY c.number DESC LIMIT 1)"""
_PAST_COLUMNS: dict[str | None, str] = {
    **_VALUE_COLUMNS,
    _STATUS_SORT: _LAST.format(column="to_status", only=""),
    "statusSince": _LAST.format(column="changed_at", only=" AND c.type IN ('registered', 'statusChanged', 'deleted')"),
    "updatedAt": _LAST.format(column="changed_at", only=""),
}

_ANY_VERSION = "v.is_former IN (0, 1)"  # always true; the planner needs it, because it is the column before the value
_NOTHING = "1 = 0"
_ACTIVE = VehicleStatus.ACTIVE.value
_BY_STATUS = "vehicles_by_status"  # omits Active vehicles, and SQLite uses it only if a condition says so
_NOT_ACTIVE = f"h.status <> {_ACTIVE}"
_CURRENT = tuple(status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """The differences between the engines.

    ``mark`` writes a parameter. ``store_instant`` turns microseconds of a position into the form in which the engine
    stores an instant. ``use_index`` forces an index. ``is_among`` writes that a column is in a parameter's list of ids,
    which are looked up. ``is_one_of`` writes the same for rows that are walked along: each is compared with all ids at
    once. ``contains`` writes that a text contains a parameter's text. ``has_time_orders`` says that the orders by an
    instant have indexes.
    """

    mark: Callable[[int], str]
    store_instant: Callable[[int], object]
    use_index: Callable[[str], str]
    is_among: Callable[[str, str], str]
    is_one_of: Callable[[str, str], str]
    contains: Callable[[str, str], str]
    has_time_orders: bool


class BuiltStatement(NamedTuple):
    """A built statement, and its parameters in their order."""

    text: str
    parameters: list[object]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltPage:
    """What chooses the vehicles of a page, and its parameters. ``add`` takes further ones."""

    text: str
    order: str
    is_former: bool
    parameters: list[object]
    add: Add


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """The tables that a page is chosen from, and the conditions of all its parts."""

    tables: str
    vehicle_id: str = "v.vehicle_id"
    began: str = "0"  # read only where it matters: PostgreSQL's indexes do not have it
    key: str
    clauses: list[str]
    is_former: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One walk along an index. ``is_first`` says that the position to continue from is in this part."""

    clauses: list[str]
    key: str
    is_keyed: bool  # ordered by key, then id; otherwise by id alone
    is_first: bool
    index: str = ""  # forced, because otherwise SQLite walks through all vehicles in order


def build_list(template: str, account_id: int, query: VehicleQuery, dialect: Dialect) -> BuiltStatement:
    """Give the statement and its parameters. The template has the hooks ``:page``, ``:order`` and ``:version``."""
    page = build_page(account_id, query, dialect)
    return complete_list(template, page, page.text)


def complete_list(template: str, page: BuiltPage, chosen: str) -> BuiltStatement:
    """Give the statement that reads the vehicles which ``chosen`` has chosen, in the order of a page."""
    hooks = {
        ":page": chosen,
        ":version": "v.began = p.began" if page.is_former else "v.is_former = 0",
        ":order": page.order,
    }
    for hook, text in hooks.items():
        template = template.replace(hook, text)
    return BuiltStatement(template, page.parameters)


def build_page(account_id: int, query: VehicleQuery, dialect: Dialect, parts_max: int | None = None) -> BuiltPage:
    """Give what chooses the vehicles of a page, in their order, and the order to keep when more is read of them."""
    parameters: list[object] = [account_id]
    add = collect_parameters(parameters, dialect)
    source = _choose_source(query, None if query.up_to is None else add(query.up_to), dialect)
    clauses = [*source.clauses, *_filter(query, source, add, dialect)]
    limit = int(query.limit)  # a literal: with a parameter the planner assumes a tenth of all rows
    parts = _divide(query, source, add)[:parts_max]
    way = "DESC" if query.descending else "ASC"
    selects = []
    for place, part in enumerate(parts):
        own = [*clauses, *part.clauses, *_go_on(query, source, part, add, dialect)]
        index = dialect.use_index(part.index) if part.index else ""
        select = _write_part(source, part, place, own, way, index)
        selects.append(f"SELECT * FROM ({select} LIMIT {limit}) AS part_{place}")  # noqa: S608 - no value is in it
    page = " UNION ALL ".join(selects)
    # The statement merges the parts into one order.
    is_merged = len(parts) > 1 and query.sort in _REGISTRATION_SORTS
    if is_merged:
        page = f"SELECT * FROM ({page}) AS parts ORDER BY {_give_order(query, source, 'parts', is_keyed=False)}"  # noqa: S608
    order = _give_order(query, source, "p", is_keyed=query.sort not in _REGISTRATION_SORTS)
    return BuiltPage(
        text=f"{page} LIMIT {limit}",
        order=order if is_merged else f"p.part, {order}",
        is_former=source.is_former,
        parameters=parameters,
        add=add,
    )


def build_sums(
    template: str, given: Sequence[object], filters: Mapping[str, str | int], dialect: Dialect
) -> BuiltStatement:
    """Give the statement that sums up statuses. Its parameters are the template's, then those of the filters."""
    parameters = [*given]
    add = collect_parameters(parameters, dialect)
    clauses = [clause for name, value in filters.items() for clause in build_filter(name, value, add)]
    if clauses:
        clauses.append(_ANY_VERSION)
    where = "".join(f"AND {clause} " for clause in clauses)
    text = template.replace(":where", where).replace(":index", give_filter_index(filters, dialect.use_index))
    return BuiltStatement(text, parameters)


def collect_parameters(parameters: list[object], dialect: Dialect) -> Add:
    """Give what adds a value to the parameters of a statement, and gives its mark."""

    def add(value: object) -> str:
        parameters.append(value)
        return dialect.mark(len(parameters))

    return add


def _choose_source(query: VehicleQuery, up_to: str | None, dialect: Dialect) -> _Source:
    """Give the fewest tables that the query needs: data is in ``versions``, the status in ``vehicles``."""
    account = dialect.mark(1)
    is_former = query.status is VehicleStatus.INFO_CHANGED
    if up_to is not None:
        key = "v.vehicle_id" if query.sort in _REGISTRATION_SORTS else _give_past(query.sort, up_to, dialect)
        statuses = _give_statuses(query, _give_past(_STATUS_SORT, up_to, dialect))
        return _Source(
            tables=f"versions AS v {give_filter_index(query.filters, dialect.use_index)}",
            began="v.began",
            key=key,
            clauses=[f"v.account_id = {account}", *_list_past_clauses(query, up_to), *statuses],
            is_former=is_former,
        )
    key = "v.vehicle_id" if query.sort in _REGISTRATION_SORTS else _SORT_COLUMNS[query.sort]
    with_status = key.startswith("h.") or list_statuses(query) != _CURRENT
    clauses = [f"v.account_id = {account}", f"v.is_former = {int(is_former)}", *_give_statuses(query, "h.status")]
    if with_status and not is_former and not query.filters and key not in _VALUE_COLUMNS.values():
        is_divided = query.among is None and query.sort not in TIME_SORTS  # then each part has its own status
        return _Source(
            tables="vehicles AS h",
            vehicle_id="h.vehicle_id",
            key="h.vehicle_id" if query.sort in _REGISTRATION_SORTS else key,
            clauses=[
                f"h.account_id = {account}",
                "h.slot >= 0",
                *([] if is_divided else _give_statuses(query, "h.status")),
            ],
            is_former=False,
        )
    tables = f"versions AS v {'' if query.among is None else _give_index_among(query, dialect)}"
    if with_status:
        tables += " JOIN vehicles AS h ON h.account_id = v.account_id AND h.vehicle_id = v.vehicle_id"
    began = "v.began" if is_former else "0"
    return _Source(tables=tables, began=began, key=key, clauses=clauses, is_former=is_former)


def _give_index_among(query: VehicleQuery, dialect: Dialect) -> str:
    """Give the index by which some vehicles are looked up by their ids, whatever the order is.

    An index of a filter has the ids of one value next to each other, and most vehicles are decided there.
    """
    for name, wanted in query.filters.items():
        if name != "vin" and len(list_filter_keys(name, wanted)) == 1:
            return give_filter_index({name: wanted}, dialect.use_index)
    return dialect.use_index("versions_current")


def _divide(query: VehicleQuery, source: _Source, add: Add) -> list[_Part]:
    """Give the parts of a page in their order."""
    after = query.after
    if (divided := _give_divided(query)) is not None:
        return _divide_by_value(query, source, divided, add)
    if query.sort in FIELDS_BY_NAME:
        field = FIELDS_BY_NAME[query.sort]
        written = write_absent(field)
        is_past_values = after is not None and after.key == (ABSENT_TEXT if field.is_text else ABSENT_NUMBER)
        parts = [
            _Part(clauses=[f"{source.key} <> {written}"], key=source.key, is_keyed=True, is_first=True),
            _Part(clauses=[f"{source.key} = {written}"], key=source.key, is_keyed=False, is_first=is_past_values),
        ]
        return parts[1:] if is_past_values else parts[:1] if query.sort in query.filters else parts
    if source.tables == "vehicles AS h" and query.sort not in TIME_SORTS and query.among is None:
        return _divide_by_status(query, source)
    is_keyed = query.sort not in _REGISTRATION_SORTS
    if source.tables == "vehicles AS h" and query.among is None and VehicleStatus.ACTIVE not in list_statuses(query):
        # All that this order needs is in the index, which has few of all vehicles.
        return [_Part(clauses=[_NOT_ACTIVE], key=source.key, is_keyed=is_keyed, is_first=True, index=_BY_STATUS)]
    return [_Part(clauses=[], key=source.key, is_keyed=is_keyed, is_first=True)]


def _give_divided(query: VehicleQuery) -> str | None:
    """Give the filter whose index the page walks once for each of its values, so that it sorts no more than a page."""
    name = find_divided_filter(query.filters)
    is_walked = query.among is None and query.up_to is None
    return name if is_walked and (query.sort in _REGISTRATION_SORTS or query.sort == name) else None


def _divide_by_value(query: VehicleQuery, source: _Source, name: str, add: Add) -> list[_Part]:
    """Give a part for each value of a filter, in the order of the values."""
    keys = list_filter_keys(name, query.filters[name])
    is_sorted = query.sort == name
    last = query.after.key if is_sorted and query.after is not None else None
    if last in keys:  # the cursor was made for these filters
        keys = keys[: keys.index(last) + 1] if query.descending else keys[keys.index(last) :]
    return [
        _Part(
            clauses=[f"{give_filter_column(name)} = {add(key)}"],
            key=source.key,
            is_keyed=False,
            is_first=not is_sorted or key == last,
        )
        for key in (reversed(keys) if is_sorted and query.descending else keys)
    ]


def _divide_by_status(query: VehicleQuery, source: _Source) -> list[_Part]:
    """Give a part for each status. A part for a status other than Active walks the index in order of the ids."""
    statuses = [status.value for status in list_statuses(query)]
    is_sorted = query.sort == _STATUS_SORT
    last = query.after.key if is_sorted and query.after is not None else None
    if is_sorted and query.descending:
        statuses.reverse()
    if isinstance(last, int):
        statuses = [status for status in statuses if (status <= last if query.descending else status >= last)]
    return [
        _Part(
            clauses=[f"h.status = {status}", *([_NOT_ACTIVE] if status != _ACTIVE else [])],
            index="" if status == _ACTIVE else _BY_STATUS,
            key=str(status) if is_sorted else source.key,
            is_keyed=False,
            is_first=not is_sorted or status == last,
        )
        for status in statuses
    ] or [_Part(clauses=[_NOTHING], key=source.key, is_keyed=False, is_first=False)]


def _write_part(source: _Source, part: _Part, place: int, clauses: list[str], way: str, index: str) -> str:
    order = [*([source.key] if part.is_keyed else []), *_give_identity(source)]
    return (
        f"SELECT {source.vehicle_id} AS vehicle_id, {source.began} AS began, {part.key} AS sort_key, {place} AS part "  # noqa: S608
        f"FROM {source.tables} {index} WHERE {' AND '.join(clauses)} "
        f"ORDER BY {', '.join(f'{column} {way}' for column in order)}"
    )


def _go_on(query: VehicleQuery, source: _Source, part: _Part, add: Add, dialect: Dialect) -> list[str]:
    """Give the condition that the page begins after the requested position."""
    if query.after is None or not part.is_first:
        return []
    columns, values = _give_identity(source), [query.after.vehicle_id, query.after.began][: 1 + source.is_former]
    marks = [add(value) for value in values]
    if part.is_keyed:
        key = query.after.key
        is_time = query.sort in TIME_SORTS and key is not None
        columns = [source.key, *columns]
        marks = [add(dialect.store_instant(int(key)) if is_time and key is not None else key), *marks]
    sign = "<" if query.descending else ">"
    return [f"({', '.join(columns)}) {sign} ({', '.join(marks)})"]


def _give_identity(source: _Source) -> list[str]:
    """Give the columns that end every order: the vehicle, and for former versions also the version.

    An edit between two pages gives a current vehicle a new version. It must not move the vehicle in the order.
    """
    return [source.vehicle_id, source.began] if source.is_former else [source.vehicle_id]


def _give_order(query: VehicleQuery, source: _Source, table: str, *, is_keyed: bool) -> str:
    way = "DESC" if query.descending else "ASC"
    columns = [*(["sort_key"] if is_keyed else []), "vehicle_id", *(["began"] if source.is_former else [])]
    return ", ".join(f"{table}.{column} {way}" for column in columns)


def _filter(query: VehicleQuery, source: _Source, add: Add, dialect: Dialect) -> list[str]:
    """Give the conditions on core data, on texts and on the time of registration."""
    divided = _give_divided(query)
    clauses = [
        clause
        for name, wanted in query.filters.items()
        for clause in (require_value(name) if name == divided else build_filter(name, wanted, add))
    ]
    if query.among is not None:
        clauses.append(dialect.is_among(source.vehicle_id, add(list(query.among))))
    if query.registered_by is not None:
        span = query.registered_by
        clauses.append(f"{source.vehicle_id} BETWEEN {add(span.first)} AND {add(span.last)}")
    return clauses


def list_statuses(query: VehicleQuery) -> tuple[VehicleStatus, ...]:
    """Give the statuses that vehicles may have. For former versions this is the vehicle's present status."""
    return tuple(
        status
        for status in _CURRENT
        if query.status in {None, VehicleStatus.INFO_CHANGED, status}
        and (not query.statuses or status in query.statuses)
        and query.operational in {None, is_operational(status)}
    )


def _give_statuses(query: VehicleQuery, column: str) -> list[str]:
    statuses = list_statuses(query)
    if statuses == _CURRENT:
        return []
    return [f"{column} IN ({', '.join(str(status.value) for status in statuses)})" if statuses else _NOTHING]


def _give_past(sort: str | None, up_to: str, dialect: Dialect) -> str:
    """Give the column, or the query of the record, that says what a vehicle was after a change."""
    hooks = {":index": dialect.use_index("changes_by_vehicle"), ":up_to": up_to, ":account": dialect.mark(1)}
    column = _PAST_COLUMNS[sort]
    for hook, text in hooks.items():
        column = column.replace(hook, text)
    return column


def _list_past_clauses(query: VehicleQuery, up_to: str) -> list[str]:
    if query.status is VehicleStatus.INFO_CHANGED:
        return ["v.is_former = 1", f"v.ended <= {up_to}"]
    clauses = [f"v.began <= {up_to}", f"(v.ended IS NULL OR v.ended > {up_to})"]
    return [_ANY_VERSION, *clauses] if query.filters else clauses
