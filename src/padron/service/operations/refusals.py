"""Remembers what the gate refused: a row with a count for each vehicle, operation, key and hour.

Refusals are counted in memory and written once a second, so that they do not slow the answer. Each
account has its own buffer, so a flood in one account does not displace the refusals of others. A
killed process loses the refusals of its last second. The gate's answers do not depend on them.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from padron.domain.account import Principal
from padron.domain.errors import PadronError
from padron.domain.gate import Refusal, Verdict
from padron.loop import Loop
from padron.store.base import Store, WriteTransaction

WRITE_EVERY_S = 1.0
# Rows that wait to be written. Above these limits new rows are dropped, and the log shows their
# count. Every account may have a few waiting rows, however many the other accounts have.
ACCOUNT_PENDING_MAX = 5_000
PENDING_MAX = 50_000
ACCOUNT_PENDING_SURE = 200
PORTION_ROWS = 500  # written or deleted in one transaction

_log = logging.getLogger("padron.gate")


class _Key(NamedTuple):
    """The refusals that one row counts."""

    hour_at: datetime
    vin: str
    operation: str
    actor: str


@dataclass(slots=True)
class _Tally:
    verdict: Verdict
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(slots=True, eq=False)
class _Buffer:
    """The counted refusals of one account, oldest first."""

    tallies: dict[_Key, _Tally] = field(default_factory=dict)
    dropped: int = 0
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class RefusalLog:
    """The refusals of this process that are not written yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._buffers: dict[int, _Buffer] = {}
        self._pending = 0  # rows of all accounts
        self._writing = Loop(
            self._write_pending, name="padron-refusals", log=_log, failure="refusals wait to be written", first_s=None
        )

    @property
    def pending_count(self) -> int:
        """How many rows wait to be written."""
        return self._pending

    def remember(self, principal: Principal, operation: str, verdict: Verdict, at: datetime) -> None:
        """Count one refusal. This returns at once: the refusal is written later."""
        hour_at = at.replace(minute=0, second=0, microsecond=0)
        key = _Key(hour_at, verdict.vin, operation, principal.actor)
        buffer = self._buffers.setdefault(principal.account_id, _Buffer())
        tally = buffer.tallies.get(key)
        if tally is not None:
            tally.verdict, tally.count, tally.last_at = verdict, tally.count + 1, at
        elif self._has_room(buffer):
            buffer.tallies[key] = _Tally(verdict, 1, at, at)
            self._pending += 1
        else:
            buffer.dropped += 1
        if self._writing.is_asleep:
            self._writing.wake(WRITE_EVERY_S)

    async def flush(self, account_id: int) -> None:
        """Write an account's pending refusals. After a failure they stay pending."""
        buffer = self._buffers.get(account_id)
        while buffer is not None and await self._write_portion(account_id, buffer) and buffer.tallies:
            pass

    async def close(self) -> None:
        """Write all pending refusals, once, and stop."""
        await self._writing.stop()
        for account_id in list(self._buffers):
            await self.flush(account_id)

    async def delete_old(self, account_id: int, before: datetime) -> int:
        """Delete an account's refusals of hours before an instant, in small transactions."""

        async def work(transaction: WriteTransaction) -> int:
            return await transaction.gate.delete_refusals(before, PORTION_ROWS)

        deleted = 0
        while some := await self._store.write(account_id, work):
            deleted += some
        return deleted

    def _has_room(self, buffer: _Buffer) -> bool:
        own = len(buffer.tallies)
        return own < ACCOUNT_PENDING_SURE or (own < ACCOUNT_PENDING_MAX and self._pending < PENDING_MAX)

    async def _write_pending(self) -> float | None:
        # Shielded: rows that are being written are no longer pending, and stopping must not lose
        # them.
        await asyncio.shield(asyncio.ensure_future(self._write_all()))
        self._tell_dropped()
        return WRITE_EVERY_S if self._buffers else None

    async def _write_all(self) -> None:
        """Write the pending refusals, one portion of each account in turn. After a failure the account waits."""
        accounts = dict(self._buffers)
        while accounts:
            for account_id, buffer in list(accounts.items()):
                if not buffer.tallies or not await self._write_portion(account_id, buffer):
                    del accounts[account_id]

    def _tell_dropped(self) -> None:
        """Log how many refusals were dropped, and forget the accounts without pending refusals."""
        for account_id, buffer in list(self._buffers.items()):
            if buffer.dropped:
                _log.warning(
                    "%d refusals of account %d were not remembered: too many at once", buffer.dropped, account_id
                )
                buffer.dropped = 0
            if not buffer.tallies and not buffer.writing.locked():
                del self._buffers[account_id]

    async def _write_portion(self, account_id: int, buffer: _Buffer) -> bool:
        """Write the oldest rows of an account, and say whether that succeeded."""
        async with buffer.writing:
            keys = list(islice(buffer.tallies, PORTION_ROWS))
            if not keys:
                return True
            rows = {key: buffer.tallies.pop(key) for key in keys}
            self._pending -= len(rows)
            try:
                await self._write(account_id, [_give_refusal(key, tally) for key, tally in rows.items()])
            except PadronError:
                self._take_back(buffer, rows)
                return False
            return True

    async def _write(self, account_id: int, refusals: Sequence[Refusal]) -> None:
        async def work(transaction: WriteTransaction) -> None:
            await transaction.gate.save_refusals(refusals)

        await self._store.write(account_id, work)

    def _take_back(self, buffer: _Buffer, rows: dict[_Key, _Tally]) -> None:
        for key, tally in rows.items():
            newer = buffer.tallies.get(key)
            if newer is None:
                buffer.tallies[key] = tally
                self._pending += 1
            else:
                newer.count += tally.count
                newer.first_at = tally.first_at


def _give_refusal(key: _Key, tally: _Tally) -> Refusal:
    vehicle = tally.verdict.vehicle
    if tally.verdict.reason is None:
        raise AssertionError  # only refusals are remembered
    return Refusal(
        hour_at=key.hour_at,
        vin=key.vin,
        operation=key.operation,
        actor=key.actor,
        reason=tally.verdict.reason,
        status=None if vehicle is None else vehicle.status,
        count=tally.count,
        first_at=tally.first_at,
        last_at=tally.last_at,
    )
