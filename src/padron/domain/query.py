"""Queries for lists: filters, order, and the place where a page begins. The order is total, so pages are stable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from padron.domain.change import Span
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, NOT_FILTERED, Field, VehicleVersion

LIMIT_DEFAULT = 50
LIMIT_MAX = 500

FILTER_FIELDS: dict[str, Field] = {field.name: field for field in FIELDS if field.name not in NOT_FILTERED}
SORT_FIELDS: tuple[str, ...] = (
    "vin",
    *(field.name for field in FIELDS),
    "vehicleStatusId",
    "statusSince",
    "createdAt",
    "updatedAt",
)
TIME_SORTS = frozenset({"statusSince", "updatedAt"})  # every change moves vehicles in these orders


FilterValue = str | int
FilterValues = FilterValue | tuple[FilterValue, ...]  # one value, or any of several


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """The last row of a page: its identity and its sort key, as stored (None in order of registration)."""

    key: str | int | None
    vehicle_id: int
    began: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sifted:
    """Places in a list: the vehicles whose text has all words, and the last one looked at, None at the list's end."""

    hits: Sequence[Position]
    last: Position | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """Vehicles that an index proposed: the ids of those whose text has all words, and how many were looked at.

    ``last`` is the id of the last one, if they were asked for in the order of ids.
    """

    hits: Sequence[int]
    count: int
    last: int


class ListedVehicle(NamedTuple):
    """A row of the list: a vehicle with its core data, and its place in the order asked for."""

    version: VehicleVersion
    position: Position


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleQuery:
    """A query for the list of vehicles. Text in ``filters`` is compared by whole values, ignoring case.

    A filter has one value, or several. A vehicle needs any one of them.

    ``words`` are looked for in any part of VIN, plate, unit number and owner, and all of them must be found. A search
    finds them, and asks the store for the vehicles of ``among`` instead.
    """

    filters: Mapping[str, FilterValues]  # by field name; "vin" as well
    status: VehicleStatus | None = None  # INFO_CHANGED asks for former versions instead of current vehicles
    statuses: frozenset[VehicleStatus] = frozenset()  # any of these; none: whatever status they have
    operational: bool | None = None
    sort: str | None = None  # a name from SORT_FIELDS; None: in order of registration
    descending: bool = False
    limit: int = LIMIT_DEFAULT
    after: Position | None = None
    as_of: datetime | None = None  # None: now
    up_to: int | None = None  # the number of the last change up to as_of; the store reads only this
    words: tuple[str, ...] = ()  # folded (domain/searching.py)
    among: Sequence[int] | None = None  # ids of current vehicles: only these; None: all
    registered_by: Span | None = None  # only vehicles registered by changes from the first to the second

    @property
    def has_status(self) -> bool:
        """Say whether it asks for vehicles by their status."""
        return self.status is not None or bool(self.statuses) or self.operational is not None


def give_filter_values(wanted: FilterValues) -> tuple[FilterValue, ...]:
    """Give the values of a filter, however many it has."""
    return wanted if isinstance(wanted, tuple) else (wanted,)
