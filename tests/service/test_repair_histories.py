"""Repairs against any fleet and any history: an undo gives back what was, and no sequence of work breaks a promise.

Who follows the feed ends with the operational vehicles, whether it hears of all changes or of the operational ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from padron.domain.account import Principal, Scope
from padron.domain.change import StatusRequest
from padron.domain.duplicates import STATUS_FIELD, Repair
from padron.domain.errors import Code, PadronError
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import Edits
from padron.domain.vin import Vin
from padron.files.columns import ImportRow
from padron.service.imports.importing import import_vehicles
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.duplicates import list_duplicates, repair_duplicates
from padron.service.vehicles.registration import Registration, put_vehicle, upsert_vehicle_info
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import make_vin
from tests.conftest import Row, Select, SteppedClock
from tests.postgres import Postgres
from tests.service.repairs import Mirror, Seen, has_duplicates, list_operational, look

REFUSALS = {
    Code.VEHICLE_NOT_FOUND, Code.MULTIPLE_VEHICLES_FOUND, Code.PLATE_IN_USE, Code.REQUEST_NOT_FOUND,
}  # fmt: skip

vins = st.sampled_from([make_vin(number) for number in range(3)])
plates = st.sampled_from([f"PLATE{number}" for number in range(4)])
statuses = st.sampled_from(list(SETTABLE_STATUSES.values()))
values = {"plate": plates, "doors": st.integers(0, 2), "ownerName": st.just("Ana")}
edits = st.fixed_dictionaries({}, optional={name: value | st.none() for name, value in values.items()})
cells = st.fixed_dictionaries(
    {"vin": vins},
    optional={
        "plate": plates,
        "doors": st.sampled_from(["0", "1"]),
        "ownerName": st.just("Ana"),
        "vehicleStatusId": statuses.map(lambda status: str(status.value)),
    },
)
fleets = st.lists(cells, min_size=2, max_size=8)
take = st.dictionaries(st.sampled_from([*values, STATUS_FIELD]), st.integers(0, 3), max_size=3)
repairs = st.tuples(vins, st.integers(0, 3), take, edits, st.none() | statuses)
RepairChoice = tuple[Vin, int, dict[str, int], Edits, VehicleStatus | None]
Cells = dict[str, str]


@dataclass
class World:
    """One account of a register that other examples used before, and two who follow its feed."""

    runtime: Runtime
    principal: Principal
    select: Select
    turn: int = 0
    has_renamed: bool = False  # then a VIN that was given up is for nobody to hear of but in ``infoChanged``

    def __post_init__(self) -> None:
        everything = Mirror(self.runtime, self.principal, operational_changed=None)
        self.mirrors = [everything, Mirror(self.runtime, self.principal, operational_changed=True)]

    async def look(self) -> dict[int, Seen]:
        return await look(self.runtime, self.principal.account_id)

    def give_request_id(self) -> str:
        self.turn += 1
        return f"r-{self.turn}"

    async def keep(self, rows: list[Cells]) -> str:
        request_id = self.give_request_id()
        numbered = [ImportRow(line=line, cells=row) for line, row in enumerate(rows, start=2)]
        await import_vehicles(self.runtime, self.principal, numbered, request_id=request_id, keep_duplicates=True)
        return request_id

    async def repair(self, choice: RepairChoice) -> str | None:
        """Make one vehicle of those with the chosen VIN; give None when there are no several, or a plate is in use."""
        vin, place, taken, given, status = choice
        ids = [vehicle_id for vehicle_id, seen in (await self.look()).items() if seen.vin == vin]
        if len(ids) < 2:
            return None
        request_id = self.give_request_id()
        asked = Repair(
            vin=vin,
            keep=ids[place % len(ids)],
            request_id=request_id,
            by="Acme",
            take={name: ids[source % len(ids)] for name, source in taken.items()},
            edits={name: value for name, value in given.items() if name not in taken},
            status=None if STATUS_FIELD in taken else status,
        )
        try:
            await repair_duplicates(self.runtime, self.principal, asked)
        except PadronError as refusal:
            if refusal.code is not Code.PLATE_IN_USE:
                raise
            return None
        return request_id

    async def undo(self, undone_id: str) -> str:
        request_id = self.give_request_id()
        await undo_request(self.runtime, self.principal, undone_id, request_id, None)
        return request_id

    async def check(self) -> None:
        """Look at what must hold after any work."""
        seen = await self.look()
        for mirror in self.mirrors:
            heard = await mirror.follow()
            if not has_duplicates(seen) and not self.has_renamed:
                assert heard == list_operational(seen)
        await self.check_rows(seen)
        groups = (await list_duplicates(self.runtime, self.principal, None, 50, None)).rows
        several: dict[str, list[int]] = {}
        for vehicle_id, one in seen.items():
            several.setdefault(one.vin, []).append(vehicle_id)
        assert {group.vin: [version.vehicle.vehicle_id for version in group.versions] for group in groups} == {
            vin: ids for vin, ids in several.items() if len(ids) > 1
        }

    async def check_rows(self, seen: dict[int, Seen]) -> None:
        rows = await self.read("SELECT vehicle_id, slot, plate, status, revision FROM vehicles WHERE account_id = $1")
        assert {row[0] for row in rows if row[1] >= 0} == seen.keys()
        former = {row[0]: row for row in rows if row[1] < 0}
        assert all(row[2:4] == (None, 0) for row in former.values())
        slots: dict[str, set[int]] = {}
        for vehicle_id, slot, *_ in rows:
            if slot >= 0:
                slots.setdefault(seen[vehicle_id].vin, set()).add(slot)
        assert all(len(own) > 1 or own == {0} for own in slots.values()) or self.has_renamed
        # The record says the same: of each vehicle the last word, and whether a version is open.
        last = await self.read(
            "SELECT vehicle_id, to_status FROM changes AS c WHERE account_id = $1 AND number = "
            "(SELECT max(number) FROM changes AS l WHERE l.account_id = $1 AND l.vehicle_id = c.vehicle_id)"
        )
        assert {vehicle_id for vehicle_id, status in last if status == 2} == former.keys()
        assert {vehicle_id: status for vehicle_id, status in last if status != 2} == {
            vehicle_id: one.status.value for vehicle_id, one in seen.items()
        }
        counted = await self.read("SELECT vehicle_id, count(*) FROM changes WHERE account_id = $1 GROUP BY vehicle_id")
        assert dict(counted) == {row[0]: row[4] for row in rows}
        versions = await self.read(
            "SELECT vehicle_id, began, ended, is_former FROM versions WHERE account_id = $1 ORDER BY vehicle_id, began"
        )
        assert all((ended is None) is (is_former == 0) for _, _, ended, is_former in versions)
        assert sorted(row[0] for row in versions if row[2] is None) == sorted(seen)
        for one, following in pairwise(versions):
            assert one[0] != following[0] or one[2] <= following[1]

    async def read(self, statement: str) -> list[Row]:
        return await self.select(statement, self.principal.account_id)


async def check_undone(world: World, fleet: list[Cells], choices: list[RepairChoice]) -> None:
    await world.keep(fleet)
    await world.check()
    done: list[tuple[str, dict[int, Seen], dict[int, Seen]]] = []
    for choice in choices:
        before = await world.look()
        request_id = await world.repair(choice)
        await world.check()
        if request_id is not None:
            done.append((request_id, before, await world.look()))
    event(f"{len(done)} repairs")
    undone: list[str] = []
    for request_id, before, _ in reversed(done):
        undone.append(await world.undo(request_id))
        assert await world.look() == before
        await world.check()
    for (_, _, after), request_id in zip(done, reversed(undone), strict=True):
        await world.undo(request_id)
        assert await world.look() == after
        await world.check()


MakeWorld = Callable[[], Coroutine[Any, Any, World]]
steps = st.one_of(
    st.tuples(st.just("keep"), st.lists(cells, min_size=1, max_size=3)),
    st.tuples(st.just("repair"), repairs),
    st.tuples(st.just("repair"), repairs),
    st.tuples(st.just("undo"), st.integers(0, 20)),
    st.tuples(st.just("undo"), st.integers(0, 20)),
    st.tuples(st.just("status"), st.tuples(vins, statuses)),
    st.tuples(st.just("put"), st.tuples(vins, edits)),
    st.tuples(st.just("upsert"), st.tuples(vins, plates)),
)


async def check_history(world: World, fleet: list[Cells], history: list[tuple[str, object]]) -> None:
    ids = [await world.keep(fleet)]
    for kind, what in history:
        try:
            request_id = await take_step(world, ids, kind, what)
        except PadronError as refusal:
            if refusal.code not in REFUSALS:
                raise
            request_id = None
        if request_id is not None:
            ids.append(request_id)
        await world.check()
    event(f"{len(ids) - 1} of {len(history)} done" if len(ids) < 4 else "more than 3 done")


async def take_step(world: World, ids: list[str], kind: str, what: object) -> str | None:
    match kind, what:
        case "keep", list(rows):
            return await world.keep(rows)
        case "repair", (str(), int(), dict(), dict(), _) as choice:
            return await world.repair(choice)  # type: ignore[arg-type]
        case "undo", int(place):
            return await world.undo(ids[-1 - place % len(ids)])
        case "status", (str(vin), VehicleStatus() as status):
            request_id = world.give_request_id()
            asked = StatusRequest(
                vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id
            )
            await set_statuses(world.runtime, world.principal, BulkRequest(asked=[asked]))
            return request_id
        case "put", (str(vin), dict(given)):
            request_id = world.give_request_id()
            asked_put = Registration(vin=Vin(vin), edits=given, request_id=request_id)
            await put_vehicle(world.runtime, world.principal, asked_put)
            return request_id
        case "upsert", (str(vin), str(plate)):
            request_id = world.give_request_id()
            world.has_renamed = True
            asked_put = Registration(vin=Vin(vin), edits={"plate": plate}, request_id=request_id)
            await upsert_vehicle_info(world.runtime, world.principal, asked_put)
            return request_id
        case _:
            raise AssertionError(kind)


@asynccontextmanager
async def open_select(kind: str, database: str) -> AsyncIterator[Select]:
    """Give what reads the database beside the store, over one connection."""
    if kind == "sqlite":
        file = apsw.Connection(database, flags=apsw.SQLITE_OPEN_READONLY)

        async def select_sqlite(statement: str, *parameters: object) -> list[Row]:
            return list(file.execute(statement, {str(place): one for place, one in enumerate(parameters, start=1)}))

        yield select_sqlite
        file.close()
        return
    connection = await asyncpg.connect(database)

    async def select_postgres(statement: str, *parameters: object) -> list[Row]:
        return [tuple(row) for row in await connection.fetch(statement, *parameters)]

    yield select_postgres
    await connection.close()


@asynccontextmanager
async def open_world(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakeWorld]:
    """Give what makes an account of its own for each example, in one register."""
    server: Postgres | None = None
    if kind == "sqlite":
        database = str(tmp_path / "padron.db")
        store: Store = await sqlite.open_store(database)
    else:
        server = request.getfixturevalue("postgres_server")
        database = await server.create_database(is_spread=kind == "spread")
        store = await postgres.open_store(database)
    clock = SteppedClock()
    names = iter(range(1_000_000))
    scopes = frozenset(scope.value for scope in Scope)
    async with open_select(kind, database) as select:

        async def make_world() -> World:
            account = await store.directory.add_account(f"Account {next(names)}", clock())
            principal = Principal(account_id=account.account_id, actor="Acme", scopes=scopes)
            return World(build_runtime(store, clock), principal, select)

        yield make_world
    await store.close()
    if server is not None:
        await server.drop_database(database)


@contextmanager
def run_worlds(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Give what runs a check on a world of its own."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        opened = open_world(kind, tmp_path, request)
        make_world = runner.run(opened.__aenter__())

        def run(check: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
            runner.run(check(runner.run(make_world()), *arguments))

        yield run
        runner.run(opened.__aexit__(None, None, None))


FEW = effort.try_examples(effort.REPAIR_HISTORIES)


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.long("postgres")
def test_undos_of_repairs_give_back_each_state_and_undos_of_those_do_too(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with run_worlds(kind, tmp_path, request) as run:

        @FEW
        @given(fleet=fleets, choices=st.lists(repairs, min_size=1, max_size=5))
        def try_all(fleet: list[Cells], choices: list[RepairChoice]) -> None:
            run(check_undone, fleet, choices)

        try_all()


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.long("postgres")
def test_no_history_with_repairs_in_it_breaks_a_promise(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with run_worlds(kind, tmp_path, request) as run:

        @FEW
        @given(fleet=fleets, history=st.lists(steps, min_size=1, max_size=8))
        def try_all(fleet: list[Cells], history: list[tuple[str, object]]) -> None:
            run(check_history, fleet, history)

        try_all()
