"""How far an account's bits are, the bits themselves, and the bounds of the work with them.

A bit that is set says that a change may still be the last one of its vehicle. A bit goes only once a later change of
the vehicle was seen. So the bits may be behind the record, and a page looks at some changes that do not count any more.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import apsw

from padron.domain.query import TIME_SORTS
from padron.store.port import Row
from padron.store.sqlite.port import SQL

UPDATED = "updatedAt"
STATUS = "statusSince"
SORTS = tuple(sorted(TIME_SORTS))
BLOCK = 4_096  # changes whose bits are one row; SQLite puts seven such rows on a page

_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBounds:
    """What is worth it, and how much work is done at once. Tests use smaller ones.

    ``large`` is the number of vehicles from which an account gets bits. A step takes ``portion_min`` changes into the
    bits, in whole blocks. In a longer record it takes one of ``portion_share``, up to ``portion_max``: a step changes
    nearly all blocks, and fewer steps write them less often.

    A page looks at ``looked_min`` vehicles, or at one of ``looked_share`` if these are more, before it gives up. That
    takes less time than the look at all vehicles that follows. ``spread_max`` is how many changes of one instant it
    reads through.

    Sorting takes longer the more vehicles a filter leaves, and walking takes longer the fewer. Both take the same time
    for about the root of ``few_square`` times all vehicles; and at ``few_by_status``, which one index has in order.
    """

    large: int = 100_000
    block: int = BLOCK
    portion_min: int = 4 * BLOCK
    portion_max: int = 32 * BLOCK
    portion_share: int = 128
    looked_min: int = 1_000
    looked_share: int = 100
    spread_max: int = 200_000
    few_square: int = 33
    few_by_status: int = 50_000

    def give_portion(self, next_number: int) -> int:
        """Give how many changes the next step takes. Each process gives the same."""
        share = next_number // self.portion_share // self.block * self.block
        return min(max(share, self.portion_min), self.portion_max)


BOUNDS = OrderBounds()


class OrderMark(NamedTuple):
    """How far the bits are: to the change before ``next_number``. Those before ``built_to`` are from the beginning."""

    next_number: int
    built_to: int
    is_ordered: bool
    last_change: int
    vehicle_count: int

    @property
    def is_usable(self) -> bool:
        """Say whether a page may follow the record: all that there was at the beginning has its bits."""
        return self.is_ordered and self.next_number >= self.built_to


class Asked:
    """Runs the named statements for one account, on one connection."""

    def __init__(self, connection: apsw.Connection, account_id: int) -> None:
        self.connection = connection
        self.account_id = account_id

    def ask(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement."""
        return self.connection.execute(SQL[name], (self.account_id, *parameters)).fetchall()

    def find_mark(self) -> OrderMark | None:
        """Give how far the bits are; None for an account without bits, and for one that is being deleted."""
        rows = self.ask("load_order_mark")
        return OrderMark(*rows[0]) if rows else None

    def load_blocks(self, sort: str, blocks: Collection[int]) -> dict[int, bytearray]:
        """Give the bits of blocks, of those that have any."""
        found = self.ask("load_blocks", sort, json.dumps(sorted(blocks)))
        return {block: bytearray(bits) for block, bits in found}


def list_set(bits: bytes) -> Iterator[int]:
    """Give the places of the bits that are set, in order."""
    for place, byte in enumerate(bits):
        if byte:
            for bit in _BITS[byte]:
                yield place * 8 + bit
