"""Proving how fresh the copy is: by asking for the account's last change, or by a lease in strict mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.errors import ServerRefusedError
from padron_client.local_gate.following import Failure, Pause, is_gone, total
from padron_client.local_gate.keeping import Keeper, Proof
from padron_client.local_gate.wire import Lease, Wire

LEASE_PART = 0.99  # of a lease is used, because the clocks of two machines run at slightly different rates
_RENEWALS = 3  # in the time of a lease
_BETWEEN_RENEWALS_S = 0.005  # so that a busy feed does not become one call for each change


class Prober:
    """Asks for the account's last change every ``every_s`` seconds."""

    def __init__(
        self, keeper: Keeper, wire: Wire, clocks: Clocks, every_s: float, note: Callable[[BaseException], None]
    ) -> None:
        self._keeper = keeper
        self._wire = wire
        self._clocks = clocks
        self._every_s = every_s
        self._note = note

    async def run(self) -> None:
        """Ask until cancelled."""
        pause = Pause(last_s=max(2.0, self._every_s))
        call_s = min(max(2 * self._every_s, 1.0), 5.0)
        while True:
            await self._keeper.loaded.wait()
            applied = self._keeper.copy.number
            asked_at = self._clocks.steady()  # before the request: the answer may wait anywhere on its way back
            try:
                head = await total(self._wire.read_head(call_s), call_s)
            except Failure as error:
                self._note(error)
                await pause.sleep(error)
                continue
            pause.reset()
            self._keeper.prove(Proof(asked_at, head.number, head.cursor, applied=applied))
            await asyncio.sleep(self._every_s)


class LeaseHolder:
    """Takes and keeps a lease, and acknowledges what was applied."""

    def __init__(
        self,
        keeper: Keeper,
        wire: Wire,
        clocks: Clocks,
        seconds: float,
        name: str | None,
        note: Callable[[BaseException], None],
    ) -> None:
        self._keeper = keeper
        self._wire = wire
        self._clocks = clocks
        self._seconds = seconds
        self._name = name
        self._note = note
        self._lease_id: str | None = None

    async def run(self) -> None:
        """Keep a lease until cancelled."""
        pause = Pause()
        while True:
            await self._keeper.loaded.wait()
            self._keeper.moved.clear()  # before the cursor is read, so that no later change is forgotten
            try:
                await self._renew()
            except Failure as error:
                self._note(error)
                self._forget_lease(error)
                await pause.sleep(error)
                continue
            pause.reset()
            await asyncio.sleep(_BETWEEN_RENEWALS_S)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._keeper.moved.wait(), self._seconds / _RENEWALS)

    async def end(self) -> None:
        """Give the lease back, so that no deactivation waits for it."""
        if self._lease_id is not None:
            with suppress(Exception):
                await total(self._wire.end_lease(self._lease_id, 1.0), 1.0)

    async def _renew(self) -> None:
        """Take or renew the lease. What the answer allows is counted from before the request."""
        cursor, applied = self._keeper.copy.cursor, self._keeper.copy.number
        call_s = max(self._seconds / 2, 0.5)
        asked_at = self._clocks.steady()
        lease: Lease
        if self._lease_id is None:
            lease = await total(self._wire.take_lease(self._seconds, self._name, call_s), call_s)
            self._lease_id = lease.lease_id
            self._seconds = min(self._seconds, lease.seconds)
            self._keeper.moved.set()  # the new lease has acknowledged nothing yet
        else:
            lease = await total(self._wire.renew_lease(self._lease_id, cursor, call_s), call_s)
        until = asked_at + min(self._seconds, lease.seconds) * LEASE_PART
        self._keeper.prove(Proof(asked_at, lease.number, lease.cursor, until, applied))

    def _forget_lease(self, error: BaseException) -> None:
        if is_gone(error):
            self._keeper.lose()
        if isinstance(error, ServerRefusedError) and error.status == HTTPStatus.NOT_FOUND:
            self._lease_id = None  # what an earlier answer allowed stays valid until its own end
