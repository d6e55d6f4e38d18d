"""Lets answers about deactivations wait until no local gate can still answer from before them.

An answer waits for each lease of its account that has not acknowledged it, at most for the lease's seconds. Whoever
waits is held here after the commit, without a task, a transaction or a connection. Acknowledgements that reach this
process release it at once, even before they are stored. Beside that, while somebody waits, one task for each account
reads which leases are behind. So it sees acknowledgements that reached other processes, and leases that ended.

A lease whose renewals did not change for its seconds has ended at its holder: each renewal was sent before it was
counted. It is removed, on the condition that its renewals are still the same. One that is renewed but not acknowledged
in time is marked first. It takes no renewals from then on, and so the same rule removes it later.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from padron.domain.errors import PadronError
from padron.domain.gate_leases import SECONDS_MAX, LateLease, LateLeases
from padron.store.base import Store, WriteTransaction
from padron.store.settling import settle
from padron.traces import leave_trace

LOOK_EVERY_S = 0.015  # for acknowledgements that reached other processes
LATER_EVERY_S = 0.05  # once a lease is late
LATE_S = 0.3
LOOKS_SHARE = 5  # a pause is so many times as long as the look before it, where that is between the two above
TROUBLE_S = 0.2
PAUSE_S_MIN = 0.001
TOLD_MAX = 1_000  # leases of an account; callers can name ids that do not exist

_log = logging.getLogger("padron.leases")


@dataclass(slots=True, eq=False)
class _HeldAnswers:
    """Answers that wait. Without a number they wait for the account's last change when somebody looks first."""

    since_s: float  # after the commit
    release: Callable[[], None]
    number: int | None
    awaited: dict[str, LateLease] | None = None  # the leases that were behind then, as they were. None before a look


@dataclass(slots=True)
class _Seen:
    """A lease, and when its renewals were first seen to be as they are."""

    lease: LateLease
    since_s: float

    @property
    def ends_s(self) -> float:
        """When it has ended at its holder, unless it is renewed."""
        return self.since_s + self.lease.seconds


@dataclass(slots=True, eq=False)
class _Account:
    held: list[_HeldAnswers] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)  # what holders have applied, as far as this process heard
    seen: dict[str, _Seen] = field(default_factory=dict)  # the leases that are behind
    overdue: set[str] = field(default_factory=set)  # the leases to remove, once it is certain that they have ended
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def note(self, found: LateLeases, now_s: float) -> None:
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

    def hear(self, told: Mapping[str, int]) -> None:
        """Take what holders say they have applied, and let go whoever waited only for them."""
        for lease_id, number in told.items():
            if number > self.told.get(lease_id, 0):
                self.told[lease_id] = number
        while len(self.told) > TOLD_MAX:
            del self.told[next(iter(self.told))]  # it counts once it is stored
        for held in [*self.held]:
            if held.awaited is None or held.number is None:
                continue  # the first look takes it from ``told``
            for lease_id in told.keys() & held.awaited.keys():
                if self.told.get(lease_id, 0) >= held.number:
                    del held.awaited[lease_id]
            if not held.awaited:
                self.release(held)

    def release(self, held: _HeldAnswers) -> None:
        """Let answers go."""
        self.held.remove(held)
        held.release()

    def release_old(self, now_s: float) -> None:
        """Let answers go that have waited so long that every lease has ended at its holder, whatever there is."""
        for held in [*self.held]:
            if now_s >= held.since_s + SECONDS_MAX:
                self.release(held)

    def give_pause(self, began_s: float, now_s: float) -> float:
        """Give the seconds until the next look, unless something wakes the task."""
        pauses = [self.seen[one].ends_s - now_s for one in self.overdue]
        for held in self.held:
            waited_s = now_s - held.since_s
            lengths = [lease.seconds for lease in (held.awaited or {}).values()]
            pauses += [seconds - waited_s for seconds in lengths if seconds > waited_s]
            usual_s = max(LOOK_EVERY_S, LOOKS_SHARE * (now_s - began_s)) if waited_s < LATE_S else LATER_EVERY_S
            pauses.append(min(usual_s, LATER_EVERY_S))
        return max(PAUSE_S_MIN, min(pauses, default=LOOK_EVERY_S))


