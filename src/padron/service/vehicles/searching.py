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
    they often do.
    """

    chosen_max: int
    proposals: tuple[int, ...]
    sifts: tuple[int, ...]


BOUNDS = SearchBounds(chosen_max=20_000, proposals=(500, 5_000, 20_000), sifts=(1_000, 5_000, 20_000, 20_000))

_REGISTRATION_SORTS = frozenset({None, "createdAt"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRows:
    """Vehicles that a search found, at most as many as were asked for.

    ``last`` is the last vehicle that was looked at, if the work ended before the page was full and more may follow.
    """

    rows: list[ListedVehicle]
    last: ListedVehicle | None = None


async def search_vehicles(reader: Reader, query: VehicleQuery, bounds: SearchBounds = BOUNDS) -> FoundRows:
    """Give ``query.limit`` current vehicles after ``query.after`` that have all words, or fewer."""
    grams = choose_grams(query.words)
    if not grams:
        return await _sift(reader, query, bounds)
    if query.sort in _REGISTRATION_SORTS:
        return await _follow(reader, query, grams, bounds)
    proposed = await reader.propose_vehicles(
        grams, after=0, before=LAST_VEHICLE, descending=False, limit=bounds.chosen_max + 1
    )
    if len(proposed) <= bounds.chosen_max:
        return FoundRows(rows=await reader.list_vehicles(replace(query, among=proposed)) if proposed else [])
    return await _sift(reader, query, bounds)


async def _follow(reader: Reader, query: VehicleQuery, grams: Sequence[int], bounds: SearchBounds) -> FoundRows:
    """Give a page in order of registration, which is the order of the index."""
    rows: list[ListedVehicle] = []
    after, before = 0, LAST_VEHICLE
    if query.after is not None and query.descending:
        before = query.after.vehicle_id
    elif query.after is not None:
        after = query.after.vehicle_id
    last: ListedVehicle | None = None
    for size in bounds.proposals:
        proposed = await reader.propose_vehicles(
            grams, after=after, before=before, descending=query.descending, limit=size
        )
        if proposed:
            part = replace(query, among=proposed, after=None, limit=query.limit - len(rows))
            rows += await reader.list_vehicles(part)
        if len(rows) == query.limit or len(proposed) < size:
            return FoundRows(rows=rows)
        after, before = (after, proposed[-1]) if query.descending else (proposed[-1], before)
        last = await _find_row(reader, query, proposed[-1]) or (rows[-1] if rows else last)
    return FoundRows(rows=rows, last=last)


async def _sift(reader: Reader, query: VehicleQuery, bounds: SearchBounds) -> FoundRows:
    """Give a page by looking at one vehicle of the list after the other."""
    rows: list[ListedVehicle] = []
    place = query.after
    last: ListedVehicle | None = None
    for size in bounds.sifts:
        part = replace(query, after=place, limit=query.limit - len(rows))
        sifted = await reader.sift_vehicles(part, size)
        if sifted.hits:
            ids = [hit.vehicle_id for hit in sifted.hits]
            rows += await reader.list_vehicles(replace(part, among=ids))
        if len(rows) == query.limit:
            return FoundRows(rows=rows)
        # A vehicle that was edited meanwhile may be missing, so a full step does not make a full page.
        reached = sifted.hits[-1] if len(sifted.hits) == part.limit else sifted.last
        if reached is None:
            return FoundRows(rows=rows)
        place = reached
        found = await _find_row(reader, query, reached.vehicle_id)
        last = found if found is not None and _is_at(found.position, reached) else rows[-1] if rows else last
    return FoundRows(rows=rows, last=last)


async def _find_row(reader: Reader, query: VehicleQuery, vehicle_id: int) -> ListedVehicle | None:
    """Give a vehicle with its place in the order; None when it is not current any more."""
    asked = VehicleQuery(filters={}, sort=query.sort, among=[vehicle_id], limit=1)
    rows = await reader.list_vehicles(asked)
    return rows[0] if rows else None


def _is_at(position: Position, place: Position) -> bool:
    return (position.key, position.vehicle_id) == (place.key, place.vehicle_id)
