"""Vehicles on both engines: their rows, and a reader of one account's committed vehicles.

Each engine's own transaction writes vehicles, because the status call is the hot path.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import cast

import msgspec

from padron.domain.duplicates import DuplicateGroup, DuplicateQuery
from padron.domain.query import TIME_SORTS, ListedVehicle, Position, Proposed, Sifted, VehicleQuery
from padron.domain.searching import choose_grams, is_sample_useful
from padron.domain.status import VehicleStatus
from padron.domain.status_counts import PresentCounts, StatusMoves
from padron.domain.time_in_status import StatusTime, TimeQuery
from padron.domain.vehicle import Details, Vehicle, VehicleVersion
from padron.store.port import Columns, ReadPort, Row, ToInstant, give_or_none
from padron.store.sql.listing import build_list, build_sums
from padron.store.sql.searching import LAST_VEHICLE, PROPOSE_S, SAMPLE, Proposal, build_count, build_sift, build_walk

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.date()
_MICROSECOND = timedelta(microseconds=1)
_STATUSES = {status.value: status for status in VehicleStatus}

VEHICLE = Columns(
    "vehicle_id", "vin", "slot", "status", "status_since", "status_by", "status_reason", "revision", "created_at",
    "updated_at",
)  # fmt: skip
VERSION = Columns(*VEHICLE.names, "details", "began", "valid_from", "valid_to")
LISTED = Columns(*VERSION.names, "sort_key")
DUPLICATE = Columns(*VERSION.names, "held")  # how many vehicles have its VIN
STATUS_TIME = Columns("vehicle_id", "vin", "to_status", "reason", "microseconds", "plate", "custom_id")

_VEHICLE_WIDTH = len(VEHICLE.names)
_VERSION_WIDTH = len(VERSION.names)


class VehicleReader:
    """One account's committed vehicles. Each method sees one instant."""

    def __init__(self, port: ReadPort, account_id: int) -> None:
        self._port = port
        self._account_id = account_id  # for built statements

    @property
    def has_time_orders(self) -> bool:
        """Whether the orders by an instant have indexes. If not, each page in such an order looks at all vehicles."""
        return self._port.dialect.has_time_orders

    async def list_by_vin(self, vin: str) -> list[Vehicle]:
        """Give the current vehicles with this VIN: no vehicle, one, or several kept from legacy data."""
        to_instant = self._port.to_instant
        return [to_vehicle(row, to_instant) for row in await self._port.read_point("list_by_vin", vin)]

    async def load_details(self, vehicle_id: int) -> Details:
        """Give a current vehicle's core data, or nothing for an unknown id."""
        rows = await self._port.read_point("find_details", vehicle_id)
        return to_details(rows[0][0]) if rows else {}

    async def list_versions_by_vin(self, vin: str) -> list[VehicleVersion]:
        """Give the current vehicles with this VIN together with their core data at one instant."""
        to_instant = self._port.to_instant
        return [to_version(row, to_instant) for row in await self._port.read_point("list_versions_by_vin", vin)]

    async def list_vehicles(self, query: VehicleQuery) -> list[ListedVehicle]:
        """Give at most ``query.limit`` vehicles after ``query.after``, each with its place in the order.

        With ``query.up_to`` the vehicles are as they were after the change with that number. Their slots are then
        missing, because the record of changes has no slots.
        """
        port = self._port
        template = port.statements["list_vehicles" if query.up_to is None else "list_past"]
        may_follow = query.sort in TIME_SORTS and query.among is None and query.up_to is None
        rows = await port.read_by_instant(template, query) if may_follow else None
        if rows is None:
            rows = await port.read_built(build_list(template, self._account_id, query, port.dialect))
        return self._list_rows(rows, query)

    async def find_along(self, query: VehicleQuery, walked_max: int) -> list[ListedVehicle]:
        """Give the vehicles of ``query.among`` that are among the first ``walked_max`` ones of the list, in its order.

        At most ``query.limit``. It costs little for each vehicle of the list, and less than to look up very many ids.
        """
        port = self._port
        template = port.statements["list_vehicles"]
        rows = await port.read_built(build_walk(template, self._account_id, query, walked_max, port.dialect))
        return self._list_rows(rows, query)

    def _list_rows(self, rows: Sequence[Row], query: VehicleQuery) -> list[ListedVehicle]:
        to_instant = self._port.to_instant
        return [ListedVehicle(to_version(row, to_instant), to_position(row, query)) for row in rows]

    async def count_current(self) -> int:
        """Give the number of current vehicles, which is kept."""
        rows = await self._port.read_point("count_vehicles")
        return int(rows[0][0]) if rows else 0

    async def count_by_status(self) -> PresentCounts:
        """Give the current vehicles by status at one instant. An index has those that are not Active."""
        rows = await self._port.read_page("count_by_status")
        others = {_STATUSES[status]: count for _, _, status, count in rows if status is not None}
        last_change, total = rows[0][:2] if rows else (0, 0)  # a replica may not have a new account yet
        active = int(total) - sum(others.values())
        return PresentCounts(last_change=int(last_change), counts={VehicleStatus.ACTIVE: active, **others})

    async def sum_moves(self, after: int, last: int) -> list[StatusMoves]:
        """Give how many changes after a number up to another one moved vehicles between statuses, for each day."""
        return [
            StatusMoves(
                day=_FIRST_DAY + timedelta(days=int(day)),
                before=give_status_or_none(before),
                after=_STATUSES[after_id],
                count=count,
            )
            for day, before, after_id, count in await self._port.read_page("sum_moves", after, last)
        ]

    async def count_listed(self, query: VehicleQuery) -> int:
        """Give the number of the first ``query.limit`` vehicles of a list, or of those of them that have all words."""
        port = self._port
        built = build_count(port.statements["count_listed"], self._account_id, query, port.dialect)
        ((count,),) = await port.read_built(built)
        return int(count)

    async def choose_grams(self, words: Sequence[str]) -> list[int]:
        """Give the grams by which the index is asked for vehicles with these words; none for short words alone."""
        if not is_sample_useful(words):
            return choose_grams(words)
        sampled = await self._port.read_page("sample_texts", list(range(SAMPLE)))
        return choose_grams(words, list(dict.fromkeys(str(text) for (text,) in sampled)))

    async def propose_more(self, grams: Sequence[int], limit: int) -> bool:
        """Say whether the index proposes more vehicles than this. False where that is not sure at a short look."""
        port = self._port
        ((is_sure,),) = await port.read_built(port.build_look(grams, limit))
        return bool(is_sure)

    async def propose_vehicles(
        self, words: Sequence[str], grams: Sequence[int], limit: int, seconds: float = PROPOSE_S
    ) -> Proposed:
        """Look at ``limit`` current vehicles that may have all words, in no order.

        PostgreSQL also stops after this time, and says that it has looked at ``limit``.
        """
        proposal = Proposal(
            account_id=self._account_id, words=words, grams=grams, after=0, before=LAST_VEHICLE, is_ordered=False,
            limit=limit, seconds=seconds,
        )  # fmt: skip
        return await self._propose(proposal)

    async def propose_next(
        self, words: Sequence[str], grams: Sequence[int], *, after: int, before: int, descending: bool, limit: int
    ) -> Proposed:
        """Look at the first current vehicles between two ids that may have all words, in the order of their ids."""
        proposal = Proposal(
            account_id=self._account_id, words=words, grams=grams, after=after, before=before, descending=descending,
            limit=limit,
        )  # fmt: skip
        return await self._propose(proposal)

    async def _propose(self, proposal: Proposal) -> Proposed:
        rows = await self._port.read_built(self._port.build_proposal(proposal))
        ((last, count),) = [row for row in rows if row[1] is not None]
        return Proposed(hits=[row[0] for row in rows if row[1] is None], count=count, last=last)

    async def sift_vehicles(self, query: VehicleQuery, walked_max: int, seconds: float) -> Sifted:
        """Look at ``walked_max`` vehicles after ``query.after``, for ``query.limit`` that have all words.

        PostgreSQL looks at no more of them after ``seconds``.
        """
        port, template = self._port, self._port.statements["sift_vehicles"]
        built = build_sift(template, self._account_id, query, walked_max, seconds, port.dialect)
        hits: list[Position] = []
        last: Position | None = None
        for vehicle_id, began, key, is_hit in await port.read_built(built):
            position = give_position(vehicle_id, began, key, query)
            if is_hit:
                hits.append(position)
            else:
                last = position
        return Sifted(hits=hits, last=last)

    async def sum_statuses(self, query: TimeQuery) -> list[StatusTime]:
        """Give the time in each status of ``query.limit`` vehicles after ``query.after``, by vehicle id.

        The result has each vehicle that was registered by the end of the period, even one with no time at all.
        """
        period = (query.until, query.since, query.from_at, query.to_at)
        given = [self._account_id, *period, query.after, query.limit]
        template = self._port.statements["sum_statuses"]
        rows = await self._port.read_built(build_sums(template, given, query.filters, self._port.dialect))
        return [_to_status_time(row) for row in rows]

    async def list_duplicates(self, query: DuplicateQuery) -> list[DuplicateGroup]:
        """Give the VINs that several current vehicles have, in order, with these vehicles, at one instant.

        The result has at most ``vins_max`` groups and ``rows_max`` vehicles. At ``rows_max`` the last group may be
        incomplete.
        """
        rows = await self._port.read_page("list_duplicates", query.after, query.vins_max, query.rows_max)
        return self._gather_groups(rows)

    async def find_former(self, vin: str) -> int | None:
        """Give the id of the vehicle with this VIN that was the last one to become former; None for none."""
        rows = await self._port.read_point("find_former", vin)
        return cast("int", rows[0][0]) if rows else None

    async def has_vehicle(self, vehicle_id: int, vin: str) -> bool:
        """Say whether a current vehicle has this VIN, or a former one had it at its end."""
        return bool(await self._port.read_point("has_vehicle", vehicle_id, vin))

    def _gather_groups(self, rows: Sequence[Row]) -> list[DuplicateGroup]:
        """Give the groups of rows that are ordered by VIN, each with the number of vehicles with its VIN."""
        groups = []
        for _, part in groupby(rows, key=lambda row: cast("str", row[1])):
            found = list(part)
            versions = [to_version(row, self._port.to_instant) for row in found]
            groups.append(DuplicateGroup(vin=versions[0].vehicle.vin, count=found[0][-1], versions=versions))
        return groups


