"""What every use case needs: the open store, the clock, and the queues in front of the store."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from padron.domain.administration import COMMAND_LINE, Doer
from padron.domain.keeping import DEFAULT_AGES, KeptAges
from padron.domain.limits import DEFAULT_LIMITS, Limits
from padron.meters import MeterBoard
from padron.service.actor_names import ActorNames
from padron.service.authentication import Authenticator
from padron.service.changes.recent_pages import RecentPages
from padron.service.changes.watch import ChangeWatch
from padron.service.clock import RegisterClock, keep_clock
from padron.service.imports.preview_places import PreviewPlaces
from padron.service.openid.departures import Departures
from padron.service.operations.lease_renewals import LeaseRenewals
from padron.service.operations.lease_watch import LeaseWatch
from padron.service.operations.questions import GateQuestions
from padron.service.operations.queueing import Queueing
from padron.service.operations.refusals import RefusalLog
from padron.service.operations.room import QueuedWork
from padron.service.operations.work_watch import WorkWatch
from padron.service.people.passwords import PasswordHashing
from padron.service.people.throttle import SignInThrottle
from padron.service.rates import Rates
from padron.service.reports.tallies import StatusTallies
from padron.service.scanning.places import ScanPlaces
from padron.service.statuses.lanes import StatusLanes
from padron.service.turns import TURNS_BESIDE_DATABASE, Turns
from padron.service.watching.counts import ServiceCounts
from padron.service.watching.measures import give_families
from padron.service.watching.outage import OutageLog
from padron.service.webhooks.sealing import SecretBox
from padron.service.webhooks.sending import NoSender, Sender
from padron.store.base import Store
from padron.traces import Tracer


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One process's share of the register."""

    store: Store
    clock: Callable[[], datetime]
    limits: Limits
    rates: Rates
    lanes: StatusLanes
    authenticator: Authenticator
    refusals: RefusalLog
    watch: ChangeWatch
    queueing: Queueing
    queued_work: QueuedWork
    work_watch: WorkWatch
    questions: GateQuestions
    leases: LeaseWatch
    renewals: LeaseRenewals
    turns: Turns
    counts: ServiceCounts
    outage: OutageLog
    ages: KeptAges = DEFAULT_AGES
    actor_names: ActorNames = field(default_factory=ActorNames)
    operator: Doer = COMMAND_LINE  # who administers where no principal does; a command names its system user
    recent_pages: RecentPages = field(default_factory=RecentPages)
    previews: PreviewPlaces = field(default_factory=PreviewPlaces)
    scans: ScanPlaces = field(default_factory=ScanPlaces)
    passwords: PasswordHashing = field(default_factory=PasswordHashing)
    throttle: SignInThrottle = field(default_factory=SignInThrottle)
    departures: Departures = field(default_factory=Departures)
    sender: Sender = field(default_factory=NoSender)
    status_tallies: StatusTallies = field(default_factory=StatusTallies)
    meters: MeterBoard = field(default_factory=MeterBoard)  # whoever counts something adds itself
    secret_box: SecretBox = field(default_factory=SecretBox)
    keeping: AsyncExitStack = field(default_factory=AsyncExitStack)  # runs while the runtime is open
    tracer: Tracer | None = None  # where nobody asked for traces

    @property
    def answers_at_once(self) -> bool:
        """Say whether a read by an index is usually over without a wait, so that it needs no task of its own."""
        return self.store.reads_at_once

    def stop_waiting(self) -> None:
        """Release everybody who waits for changes or for work, now and from now on."""
        self.watch.stop()
        self.work_watch.stop()

    async def close(self) -> None:
        """Let current work end, then close the store."""
        await self.outage.close()
        await self.status_tallies.close()
        await self.watch.close()
        await self.work_watch.close()
        await self.queueing.close()
        await self.lanes.close()
        await self.renewals.close()
        await self.leases.close()
        await self.questions.close()
        await self.refusals.close()
        await self.authenticator.close()
        await self.passwords.close()
        await self.keeping.aclose()
        await self.store.close()
        if self.tracer is not None:
            await self.tracer.close()


def build_runtime(
    store: Store,
    clock: Callable[[], datetime],
    sender: Sender | None = None,
    limits: Limits = DEFAULT_LIMITS,
    secret_box: SecretBox | None = None,
    tracer: Tracer | None = None,
    ages: KeptAges = DEFAULT_AGES,
) -> Runtime:
    """Give a runtime over an open store. The caller needs a running event loop."""
    rates = Rates(limits)
    counts = ServiceCounts()
    watch = ChangeWatch(store)
    leases = LeaseWatch(store, watch.look_now)
    runtime = Runtime(
        store=store,
        clock=clock,
        limits=limits,
        rates=rates,
        lanes=StatusLanes(store, clock, limits.queued_changes, tracer, leases),
        authenticator=Authenticator(store.directory, clock, rates),
        refusals=RefusalLog(store),
        watch=watch,
        queueing=Queueing(store, clock),
        queued_work=QueuedWork(store, limits.queued_work),
        work_watch=WorkWatch(store, clock),
        questions=GateQuestions(store),
        leases=leases,
        renewals=LeaseRenewals(store, leases),
        turns=Turns(1 if store.reads_at_once else TURNS_BESIDE_DATABASE),
        sender=sender or NoSender(),
        counts=counts,
        outage=OutageLog(store, counts),
        secret_box=secret_box or SecretBox(),
        tracer=tracer,
        ages=ages,
    )
    if tracer is not None:
        store.trace(tracer)
    runtime.meters.add(partial(give_families, runtime))
    return runtime


async def open_timed_runtime(
    store: Store,
    clock: RegisterClock,
    sender: Sender | None = None,
    limits: Limits = DEFAULT_LIMITS,
    secret_box: SecretBox | None = None,
    tracer: Tracer | None = None,
    ages: KeptAges = DEFAULT_AGES,
) -> Runtime:
    """Give a runtime over an open store. It keeps the register's clock right until it is closed."""
    runtime = build_runtime(store, clock, sender, limits, secret_box, tracer, ages)
    await runtime.keeping.enter_async_context(keep_clock(clock))
    return runtime
