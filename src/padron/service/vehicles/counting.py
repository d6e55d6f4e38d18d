"""Counts the vehicles of a list: at once up to a bound, or exactly, in portions that hold up nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import Span
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.service.runtime import Runtime
from padron.service.vehicles.searching import BOUNDS
from padron.store.reader import Reader
from padron.store.sql.searching import LAST_VEHICLE

COUNTED_MAX = 10_000  # vehicles that are counted at once
PORTION_CHANGES = 200_000  # an exact count looks at the vehicles registered by so many changes: 0.2 s at most
_ALL = 2**31 - 1  # more than a portion has


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleCount:
    """The number of vehicles of a list, or the least that there are."""

    count: int
    is_exact: bool


async def count_vehicles(
    runtime: Runtime, principal: Principal, query: VehicleQuery, *, exactly: bool = False
) -> VehicleCount:
    """Give how many vehicles match, in no more time than a page of the list takes, unless ``exactly``.

    An exact count is of vehicles that may change meanwhile. Counting takes the account's turns. Raises
    ``bad_parameters`` for the past.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    if query.as_of is not None:
        raise PadronError(Code.BAD_PARAMETERS, "Only present vehicles are counted: leave out asOf.")
    reader = runtime.store.read(principal.account_id)
    asked = replace(query, sort=None, descending=False, after=None)
    if _is_all(asked):
        return VehicleCount(count=await reader.count_current(), is_exact=True)
    if not exactly:
        async with runtime.turns.take(principal.account_id):
            return await _estimate(reader, asked)
    count = 0
    grams = await reader.choose_grams(asked.words)
    last = await reader.find_last_change()
    for first in range(1, last + 1, PORTION_CHANGES):
        span = Span(first=first, last=min(first + PORTION_CHANGES - 1, last))
        async with runtime.turns.take(principal.account_id):
            count += await _count_portion(reader, replace(asked, registered_by=span, limit=_ALL), grams, span)
    return VehicleCount(count=count, is_exact=True)


def _is_all(query: VehicleQuery) -> bool:
    return not query.filters and not query.words and not query.has_status


async def _estimate(reader: Reader, query: VehicleQuery) -> VehicleCount:
    if not query.words:
        count = await reader.count_listed(replace(query, limit=COUNTED_MAX + 1))
        return VehicleCount(count=min(count, COUNTED_MAX), is_exact=count <= COUNTED_MAX)
    if grams := await reader.choose_grams(query.words):
        proposed = await reader.propose_vehicles(query.words, grams, BOUNDS.chosen_max + 1)
        count = await _count_among(reader, replace(query, limit=_ALL), proposed.hits)
        return VehicleCount(count=count, is_exact=proposed.count <= BOUNDS.chosen_max)
    looked_at = replace(query, limit=BOUNDS.chosen_max)
    walked = await reader.count_listed(replace(looked_at, words=()))
    return VehicleCount(count=await reader.count_listed(looked_at), is_exact=walked < BOUNDS.chosen_max)


async def _count_portion(reader: Reader, query: VehicleQuery, grams: Sequence[int], span: Span) -> int:
    if not grams:
        return await reader.count_listed(query)
    count, after, before = 0, span.first - 1, min(span.last + 1, LAST_VEHICLE)
    while True:
        proposed = await reader.propose_next(
            query.words, grams, after=after, before=before, descending=False, limit=BOUNDS.chosen_max
        )
        count += await _count_among(reader, query, proposed.hits)
        if proposed.count < BOUNDS.chosen_max:
            return count
        after = proposed.last


async def _count_among(reader: Reader, query: VehicleQuery, ids: Sequence[int]) -> int:
    if not ids or (not query.filters and not query.has_status):
        return len(ids)  # all of them are current, and have all words
    return await reader.count_listed(replace(query, words=(), among=ids))