def to_vehicle(row: Row, to_instant: ToInstant) -> Vehicle:
    """Give the vehicle of a row that begins with its columns.

    It reads columns by place, which is faster than by name. A batch of status calls reads a row for each vehicle.
    """
    vehicle_id, vin, slot, status, since, by, reason, revision, created_at, updated_at = row[:_VEHICLE_WIDTH]
    status_since = to_instant(since)
    return Vehicle(
        vehicle_id,
        vin,
        slot,
        _STATUSES[status],
        status_since,
        by,
        reason,
        revision,
        to_instant(created_at),
        status_since if updated_at == since else to_instant(updated_at),  # the last change was one of status
    )


def to_details(text: str) -> Details:
    """Give the core data of a JSON text."""
    return msgspec.json.decode(text, type=dict[str, str | int])


def to_version(row: Row, to_instant: ToInstant) -> VehicleVersion:
    """Give the version of a row that begins with its columns."""
    details, began, valid_from, valid_to = row[_VEHICLE_WIDTH:_VERSION_WIDTH]
    return VehicleVersion(
        vehicle=to_vehicle(row, to_instant),
        details=to_details(details),
        began=began,
        valid_from=to_instant(valid_from),
        valid_to=give_or_none(to_instant, valid_to),
    )


def to_position(row: Row, query: VehicleQuery) -> Position:
    """Give a listed row's place in the requested order."""
    _, began, *_ = row[_VEHICLE_WIDTH:]
    return give_position(row[0], began, row[_VERSION_WIDTH], query)


