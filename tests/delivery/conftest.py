"""A register whose webhooks may reach this machine, a receiver, and workers to start and stop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

import pytest

from padron.delivery.sender import HttpSender
from padron.domain.change import StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.webhook import Delivery, Endpoint, EventType, Filter
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses import single
from padron.service.webhooks import endpoints
from padron.store.base import Store
from padron.workers.base import PauseRange
from padron.workers.webhooks import WebhookWorker
from tests.cast import Cast, Member, make_cast, make_vin, registered, save, wait_until
from tests.conftest import Select
from tests.delivery.receiver import Receiver, run_receiver

LOOPBACK = (IPv4Network("127.0.0.1/32"),)
FAST = PauseRange(s_min=0.005, s_max=0.01)

OpenRuntime = Callable[[], Awaitable[Runtime]]


class Moment:
    """A clock that stands still until it is moved. It begins now, because signatures are refused when too old."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Acme's register with a receiver beside it."""

    runtime: Runtime
    open_runtime: OpenRuntime
    cast: Cast
    moment: Moment
    receiver: Receiver
    select: Select
    workers: list[WebhookWorker]

    @property
    def acme(self) -> Member:
        return self.cast.acme

    async def add_endpoint(self, receiver: Receiver | None = None, chosen: Filter | None = None) -> Endpoint:
        return await endpoints.add_endpoint(
            self.runtime,
            self.acme.principal,
            url=(receiver or self.receiver).url,
            description="",
            chosen=chosen or Filter(event_types=frozenset(EventType)),
        )

    async def get_endpoint(self, endpoint: Endpoint) -> Endpoint:
        return await endpoints.get_endpoint(self.runtime, self.acme.principal, endpoint.endpoint_id)

    async def list_deliveries(self, endpoint: Endpoint) -> list[Delivery]:
        reader = self.runtime.store.read(self.acme.account.account_id).webhooks
        return [one.delivery for one in await reader.list_deliveries(endpoint.endpoint_id, None, None, 500)]

    async def register(self, count: int = 1) -> None:
        changes = [registered(make_vin(number)) for number in range(count)]
        await save(self.runtime.store, self.acme.account.account_id, *changes)

    async def set_status(self, number: int = 0, status: int = 3, reason: str | None = None, by: str = "Acme") -> None:
        request = StatusRequest(
            vin=make_vin(number),
            status=VehicleStatus(status),
            reason=reason,
            revisions=None,
            by=by,
            request_id="r",
        )
        await single.set_status(self.runtime, self.acme.principal, request)

    def start_worker(self, runtime: Runtime | None = None, holder: str | None = None) -> WebhookWorker:
        worker = WebhookWorker(runtime or self.runtime, holder=holder, poll=FAST)
        worker.start()
        self.workers.append(worker)
        return worker

    async def stop_worker(self, worker: WebhookWorker) -> None:
        self.workers.remove(worker)
        await worker.stop()

    async def wait_for(self, condition: Callable[[], bool], *, seconds_max: float = 10) -> None:
        async def check() -> bool:
            return condition()

        await wait_until(check, seconds_max=seconds_max)

    async def wait_for_received(self, count: int, receiver: Receiver | None = None) -> None:
        await self.wait_for(lambda: len((receiver or self.receiver).received) >= count)

    async def wait_until_quiet(self) -> None:
        """Return once no worker has anything to do at this instant."""

        async def is_quiet() -> bool:
            ready = await self.runtime.store.webhooks.list_ready(self.moment.now, 1)
            held = await self.select("SELECT 1 FROM webhook_endpoints WHERE lease_holder IS NOT NULL")
            return not ready and not held

        await wait_until(is_quiet)

    async def pump(self, is_done: Callable[[], bool], *, seconds_max: float = 40) -> None:
        """Move the clock to the next due delivery whenever all is quiet, until the condition holds."""

        async def step() -> bool:
            if is_done():
                return True
            await self.wait_until_quiet()
            found = await endpoints.list_endpoints(self.runtime, self.acme.principal)
            due = [endpoint.wake_at for endpoint in found if endpoint.wake_at is not None]
            if due and not is_done():
                self.moment.now = max(self.moment.now, min(due))
            return is_done()

        await wait_until(step, seconds_max=seconds_max)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as one:
        yield one


@pytest.fixture
async def desk(
    open_store: Callable[[], Awaitable[Store]], moment: Moment, receiver: Receiver, select: Select
) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:

        async def open_runtime() -> Runtime:
            sender = await stack.enter_async_context(HttpSender(LOOPBACK, moment))
            runtime = build_runtime(await open_store(), moment, sender)
            stack.push_async_callback(_settle, runtime)
            return runtime

        runtime = await open_runtime()
        workers: list[WebhookWorker] = []
        yield Desk(
            runtime=runtime,
            open_runtime=open_runtime,
            cast=await make_cast(runtime),
            moment=moment,
            receiver=receiver,
            select=select,
            workers=workers,
        )
        receiver.close_connections()
        for worker in workers:
            await worker.stop()


async def _settle(runtime: Runtime) -> None:
    await runtime.lanes.close()
    await runtime.authenticator.close()
