"""Brings the bits of large accounts up to the record, a portion of changes at a time, beside the server.

A step reads and computes on a thread, which sees one instant. Then it writes rows of bits in short transactions, and in
the last one how far they are now. A server that is killed in between repeats the step. That does no harm, because a bit
only ever goes for a reason that stays true.

The changes that are there when an account gets its first bits are surveyed: each is compared with all later ones, so
each row of bits is written once. Later changes take the bits from the changes that they follow.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import apsw

from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import ReadConnections
from padron.store.sqlite.orders.marks import BOUNDS, SORTS, STATUS, UPDATED, Asked, OrderBounds
from padron.store.sqlite.port import SQL

T = TypeVar("T")

_ROWS = 64  # rows of bits in a transaction
_YIELD_EVERY = 256  # vehicles after which the event loop may have the interpreter


class _BitRow(NamedTuple):
    """A row of bits: its order, the number of its block, and the bits."""

    sort: str
    block: int
    bits: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Portion:
    """The rows of bits that a portion of changes makes, and from where to where it goes."""

    account_id: int
    first: int
    end: int
    is_ordered: bool
    rows: Sequence[_BitRow]


class OrderFollower:
    """Follows the record of all large accounts, a step at a time."""

    def __init__(self, committer: GroupCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections
        self.bounds = BOUNDS

    async def advance(self) -> bool:
        """Take the next portion of an account into its bits. Gives False when no account has a whole portion."""
        bounds = self.bounds
        rows = await self._connections.read_page(SQL["list_accounts_to_follow"], (bounds.large, bounds.portion_min))
        for account_id, next_number, count, is_survey in rows:
            if is_survey or count >= bounds.give_portion(next_number):
                await self._follow(account_id)
                return True
        return False

    async def _follow(self, account_id: int) -> None:
        bounds = self.bounds
        portion = await self._connections.read_together(lambda connection: gather(connection, account_id, bounds))
        if portion is None:
            await self._committer.run(partial(_begin, account_id=account_id, bounds=bounds))
        else:
            await self._write(portion)

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
    first = mark.next_number
    is_survey = first < mark.built_to
    is_ordered = True
    if is_survey:
        end = min(first + bounds.portion_min, mark.built_to)
        # The last changes of the beginning are in no whole block. They are looked at here, once.
        seen_to = mark.last_change + 1 if end == mark.built_to else end
        is_ordered = not asked.ask("find_disorder", first - 1, seen_to)
        bits = _survey(asked, first, end, bounds)
    else:
        end = first + bounds.give_portion(first)
        bits = _follow(asked, first, end, bounds)
    return _Portion(account_id=account_id, first=first, end=end, is_ordered=is_ordered, rows=bits.list_rows())


class _Bits:
    """Rows of bits that change, by order and by block."""

    def __init__(self, size: int, first: int, end: int) -> None:
        self._size = size
        new = range(first // size, end // size)
        self._blocks = {sort: {block: bytearray(size // 8) for block in new} for sort in SORTS}

    def set(self, sort: str, number: int) -> None:
        block, place = divmod(number, self._size)
        self._blocks[sort][block][place >> 3] |= 1 << (place & 7)

    def load(self, asked: Asked, sort: str, numbers: Iterable[int]) -> None:
        """Read the rows of these changes, all before the portion."""
        own = self._blocks[sort]
        own |= asked.load_blocks(sort, {number // self._size for number in numbers} - own.keys())

    def take(self, sort: str, number: int) -> bool:
        """Take away a bit, and say whether it was set."""
        block, place = divmod(number, self._size)
        bits, mask = self._blocks[sort].get(block), 1 << (place & 7)
        if bits is None or not bits[place >> 3] & mask:
            return False
        bits[place >> 3] ^= mask
        return True

    def list_rows(self) -> list[_BitRow]:
        """Give the rows in the order in which SQLite has them."""
        return [
            _BitRow(sort, block, bytes(bits)) for sort in SORTS for block, bits in sorted(self._blocks[sort].items())
        ]


def _survey(asked: Asked, first: int, end: int, bounds: OrderBounds) -> _Bits:
    bits = _Bits(bounds.block, first, end)
    for number, is_last, is_last_status in _yield_often(asked.ask("survey_changes", first, end)):
        if is_last:
            bits.set(UPDATED, number)
        if is_last_status:
            bits.set(STATUS, number)
    return bits


def _follow(asked: Asked, first: int, end: int, bounds: OrderBounds) -> _Bits:
    """Set the bits of the last changes, and take them from the changes that these follow."""
    bits = _Bits(bounds.block, first, end)
    rows = asked.ask("list_portion", first, end)
    for sort in SORTS:
        bits.load(asked, sort, (earlier for _, _, _, earlier in rows if earlier is not None))
    for vehicle_id, number, status_number, earlier in _yield_often(rows):
        bits.set(UPDATED, number)
        if earlier is not None:
            bits.take(UPDATED, earlier)
        if status_number is None:
            continue
        bits.set(STATUS, status_number)
        # Mostly the last change set the status as well. Otherwise an earlier one did.
        if earlier is not None and not bits.take(STATUS, earlier):
            for (status_earlier,) in asked.ask("find_last_status_before", first, vehicle_id):
                bits.load(asked, STATUS, [status_earlier])
                bits.take(STATUS, status_earlier)
    return bits


def _yield_often(rows: Sequence[T]) -> Iterator[T]:
    """Give rows, and the interpreter to the event loop from time to time."""
    for place, row in enumerate(rows):
        if place % _YIELD_EVERY == 0:
            time.sleep(0)
        yield row


async def _begin(connection: apsw.Connection, account_id: int, bounds: OrderBounds) -> None:
    connection.execute(SQL["begin_order"], (account_id, bounds.block))


async def _forget(connection: apsw.Connection) -> None:
    connection.execute(SQL["forget_order_marks"]).fetchall()


async def _save(connection: apsw.Connection, portion: _Portion, rows: Sequence[_BitRow]) -> bool:
    """Write rows of bits, unless somebody else moved the account's mark or deletes the account."""
    mark = Asked(connection, portion.account_id).find_mark()
    if mark is None or mark.next_number != portion.first:
        return False
    for row in rows:
        if any(row.bits):
            connection.execute(SQL["save_block"], (portion.account_id, *row))
        else:
            connection.execute(SQL["delete_block"], (portion.account_id, row.sort, row.block))
    return True


async def _move(connection: apsw.Connection, portion: _Portion) -> None:
    connection.execute(
        SQL["move_order_mark"], (portion.account_id, portion.first, portion.end, int(portion.is_ordered))
    )
