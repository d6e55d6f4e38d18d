"""What a list of vehicles shows. Its address holds all of it, so a list can be kept, sent and gone back to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from padron.console.fields import Fields, Pair
from padron.domain.ids import parse_timed_id
from padron.domain.query import FILTER_FIELDS, SORT_FIELDS
from padron.domain.searching import SEARCH_LENGTH_MAX
from padron.service.vehicles.questions import (
    OPERATIONAL_FILTER,
    SEARCH,
    SEVERAL_FILTERS,
    SORT,
    STATUS_FILTER,
    VALUES_MAX,
)

COLUMN = "column"
LIMIT = "limit"
CURSOR = "cursor"
VIEW = "view"  # the field of the saved view that a list began with
ALL = "all"  # the view of an address that means all vehicles, where a bare one means somebody's first view
LIMITS = (25, 50, 100, 200)
LIMIT_USUAL = 50
COLUMNS: tuple[str, ...] = (*SORT_FIELDS[1:],)  # the VIN is always shown
COLUMNS_USUAL = ("vehicleStatusId", "plate", "customId", "brandName", "modelName", "ownerName", "statusSince")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListState:
    """The state of a list."""

    search: str
    filters: tuple[Pair, ...]  # by the names of the API, a name perhaps several times
    sort: str | None
    columns: tuple[str, ...]
    limit: int
    cursor: str | None
    view: str = ""  # the id of the saved view that it began with

    @property
    def is_narrow(self) -> bool:
        """Say whether the list shows only some vehicles."""
        return bool(self.search or self.filters)

    @property
    def sorted_by(self) -> str:
        """The field of the order, without its direction; empty for the order of registration."""
        return (self.sort or "").removeprefix("-")

    @property
    def is_descending(self) -> bool:
        """Say whether the order is reversed."""
        return (self.sort or "").startswith("-")

    def list_pairs(self) -> list[Pair]:
        """Give the fields of the list's address. What is as usual is left out, but the address is never bare."""
        return list(self._give_pairs()) or [Pair(VIEW, ALL)]

    def at(self, cursor: str | None) -> list[Pair]:
        """Give the address of another page of the same list."""
        return replace(self, cursor=cursor).list_pairs()

    def sort_by(self, name: str) -> list[Pair]:
        """Give the address of the list in another order: by a field, and backwards if it is in this order already."""
        sort = f"-{name}" if self.sort == name else name
        return replace(self, sort=sort, cursor=None).list_pairs()

    def drop(self, dropped: Pair) -> list[Pair]:
        """Give the address of the list without one filter's value."""
        kept = tuple(pair for pair in self.filters if pair != dropped)
        return replace(self, filters=kept, cursor=None).list_pairs()

    def widen(self) -> list[Pair]:
        """Give the address of the list without search and filters."""
        return replace(self, search="", filters=(), cursor=None).list_pairs()

    def unfilter(self) -> list[Pair]:
        """Give the address of the same search among all vehicles."""
        return replace(self, filters=(), cursor=None).list_pairs()

    def list_others(self, *names: str) -> list[Pair]:
        """Give the fields that a form for these names must keep. It begins at the first page."""
        return [pair for pair in self._give_pairs() if pair.name not in {*names, CURSOR}]

    def list_but_statuses(self) -> list[Pair]:
        """Give what the form of the statuses must keep. It may be sent without any, but never to a bare address."""
        return self.list_others(STATUS_FILTER, OPERATIONAL_FILTER) or [Pair(VIEW, ALL)]

    def list_asked(self) -> list[Pair]:
        """Give what a saved view keeps as its question. The columns go beside it."""
        return [pair for pair in self._give_pairs() if pair.name not in {CURSOR, COLUMN, VIEW}]

    def is_like(self, other: "ListState") -> bool:
        """Say whether both show the same, apart from the page."""
        return replace(self, cursor=None, view="") == replace(other, cursor=None, view="")

    def get_values(self, name: str) -> list[str]:
        """Give the values of one filter."""
        return [pair.value for pair in self.filters if pair.name == name]

    def _give_pairs(self) -> Iterator[Pair]:
        if self.search:
            yield Pair(SEARCH, self.search)
        yield from self.filters
        if self.sort:
            yield Pair(SORT, self.sort)
        if self.columns != COLUMNS_USUAL:
            yield from (Pair(COLUMN, name) for name in self.columns)
        if self.limit != LIMIT_USUAL or self.view:  # with a view alone, an address means the view as it was saved
            yield Pair(LIMIT, str(self.limit))
        if self.view:
            yield Pair(VIEW, self.view)
        if self.cursor is not None:
            yield Pair(CURSOR, self.cursor)


def read_state(query: Fields) -> ListState:
    """Give the state that an address holds. A value that makes no sense in it is as usual."""
    names = (*FILTER_FIELDS, "vin", STATUS_FILTER, OPERATIONAL_FILTER)
    columns = tuple(name for name in COLUMNS if name in query.get_all(COLUMN))
    limit = query.get(LIMIT)
    sort = query.get(SORT)
    added = Pair(query.get("field"), query.get("value"))  # of the form that adds a filter
    if added.name in FILTER_FIELDS and added.value:
        query = Fields((*query, added))
    filters = [Pair(name, value) for name in names for value in _choose_values(name, query.get_all(name))]
    return ListState(
        search=query.get(SEARCH).strip()[:SEARCH_LENGTH_MAX],
        filters=tuple(filters),
        sort=sort if sort.removeprefix("-") in SORT_FIELDS else None,
        columns=columns or COLUMNS_USUAL,
        limit=int(limit) if limit in {str(one) for one in LIMITS} else LIMIT_USUAL,
        cursor=query.get(CURSOR) or None,
        view=query.get(VIEW) if parse_timed_id(query.get(VIEW)) is not None else "",
    )


def _choose_values(name: str, values: list[str]) -> list[str]:
    """Give the values of a filter that count: any of several, or the last one where only one makes sense."""
    return values[:VALUES_MAX] if name in SEVERAL_FILTERS else values[-1:]
