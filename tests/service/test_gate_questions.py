"""Questions to the gate that wait share a statement of their account, and each sees what was committed before it."""

import asyncio
from collections.abc import Sequence

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.gate import GateView
from padron.domain.vin import Vin
from padron.service.operations import questions as sharing
from padron.service.operations.gate import check_vehicle
from padron.service.operations.questions import UNDER_WAY_MAX
from padron.service.runtime import Runtime
from padron.store.gate import GateReader
from tests.cast import Cast, Member, make_vin, registered, save, wait_until

KNOWN, NEW, ABSENT = make_vin(1), make_vin(2), make_vin(3)


class HeldGate:
    """The statements of the gate. Each has read the register, and its answer is held until ``let_go``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[list[str]] = []
        self.read_count = 0
        self.fault: PadronError | None = None
        self._may_answer = asyncio.Event()
        self._original = GateReader.load_gate
        held = self

        async def load_gate(self: GateReader, vins: Sequence[str]) -> GateView:
            return await held._load(self, vins)

        monkeypatch.setattr(GateReader, "load_gate", load_gate)

    def let_go(self) -> None:
        self._may_answer.set()

    async def _load(self, reader: GateReader, vins: Sequence[str]) -> GateView:
        self.asked.append(list(vins))
        if self.fault is not None and len(self.asked) > UNDER_WAY_MAX:
            raise self.fault
        view = await self._original(reader, vins)
        self.read_count += 1
        await self._may_answer.wait()
        return view


@pytest.fixture
async def gate(runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> HeldGate:
    await save(runtime.store, cast.acme.account.account_id, registered(KNOWN))
    monkeypatch.setattr(type(runtime.store), "give_lane", lambda *_: 0)  # on a cluster the accounts may be apart
    return HeldGate(monkeypatch)


def ask(runtime: Runtime, member: Member, vin: Vin) -> asyncio.Task[bool]:
    async def is_allowed() -> bool:
        answer = await check_vehicle(runtime, member.principal, "dispatch", vin)
        (verdict,) = answer.verdicts
        return verdict.is_allowed

    return asyncio.create_task(is_allowed())


async def take_all_places(
    runtime: Runtime, member: Member, gate: HeldGate, vin: Vin = KNOWN
) -> list[asyncio.Task[bool]]:
    """Ask as many questions as may be under way, and return when each of them has read the register."""
    asked = [ask(runtime, member, vin) for _ in range(UNDER_WAY_MAX)]

    async def have_read() -> bool:
        return gate.read_count == UNDER_WAY_MAX

    await wait_until(have_read)
    return asked


async def test_those_that_wait_share_a_statement_of_their_account(runtime: Runtime, cast: Cast, gate: HeldGate) -> None:
    first = await take_all_places(runtime, cast.acme, gate)
    waiting = [ask(runtime, cast.acme, vin) for vin in (KNOWN, ABSENT, KNOWN)]
    stranger = ask(runtime, cast.beta, KNOWN)
    await asyncio.sleep(0.01)
    gate.let_go()
    assert await asyncio.gather(*first) == [True] * UNDER_WAY_MAX
    assert await asyncio.gather(*waiting) == [True, False, True]
    assert await stranger is False
    assert gate.asked[UNDER_WAY_MAX:] == [[KNOWN, ABSENT], [KNOWN]]
    assert runtime.questions.under_way_count == 0
    assert await ask(runtime, cast.acme, KNOWN) is True


async def test_a_question_sees_what_was_committed_before_it_was_asked(
    runtime: Runtime, cast: Cast, gate: HeldGate
) -> None:
    first = await take_all_places(runtime, cast.acme, gate, NEW)
    early = ask(runtime, cast.acme, NEW)
    await asyncio.sleep(0.01)
    await save(runtime.store, cast.acme.account.account_id, registered(NEW))
    late = ask(runtime, cast.acme, NEW)
    await asyncio.sleep(0.01)
    gate.let_go()
    assert await late is True
    assert await asyncio.gather(*first) == [False] * UNDER_WAY_MAX
    await early


async def test_a_failure_reaches_each_of_them_and_the_next_go_on(runtime: Runtime, cast: Cast, gate: HeldGate) -> None:
    first = await take_all_places(runtime, cast.acme, gate)
    gate.fault = PadronError(Code.STORE_UNAVAILABLE, "The database hangs.")
    waiting = [ask(runtime, cast.acme, vin) for vin in (KNOWN, ABSENT)]
    await asyncio.sleep(0.01)
    gate.let_go()
    await asyncio.gather(*first)
    for one in waiting:
        with pytest.raises(PadronError, match="hangs"):
            await one
    gate.fault = None
    assert await ask(runtime, cast.acme, KNOWN) is True
    assert runtime.questions.under_way_count == 0


async def test_an_outage_reaches_all_that_wait_at_once(
    runtime: Runtime, cast: Cast, gate: HeldGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the last of many accounts would hear of it only after as many limits of time."""
    monkeypatch.setattr(sharing, "UNDER_WAY_MAX", 1)
    first = ask(runtime, cast.acme, KNOWN)
    await asyncio.sleep(0.01)
    gate.asked += [[]] * (UNDER_WAY_MAX - 1)  # of places that there are not
    gate.fault = PadronError(Code.STORE_UNAVAILABLE, "The database hangs.")
    waiting = [ask(runtime, member, KNOWN) for member in (cast.acme, cast.beta)]
    await asyncio.sleep(0.01)
    gate.let_go()
    for one in waiting:
        with pytest.raises(PadronError, match="hangs"):
            await one
    assert len(gate.asked) == UNDER_WAY_MAX + 1
    await first


async def test_questions_in_one_part_of_the_database_hold_up_no_other_part(
    runtime: Runtime, cast: Cast, gate: HeldGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = cast.acme.account.account_id
    monkeypatch.setattr(type(runtime.store), "give_lane", lambda _, account_id: int(account_id == acme))
    first = await take_all_places(runtime, cast.acme, gate)
    other = ask(runtime, cast.beta, KNOWN)
    await asyncio.sleep(0.01)
    assert len(gate.asked) == UNDER_WAY_MAX + 1
    gate.let_go()
    await asyncio.gather(*first, other)


async def test_a_caller_that_gives_up_holds_up_nobody(runtime: Runtime, cast: Cast, gate: HeldGate) -> None:
    first = await take_all_places(runtime, cast.acme, gate)
    waiting = [ask(runtime, cast.acme, KNOWN) for _ in range(2)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    for one in first:
        one.cancel()
    await asyncio.gather(*first, waiting[0], return_exceptions=True)
    gate.let_go()
    async with asyncio.timeout(5):
        assert await waiting[1] is True
        await runtime.questions.close()
    assert runtime.questions.under_way_count == 0


async def test_a_statement_has_a_limit_and_the_others_follow(
    runtime: Runtime, cast: Cast, gate: HeldGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "VINS_MAX", 3)
    first = await take_all_places(runtime, cast.acme, gate)
    waiting = [ask(runtime, cast.acme, make_vin(number)) for number in range(1, 9)]
    await asyncio.sleep(0.01)
    gate.let_go()
    assert await asyncio.gather(*waiting) == [True, *[False] * 7]
    await asyncio.gather(*first)
    assert [len(vins) for vins in gate.asked[UNDER_WAY_MAX:]] == [3, 3, 2]
    assert gate.asked[UNDER_WAY_MAX] == [make_vin(number) for number in (1, 2, 3)]
