"""The webhook worker of one process: finds endpoints that have work, leases them, and sends.

Each leased endpoint has its own task, so a slow endpoint delays no other. The database keeps the
order of a vehicle's deliveries: it gives only the first pending one. The worker sends a delivery
only when the lease is certain to outlast it.
"""

import asyncio
import logging
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from padron.delivery.sender import SEND_S_MAX
from padron.domain.errors import PadronError
from padron.domain.webhook import LEASE, Answer, EndpointKey
from padron.loop import TROUBLE_S, Loop
from padron.service.runtime import Runtime
from padron.service.webhooks import deliveries
from padron.service.webhooks.deliveries import EndpointWork, SendOutcome
from padron.workers.base import RELEASE_S_MAX, PauseRange, Worker

POLL = PauseRange(s_min=0.2, s_max=0.5)
NONE_S = 2.0  # between looks while there are no endpoints
RENEW_S = 5.0
HELD_MAX = 256  # endpoints of one process at once
READY_MAX = 2 * HELD_MAX  # endpoints that one look finds; the accounts take turns
QUIET_S_MAX = 4.0  # between looks at an endpoint that does not answer
SENDS_MAX = 16  # deliveries of one endpoint at once, each for a different vehicle
SENDS_TOTAL_MAX = 512  # deliveries of one process at once, each with its own connection
TURNS_MAX = 4  # transactions at once, which leaves connections for the calls
RUN_S_MAX = 60.0  # then an endpoint gives up its place if its account has no other place free

_MARGIN_S = 2.0
_log = logging.getLogger("padron.delivery")


@dataclass(slots=True, eq=False)
class _Held:
    """An endpoint that this worker has leased, until an instant of the event loop's clock."""

    key: EndpointKey
    until_s: float
    began_s: float
    sends: dict[asyncio.Task[SendOutcome], int] = field(default_factory=dict)
    outcomes: list[SendOutcome] = field(default_factory=list)

    @property
    def busy(self) -> frozenset[int]:
        """The numbers of the deliveries on their way."""
        return frozenset(self.sends.values())

    def collect(self, runtime: Runtime) -> None:
        """Take the outcomes of finished deliveries."""
        for task in [task for task in self.sends if task.done()]:
            number = self.sends.pop(task)
            if task.cancelled():
                continue
            failure = task.exception()
            if failure is None:
                self.outcomes.append(task.result())
                continue
            # An internal error counts as a failed attempt. So the delivery is neither lost nor
            # retried forever.
            _log.error("delivery %d of webhook %s met an error", number, self.key.endpoint_id, exc_info=failure)
            answer = Answer(status=None, error="The server had an internal error.", duration=timedelta(0))
            self.outcomes.append(SendOutcome(number=number, at=runtime.clock(), answer=answer))


