"""Finds the vehicles of a search, in any order and with any filters, with bounded work for each page.

The index of grams proposes vehicles in order of registration. If it proposes few, a page is chosen from all of them.
If it proposes many, most vehicles have the words, so the list is sifted: a few thousand vehicles hold a page. Between
the two there is no gap: what is too common to be proposed is found soon, unless the order has it all at the end. Then
a page is short and says where to go on. Words of one or two characters have no grams, so they are always sifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.query import ListedVehicle, Position, VehicleQuery
from padron.domain.searching import choose_grams
from padron.store.base import Reader
from padron.store.sql.searching import LAST_VEHICLE


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchBounds:
    """How many vehicles are looked at for one page.

    ``chosen_max`` is the number of proposed vehicles from which a page of any order is chosen. ``proposals`` are the
    steps of a page in order of registration, and ``sifts`` the steps of a sift. The first steps are short, because
    they often do. ``glance`` is how many vehicles are looked at first, in case that most of them have the words.
    """

    glance: int
    chosen_max: int
    proposals: tuple[int, ...]
    sifts: tuple[int, ...]


BOUNDS = SearchBounds(glance=200, chosen_max=20_000, proposals=(500, 5_000, 20_000), sifts=(2_000, 10_000, 20_000))

_REGISTRATION_SORTS = frozenset({None, "createdAt"})
_TIME_SORTS = frozenset({"statusSince", "updatedAt"})  # SQLite sorts all vehicles for each step


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRows:
    """Vehicles that a search found, at most as many as were asked for.

    ``last`` is the place of the last vehicle that was looked at, if the work ended before the page was full and more
    may follow.
    """

    rows: list[ListedVehicle]
    last: Position | None = None


async def search_vehicles(reader: Reader, query: VehicleQuery, bounds: SearchBounds = BOUNDS) -> FoundRows:
    """Give ``query.limit`` current vehicles after ``query.after`` that have all words, or fewer."""
    grams = choose_grams(query.words)
    is_timed = query.sort in _TIME_SORTS
    sifts = bounds.sifts[:1] if is_timed else bounds.sifts
    if not grams:
        return await _sift(reader, query, sifts)
    if not is_timed:
        found = await _sift(reader, query, [bounds.glance])
        if len(found.rows) == query.limit or found.last is None:
            return found
    if query.sort in _REGISTRATION_SORTS:
        return await _follow(reader, query, grams, bounds.proposals)
    proposed = await reader.propose_vehicles(grams, bounds.chosen_max + 1)
    if len(proposed) <= bounds.chosen_max:
        return FoundRows(rows=await reader.list_vehicles(replace(query, among=proposed)) if proposed else [])
    return await _sift(reader, query, sifts)


async def _follow(reader: Reader, query: VehicleQuery, grams: Sequence[int], steps: Sequence[int]) -> FoundRows:
    """Give a page in order of registration, which is the order of the index."""
    rows: list[ListedVehicle] = []
    after, before = 0, LAST_VEHICLE
    if query.after is not None and query.descending:
        before = query.after.vehicle_id
    elif query.after is not None:
        after = query.after.vehicle_id
    for size in steps:
        proposed = await reader.propose_next(grams, after=after, before=before, descending=query.descending, limit=size)
        if proposed:
            part = replace(query, among=proposed, after=None, limit=query.limit - len(rows))
            rows += await reader.list_vehicles(part)
        if len(rows) == query.limit or len(proposed) < size:
            return FoundRows(rows=rows)
        after, before = (after, proposed[-1]) if query.descending else (proposed[-1], before)
    reached = before if query.descending else after
    return FoundRows(rows=rows, last=Position(key=None if query.sort is None else reached, vehicle_id=reached, began=0))


async def _sift(reader: Reader, query: VehicleQuery, steps: Sequence[int]) -> FoundRows:
    """Give a page by looking at one vehicle of the list after the other."""
    rows: list[ListedVehicle] = []
    place = query.after
    for size in steps:
        part = replace(query, after=place, limit=query.limit - len(rows))
        sifted = await reader.sift_vehicles(part, size)
        if sifted.hits:
            ids = [hit.vehicle_id for hit in sifted.hits]
            rows += await reader.list_vehicles(replace(part, among=ids))
        if len(rows) == query.limit:
            return FoundRows(rows=rows)
        # A vehicle that was edited meanwhile is missing, so a full step does not make a full page.
        place = sifted.hits[-1] if len(sifted.hits) == part.limit else sifted.last
        if place is None:
            return FoundRows(rows=rows)
    return FoundRows(rows=rows, last=place)
