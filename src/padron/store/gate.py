"""The gate's data on both engines: the vehicles that it reads, and the refusals that it remembers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from padron.domain.gate import GateSet, GateSetHead, GateSetPart, GateView, Refusal, RefusalQuery, RefusalReason
from padron.store.changes import to_place
from padron.store.port import Columns, InstantPort, ReadPort, Row, ToInstant, WritePort
from padron.store.vehicles import VEHICLE, give_status_id, give_status_or_none, to_vehicle

GATE = Columns(*VEHICLE.names, "last_change", "request_id", "changed_at", "last_vin")
GATE_REFUSAL = Columns(
    "hour_at", "vin", "operation", "actor", "reason", "status", "count", "first_at", "last_at"
)  # fmt: skip

_VEHICLE_WIDTH = len(VEHICLE.names)
_NO_PLACE = (None, None, None, None)


class GateTransaction:
    """One account's remembered refusals, in its open transaction."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def save_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Add counts of refusals to the stored counts of the same hour, vehicle, operation and actor."""
        # Sorted, so that two servers that count the same vehicles cannot deadlock.
        ordered = sorted(refusals, key=lambda one: (one.hour_at, one.vin, one.operation, one.actor))
        await self._port.write_rows("save_refusal", [_from_refusal(refusal) for refusal in ordered])

    async def delete_refusals(self, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` refusals from before an instant, the oldest first, and give their number."""
        return len(await self._port.fetch("delete_refusals", before, limit))


class HeldGate:
    """What the gate says of all vehicles of one account, as of one instant."""

    def __init__(self, port: InstantPort) -> None:
        self._port = port

    async def read_head(self) -> GateSetHead:
        """Give the account's last change, and how many VINs its current vehicles have."""
        ((number, *change, vin_count),) = await self._port.fetch("read_gate_set_head")
        return GateSetHead(last_change=to_place(number, change, self._port.to_instant), vin_count=vin_count)

    async def read_part(self, of: GateSet, after: int, limit: int) -> GateSetPart:
        """Look at the next ``limit`` vehicles after an id, and give the VINs among them that are in the set."""
        rows = await self._port.fetch("list_gate_set", after, limit, of is GateSet.OPERABLE)
        ((last_id, vehicle_count, vin_count, lines),) = rows
        return GateSetPart(
            last_id=last_id or after, vehicle_count=vehicle_count, vin_count=vin_count, lines=lines or ""
        )


class GateReader:
    """What the gate reads of one account. Each method sees one instant."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def load_gate(self, vins: Sequence[str]) -> GateView:
        """Give the current vehicles with these VINs, and the place after the account's last change at that instant."""
        if len(vins) == 1:
            rows = await self._port.read_point("load_gate_of_one", vins[0])
        else:
            rows = await self._port.read_point("load_gate", list(vins), asked_count=len(vins))
        number, *change = rows[0][_VEHICLE_WIDTH:]
        to_instant = self._port.to_instant
        return GateView(
            vehicles=[to_vehicle(row, to_instant) for row in rows if row[0] is not None],
            last_change=to_place(number, change, to_instant),
        )

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[HeldGate]:
        """Let the block read the whole account as of one instant, in parts."""
        async with self._port.hold_instant() as port:
            yield HeldGate(port)

    async def list_refusals(self, query: RefusalQuery) -> list[Refusal]:
        """Give the remembered refusals that match, newest hour first, then by VIN, operation and actor."""
        last, period = query.after, (query.from_at, query.to_at)
        place = _NO_PLACE if last is None else (last.hour_at, last.vin, last.operation, last.actor)
        rows = await self._port.read_page("list_refusals", query.operation, query.vin, *period, *place, query.limit)
        return [_to_refusal(row, self._port.to_instant) for row in rows]


def _to_refusal(row: Row, to_instant: ToInstant) -> Refusal:
    named = GATE_REFUSAL.name(row)
    return Refusal(
        hour_at=to_instant(named["hour_at"]),
        vin=named["vin"],
        operation=named["operation"],
        actor=named["actor"],
        reason=RefusalReason(named["reason"]),
        status=give_status_or_none(named["status"]),
        count=named["count"],
        first_at=to_instant(named["first_at"]),
        last_at=to_instant(named["last_at"]),
    )


def _from_refusal(refusal: Refusal) -> Sequence[object]:
    return GATE_REFUSAL.order(
        {
            "hour_at": refusal.hour_at,
            "vin": refusal.vin,
            "operation": refusal.operation,
            "actor": refusal.actor,
            "reason": refusal.reason.value,
            "status": give_status_id(refusal.status),
            "count": refusal.count,
            "first_at": refusal.first_at,
            "last_at": refusal.last_at,
        }
    )
