"""Lets answers about deactivations wait until no local gate can still answer from before them.

An answer waits for each lease of its account that has not acknowledged it, at most for the lease's seconds. Whoever
waits is held here after the commit, without a task, a transaction or a connection. While somebody waits, one task for
each account reads the account's leases again and again. Acknowledgements that reach this process wake it at once.

A lease whose renewals did not change for its seconds has ended at its holder: each renewal was sent before it was
counted. It is removed, on the condition that its renewals are still the same. One that is renewed but not acknowledged
in time is marked first. It takes no renewals from then on, and so the same rule removes it later.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from padron.domain.errors import PadronError
from padron.domain.gate_leases import SECONDS_MAX, GateLease, GateLeases
from padron.store.base import Store, WriteTransaction
from padron.store.settling import settle

LOOK_EVERY_S = 0.015  # for acknowledgements that reached other servers
LATER_EVERY_S = 0.05  # once a lease is late
LATE_S = 0.3
TROUBLE_S = 0.2
PAUSE_S_MIN = 0.001

_log = logging.getLogger("padron.leases")


@dataclass(slots=True, eq=False)
class _HeldAnswers:
    """Answers that wait. Without a number nobody has looked since they were held."""

    since_s: float  # after the commit
    release: Callable[[], None]
    number: int | None = None  # the account's last change when somebody looked first
    renewals: Mapping[str, int] = field(default_factory=dict)  # of each lease then


@dataclass(slots=True)
class _Seen:
    """A lease, and when its renewals were first seen to be as they are."""

    lease: GateLease
    since_s: float

    @property
    def ends_s(self) -> float:
        """When it has ended at its holder, unless it is renewed."""
        return self.since_s + self.lease.seconds


@dataclass(slots=True, eq=False)
class _Account:
    held: list[_HeldAnswers] = field(default_factory=list)
    seen: dict[str, _Seen] = field(default_factory=dict)
    overdue: set[str] = field(default_factory=set)  # the leases to remove, once it is certain that they have ended
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def note(self, found: GateLeases, now_s: float) -> None:
        """Remember since when the renewals of each lease are as they are."""
        seen = {}
        for lease in found.leases:
            known = self.seen.get(lease.lease_id)
            if known is None or known.lease.renewals != lease.renewals:
                self.overdue.discard(lease.lease_id)  # its holder is there
                known = _Seen(lease, now_s)
            seen[lease.lease_id] = _Seen(lease, known.since_s)
            if lease.is_ending:
                self.overdue.add(lease.lease_id)
        self.seen = seen
        self.overdue &= seen.keys()

    def release(self, held: _HeldAnswers) -> None:
        """Let answers go."""
        self.held.remove(held)
        held.release()

    def release_old(self, now_s: float) -> None:
        """Let answers go that have waited so long that every lease has ended at its holder, whatever there is."""
        for held in [*self.held]:
            if now_s >= held.since_s + SECONDS_MAX:
                self.release(held)

    def give_pause(self, now_s: float) -> float:
        """Give the seconds until the next look, unless something wakes the task."""
        pauses = [self.seen[one].ends_s - now_s for one in self.overdue]
        for held in self.held:
            waited_s = now_s - held.since_s
            pauses.append(LOOK_EVERY_S if waited_s < LATE_S else LATER_EVERY_S)
            lengths = {seen.lease.seconds for seen in self.seen.values()}
            pauses += [seconds - waited_s for seconds in lengths if seconds > waited_s]
        return max(PAUSE_S_MIN, min(pauses, default=LOOK_EVERY_S))


class LeaseWatch:
    """The answers of one process that wait for leases."""

    def __init__(self, store: Store, tell: Callable[[], None] = lambda: None) -> None:
        """``tell`` is called when answers begin to wait, so that followers of the feed hear of the changes at once."""
        self._store = store
        self._tell = tell
        self._accounts: dict[int, _Account] = {}

    @property
    def held_count(self) -> int:
        """How many batches of answers wait."""
        return sum(len(account.held) for account in self._accounts.values())

    def is_strict(self, account_id: int) -> bool:
        """Say whether answers wait, for an account that this process has just written."""
        return account_id in self._store.strict_accounts

    def hold(self, account_id: int, release: Callable[[], None]) -> None:
        """Call ``release`` once no lease lets its holder answer from before now. It may not raise and may not wait."""
        account = self._accounts.setdefault(account_id, _Account())
        account.held.append(_HeldAnswers(asyncio.get_running_loop().time(), release))
        account.woken.set()
        self._tell()
        if account.task is None:
            account.task = asyncio.create_task(self._watch(account_id, account), name="padron-leases")

    async def confirm(self, account_id: int, *, has_written: bool) -> None:
        """Wait until no lease lets its holder answer from before now, at most ``SECONDS_MAX``.

        ``has_written`` says whether the call wrote changes of the account. Otherwise somebody must look.
        """
        if has_written and not self.is_strict(account_id):
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hold(account_id, lambda: settle(done, None))
        await done

    def nudge(self, account_id: int) -> None:
        """Look at the account's leases now, because one of them was renewed or ended."""
        account = self._accounts.get(account_id)
        if account is not None:
            account.woken.set()

    async def close(self) -> None:
        """Wait for all answers, then stop."""
        for account in [*self._accounts.values()]:
            while account.held and account.task is not None:
                await asyncio.wait([account.task], timeout=LOOK_EVERY_S)
            if account.task is not None:
                account.task.cancel()
                await asyncio.wait([account.task])

    async def _watch(self, account_id: int, account: _Account) -> None:
        loop = asyncio.get_running_loop()
        try:
            while account.held or account.overdue:
                account.woken.clear()
                pause_s = TROUBLE_S
                try:
                    pause_s = await self._look(account_id, account)
                except PadronError as error:
                    _log.warning("the leases of an account cannot be read: %s", error.detail)
                    account.release_old(loop.time())
                except Exception:  # noqa: BLE001 - after any error, nobody may be left waiting
                    _log.exception("the leases of an account cannot be read")
                    account.release_old(loop.time())
                if account.held or account.overdue:
                    await _pause(account.woken, pause_s)
        finally:
            account.task = None
            if not account.seen and not account.held:
                self._accounts.pop(account_id, None)

    async def _look(self, account_id: int, account: _Account) -> float:
        """Read the leases, and release whoever need not wait any more. Give the seconds until the next look."""
        loop = asyncio.get_running_loop()
        asked = [*account.held]  # those whose commit the look sees
        found = await self._store.read(account_id).gate_leases.load()
        now_s = loop.time()
        account.note(found, now_s)
        marked: dict[str, int] = {}
        for held in asked:
            if held.number is None:
                held.number = found.last_change
                held.renewals = {lease.lease_id: lease.renewals for lease in found.leases}
            marked |= _judge(account, held, now_s)
        for lease_id, number in marked.items():
            await self._mark(account_id, lease_id, number)
        for lease_id in [*account.overdue]:
            if now_s >= account.seen[lease_id].ends_s:
                account.overdue.discard(lease_id)
                await self._remove(account_id, account.seen[lease_id].lease)
        return account.give_pause(loop.time())

    async def _mark(self, account_id: int, lease_id: str, number: int) -> None:
        async def work(transaction: WriteTransaction) -> None:
            await transaction.gate_leases.mark(lease_id, number)

        await self._store.write(account_id, work)

    async def _remove(self, account_id: int, seen: GateLease) -> None:
        async def work(transaction: WriteTransaction) -> bool:
            return await transaction.gate_leases.remove(seen)

        if await self._store.write(account_id, work):
            _log.info("a lease of a local gate ended, because it was not renewed: %s", seen.name or seen.lease_id)


def _judge(account: _Account, held: _HeldAnswers, now_s: float) -> dict[str, int]:
    """Release the answers if each lease has acknowledged them or has ended. Give what must be marked, with a number."""
    number = held.number or 0
    late = [seen for seen in account.seen.values() if seen.lease.acknowledged < number]
    marked: dict[str, int] = {}
    is_released = True
    for seen in late:
        lease_id = seen.lease.lease_id
        if now_s >= seen.ends_s:
            account.overdue.add(lease_id)
        elif now_s < held.since_s + seen.lease.seconds:
            is_released = False
        elif held.renewals.get(lease_id, seen.lease.renewals) == seen.lease.renewals:
            account.overdue.add(lease_id)  # nobody has renewed it meanwhile
        elif not seen.lease.is_ending:
            marked[lease_id] = number
    if is_released:
        account.release(held)
    return marked


async def _pause(woken: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await woken.wait()
    except TimeoutError:
        return
