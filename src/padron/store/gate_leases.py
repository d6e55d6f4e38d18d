"""Leases of local gates on both engines: their rows, and whether an account's deactivations wait for them."""

from collections.abc import Mapping

from padron.domain.change import Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate_leases import (
    GateLease,
    GateLeases,
    LateLease,
    LateLeases,
    StrictGates,
    count_switches,
    give_state,
)
from padron.store.changes import to_place
from padron.store.port import Columns, ReadPort, Row, ToInstant, WritePort

GATE_LEASE = Columns(
    "lease_id", "name", "milliseconds", "created_by", "created_at", "acknowledged", "renewals", "is_ending"
)  # fmt: skip
FOUND_LEASE = Columns(*GATE_LEASE.names, "strict_gates", "last_change")

_LEASE_WIDTH = len(GATE_LEASE.names)
_MS = 1_000


class GateLeaseTransaction:
    """One account's leases, in its open transaction."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def lock(self) -> StrictGates:
        """Give the account's state, locked. No change of the account is saved before the transaction ends."""
        return give_state(await self._lock())

    async def switch(self, state: StrictGates) -> None:
        """Give the locked account another state."""
        await self._port.fetch("save_strict_gates", count_switches(await self._lock(), state))

    async def _lock(self) -> int:
        rows = await self._port.fetch("lock_strict_gates")
        if not rows:  # the account was deleted a moment ago
            raise PadronError(Code.INVALID_TOKEN, "The account of the API key does not exist any more.")
        return int(rows[0][0])

    async def count(self) -> int:
        """Give how many leases the locked account has."""
        ((count,),) = await self._port.fetch("count_gate_leases")
        return int(count)

    async def add(self, lease: GateLease) -> None:
        """Write a new lease."""
        values = GATE_LEASE.order(
            {
                "lease_id": lease.lease_id,
                "name": lease.name,
                "milliseconds": round(lease.seconds * _MS),
                "created_by": lease.created_by,
                "created_at": lease.created_at,
                "acknowledged": lease.acknowledged,
                "renewals": lease.renewals,
                "is_ending": lease.is_ending,
            }
        )
        await self._port.fetch("insert_gate_lease", *values)

    async def renew(self, acknowledged: Mapping[str, int]) -> dict[str, float]:
        """Renew leases by their ids, with what their holders have applied. Give the seconds of each renewed one."""
        rows = await self._port.fetch_rows("renew_gate_leases", sorted(acknowledged.items()))
        return {lease_id: milliseconds / _MS for lease_id, milliseconds in rows}

    async def find_head(self) -> Place:
        """Give the place after the account's last change."""
        ((number, *change),) = await self._port.fetch("find_last_place")
        return to_place(number, change, self._port.to_instant)

    async def end(self, lease_id: str) -> bool:
        """Remove a lease whose holder answers no more. Give False when it does not exist."""
        return bool(await self._port.fetch("end_gate_lease", lease_id))

    async def remove(self, seen: LateLease) -> str | None:
        """Remove a lease that was not renewed since it was seen, and give its name or id. None if it was renewed."""
        rows = await self._port.fetch("remove_gate_lease", seen.lease_id, seen.renewals)
        return str(rows[0][0]) if rows else None

    async def mark(self, lease_id: str, number: int) -> None:
        """Let a lease end, unless its holder has applied the change by now."""
        await self._port.fetch("mark_gate_lease", lease_id, number)

    async def mark_all(self) -> float:
        """Let all leases end, and give the seconds of the longest one; 0 without leases."""
        rows = await self._port.fetch("mark_gate_leases")
        return max((row[0] / _MS for row in rows), default=0.0)

    async def clear(self) -> None:
        """Remove all leases."""
        await self._port.fetch("clear_gate_leases")


class GateLeaseReader:
    """One account's leases, committed."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def load(self) -> GateLeases:
        """Give the leases and the account's last change at one instant."""
        rows = await self._port.read_point("load_gate_leases")
        if not rows:  # the account was deleted a moment ago
            return GateLeases(state=StrictGates.OFF, last_change=0, leases=[])
        switches, last_change = rows[0][_LEASE_WIDTH:]
        leases = [_to_lease(row, self._port.to_instant) for row in rows if row[0] is not None]
        return GateLeases(state=give_state(switches), last_change=last_change, leases=leases)

    async def load_late(self) -> LateLeases:
        """Give the account's last change, and the leases that have not acknowledged it or are ending."""
        rows = await self._port.read_point("load_late_leases")
        if not rows:  # the account was deleted a moment ago
            return LateLeases(last_change=0, leases=[])
        leases = [
            LateLease(
                lease_id=lease_id, seconds=milliseconds / _MS, acknowledged=acknowledged, renewals=renewals,
                is_ending=bool(is_ending),
            )
            for _, lease_id, milliseconds, acknowledged, renewals, is_ending in rows
            if lease_id is not None
        ]  # fmt: skip
        return LateLeases(last_change=rows[0][0], leases=leases)


def _to_lease(row: Row, to_instant: ToInstant) -> GateLease:
    named = GATE_LEASE.name(row[:_LEASE_WIDTH])
    return GateLease(
        lease_id=named["lease_id"],
        name=named["name"],
        seconds=named["milliseconds"] / _MS,
        created_by=named["created_by"],
        created_at=to_instant(named["created_at"]),
        acknowledged=named["acknowledged"],
        renewals=named["renewals"],
        is_ending=bool(named["is_ending"]),
    )
