"""Undo against any history: what nobody touched since is as before, all else as it is, and an undo can be undone."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from padron.domain.account import Principal, Scope
from padron.domain.change import StatusRequest
from padron.domain.errors import PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.undo import LeftReason
from padron.domain.vehicle import Details, Edits
from padron.domain.vin import Vin
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.statuses.undo import UndoneVehicle, undo_request
from padron.service.vehicles.registration import Registration, put_vehicle, upsert_vehicle_info
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, Cast, make_vin
from tests.conftest import SteppedClock
from tests.postgres import Postgres

OBSTACLES = {LeftReason.PLATE_IN_USE, LeftReason.VIN_IN_USE}

vins = st.sampled_from([make_vin(number) for number in range(4)])
plates = st.sampled_from([f"PLATE{number}" for number in range(3)])
edits = st.fixed_dictionaries(
    {}, optional={"plate": plates | st.none(), "doors": st.integers(0, 2) | st.none(), "ownerName": st.just("Ana")}
)
steps = st.one_of(
    st.tuples(
        st.just("status"), st.lists(st.tuples(vins, st.sampled_from(list(SETTABLE_STATUSES.values()))), max_size=4)
    ),
    st.tuples(st.just("put"), st.tuples(vins, edits)),
    st.tuples(st.just("upsert"), st.tuples(vins, plates)),
)
requests = st.lists(st.lists(steps, min_size=1, max_size=3), min_size=1, max_size=6)


@dataclass(frozen=True, kw_only=True)
class Seen:
    vin: Vin
    status: VehicleStatus
    details: Details


def _describe(one: UndoneVehicle) -> UndoneVehicle:
    """Give what became of a vehicle without its instants, which a rehearsal cannot know."""
    if one.after is None:
        return one
    return replace(one, after=replace(one.after, updated_at=NOON, status_since=NOON))


class Register:
    """One account of a register that other examples used before."""

    def __init__(self, runtime: Runtime, account_id: int) -> None:
        self.runtime = runtime
        scopes = frozenset(scope.value for scope in Scope)
        self.principal = Principal(account_id=account_id, actor="Acme", scopes=scopes)
        self.states: list[dict[int, Seen]] = []
        self.revisions: list[dict[int, int]] = []

    async def look(self) -> dict[int, Seen]:
        query = VehicleQuery(filters={}, limit=50)
        rows = await self.runtime.store.read(self.principal.account_id).list_vehicles(query)
        self.revisions.append({version.vehicle.vehicle_id: version.vehicle.revision for version, _ in rows})
        self.states.append(
            {
                version.vehicle.vehicle_id: Seen(
                    vin=version.vehicle.vin, status=version.vehicle.status, details=version.details
                )
                for version, _ in rows
            }
        )
        return self.states[-1]

    async def do(self, request_id: str, parts: list[tuple[str, object]]) -> None:
        for kind, what in parts:
            try:
                await self.do_one(request_id, kind, what)
            except PadronError:
                continue  # such a plate is taken: a history has refusals too
        await self.look()

    async def do_one(self, request_id: str, kind: str, what: object) -> None:
        match kind, what:
            case "status", list(pairs):
                asked = [
                    StatusRequest(vin=vin, status=status, reason=None, revisions=None, by="Acme", request_id=request_id)
                    for vin, status in pairs
                ]
                await set_statuses(self.runtime, self.principal, BulkRequest(asked=asked))
            case "put", (str(vin), dict(values)):
                await put_vehicle(self.runtime, self.principal, _register(vin, values, request_id))
            case "upsert", (str(vin), str(plate)):
                await upsert_vehicle_info(self.runtime, self.principal, _register(vin, {"plate": plate}, request_id))
            case _:
                raise AssertionError(kind)

    async def undo(self, undone_id: str, request_id: str) -> list[UndoneVehicle]:
        try:
            rehearsed = await undo_request(self.runtime, self.principal, undone_id, request_id, None, dry_run=True)
            before = self.states[-1]
            assert await self.look() == before
            del self.states[-1], self.revisions[-1]
            done = await undo_request(self.runtime, self.principal, undone_id, request_id, None)
            assert [_describe(one) for one in done] == [_describe(one) for one in rehearsed]
        except PadronError:
            done = []  # it changed nothing
        await self.look()
        return done

    def find_changed(self, place: int) -> set[int]:
        """Give the vehicles that the request at this place changed."""
        before, after = self.revisions[place], self.revisions[place + 1]
        return {vehicle_id for vehicle_id, revision in after.items() if before.get(vehicle_id) != revision}


def _register(vin: str, values: Edits, request_id: str) -> Registration:
    return Registration(vin=vin, edits=values, request_id=request_id)  # type: ignore[arg-type]


async def check_undo(register: Register, history: list[list[tuple[str, object]]], place: int) -> None:
    await register.look()
    for number, parts in enumerate(history):
        await register.do(f"r-{number}", parts)
    before, now = register.states[place], register.states[-1]
    changed = register.find_changed(place)
    later = set[int]().union(*(register.find_changed(number) for number in range(place + 1, len(history))))
    done = await register.undo(f"r-{place}", "r-undo")
    after = register.states[-1]
    assert len(done) == len(changed)
    named = {one.vin: one.left for one in done if one.left is not None}
    then = register.states[place + 1]
    for vehicle_id, seen in now.items():
        left = named.get(then[vehicle_id].vin) if vehicle_id in changed else None
        if vehicle_id not in changed:
            assert after[vehicle_id] == seen
        elif vehicle_id not in before:
            assert (after[vehicle_id], left) == (seen, LeftReason.REGISTERED)
        elif vehicle_id in later:
            assert (after[vehicle_id], left) == (seen, LeftReason.CHANGED_SINCE)
        elif left is not None:
            event("obstructed")
            assert left in OBSTACLES
            assert after[vehicle_id] == seen
            check_obstacle(before[vehicle_id], now, vehicle_id, left)
        else:
            event("restored" if seen != before[vehicle_id] else "as before")
            assert after[vehicle_id] == before[vehicle_id]
    again = await register.undo("r-undo", "r-again")
    assert all(one.left is None for one in again)
    assert register.states[-1] == now


def check_obstacle(target: Seen, now: dict[int, Seen], vehicle_id: int, left: LeftReason | None) -> None:
    others = [seen for other, seen in now.items() if other != vehicle_id]
    if left is LeftReason.VIN_IN_USE:
        assert target.vin in {seen.vin for seen in others}
    else:
        assert target.details["plate"] in {seen.details.get("plate") for seen in others}


@pytest.mark.campaign
@pytest.mark.timeout(150)
@pytest.mark.long("postgres")
def test_an_undo_brings_back_what_nobody_touched_since_and_can_be_undone(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async def open_register() -> tuple[Store, str]:
        if kind == "sqlite":
            return await sqlite.open_store(str(tmp_path / "padron.db")), ""
        server: Postgres = request.getfixturevalue("postgres_server")
        url = await server.create_database(is_spread=kind == "spread")
        return await postgres.open_store(url), url

    clock = SteppedClock()
    names = iter(range(1_000_000))

    async def try_one(history: list[list[tuple[str, object]]], place: int) -> None:
        account = await store.directory.add_account(f"Account {next(names)}", clock())
        await check_undo(Register(build_runtime(store, clock), account.account_id), history, place % len(history))

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        store, url = runner.run(open_register())

        @effort.try_examples(effort.UNDO_HISTORIES)
        @given(history=requests, place=st.integers(0, 5))
        def try_history(history: list[list[tuple[str, object]]], place: int) -> None:
            runner.run(try_one(history, place))

        try_history()
        runner.run(store.close())
        if url:
            runner.run(request.getfixturevalue("postgres_server").drop_database(url))


async def test_a_plate_that_one_request_moved_between_vehicles_moves_back(runtime: Runtime, cast: Cast) -> None:
    register = Register(runtime, cast.acme.account.account_id)
    first, second = make_vin(1), make_vin(2)
    await register.do("r-0", [("put", (first, {"plate": "PLATE1"})), ("put", (second, {"plate": "PLATE2"}))])
    moved: list[tuple[str, object]] = [("put", (first, {"plate": "PLATE3"})), ("put", (second, {"plate": "PLATE1"}))]
    await register.do("r-1", moved)
    done = await register.undo("r-1", "r-undo")
    assert [one.left for one in done] == [None, None]
    assert register.states[-1] == register.states[0]
    await register.undo("r-undo", "r-again")
    assert register.states[-1] == register.states[1]


async def test_what_one_request_changed_several_times_is_as_before_the_first(runtime: Runtime, cast: Cast) -> None:
    register = Register(runtime, cast.acme.account.account_id)
    await register.do("r-0", [("put", (make_vin(1), {"doors": 1, "plate": "PLATE1"}))])
    edits: list[tuple[str, object]] = [("put", (make_vin(1), {"doors": 2})), ("put", (make_vin(1), {"doors": 0}))]
    await register.do("r-1", [*edits, ("upsert", (make_vin(2), "PLATE1")), ("upsert", (make_vin(3), "PLATE1"))])
    (done,) = await register.undo("r-1", "r-undo")
    assert (done.left, done.vin) == (None, make_vin(1))
    assert register.states[-1] == register.states[0]
