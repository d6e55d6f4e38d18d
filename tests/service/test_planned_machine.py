"""Any sequence of plans, changes, cancellations and stops, with a clock that steps and stands: the model knows the end.

The model is dicts and lists. It knows nothing of transactions: what it says must hold however the work was cut up,
with one executor, with two at once, and with one that ended in the middle.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from padron.domain.account import Principal, Scope
from padron.domain.change import ChangeType, HistoryEntry, PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.plan import Plan, PlanKind, PlanQuery, PlanState
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.plans.execution import execute_chunk
from padron.service.plans.listing import cancel_plan
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.vehicles.registration import Registration, upsert_vehicle_info
from padron.store.base import Store
from padron.store.reader import Reader
from padron.workers.plans import PlanWorker
from tests import effort
from tests.cast import NOON, make_vin, registered, save
from tests.machines import share_register

T = TypeVar("T")

VEHICLES = 3

vins = st.sampled_from([make_vin(number) for number in range(VEHICLES + 2)])
plates = st.sampled_from([f"PLATE{number}" for number in range(VEHICLES)])
statuses = st.sampled_from(list(SETTABLE_STATUSES.values())[:4])
ahead = st.none() | st.integers(-1, 6)  # seconds from now: few, so that many plans meet at one instant
asked = st.tuples(vins, statuses, ahead, ahead)


@dataclass(slots=True)
class KnownVehicle:
    vin: Vin
    plate: str
    status: VehicleStatus
    steps: list[tuple[VehicleStatus, VehicleStatus, str]] = field(default_factory=list)  # from, to, request


@dataclass(slots=True, eq=False)
class KnownPlan:
    vehicle_id: int
    kind: PlanKind
    status: VehicleStatus
    effective_at: datetime
    until: datetime | None
    request_id: str
    step: int | None = None  # of a return: which of the vehicle's steps it takes back
    follows: str | None = None
    plan_id: str = ""  # "": the register has not told yet
    state: PlanState = PlanState.PENDING
    made: int | None = None  # which of the vehicle's steps it made

    @property
    def order(self) -> tuple[datetime, str]:
        return self.effective_at, self.plan_id


class StoppedClock:
    """A clock that stands until it is stepped, so that many things happen at equal instants."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