class WebhookWorker(Worker):
    """Sends webhooks from one process. Other processes may do so, too."""

    def __init__(self, runtime: Runtime, *, holder: str | None = None, poll: PauseRange = POLL) -> None:
        """``holder`` is a name that no other living worker has. A new worker inherits a dead one's leases."""
        super().__init__("webhooks-watch", _log, "webhooks wait")
        self._runtime = runtime
        self._poll = poll
        self._holder = holder or secrets.token_hex(8)
        self._held: dict[EndpointKey, _Held] = {}
        self._held_by: Counter[int] = Counter()  # the number of held endpoints, by account
        self._sends_by: Counter[int] = Counter()  # the number of deliveries on their way, by account
        self._turns = asyncio.Semaphore(TURNS_MAX)
        self._has_any = False
        self._checked_s = -NONE_S
        self._loops.append(
            Loop(
                self._keep_leases,
                name="padron-webhooks-leases",
                log=_log,
                failure="the leases of webhooks could not be renewed",
                trouble_s=RENEW_S,
            )
        )
        self._is_first = True  # nothing is held yet: a killed worker with the same name may have left leases

    async def _look(self) -> float:
        if not await self._check_any():
            return NONE_S
        if len(self._held) < HELD_MAX:
            await self._claim()
        return self._poll.draw()

    async def _check_any(self) -> bool:
        """Say whether there is any endpoint. The answer is at most two seconds old."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._checked_s + NONE_S:
            self._has_any = await deliveries.has_endpoints(self._runtime)
            self._checked_s = now_s
        return self._has_any

    async def _claim(self) -> None:
        # More endpoints than places, so that accounts without free places do not hide the others.
        for key in await deliveries.list_ready(self._runtime, READY_MAX):
            if key in self._held or self.is_stopping or not self._has_place(key.account_id):
                continue
            now_s = asyncio.get_running_loop().time()
            # Without a turn, because these claims follow one another: a new endpoint must not wait
            # for held ones.
            if await deliveries.claim_endpoint(self._runtime, key, self._holder):
                self._hold(key, now_s)

    def _has_place(self, account_id: int) -> bool:
        """Say whether an account may have one more place: it must have fewer places than are free.

        So a single account gets half of the places, and many accounts get equal shares. Some places
        are always free for an account that has none, even if no endpoint of the others ever
        answers.
        """
        return self._held_by[account_id] < HELD_MAX - len(self._held) and self._give_sends_left(account_id) > 0

    def _hold(self, key: EndpointKey, leased_s: float) -> None:
        if key in self._held:
            return
        held = _Held(key=key, until_s=leased_s + LEASE.total_seconds(), began_s=leased_s)
        self._held[key] = held
        self._held_by[key.account_id] += 1
        self._begin(self._run(held), f"webhook-{key.endpoint_id}")

    async def _keep_leases(self) -> float:
        if self._held or self._is_first:
            self._is_first = False
            await self._renew()
        return RENEW_S

    async def _renew(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for key in await deliveries.renew_leases(self._runtime, self._holder):
            # An unknown lease is a dead worker's, or one whose claim was committed but never
            # answered.
            self._hold(key, now_s)
            self._held[key].until_s = now_s + LEASE.total_seconds()

    async def _run(self, held: _Held) -> None:
        try:
            quiet_s = self._poll.s_max
            while await self._step(held):
                if held.sends:
                    done, _ = await asyncio.wait(held.sends, timeout=quiet_s, return_when=asyncio.FIRST_COMPLETED)
                    # Otherwise hundreds of endpoints that do not answer would use up the
                    # transactions.
                    quiet_s = self._poll.s_max if done else min(2 * quiet_s, QUIET_S_MAX)
                held.collect(self._runtime)
        except asyncio.CancelledError:
            await self._abandon(held)
        except Exception:  # noqa: BLE001 - after any error the other endpoints continue
            _log.exception("webhook %s failed and rests for a while", held.key.endpoint_id)
            await self.pause(LEASE.total_seconds())
            await self._abandon(held)
        finally:
            for task in held.sends:
                task.cancel()
            await asyncio.gather(*held.sends, return_exceptions=True)
            del self._held[held.key]
            self._held_by[held.key.account_id] -= 1
            if not self._held_by[held.key.account_id]:
                del self._held_by[held.key.account_id]  # otherwise deleted accounts would stay in memory

    async def _step(self, held: _Held) -> bool:
        """Record outcomes and send the next deliveries. Give False when this endpoint has no more work."""
        room = self._give_room(held)
        # Taken before the transaction. A cancelled transaction continues in the background, and no
        # outcome may be recorded twice.
        outcomes, held.outcomes = held.outcomes, []
        try:
            async with self._turns:
                work = await deliveries.advance_endpoint(
                    self._runtime, held.key, self._holder, outcomes, held.busy, room
                )
        except PadronError as error:
            held.outcomes = outcomes
            self._runtime.outage.note(error.detail)  # one line for all endpoints
            await self.pause(TROUBLE_S)
            return asyncio.get_running_loop().time() < held.until_s and not self.is_stopping
        if work is None or work.is_released:
            return False
        self._send(held, work, self._give_room(held))
        return True

    def _send(self, held: _Held, work: EndpointWork, room: int) -> None:
        for sending in work.due[:room]:  # meanwhile other endpoints may have taken places
            sent = deliveries.send(self._runtime, held.key.account_id, work.endpoint, sending)
            task = asyncio.create_task(sent)
            held.sends[task] = sending.delivery.number
            self._sends_by[held.key.account_id] += 1
            task.add_done_callback(lambda _: self._count_sent(held.key.account_id))

    def _count_sent(self, account_id: int) -> None:
        self._sends_by[account_id] -= 1
        if not self._sends_by[account_id]:
            del self._sends_by[account_id]

    def _give_room(self, held: _Held) -> int:
        """Give how many more deliveries may be sent. Each of them must end before the lease does."""
        now_s = asyncio.get_running_loop().time()
        is_too_late = now_s + SEND_S_MAX + _MARGIN_S > held.until_s
        is_in_the_way = now_s > held.began_s + RUN_S_MAX and not self._has_place(held.key.account_id)
        if is_too_late or is_in_the_way or self.is_stopping:
            return 0
        return min(SENDS_MAX - len(held.sends), self._give_sends_left(held.key.account_id))

    def _give_sends_left(self, account_id: int) -> int:
        """Give how many more deliveries an account may send. The rule is that of the places."""
        sent = self._sends_by[account_id]
        return max((SENDS_TOTAL_MAX - self._sends_by.total() - sent + 1) // 2, 0)

    async def _abandon(self, held: _Held) -> None:
        """Give the lease back when the process ends. Another worker sends the interrupted deliveries again."""
        for task in held.sends:
            task.cancel()
        await asyncio.gather(*held.sends, return_exceptions=True)
        held.collect(self._runtime)
        with suppress(PadronError, TimeoutError):
            async with asyncio.timeout(RELEASE_S_MAX):
                await deliveries.release_endpoint(self._runtime, held.key, self._holder, held.outcomes)
