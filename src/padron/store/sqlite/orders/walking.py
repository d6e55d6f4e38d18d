"""Finds the vehicles of a page by an instant along the record of changes.

The instants of changes never fall, so the record is in the order of the list. Each vehicle's place is that of its last
change. The walk looks at the changes that have a bit, and at all that have none yet, and asks the list's own statement
which of their vehicles belong to the page. So a bit that is behind costs time, and the page is exact.

All statements of a walk must see one instant.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import isqrt
from typing import NamedTuple

import apsw

from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.store.sql.listing import build_list, list_statuses
from padron.store.sqlite.orders.marks import BOUNDS, STATUS, Asked, OrderBounds, OrderMark, list_set
from padron.store.sqlite.port import DIALECT, SQL, bind

_MORE = 14  # changes that are looked at beyond a page, because some are not the last of their vehicle
_LOOK_MAX = 4_096  # changes that are looked at in one statement
_BLOCKS = 16  # rows of bits that are read at once


class _ListPlace(NamedTuple):
    """A vehicle's place in the order."""

    at: int
    vehicle_id: int


class _RecordStep(NamedTuple):
    """A change of the record."""

    number: int
    vehicle_id: int
    at: int


def find_page(
    connection: apsw.Connection, account_id: int, query: VehicleQuery, bounds: OrderBounds = BOUNDS
) -> list[int] | None:
    """Give the ids of some vehicles, in no order, that have all of a page; None if the list must find it otherwise."""
    if query.status is VehicleStatus.INFO_CHANGED:  # former versions are in no order of their own
        return None
    asked = Asked(connection, account_id)
    mark = asked.find_mark()
    if mark is None or not mark.is_usable or _has_few_statuses(asked, query, bounds):
        return None
    # A power of two, because it is a literal of the statement, and SQLite keeps some statements.
    few = (1 << isqrt(bounds.few_square * mark.vehicle_count).bit_length()) >> 1
    for name, wanted in query.filters.items():
        found = _list_filtered(asked, VehicleQuery(filters={name: wanted}, limit=few))
        if len(found) < few:
            return None if len(query.filters) == 1 else found
    return _Walk(asked, mark, query, bounds).find_page()


def _has_few_statuses(asked: Asked, query: VehicleQuery, bounds: OrderBounds) -> bool:
    """Say whether so few vehicles have the statuses that the list sorts them faster."""
    statuses = list_statuses(query)
    if VehicleStatus.ACTIVE in statuses:
        return False
    numbers = json.dumps([status.value for status in statuses])
    ((count,),) = asked.ask("count_not_active", numbers, bounds.few_by_status)
    return int(count) < bounds.few_by_status


def _list_filtered(asked: Asked, query: VehicleQuery) -> list[int]:
    """Give the ids of the first vehicles that one filter leaves."""
    built = build_list(SQL["choose_among"], asked.account_id, query, DIALECT)
    return [int(str(row[0])) for row in asked.connection.execute(built.text, bind(built.parameters))]


