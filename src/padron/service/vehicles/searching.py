"""Finds the vehicles of a search, in any order and with any filters, with bounded work for each page.

The index of grams proposes vehicles in order of registration. If it proposes few, a page is chosen from all of them.
If it proposes many, most vehicles have the words, so the list is sifted: a few thousand vehicles hold a page. Between
the two there is no gap: what is too common to be proposed is found soon, unless the order has it all at the end. Then
a page is short and says where to go on. Words of one or two characters have no grams, so they are always sifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from padron.domain.query import TIME_SORTS, ListedVehicle, Position, VehicleQuery
from padron.domain.searching import choose_grams
from padron.store.reader import Reader
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
    sift_s: float


BOUNDS = SearchBounds(
    glance=200,
    chosen_max=20_000,
    proposals=(500, 5_000, 20_000),
    sifts=(2_000, 4_000, 6_000, 6_000, 6_000, 8_000),
    sift_s=0.1,
)

_REGISTRATION_SORTS = frozenset({None, "createdAt"})


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
    is_timed = query.sort in TIME_SORTS and not reader.has_time_orders  # then each step sorts all vehicles
    sifts = bounds.sifts[:1] if is_timed else bounds.sifts
    if not choose_grams(query.words):
        return await _sift(reader, query, sifts, bounds.sift_s)
    if not is_timed:
        found = await _sift(reader, query, [bounds.glance], bounds.sift_s)
        if len(found.rows) == query.limit or found.last is None:
            return found
    grams = await reader.choose_grams(query.words)
    if query.sort in _REGISTRATION_SORTS:
        return await _follow(reader, query, grams, bounds.proposals)
    if not await reader.propose_more(grams, bounds.chosen_max):
        proposed = await reader.propose_vehicles(query.words, grams, bounds.chosen_max + 1)
        if proposed.count <= bounds.chosen_max:
            return FoundRows(rows=await _list_among(reader, query, proposed.hits))
    return await _sift(reader, query, sifts, bounds.sift_s)


async def _follow(reader: Reader, query: VehicleQuery, grams: Sequence[int], steps: Sequence[int]) -> FoundRows:
    """Give a page in order of registration, which is the order of the index."""
    rows: list[ListedVehicle] = []
    after, before = 0, LAST_VEHICLE
    if query.after is not None and query.descending:
        before = query.after.vehicle_id
    elif query.after is not None:
        after = query.after.vehicle_id
    for size in steps:
        proposed = await reader.propose_next(
            query.words, grams, after=after, before=before, descending=query.descending, limit=size
        )
        part = replace(query, after=None, limit=query.limit - len(rows))
        rows += await _list_among(reader, part, proposed.hits)
        if len(rows) == query.limit or proposed.count < size:
            return FoundRows(rows=rows)
        after, before = (after, proposed.last) if query.descending else (proposed.last, before)
    reached = before if query.descending else after
    return FoundRows(rows=rows, last=Position(key=None if query.sort is None else reached, vehicle_id=reached, began=0))


async def _sift(reader: Reader, query: VehicleQuery, steps: Sequence[int], sift_s: float) -> FoundRows:
    """Give a page by looking at one vehicle of the list after the other."""
    rows: list[ListedVehicle] = []
    place, begun_s = query.after, monotonic()
    for size in steps:
        if place is not query.after and monotonic() - begun_s >= sift_s:
            break
        part = replace(query, after=place, limit=query.limit - len(rows))
        sifted = await reader.sift_vehicles(part, size)
        rows += await _list_among(reader, part, [hit.vehicle_id for hit in sifted.hits])
        if len(rows) == query.limit:
            return FoundRows(rows=rows)
        # A vehicle that was edited meanwhile is missing, so a full step does not make a full page.
        place = sifted.hits[-1] if len(sifted.hits) == part.limit else sifted.last
        if place is None:
            return FoundRows(rows=rows)
    return FoundRows(rows=rows, last=place)


async def _list_among(reader: Reader, query: VehicleQuery, ids: Sequence[int]) -> list[ListedVehicle]:
    """Give those of these vehicles, which have all words, that the query asks for."""
    return await reader.list_vehicles(replace(query, words=(), among=ids)) if ids else []
