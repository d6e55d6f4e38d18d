"""Remembers what the gate refused: one row for each vehicle, operation, key and hour, with a count.

Refusals are added up in memory and written once a second, so that remembering does not slow the answer. A killed
process forgets its last second of them; the vehicles themselves are safe all the same.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from padron.domain.account import Principal
from padron.domain.errors import PadronError
from padron.domain.gate import Refusal, Verdict
from padron.store.base import Store, WriteTransaction

WRITE_EVERY_S = 1.0
PENDING_MAX = 20_000  # rows that wait to be written; beyond, new ones are dropped and counted in the log

_log = logging.getLogger("padron.gate")

_Key = tuple[int, datetime, str, str, str]


@dataclass(slots=True)
class _Tally:
    verdict: Verdict
    count: int
    first_at: datetime
    last_at: datetime


class RefusalLog:
    """The refusals of this process that are not written yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tallies: dict[_Key, _Tally] = {}
        self._dropped = 0
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def remember(self, principal: Principal, operation: str, verdict: Verdict, at: datetime) -> None:
        """Count one refusal. Takes no time: it is written later."""
        hour_at = at.replace(minute=0, second=0, microsecond=0)
        key = (principal.account_id, hour_at, verdict.vin, operation, principal.actor)
        tally = self._tallies.get(key)
        if tally is not None:
            tally.verdict, tally.count, tally.last_at = verdict, tally.count + 1, at
        elif len(self._tallies) < PENDING_MAX:
            self._tallies[key] = _Tally(verdict, 1, at, at)
        else:
            self._dropped += 1
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon(), name="padron-refusals")

    async def flush(self) -> None:
        """Write what is pending. What cannot be written stays pending."""
        async with self._writing:
            tallies, self._tallies = self._tallies, {}
            by_account: dict[int, list[tuple[_Key, _Tally]]] = {}
            for key, tally in tallies.items():
                by_account.setdefault(key[0], []).append((key, tally))
            for account_id, rows in by_account.items():
                try:
                    await self._write(account_id, [_give_refusal(key, tally) for key, tally in rows])
                except PadronError:
                    self._take_back(rows)

    async def close(self) -> None:
        """Write what is pending, once, and stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.flush()

    async def _write_soon(self) -> None:
        while self._tallies:
            await asyncio.sleep(WRITE_EVERY_S)
            await asyncio.shield(asyncio.ensure_future(self.flush()))
            if self._dropped:
                _log.warning("%d refusals were not remembered: too many at once", self._dropped)
                self._dropped = 0
        self._task = None

    async def _write(self, account_id: int, refusals: Sequence[Refusal]) -> None:
        async def work(transaction: WriteTransaction) -> None:
            await transaction.save_refusals(refusals)

        await self._store.write(account_id, work)

    def _take_back(self, rows: list[tuple[_Key, _Tally]]) -> None:
        for key, tally in rows:
            newer = self._tallies.get(key)
            if newer is None:
                self._tallies[key] = tally
            else:
                newer.count += tally.count
                newer.first_at = tally.first_at


def _give_refusal(key: _Key, tally: _Tally) -> Refusal:
    _, hour_at, vin, operation, actor = key
    vehicle = tally.verdict.vehicle
    if tally.verdict.reason is None:
        raise AssertionError  # only refusals are remembered
    return Refusal(
        hour_at=hour_at,
        vin=vin,
        operation=operation,
        actor=actor,
        reason=tally.verdict.reason,
        status=None if vehicle is None else vehicle.status,
        count=tally.count,
        first_at=tally.first_at,
        last_at=tally.last_at,
    )