def give_position(vehicle_id: int, began: int, key: str | int | datetime | None, query: VehicleQuery) -> Position:
    """Give a place in the requested order. An instant's key is in microseconds since 1970."""
    if query.sort is None:
        return Position(key=None, vehicle_id=vehicle_id, began=began)
    if isinstance(key, datetime):
        key = (key - _EPOCH) // _MICROSECOND
    return Position(key=key, vehicle_id=vehicle_id, began=began)


def give_status(number: int) -> VehicleStatus:
    """Give the status of a column of statuses."""
    return _STATUSES[number]


def give_status_or_none(number: int | None) -> VehicleStatus | None:
    """Give the status of a column of statuses that may be NULL."""
    return None if number is None else _STATUSES[number]


def give_status_id(status: VehicleStatus | None) -> int | None:
    """Give the value to store in a column of statuses."""
    return None if status is None else status._value_  # ``value`` takes ten times as long


def _to_status_time(row: Row) -> StatusTime:
    named = STATUS_TIME.name(row)
    return StatusTime(
        vehicle_id=named["vehicle_id"],
        vin=named["vin"],
        status=_STATUSES[named["to_status"]],
        reason=named["reason"],
        microseconds=named["microseconds"],
        plate=named["plate"],
        custom_id=named["custom_id"],
    )
