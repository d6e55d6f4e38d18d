"""Finds the vehicles of a search, in any order and with any filters, with bounded work for each page.

The index of grams proposes vehicles in order of registration. If it proposes few, a page is chosen from all of them:
many of them are met soon by a walk along the order's index, and few of them are looked up. If it proposes many, most
vehicles have the words, so the list is sifted: a few thousand vehicles hold a page. Between the two there is no gap:
what is too common to be proposed is found soon, unless the order has it all at the end. Then a page is short and says
where to go on. Words of one or two characters have no grams, so they are always sifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from padron.domain.query import TIME_SORTS, ListedVehicle, Position, VehicleQuery
from padron.domain.searching import choose_grams
from padron.domain.vehicle import FIELDS_BY_NAME
from padron.store.reader import Reader
from padron.store.sql.searching import LAST_VEHICLE, PROPOSE_S


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchBounds:
    """How many vehicles are looked at for one page.

    ``chosen_max`` is the number of proposed vehicles from which a page of any order is chosen. ``proposals`` are the
    steps of a page in order of registration, and ``sifts`` the steps of a sift. The first steps are short, because
    they often do. ``glance`` is how many vehicles are looked at first, in case that most of them have the words.
    A sift ends after about ``sift_s``. On PostgreSQL its statements see to that. So does the size of its steps, by the
    pace of the step before, but with fewer than ``sift_min`` vehicles the statements themselves take the time.

    One look-up takes as long as a walk along ``look_up`` vehicles. ``looked_up`` vehicles are looked up at once. When
    proposing or looking up has taken ``choose_s``, the list is sifted instead.
    """

    glance: int
    chosen_max: int
    proposals: tuple[int, ...]
    sifts: tuple[int, ...]
    sift_s: float
    sift_min: int = 256
    look_up: int = 20
    looked_up: int = 7_500
    choose_s: float = PROPOSE_S


BOUNDS = SearchBounds(
    glance=200,
    chosen_max=20_000,
    proposals=(500, 5_000, 20_000),
    sifts=(2_000, 4_000, 6_000, 6_000, 6_000, 8_000),
    sift_s=0.1,
)

_REGISTRATION_SORTS = frozenset({None, "createdAt"})
_STEP_MARGIN = 1.5  # a step may take so many times the time that is left
_WALK_FIRST = 2**14  # vehicles: show how fast a walk is, and whether it meets any, before a long one begins
_WALK_MARGIN = 1.5  # times what a walk takes to meet a page of vehicles that are spread evenly


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
        return await _sift(reader, query, bounds, sifts)
    pace_s = 0.0
    if not is_timed:
        begun_s = monotonic()
        found = await _sift(reader, query, bounds, [bounds.glance])
        if len(found.rows) == query.limit or found.last is None:
            return found
        pace_s = (monotonic() - begun_s) / bounds.glance
    grams = await reader.choose_grams(query.words)
    if query.sort in _REGISTRATION_SORTS:
        return await _follow(reader, query, grams, bounds.proposals)
    if not await reader.propose_more(grams, bounds.chosen_max):
        proposed = await reader.propose_vehicles(query.words, grams, bounds.chosen_max + 1, bounds.choose_s)
        if proposed.count <= bounds.chosen_max:
            chosen = await _choose(reader, query, proposed.hits, bounds)
            if chosen is not None:
                return FoundRows(rows=chosen)
    return await _sift(reader, query, bounds, sifts, pace_s)


async def _choose(
    reader: Reader, query: VehicleQuery, ids: Sequence[int], bounds: SearchBounds
) -> list[ListedVehicle] | None:
    """Give those of these vehicles that come first. None if that would take too long."""
    rows = await _walk(reader, query, ids, bounds)
    if rows is not None:
        return rows
    begun_s = monotonic()
    first: list[int] = []
    for start in range(0, len(ids), bounds.looked_up):
        if start and monotonic() - begun_s >= bounds.choose_s:
            return None
        part = await _list_among(reader, query, ids[start : start + bounds.looked_up])
        if len(ids) <= bounds.looked_up:
            return part
        first += [version.vehicle.vehicle_id for version, _ in part]
    return await _list_among(reader, query, first)  # the first ones of all are among those of each part


async def _walk(
    reader: Reader, query: VehicleQuery, ids: Sequence[int], bounds: SearchBounds
) -> list[ListedVehicle] | None:
    """Give a page of these vehicles by a walk along the order. None if it is dearer than looking all of them up.

    Only an index that has all that an order needs is walked along.
    """
    if query.sort not in FIELDS_BY_NAME or query.filters or query.has_status or len(ids) < query.limit:
        return None
    count = max(await reader.count_current(), len(ids))
    expected = query.limit * count // len(ids)
    if expected > len(ids) * bounds.look_up:
        return None
    needed = min(int(expected * _WALK_MARGIN), count)
    for size in (_WALK_FIRST, _round_up(needed)):
        begun_s = monotonic()
        rows = await reader.find_along(replace(query, words=(), among=ids), size)
        if len(rows) == query.limit:
            return rows
        is_rare = len(rows) * expected * 2 < size * query.limit  # here they are half as many as elsewhere, or fewer
        if size >= needed or is_rare or (monotonic() - begun_s) * needed > size * bounds.sift_s:
            return None
    return None


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


async def _sift(
    reader: Reader, query: VehicleQuery, bounds: SearchBounds, steps: Sequence[int], pace_s: float = 0.0
) -> FoundRows:
    """Give a page by looking at one vehicle of the list after the other, each in about ``pace_s``."""
    rows: list[ListedVehicle] = []
    place, begun_s = query.after, monotonic()
    for step in steps:
        began_s = monotonic()
        left_s = begun_s + bounds.sift_s - began_s
        if place is not query.after and left_s <= 0:
            break
        # Half as much again as there is time for is no reason to ask once more.
        is_fit = pace_s * step <= max(left_s, 0) * _STEP_MARGIN
        size = step if is_fit else max(_round_down(int(left_s / pace_s)), min(bounds.sift_min, step))
        part = replace(query, after=place, limit=query.limit - len(rows))
        sifted = await reader.sift_vehicles(part, size, left_s)
        rows += await _list_among(reader, part, [hit.vehicle_id for hit in sifted.hits])
        if len(rows) == query.limit:
            return FoundRows(rows=rows)
        # A vehicle that was edited meanwhile is missing, so a full step does not make a full page.
        place = sifted.hits[-1] if len(sifted.hits) == part.limit else sifted.last
        if place is None:
            return FoundRows(rows=rows)
        pace_s = (monotonic() - began_s) / size
    return FoundRows(rows=rows, last=place)


def _round_down(number: int) -> int:
    """Give the power of two that is not above a number. With few different sizes, few statements are planned."""
    return 1 << (number.bit_length() - 1) if number > 0 else 0


def _round_up(number: int) -> int:
    return 1 << (number - 1).bit_length()


async def _list_among(reader: Reader, query: VehicleQuery, ids: Sequence[int]) -> list[ListedVehicle]:
    """Give those of these vehicles, which have all words, that the query asks for."""
    return await reader.list_vehicles(replace(query, words=(), among=ids)) if ids else []