class _Walk:
    """A walk for one page."""

    def __init__(self, asked: Asked, mark: OrderMark, query: VehicleQuery, bounds: OrderBounds) -> None:
        self._asked = asked
        self._mark = mark
        self._query = query
        self._bounds = bounds
        self._found: list[_ListPlace] = []
        self._seen: set[int] = set()

    def find_page(self) -> list[int] | None:
        limit, size = self._query.limit, self._query.limit + _MORE
        looked_max = max(self._mark.vehicle_count // self._bounds.looked_share, self._bounds.looked_min)
        is_status = int(self._query.sort == STATUS)
        numbers = self._list_numbers()
        while True:
            portion = list(islice(numbers, size))
            steps = [
                _RecordStep(*row) for row in self._asked.ask("list_changed_vehicles", json.dumps(portion), is_status)
            ]
            self._look(steps)
            is_end = len(portion) < size
            settled = self._found if is_end else self._list_settled(steps)
            if is_end or len(settled) >= limit:
                return [place.vehicle_id for place in sorted(settled, reverse=self._query.descending)[:limit]]
            if len(self._seen) >= looked_max:
                return None
            size = min(size * 2, _LOOK_MAX)

    def _look(self, steps: Sequence[_RecordStep]) -> None:
        """Find the vehicles of some changes that belong to the list after the page before."""
        ids = list(dict.fromkeys(step.vehicle_id for step in steps if step.vehicle_id not in self._seen))
        self._seen.update(ids)
        if ids:
            # The limit is a literal of the statement, so a few sizes let SQLite keep the statements.
            part = replace(self._query, among=ids, limit=_LOOK_MAX)
            built = build_list(SQL["choose_among"], self._asked.account_id, part, DIALECT)
            rows = self._asked.connection.execute(built.text, bind(built.parameters))
            self._found += [_ListPlace(int(str(at)), int(str(vehicle_id))) for vehicle_id, at in rows]

    def _list_settled(self, steps: Sequence[_RecordStep]) -> list[_ListPlace]:
        """Give the found places before which no vehicle can follow any more."""
        if not steps:
            return []
        last = steps[-1]
        if self._query.descending:
            settled = [place for place in self._found if place.at > last.at]
        else:
            settled = [place for place in self._found if place.at < last.at]
        if len(settled) >= self._query.limit or len(self._found) < self._query.limit:
            return settled
        # Changes of one instant are in no order. But a vehicle's id is the number of its registration.
        if not self._is_rest_registered(last):
            return settled
        if self._query.descending:
            return [place for place in self._found if place >= (last.at, last.number)]
        return [place for place in self._found if place.at <= last.at]

    def _is_rest_registered(self, last: _RecordStep) -> bool:
        """Say whether the changes of the same instant that the walk did not reach only registered vehicles."""
        if self._query.descending:
            begin, end = self._find_first(last.at), last.number - 1
        else:
            begin, end = last.number + 1, self._find_first(last.at + 1) - 1
        return self._list_others(begin, end, 1) == []

    def _list_numbers(self) -> Iterator[int]:
        """Give the numbers of the changes to look at, in the order of the list, from the place to go on from."""
        after, next_number, last = self._query.after, self._mark.next_number, self._mark.last_change
        if not self._query.descending:
            start = 1
            if after is not None:
                start = self._find_first(int(str(after.key)))
                # A vehicle's id is at most the number of its change, so these come before the place to go on from.
                start = max(start, min(after.vehicle_id + 1, self._find_first(int(str(after.key)) + 1)))
            yield from self._list_set_up(start)
            yield from range(max(start, next_number), last + 1)
            return
        start = last
        if after is not None:
            start = self._find_first(int(str(after.key)) + 1) - 1
            begin = max(after.vehicle_id, self._find_first(int(str(after.key))))
            if (others := self._list_others(begin, start, _LOOK_MAX)) is not None:
                yield from reversed(others)
                start = min(start, begin - 1)
        yield from range(start, next_number - 1, -1)
        yield from self._list_set_down(min(start, next_number - 1))

    def _list_others(self, begin: int, end: int, limit: int) -> list[int] | None:
        """Give the changes from one number to another one that registered no vehicle; None if there are too many.

        The other changes registered vehicles with these numbers as ids, which come before the place to go on from.
        """
        if begin > end or end - begin >= self._bounds.spread_max:
            return [] if begin > end else None
        # Mostly each of these numbers is the id of a vehicle that is still current, which takes little time to count.
        ((count,),) = self._asked.ask("count_current_between", begin, end)
        rows = [] if count == end - begin + 1 else self._asked.ask("list_no_registrations", begin, end, limit)
        return [number for (number,) in rows] if len(rows) < limit else None

    def _list_set_up(self, start: int) -> Iterator[int]:
        size = self._bounds.block
        begin, end = start // size, self._mark.next_number // size - 1
        while begin <= end:
            rows = self._asked.ask("list_blocks_up", self._query.sort, begin, end, _BLOCKS)
            for block, bits in rows:
                yield from (number for place in list_set(bits) if (number := block * size + place) >= start)
            if len(rows) < _BLOCKS:
                return
            begin = rows[-1][0] + 1

    def _list_set_down(self, start: int) -> Iterator[int]:
        size = self._bounds.block
        end = start // size
        while end >= 0:
            rows = self._asked.ask("list_blocks_down", self._query.sort, 0, end, _BLOCKS)
            for block, bits in rows:
                places = reversed(list(list_set(bits)))
                yield from (number for place in places if (number := block * size + place) <= start)
            if len(rows) < _BLOCKS:
                return
            end = rows[-1][0] - 1

    def _find_first(self, at: int) -> int:
        """Give the number of the first change at an instant or later, or the one after the last change."""
        before, found = 0, self._mark.last_change + 1
        while found - before > 1:
            middle = (before + found) // 2
            rows = self._asked.ask("find_change_from", middle)
            if not rows or rows[0][1] >= at:
                found = middle
            else:
                before = rows[0][0]
        return found
