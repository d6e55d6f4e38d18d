"""All VINs that the gate allows, or all that it refuses, as of one instant: what a local gate begins with.

The register is read in parts into a file, before the first byte is sent. So a client that reads slowly holds no
connection, and the database's old rows and log are not kept for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

from padron.domain.account import Principal, Scope
from padron.domain.change import Place
from padron.domain.gate import GateSet
from padron.service.changes import cursors
from padron.service.runtime import Runtime

PART_VEHICLES = 2_000  # takes some milliseconds of a thread, or of the database
MEMORY_BYTES = 1 << 20  # of a set; a larger one is in a file without a name
PIECE_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSet:
    """A set that was read. ``operable_count`` and ``refused_count`` are of VINs, at the instant of ``last_change``."""

    of: GateSet
    last_change: Place
    cursor: str
    operable_count: int
    refused_count: int
    lines: IO[bytes]

    @property
    def count(self) -> int:
        """How many VINs the set has."""
        return self.operable_count if self.of is GateSet.OPERABLE else self.refused_count

    def read_pieces(self) -> Iterator[bytes]:
        """Give the lines, a piece at a time, once."""
        self.lines.seek(0)
        with self.lines:
            while piece := self.lines.read(PIECE_BYTES):
                yield piece


async def read_gate_set(runtime: Runtime, principal: Principal, of: GateSet) -> StoredSet:
    """Read the VINs of a set, as of one instant after the call began, from the primary. Raises ``forbidden``."""
    principal.check_scope(Scope.GATE_CHECK)
    account_id = principal.account_id
    # Turns of their own, because the streams that keep a set up to date must not wait for those who load one.
    owner = f"{account_id} reads a set"
    lines = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - whoever sends it closes it
    count = after = 0
    try:
        async with runtime.store.read(account_id).gate.hold() as held:
            head = await held.read_head()
            while True:
                part = await held.read_part(of, after, PART_VEHICLES)  # not on the event loop
                async with runtime.turns.take(owner):
                    if part.vin_count:
                        lines.write(part.lines.encode() + b"\n")
                after, count = part.last_id, count + part.vin_count
                if part.vehicle_count < PART_VEHICLES:
                    break
    except BaseException:
        lines.close()
        raise
    rest = head.vin_count - count
    is_operable = of is GateSet.OPERABLE
    return StoredSet(
        of=of,
        last_change=head.last_change,
        cursor=cursors.format_feed_cursor(runtime.store.epoch, head.last_change),
        operable_count=count if is_operable else rest,
        refused_count=rest if is_operable else count,
        lines=lines,
    )
