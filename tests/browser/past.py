"""Gives the demo's fleet a past of some months, so that its pages show what pages of real fleets do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from padron.cli.fleet import list_fleet
from padron.cli.vehicles import give_principal
from padron.domain.account import Account
from padron.domain.change import StatusRequest
from padron.domain.people import User
from padron.domain.status import VehicleStatus
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.store import postgres, sqlite

BEGAN = timedelta(days=90)
STORIED = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None][10]
STEPS = (
    (timedelta(days=26), VehicleStatus.IN_THE_SHOP, "The gearbox slips in third"),
    (timedelta(days=9), VehicleStatus.ACTIVE, "Gearbox replaced"),
    (timedelta(days=31), VehicleStatus.IMPOUNDED, "Parked across a driveway in Monterrey"),
    (timedelta(days=3), VehicleStatus.ACTIVE, None),
)


@dataclass(kw_only=True, slots=True)
class PastClock:
    """A clock that the past is told with."""

    now: datetime

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@asynccontextmanager
async def use_past(url: str, clock: PastClock) -> AsyncIterator[Runtime]:
    """Give a register with this clock alone. The program's own one would follow its leaps slowly."""
    path = url.removeprefix("sqlite:///")
    store = await (postgres.open_store(url) if path == url else sqlite.open_store(path))
    runtime = build_runtime(store, clock)
    try:
        yield runtime
    finally:
        await runtime.close()


def begin_past() -> PastClock:
    return PastClock(now=datetime.now(UTC) - BEGAN)


async def tell_story(runtime: Runtime, clock: PastClock, account: Account, who: User) -> None:
    """Let somebody change one vehicle again and again."""
    for number, (later, status, reason) in enumerate(STEPS):
        clock.now += later
        request = StatusRequest(
            vin=STORIED, status=status, reason=reason, revisions=None, by=who.user_id, request_id=f"story-{number}"
        )
        await set_status(runtime, give_principal(account.account_id), request)