class LeaseWatch:
    """The answers of one process that wait for leases."""

    def __init__(self, store: Store, tell: Callable[[], None] = lambda: None) -> None:
        """``tell`` is called when answers begin to wait, so that followers of the feed hear of the changes at once."""
        self._store = store
        self._tell = tell
        self._accounts: dict[int, _Account] = {}  # only those for which somebody waits, or a lease has to be removed

    @property
    def held_count(self) -> int:
        """How many batches of answers wait."""
        return sum(len(account.held) for account in self._accounts.values())

    def is_strict(self, account_id: int) -> bool:
        """Say whether answers wait, for an account that this process has just written."""
        return account_id in self._store.strict_accounts

    def hold(self, account_id: int, release: Callable[[], None], number: int | None = None) -> None:
        """Call ``release`` once no lease lets its holder answer from before now. It may not raise and may not wait.

        With a ``number``, the holders need to have applied this change only.
        """
        account = self._accounts.setdefault(account_id, _Account())
        account.held.append(_HeldAnswers(asyncio.get_running_loop().time(), release, number))
        account.woken.set()
        self._tell()
        if account.task is None:
            account.task = asyncio.create_task(self._watch(account_id, account), name="padron-leases")

    async def confirm(self, account_id: int, *, has_written: bool) -> None:
        """Wait until no lease lets its holder answer from before now, at most ``SECONDS_MAX``.

        ``has_written`` says whether the call wrote changes of the account. Otherwise somebody must look.
        """
        if not has_written or self.is_strict(account_id):
            await self.confirm_change(account_id, None)

    async def confirm_change(self, account_id: int, number: int | None) -> None:
        """Wait until no lease lets its holder answer from before a change that is committed; None is the last one.

        This is for answers that tell what was done in the background. Nobody knows whether the account waits for
        leases, so somebody must look.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hold(account_id, lambda: settle(done, None), number)
        await done

    def hear(self, account_id: int, told: Mapping[str, int]) -> None:
        """Take what the holders of some leases say they have applied. It need not be stored yet."""
        account = self._accounts.get(account_id)
        if account is not None:
            account.hear(told)

    def look_now(self, account_id: int) -> None:
        """Look at the account's leases now, because one of them was ended."""
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
        leave_trace()  # it belongs to several requests
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
            if not account.held:
                self._accounts.pop(account_id, None)

    async def _look(self, account_id: int, account: _Account) -> float:
        """Read the leases, and release whoever need not wait any more. Give the seconds until the next look."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        asked = [*account.held]  # those whose commit the look sees
        found = await self._store.read(account_id).gate_leases.load_late()
        now_s = loop.time()
        account.note(found, now_s)
        marked: dict[str, int] = {}
        for held in asked:
            if held not in account.held:
                continue  # its last acknowledgement came during the look
            if held.awaited is None:
                held.number = found.last_change if held.number is None else held.number
                held.awaited = {lease.lease_id: lease for lease in found.leases}
            marked |= _judge(account, held, now_s)
        for lease_id, number in marked.items():
            await self._mark(account_id, lease_id, number)
        for lease_id in [*account.overdue]:
            if now_s >= account.seen[lease_id].ends_s:
                account.overdue.discard(lease_id)
                await self._remove(account_id, account.seen[lease_id].lease)
        return account.give_pause(began_s, loop.time())

    async def _mark(self, account_id: int, lease_id: str, number: int) -> None:
        async def work(transaction: WriteTransaction) -> None:
            await transaction.gate_leases.mark(lease_id, number)

        await self._store.write(account_id, work)

    async def _remove(self, account_id: int, seen: LateLease) -> None:
        async def work(transaction: WriteTransaction) -> str | None:
            return await transaction.gate_leases.remove(seen)

        name = await self._store.write(account_id, work)
        if name is not None:
            _log.info("a lease of a local gate ended, because it was not renewed: %s", name)


def _judge(account: _Account, held: _HeldAnswers, now_s: float) -> dict[str, int]:
    """Release the answers if each lease has acknowledged them or has ended. Give what must be marked, with a number."""
    number = held.number or 0
    marked: dict[str, int] = {}
    awaited: dict[str, LateLease] = {}
    for lease_id, first in (held.awaited or {}).items():
        seen = account.seen.get(lease_id)
        if seen is None or max(seen.lease.acknowledged, account.told.get(lease_id, 0)) >= number:
            continue  # it is not behind any more, or does not exist any more
        if now_s >= seen.ends_s:
            account.overdue.add(lease_id)
        elif now_s < held.since_s + first.seconds:
            awaited[lease_id] = first
        elif first.renewals == seen.lease.renewals:
            account.overdue.add(lease_id)  # nobody has renewed it meanwhile
        elif not seen.lease.is_ending:
            marked[lease_id] = number
    held.awaited = awaited
    if not awaited:
        account.release(held)
    return marked


async def _pause(woken: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await woken.wait()
    except TimeoutError:
        return
