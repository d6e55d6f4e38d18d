"""The limit of an account's queued work: what is in runs that workers have not emptied yet."""

import asyncio

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.domain.operation import RunQuestion
from padron.domain.vin import Vin
from padron.service.operations import room
from padron.service.operations.claims import claim_work
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import start_run
from padron.service.runtime import Runtime, build_runtime
from tests.cast import Cast, Member, make_vin, registered, save, trust
from tests.conftest import OpenStore, Select, SteppedClock

NAMES = ("poll", "weigh")
VINS = tuple(make_vin(number) for number in range(10))

pytestmark = pytest.mark.parametrize("limits", [Limits(queued_work=25)], ids=["twenty-five"])


@pytest.fixture
async def fleet(runtime: Runtime, cast: Cast) -> Cast:
    for member in (cast.acme, cast.beta):
        await save(runtime.store, member.account.account_id, *(registered(vin) for vin in VINS))
        for name in NAMES:
            await put_operation(runtime, member.principal, name, description="", lease_s=60, attempts=2)
    return cast


async def is_refused(runtime: Runtime, member: Member, name: str, vins: tuple[Vin, ...] | None) -> bool:
    question = RunQuestion() if vins is None else RunQuestion(vins=vins)
    try:
        await start_run(runtime, member.principal, name, question)
    except PadronError as caught:
        error = caught
    else:
        return False
    assert error.code is Code.RUN_LIMIT_REACHED
    assert "25 is the maximum" in error.detail
    return True


async def claim(runtime: Runtime, member: Member, limit: int) -> None:
    gone = asyncio.get_running_loop().create_future()
    await claim_work(runtime, member.principal, "poll", limit=limit, wait_s=0, gone=gone, confirm=trust)


@pytest.mark.long("postgres")
async def test_an_account_may_have_so_much_queued_work_and_others_have_their_own(
    runtime: Runtime, fleet: Cast, select: Select
) -> None:
    assert not await is_refused(runtime, fleet.acme, "poll", VINS)
    assert not await is_refused(runtime, fleet.acme, "weigh", VINS)
    assert await is_refused(runtime, fleet.acme, "poll", VINS[:6])
    assert not await is_refused(runtime, fleet.acme, "weigh", VINS[:5])
    assert await is_refused(runtime, fleet.acme, "weigh", None)
    assert not await is_refused(runtime, fleet.beta, "poll", VINS)
    assert await select("SELECT count(*) FROM work") == [(35,)]
    assert await select("SELECT count(*) FROM runs") == [(4,)]


async def test_of_many_at_once_only_so_many_are_let_in(runtime: Runtime, fleet: Cast, select: Select) -> None:
    asked = [is_refused(runtime, fleet.acme, NAMES[number % 2], VINS) for number in range(10)]
    assert (await asyncio.gather(*asked)).count(False) == 2
    assert await select("SELECT count(*) FROM work") == [(20,)]


@pytest.mark.long("postgres")
async def test_a_run_that_workers_have_taken_makes_room(
    runtime: Runtime, fleet: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FULL_S", 0.0)
    assert not await is_refused(runtime, fleet.acme, "poll", VINS)
    assert not await is_refused(runtime, fleet.acme, "weigh", VINS)
    assert await is_refused(runtime, fleet.acme, "poll", VINS)
    await claim(runtime, fleet.acme, 9)
    assert await is_refused(runtime, fleet.acme, "poll", VINS)
    await claim(runtime, fleet.acme, 1)
    assert not await is_refused(runtime, fleet.acme, "poll", VINS)


async def test_a_process_that_starts_counts_what_is_there(
    runtime: Runtime, fleet: Cast, open_store: OpenStore, clock: SteppedClock, limits: Limits
) -> None:
    for _ in range(2):
        assert not await is_refused(runtime, fleet.acme, "poll", VINS)
    other = build_runtime(await open_store(), clock, limits=limits)
    assert await is_refused(other, fleet.acme, "weigh", VINS)
    await other.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_only_so_many_accounts_are_remembered(
    runtime: Runtime, fleet: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ACCOUNTS_MAX", 1)
    for _ in range(2):
        assert not await is_refused(runtime, fleet.acme, "poll", VINS[:6])
        assert not await is_refused(runtime, fleet.beta, "poll", VINS[:6])
    assert not await is_refused(runtime, fleet.acme, "poll", VINS[:6])
    assert await is_refused(runtime, fleet.acme, "poll", VINS[:8])
