"""Brings the bits of large accounts up to the record, a portion of changes at a time, beside the server.

A step reads and computes on a thread, which sees one instant. Then it writes rows of bits in short transactions, and in
the last one how far they are now. A server that is killed in between repeats the step. That does no harm, because a bit
only ever goes for a reason that stays true.

The changes that are there when an account gets its first bits are surveyed: each is compared with all later ones, so
each row of bits is written once. Later changes take the bits from the changes that they follow.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import apsw

from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import ReadConnections
from padron.store.sqlite.orders.marks import BOUNDS, SORTS, STATUS, UPDATED, Asked, OrderBounds
from padron.store.sqlite.port import SQL

T = TypeVar("T")

_ROWS = 128  # rows of bits in a transaction
_YIELD_EVERY = 256  # vehicles after which the event loop may have the interpreter


@dataclass(frozen=True, kw_only=True, slots=True)
class _Portion:
    """The rows of bits that a portion of changes makes, and from where to where it goes."""

    account_id: int
    first: int
    end: int
    is_ordered: bool
    rows: Sequence[tuple[str, int, bytes]]  # sort, block and bits


class OrderFollower:
    """Follows the record of all large accounts, a step at a time."""

    def __init__(self, committer: GroupCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections
        self.bounds = BOUNDS

    async def advance(self) -> bool:
        """Take the next portion of an account into its bits. Gives False when no account has a whole portion."""
        bounds = self.bounds
        rows = await self._connections.read_page(SQL["find_account_to_follow"], (bounds.large, bounds.portion))
        if not rows:
            return False
        account_id = int(rows[0][0])
        portion = await self._connections.read_together(lambda connection: gather(connection, account_id, bounds))
        if portion is None:
            await self._committer.run(partial(_begin, account_id=account_id, bounds=bounds))
        else:
            await self._write(portion)
        return True

    async def restart(self) -> None:
        """Forget the bits of all accounts. Rows of bits stay, and are written over."""
        await self._committer.run(_forget)

    async def _write(self, portion: _Portion) -> None:
        for start in range(0, len(portion.rows), _ROWS):
            rows = portion.rows[start : start + _ROWS]
            if not await self._committer.run(partial(_save, portion=portion, rows=rows)):
                return
        await self._committer.run(partial(_move, portion=portion))


def gather(connection: apsw.Connection, account_id: int, bounds: OrderBounds) -> _Portion | None:
    """Give what the next portion of changes makes of the bits; None for an account that has none yet."""
    asked = Asked(connection, account_id)
    mark = asked.find_mark()
    if mark is None:
        return None
    first, end = mark.next_number, mark.next_number + bounds.portion
    is_survey = first < mark.built_to
    # The last changes of the beginning are in no whole portion. They are looked at here, once.
    seen_to = mark.last_change + 1 if is_survey and end >= mark.built_to else end
    is_ordered = not asked.ask("find_disorder", first - 1, seen_to)
    bits = _survey(asked, first, end, bounds) if is_survey else _follow(asked, first, end, bounds)
    return _Portion(account_id=account_id, first=first, end=end, is_ordered=is_ordered, rows=bits.list_rows())


class _Bits:
    """Rows of bits that change."""

    def __init__(self, size: int, first: int, end: int) -> None:
        self._size = size
        self._blocks = {
            (sort, block): bytearray(size // 8) for sort in SORTS for block in range(first // size, end // size)
        }

    def set(self, sort: str, number: int) -> None:
        block, place = divmod(number, self._size)
        self._blocks[sort, block][place >> 3] |= 1 << (place & 7)

    def load(self, asked: Asked, sort: str, numbers: Sequence[int]) -> None:
        """Read the rows of these changes, of which none is in the portion itself."""
        blocks = asked.load_blocks(sort, {number // self._size for number in numbers})
        self._blocks |= {(sort, block): bits for block, bits in blocks.items()}

    def load_missing(self, asked: Asked, sort: str, number: int) -> None:
        """Read the row of a change if it was not read before."""
        if (sort, number // self._size) not in self._blocks:
            self.load(asked, sort, [number])

    def take(self, sort: str, number: int) -> bool:
        """Take away a bit, and say whether it was set."""
        block, place = divmod(number, self._size)
        bits = self._blocks.get((sort, block))
        mask = 1 << (place & 7)
        if bits is None or not bits[place >> 3] & mask:
            return False
        bits[place >> 3] ^= mask
        return True

    def list_rows(self) -> list[tuple[str, int, bytes]]:
        """Give the rows in the order in which SQLite has them."""
        return [(sort, block, bytes(bits)) for (sort, block), bits in sorted(self._blocks.items())]


def _survey(asked: Asked, first: int, end: int, bounds: OrderBounds) -> _Bits:
    bits = _Bits(bounds.block, first, end)
    for number, is_last, is_last_status in _yield_often(asked.ask("survey_changes", first, end)):
        if is_last:
            bits.set(UPDATED, number)
        if is_last_status:
            bits.set(STATUS, number)
    return bits


def _follow(asked: Asked, first: int, end: int, bounds: OrderBounds) -> _Bits:
    bits = _Bits(bounds.block, first, end)
    last: dict[int, int] = {}
    last_status: dict[int, int] = {}
    for number, vehicle_id, is_status in _yield_often(asked.ask("list_portion", first, end)):
        last[vehicle_id] = number
        if is_status:
            last_status[vehicle_id] = number
    for sort, numbers in ((UPDATED, last), (STATUS, last_status)):
        for number in numbers.values():
            bits.set(sort, number)
    _leave_earlier(asked, bits, first, last, last_status)
    return bits


def _leave_earlier(asked: Asked, bits: _Bits, first: int, last: dict[int, int], last_status: dict[int, int]) -> None:
    """Take the bits from the changes that those of the portion follow."""
    known = [vehicle_id for vehicle_id in last if vehicle_id < first]  # the others were registered in the portion
    earlier = {
        vehicle_id: number
        for vehicle_id, number in asked.ask("list_last_before", first, _write_ids(known))
        if number is not None
    }
    for sort in SORTS:
        bits.load(asked, sort, list(earlier.values()))
    for vehicle_id, number in _yield_often(list(earlier.items())):
        bits.take(UPDATED, number)
        # Mostly the last change set the status as well. Otherwise an earlier one did.
        if vehicle_id in last_status and not bits.take(STATUS, number):
            for (status_number,) in asked.ask("find_last_status_before", first, vehicle_id):
                bits.load_missing(asked, STATUS, status_number)
                bits.take(STATUS, status_number)


def _write_ids(ids: Sequence[int]) -> str:
    return f"[{','.join(map(str, ids))}]"


def _yield_often(rows: Sequence[T]) -> Iterator[T]:
    """Give rows, and the interpreter to the event loop from time to time."""
    for place, row in enumerate(rows):
        if place % _YIELD_EVERY == 0:
            time.sleep(0)
        yield row


async def _begin(connection: apsw.Connection, account_id: int, bounds: OrderBounds) -> None:
    connection.execute(SQL["begin_order"], (account_id, bounds.portion))


async def _forget(connection: apsw.Connection) -> None:
    connection.execute(SQL["forget_order_marks"]).fetchall()


async def _save(connection: apsw.Connection, portion: _Portion, rows: Sequence[tuple[str, int, bytes]]) -> bool:
    """Write rows of bits, unless somebody else moved the account's mark or deletes the account."""
    mark = Asked(connection, portion.account_id).find_mark()
    if mark is None or mark.next_number != portion.first:
        return False
    for sort, block, bits in rows:
        if any(bits):
            connection.execute(SQL["save_block"], (portion.account_id, sort, block, bits))
        else:
            connection.execute(SQL["delete_block"], (portion.account_id, sort, block))
    return True


async def _move(connection: apsw.Connection, portion: _Portion) -> None:
    connection.execute(
        SQL["move_order_mark"], (portion.account_id, portion.first, portion.end, int(portion.is_ordered))
    )