class PlansMachine(RuleBasedStateMachine):
    """One account of a register that other examples used before."""

    store: ClassVar[Store]
    runner: ClassVar[asyncio.Runner]
    names: ClassVar = count()

    def __init__(self) -> None:
        super().__init__()
        self.clock = StoppedClock()
        self.runtime = self.run(self.build())
        self.vehicles: dict[int, KnownVehicle] = {}
        self.plans: list[KnownPlan] = []
        self.requests = count(1)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def build(self) -> Runtime:
        return build_runtime(self.store, self.clock)

    @initialize()
    def fill(self) -> None:
        account = self.run(self.store.directory.add_account(f"Account {next(self.names)}", NOON))
        self.account_id = account.account_id
        scopes = frozenset(scope.value for scope in Scope)
        self.principal = Principal(account_id=account.account_id, actor="Acme", scopes=scopes)
        first = [registered(make_vin(place), plate=f"PLATE{place}") for place in range(VEHICLES)]
        self.run(save(self.store, self.account_id, *first))
        for place in range(VEHICLES):
            vehicle = KnownVehicle(make_vin(place), f"PLATE{place}", VehicleStatus.ACTIVE)
            self.vehicles[place + 1] = vehicle

    # What may happen

    @rule(many=st.lists(asked, min_size=1, max_size=4))
    def ask(self, many: list[tuple[Vin, VehicleStatus, int | None, int | None]]) -> None:
        request_id = f"r-{next(self.requests)}"
        requests = [self.give_request(request_id, *one) for one in many]
        outcome = self.run(set_statuses(self.runtime, self.principal, BulkRequest(asked=requests)))
        times = Counter(request.vin for request in requests if self.check_times(request) is None)
        returning = {vin: self.find_return(vin) for vin in times if times[vin] == 1}
        for request, done, plan in zip(requests, outcome.outcomes, outcome.plans, strict=True):
            code = self.expect(request, returning.get(request.vin))
            assert (done.code if isinstance(done, PadronError) else None) == code
            if code is None:
                self.do(request, plan, returning.get(request.vin))

    @rule(place=st.integers(0, 30))
    def cancel(self, place: int) -> None:
        if not self.plans:
            return
        known = self.plans[place % len(self.plans)]
        work = cancel_plan(self.runtime, self.principal, known.plan_id, f"r-{next(self.requests)}")
        if known.state is PlanState.PENDING:
            self.run(work)
            known.state = PlanState.CANCELLED
            return
        with pytest.raises(PadronError) as refusal:
            self.run(work)
        assert refusal.value.code is Code.PLAN_ENDED

    @rule(vin=vins, plate=plates)
    def correct_vin(self, vin: Vin, plate: str) -> None:
        registration = Registration(vin=vin, edits={"plate": plate}, request_id=f"r-{next(self.requests)}")
        bearer = next(one for one in self.vehicles.values() if one.plate == plate)
        if any(one.vin == vin for one in self.vehicles.values() if one is not bearer):
            with pytest.raises(PadronError):
                self.run(upsert_vehicle_info(self.runtime, self.principal, registration))
            return
        self.run(upsert_vehicle_info(self.runtime, self.principal, registration))
        bearer.vin = vin

    @rule(seconds=st.integers(-3, 6))
    def step(self, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)

    @rule()
    def execute(self) -> None:
        self.run(PlanWorker(self.runtime)._execute_account(self.account_id))
        self.execute_model()

    @rule()
    def execute_by_two(self) -> None:
        async def both() -> None:
            other = await self.build()
            executors = [PlanWorker(runtime) for runtime in (self.runtime, other)]
            await asyncio.gather(*(one._execute_account(self.account_id) for one in executors))

        self.run(both())
        self.execute_model()

    @rule(limit=st.integers(1, 2))
    def stop_after_a_chunk(self, limit: int) -> None:
        """What an executor that ends has done: whole chunks, and nothing of the next."""
        assert self.run(execute_chunk(self.runtime, self.account_id, limit)) == len(self.find_due()[:limit])
        for plan in self.find_due()[:limit]:
            self.execute_one(plan)
        self.runtime = self.run(self.build())

    # What the model makes of it

    def give_request(
        self, request_id: str, vin: Vin, status: VehicleStatus, begins: int | None, ends: int | None
    ) -> StatusRequest:
        if begins is None and ends is None:
            return StatusRequest(vin=vin, status=status, reason=None, revisions=None, by="Acme", request_id=request_id)
        times = [None if one is None else self.clock.now + timedelta(seconds=one) for one in (begins, ends)]
        return PlanRequest(
            vin=vin, status=status, reason=None, revisions=None, by="Acme", request_id=request_id,
            effective_at=times[0], until=times[1],
        )  # fmt: skip

    def find(self, vin: str) -> tuple[int, KnownVehicle] | None:
        return next(((key, one) for key, one in self.vehicles.items() if one.vin == vin), None)

    def find_return(self, vin: Vin) -> KnownPlan | None:
        found = self.find(vin)
        pending = [plan for plan in self.plans if plan.state is PlanState.PENDING and plan.kind is PlanKind.RETURN]
        return next(
            (plan for plan in pending if found and plan.vehicle_id == found[0] and not self.is_void(plan)), None
        )

    def is_void(self, plan: KnownPlan) -> bool:
        return plan.step is not None and plan.step + 1 < len(self.vehicles[plan.vehicle_id].steps)

    def check_times(self, request: StatusRequest) -> Code | None:
        if not isinstance(request, PlanRequest):
            return None
        instants = [self.clock.now, request.effective_at, request.until]
        given = [instant for instant in instants if instant is not None]
        is_right = all(first < second for first, second in pairwise(given))
        return None if is_right else Code.BAD_PARAMETERS

    def expect(self, request: StatusRequest, returning: KnownPlan | None) -> Code | None:
        found = self.find(request.vin)
        if (code := self.check_times(request)) is not None:
            return code
        if found is None:
            return Code.VEHICLE_NOT_FOUND
        if isinstance(request, PlanRequest) and request.effective_at is None and found[1].status is request.status:
            return None if returning is not None else Code.NOTHING_TO_BRING_BACK
        return None

    def do(self, request: StatusRequest, told: Plan | None, returning: KnownPlan | None) -> None:
        found = self.find(request.vin)
        assert found is not None
        vehicle_id, vehicle = found
        if not isinstance(request, PlanRequest):
            assert told is None
            self.set_status(vehicle, request.status, request.request_id)
            return
        assert told is not None
        if request.effective_at is not None:
            kind, status, at, until, step = PlanKind.CHANGE, request.status, request.effective_at, request.until, None
        else:
            assert request.until is not None
            if vehicle.status is request.status:
                assert returning is not None
                if returning.effective_at == request.until:
                    assert told.plan_id == returning.plan_id
                    return
                event("a return is moved")
                returning.state = PlanState.CANCELLED
                status, step = returning.status, returning.step
            else:
                status, step = vehicle.status, len(vehicle.steps)
                self.set_status(vehicle, request.status, request.request_id)
            kind, at, until = PlanKind.RETURN, request.until, None
        self.plans.append(
            KnownPlan(
                vehicle_id=vehicle_id, kind=kind, status=status, effective_at=at, until=until,
                request_id=request.request_id, step=step, plan_id=told.plan_id,
                follows=returning.follows if returning is not None and kind is PlanKind.RETURN else None,
            )
        )  # fmt: skip

    def set_status(self, vehicle: KnownVehicle, status: VehicleStatus, request_id: str) -> bool:
        if vehicle.status is status:
            return False
        vehicle.steps.append((vehicle.status, status, request_id))
        vehicle.status = status
        return True

    def find_due(self) -> list[KnownPlan]:
        """Give what is due now: of each vehicle only the first that is pending."""
        self.learn_ids()
        firsts: dict[int, KnownPlan] = {}
        for plan in sorted((one for one in self.plans if one.state is PlanState.PENDING), key=lambda one: one.order):
            firsts.setdefault(plan.vehicle_id, plan)
        return sorted((one for one in firsts.values() if one.effective_at <= self.clock.now), key=lambda one: one.order)

    def execute_model(self) -> None:
        while due := self.find_due():
            self.execute_one(due[0])

    def execute_one(self, plan: KnownPlan) -> None:
        vehicle = self.vehicles[plan.vehicle_id]
        if self.is_void(plan):
            event("a return lapses")
            plan.state = PlanState.LAPSED
            return
        plan.state = PlanState.EXECUTED
        before, step = vehicle.status, len(vehicle.steps)
        if not self.set_status(vehicle, plan.status, plan.request_id):
            event("the status is there already")
            return
        event(f"a {plan.kind.value} is made")
        plan.made = step
        if plan.until is not None:
            self.plans.append(
                KnownPlan(
                    vehicle_id=plan.vehicle_id, kind=PlanKind.RETURN, status=before, effective_at=plan.until,
                    until=None, request_id=plan.request_id, step=step, follows=plan.plan_id,
                )
            )  # fmt: skip

    # Whether they agree

    async def list_real(self) -> list[Plan]:
        return await self.store.read(self.account_id).plans.list_plans(PlanQuery(limit=1_000))

    def learn_ids(self) -> None:
        """Let the model know the ids of returns that an execution planned."""
        if all(plan.plan_id for plan in self.plans):
            return
        known = {plan.plan_id for plan in self.plans}
        new = {plan.follows: plan.plan_id for plan in self.run(self.list_real()) if plan.plan_id not in known}
        for plan in self.plans:
            plan.plan_id = plan.plan_id or new[plan.follows]

    @invariant()
    def the_register_agrees(self) -> None:
        if not self.vehicles:
            return
        self.learn_ids()
        plans, vehicles = self.run(self.look())
        numbers = {key: self.check_vehicle(key, *seen) for key, seen in vehicles.items()}
        real = {plan.plan_id: plan for plan in plans}
        assert set(real) == {plan.plan_id for plan in self.plans}
        for known in self.plans:
            plan = real[known.plan_id]
            assert (plan.state, plan.vehicle_id, plan.kind, plan.status) == (
                known.state, known.vehicle_id, known.kind, known.status,
            )  # fmt: skip
            assert (plan.effective_at, plan.request_id) == (known.effective_at, known.request_id)
            assert plan.vin == self.vehicles[known.vehicle_id].vin
            steps = numbers[known.vehicle_id]
            assert plan.number == (None if known.made is None else steps[known.made])
            assert plan.reverts == (None if known.step is None else steps[known.step])

    async def look(self) -> tuple[list[Plan], dict[int, tuple[list[Vehicle], list[HistoryEntry]]]]:
        reader = self.store.read(self.account_id)
        looks = (look_at(reader, key, known.vin) for key, known in self.vehicles.items())
        plans, found = await asyncio.gather(self.list_real(), asyncio.gather(*looks))
        return plans, dict(zip(self.vehicles, found, strict=True))

    def check_vehicle(self, vehicle_id: int, found: Sequence[Vehicle], history: Sequence[HistoryEntry]) -> list[int]:
        """Compare what a vehicle is and was, and give the numbers of its changes of status."""
        known = self.vehicles[vehicle_id]
        assert [(vehicle.vehicle_id, vehicle.status) for vehicle in found] == [(vehicle_id, known.status)]
        entries = [entry for entry in reversed(history) if entry.type is ChangeType.STATUS_CHANGED]
        assert [(entry.from_status, entry.to_status, entry.request_id) for entry in entries] == known.steps
        return [entry.number for entry in entries]


async def look_at(reader: Reader, vehicle_id: int, vin: str) -> tuple[list[Vehicle], list[HistoryEntry]]:
    return await reader.list_by_vin(vin), await reader.list_history(vehicle_id, None, 1_000)


@pytest.mark.campaign
@pytest.mark.long("postgres")
@pytest.mark.timeout(150)
def test_any_sequence_of_plans_leaves_what_the_model_says(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    class Machine(PlansMachine):
        pass

    with share_register(kind, tmp_path, request) as (Machine.runner, Machine.store):
        run_state_machine_as_test(
            Machine,
            settings=settings(
                effort.try_examples(effort.PLANS_MACHINE), stateful_step_count=effort.PLANS_MACHINE_STEPS
            ),
        )
