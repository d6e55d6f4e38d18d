"""Any sequence of work, on both engines, against a model that is nothing but dicts and lists."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from padron.domain.account import Principal, Scope
from padron.domain.change import Change, ChangeType, HistoryEntry, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.query import Position, VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus, is_operational
from padron.domain.vehicle import Details, Edits, Vehicle, fold_text
from padron.domain.vin import Vin
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.changing import decide_all, list_vins
from padron.service.vehicles.registration import Registration, put_vehicle
from padron.store import postgres, sqlite
from padron.store.base import Store, WriteTransaction
from tests import effort
from tests.cast import info_changed, make_vin, registered, restored, retired, status_changed
from tests.conftest import SteppedClock
from tests.order import give_place
from tests.postgres import Postgres

T = TypeVar("T")

OWN_SORTS = ["vehicleStatusId", "statusSince", "createdAt", "updatedAt"]

vins = st.sampled_from([make_vin(number) for number in range(6)])
plates = st.sampled_from([f"PLATE{number}" for number in range(4)])
statuses = st.sampled_from(list(SETTABLE_STATUSES.values()))
names = st.sampled_from(["Ana", "ana", "Ángel", "ángel", "Weiß", "WEISS"])
edits = st.fixed_dictionaries(
    {}, optional={"plate": plates | st.none(), "ownerName": names | st.none(), "doors": st.integers(0, 3) | st.none()}
)


class PlantedError(Exception):
    """What a failing transaction raises."""


@dataclass(slots=True)
class Known:
    """What the model remembers of a vehicle."""

    vehicle: Vehicle
    details: Details
    began: int
    history: list[HistoryEntry] = field(default_factory=list)
    former: list[tuple[int, str, Details]] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        return self.vehicle.slot >= 0


class RegisterMachine(RuleBasedStateMachine):
    """One account of a register that other examples used before."""

    store: ClassVar[Store]
    runner: ClassVar[asyncio.Runner]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = SteppedClock()
        self.runtime: Runtime = self.run(self.build())
        self.known: dict[int, Known] = {}
        self.last_number = 0
        self.turn = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def build(self) -> Runtime:
        return build_runtime(self.store, self.clock)

    @initialize()
    def add_account(self) -> None:
        name = f"Account {id(self)} {type(self).steps}"
        account = self.run(self.store.directory.add_account(name, self.clock()))
        self.account_id = account.account_id
        self.principal = Principal(
            account_id=account.account_id, actor="Acme", scopes=frozenset(scope.value for scope in Scope)
        )

    def find(self, vin: str) -> Known | None:
        return next((known for known in self.current if known.vehicle.vin == vin), None)

    def bears(self, plate: object) -> Known | None:
        return next((known for known in self.current if known.details.get("plate") == plate), None)

    @property
    def current(self) -> list[Known]:
        return [known for known in self.known.values() if known.is_current]

    def record(self, change: Change) -> None:
        """Do to the model what the change does to the register."""
        self.last_number += 1
        number = self.last_number
        if change.type is ChangeType.REGISTERED:
            vehicle = replace(change.vehicle, vehicle_id=number)
            self.known[number] = Known(vehicle=vehicle, details=change.details or {}, began=number)
        known = self.known[change.vehicle.vehicle_id or number]
        if change.type is ChangeType.INFO_CHANGED or change.retires:
            known.former.append((known.began, known.vehicle.vin, known.details))
        if change.details is not None:
            known.details, known.began = change.details, number
        if change.type is not ChangeType.REGISTERED:
            known.vehicle = change.vehicle
        known.history.insert(
            0,
            HistoryEntry(
                number=number,
                type=change.type,
                at=change.at,
                by=change.by,
                request_id=change.request_id,
                from_status=change.from_status,
                to_status=change.vehicle.status,
                reason=change.reason,
                differences=change.differences,
            ),
        )

    def give_request_id(self) -> str:
        self.turn += 1
        type(self).steps += 1
        return f"r-{self.turn}"

    @rule(vin=vins, edits=edits)
    def put(self, vin: Vin, edits: Edits) -> None:
        request_id = self.give_request_id()
        registration = Registration(vin=vin, edits=edits, request_id=request_id)
        known, bearer = self.find(vin), self.bears(edits.get("plate") or object())
        if bearer is not None and bearer is not known:
            with pytest.raises(PadronError) as refusal:
                self.run(put_vehicle(self.runtime, self.principal, registration))
            assert refusal.value.code is Code.PLATE_IN_USE
            return
        done = self.run(put_vehicle(self.runtime, self.principal, registration))
        assert done.created is (known is None)
        at = self.clock.now
        if known is None:
            details = {name: value for name, value in edits.items() if value is not None}
            self.record(registered(vin, at=at, request_id=request_id, details=details))
            return
        change = info_changed(known.vehicle, known.details, edits, at=at, request_id=request_id)
        if change.differences:
            self.record(change)
        assert done.version.details == known.details

    @rule(asked=st.lists(st.tuples(vins, statuses, st.none() | st.just("porque sí")), min_size=1, max_size=8))
    def set_statuses(self, asked: list[tuple[Vin, VehicleStatus, str | None]]) -> None:
        request_id = self.give_request_id()
        at = self.clock()
        requests = [
            StatusRequest(vin=vin, status=status, reason=reason, revisions=None, by="Acme", request_id=request_id)
            for vin, status, reason in asked
        ]

        async def work(transaction: WriteTransaction) -> list[Vehicle | PadronError]:
            decided = decide_all(await transaction.lock_vehicles(list_vins(requests)), requests, at)
            await transaction.save_changes(decided.changes)
            return decided.outcomes

        outcomes = self.run(self.store.write(self.account_id, work))
        for (vin, status, reason), outcome in zip(asked, outcomes, strict=True):
            known = self.find(vin)
            if known is None:
                assert isinstance(outcome, PadronError)
                assert outcome.code is Code.VEHICLE_NOT_FOUND
                continue
            if known.vehicle.status is not status:
                self.record(status_changed(known.vehicle, status, at=at, reason=reason, request_id=request_id))
            assert outcome == known.vehicle

    @rule(vin=vins)
    def retire(self, vin: Vin) -> None:
        request_id = self.give_request_id()
        known = self.find(vin)
        if known is None:
            return
        change = retired(known.vehicle, at=self.clock(), request_id=request_id)

        async def work(transaction: WriteTransaction) -> None:
            await transaction.lock_vehicles([vin])
            await transaction.save_changes([change])

        self.run(self.store.write(self.account_id, work))
        self.record(change)

    @rule(place=st.integers(0, 5), status=statuses, name=names)
    def restore(self, place: int, status: VehicleStatus, name: str) -> None:
        request_id = self.give_request_id()
        at = self.clock()
        gone = [known for known in self.known.values() if not known.is_current]
        free = [known for known in gone if self.find(known.vehicle.vin) is None and self.has_free_plate(known)]
        if not free:
            return
        known = free[place % len(free)]
        vehicle_id = known.vehicle.vehicle_id
        change = restored(known.vehicle, known.details, status, at=at, request_id=request_id)
        other = next((one for one in self.current), None)
        changes = [change]
        if other is not None and len(gone) % 2:
            changes.append(info_changed(other.vehicle, other.details, {"ownerName": name}, at=at))

        async def work(transaction: WriteTransaction) -> tuple[list[Vehicle], dict[int, Details]]:
            locked = await transaction.lock_former(sorted(self.known))
            details = await transaction.load_former_details([vehicle_id])
            await transaction.save_changes(changes)
            return locked, details

        locked, details = self.run(self.store.write(self.account_id, work))
        assert [replace(vehicle, slot=-1) for vehicle in locked] == [one.vehicle for one in gone]
        assert len({(vehicle.vin, vehicle.slot) for vehicle in locked}) == len(locked)
        assert details == {vehicle_id: known.details}
        for one in changes:
            self.record(one)

    def has_free_plate(self, known: Known) -> bool:
        return "plate" not in known.details or self.bears(known.details["plate"]) is None

    @rule(chosen=st.lists(vins, unique=True, min_size=1), status=statuses, name=names, new_vin=vins, gone=vins)
    def save_mixed_batch(self, chosen: list[Vin], status: VehicleStatus, name: str, new_vin: Vin, gone: Vin) -> None:
        request_id = self.give_request_id()
        at = self.clock()
        changes: list[Change] = []
        for place, vin in enumerate(chosen):
            known = self.find(vin)
            if known is None:
                changes.append(registered(vin, at=at, request_id=request_id, ownerName=name))
                continue
            change = status_changed(known.vehicle, status, at=at, request_id=request_id)
            free = place == 0 and self.find(new_vin) is None and new_vin not in chosen
            moved = info_changed(
                change.vehicle, known.details, {"ownerName": name}, vin=new_vin if free else None, at=at
            )
            changes += [change, moved]
            if place % 2:
                changes.append(info_changed(moved.vehicle, moved.details or {}, {"doors": place}, at=at))
        leaving = self.find(gone)
        if leaving is not None and gone not in {*chosen, new_vin}:
            changes.append(retired(leaving.vehicle, at=at, request_id=request_id))

        async def work(transaction: WriteTransaction) -> None:
            await transaction.lock_vehicles(chosen)
            await transaction.save_changes(changes)

        self.run(self.store.write(self.account_id, work))
        for change in changes:
            self.record(change)

    @rule(vin=vins, other=vins, status=statuses, after_saving=st.booleans())
    def fail(self, vin: Vin, other: Vin, status: VehicleStatus, *, after_saving: bool) -> None:
        request_id = self.give_request_id()
        known = self.find(vin)

        async def work(transaction: WriteTransaction) -> None:
            changes = [registered(vin)] if known is None else [status_changed(known.vehicle, status)]
            if other != vin and self.find(other) is None:
                changes.append(registered(other, request_id=request_id, plate="NEVER1"))
            await transaction.lock_vehicles([vin, other])
            if after_saving:
                await transaction.save_changes(changes)
            raise PlantedError

        with pytest.raises(PlantedError):
            self.run(self.store.write(self.account_id, work))

    @rule(
        sort=st.sampled_from([None, "vin", "plate", "ownerName", "doors", *OWN_SORTS]),
        descending=st.booleans(),
        limit=st.integers(1, 4),
        name=st.none() | names,
        status=st.none() | statuses,
        operational=st.none() | st.booleans(),
    )
    def list_vehicles(
        self,
        sort: str | None,
        *,
        descending: bool,
        limit: int,
        name: str | None,
        status: VehicleStatus | None,
        operational: bool | None,
    ) -> None:
        self.give_request_id()
        query = VehicleQuery(
            filters={} if name is None else {"ownerName": name},
            status=status,
            operational=operational,
            sort=sort,
            descending=descending,
            limit=limit,
        )
        expected = [
            known
            for known in self.current
            if (status is None or known.vehicle.status is status)
            and (operational is None or is_operational(known.vehicle.status) is operational)
            and (name is None or fold_text(str(known.details.get("ownerName", ""))) == fold_text(name))
        ]
        expected.sort(
            key=lambda known: give_place(known.vehicle, known.details, sort, descending=descending), reverse=descending
        )
        listed = self.run(self.list_pages(query))
        assert [version.vehicle for version, _ in listed] == [known.vehicle for known in expected]
        assert [version.details for version, _ in listed] == [known.details for known in expected]

    async def list_pages(self, query: VehicleQuery) -> list[Any]:
        rows: list[Any] = []
        position: Position | None = None
        while page := await self.store.read(self.account_id).list_vehicles(replace(query, after=position)):
            rows += page
            position = page[-1][1]
        return rows

    @rule(vin=vins, limit=st.integers(1, 5))
    def read_history(self, vin: Vin, limit: int) -> None:
        self.give_request_id()
        reader = self.store.read(self.account_id)
        known = self.find(vin)
        found = self.run(reader.list_versions_by_vin(vin))
        assert [(version.vehicle, version.details, version.began) for version in found] == (
            [] if known is None else [(known.vehicle, known.details, known.began)]
        )
        if known is not None:
            entries = self.run(reader.list_history(known.vehicle.vehicle_id, None, limit))
            assert entries == known.history[:limit]

    @invariant()
    def numbers_have_no_gap(self) -> None:
        written = sorted(entry.number for known in self.known.values() for entry in known.history)
        assert written == list(range(1, self.last_number + 1))

    def teardown(self) -> None:
        reader = self.store.read(self.account_id)
        for vehicle_id, known in self.known.items():
            assert self.run(reader.list_history(vehicle_id, None, 1_000)) == known.history
        query = VehicleQuery(filters={}, status=VehicleStatus.INFO_CHANGED, limit=7)
        former = [
            (version.vehicle.vehicle_id, version.began, version.vehicle.vin, version.details)
            for version, _ in self.run(self.list_pages(query))
        ]
        assert former == [
            (vehicle_id, *version) for vehicle_id, known in self.known.items() for version in known.former
        ]


@pytest.mark.campaign
@pytest.mark.long("postgres")
@pytest.mark.timeout(150)
def test_any_sequence_of_work_leaves_what_the_model_says(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async def open_register() -> tuple[Store, str]:
        if kind == "sqlite":
            return await sqlite.open_store(str(tmp_path / "padron.db")), ""
        server: Postgres = request.getfixturevalue("postgres_server")
        url = await server.create_database(is_spread=kind == "spread")
        return await postgres.open_store(url), url

    class Machine(RegisterMachine):
        pass

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        Machine.runner = runner
        Machine.store, url = runner.run(open_register())
        run_state_machine_as_test(
            Machine,
            settings=settings(
                effort.try_examples(effort.STORE_MACHINE), stateful_step_count=effort.STORE_MACHINE_STEPS
            ),
        )
        runner.run(Machine.store.close())
        if url:
            runner.run(request.getfixturevalue("postgres_server").drop_database(url))
    assert Machine.steps >= 20 * effort.STORE_MACHINE
