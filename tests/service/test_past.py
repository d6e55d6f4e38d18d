"""The register as it was, against a replay of the feed: any history, any instant, any question, both engines."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from padron.domain.account import Principal, Scope
from padron.domain.change import FeedEntry, StatusRequest
from padron.domain.deletion import Deletion
from padron.domain.erasure import Selection
from padron.domain.errors import Code, PadronError
from padron.domain.query import SORT_FIELDS, VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.time_in_status import Period, round_cells
from padron.domain.vehicle import Details, Edits, VehicleVersion
from padron.domain.vin import Vin
from padron.service.reports.time_in_status import open_report, report_page
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.deletion import delete_vehicle
from padron.service.vehicles.erasure import Erasure, erase_values
from padron.service.vehicles.reading import get_vehicle, list_vehicles
from padron.service.vehicles.registration import Registration, put_vehicle, upsert_vehicle_info
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, Cast, make_vin
from tests.conftest import SteppedClock
from tests.postgres import Postgres
from tests.service.replay import MICROSECOND, add_up, find_first_details, list_replayed, replay

INSTANTS = 4  # that each history is looked at, with a question for each
History = list[tuple[int, tuple[str, object]]]
Asked = list[tuple[int, int, VehicleQuery]]

vins = st.sampled_from([make_vin(number) for number in range(5)])
plates = st.sampled_from([f"PLATE{number}" for number in range(4)])
names = st.sampled_from(["Ana", "ANA", "Ñandú", "Straße"])
reasons = st.none() | st.sampled_from(["Frenos", "Papeles"])
edits = st.fixed_dictionaries(
    {}, optional={"plate": plates | st.none(), "doors": st.integers(0, 2) | st.none(), "ownerName": names | st.none()}
)
steps = st.one_of(
    st.tuples(
        st.just("status"),
        st.lists(st.tuples(vins, st.sampled_from(list(SETTABLE_STATUSES.values())), reasons), min_size=1, max_size=4),
    ),
    st.tuples(st.just("put"), st.tuples(vins, edits)),
    st.tuples(st.just("upsert"), st.tuples(vins, plates)),
    st.tuples(st.just("delete"), vins),
    st.tuples(st.just("erase"), st.one_of(vins, names)),
    st.tuples(st.just("undo"), st.integers(0, 13)),
)
pauses = st.sampled_from([0, 0, 1, 999_999, 1_000_000, 3_600_000_000])  # microseconds before a step
histories = st.lists(st.tuples(pauses, steps), min_size=1, max_size=14)
filters = st.fixed_dictionaries(
    {}, optional={"plate": plates, "doors": st.integers(0, 2), "ownerName": names, "vin": vins}
)
queries = st.builds(
    VehicleQuery,
    filters=st.one_of(st.just({}), filters),
    status=st.none() | st.sampled_from(list(VehicleStatus)),
    operational=st.sampled_from([None, None, True, False]),
    sort=st.none() | st.sampled_from(SORT_FIELDS),
    descending=st.booleans(),
    limit=st.integers(1, 4),
)
# Where in the history, and how far from the change there.
places = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from([-1, 0, 1, 500_000]), queries), min_size=INSTANTS, max_size=INSTANTS
)


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(kw_only=True)
class Register:
    """One account of a register that other examples used before."""

    runtime: Runtime
    clock: SetClock
    account_id: int

    @property
    def principal(self) -> Principal:
        scopes = frozenset(scope.value for scope in Scope)
        return Principal(account_id=self.account_id, actor="Acme", scopes=scopes)

    async def do(self, history: History) -> None:
        for number, (pause, (kind, what)) in enumerate(history):
            self.clock.now += pause * MICROSECOND
            try:
                await self._do_one(f"r-{number}", kind, what)
            except PadronError:
                event("refused")  # such a plate is taken

    async def _do_one(self, request_id: str, kind: str, what: object) -> None:
        match kind, what:
            case "status", list(triples):
                asked = [
                    StatusRequest(
                        vin=vin, status=status, reason=reason, revisions=None, by="Acme", request_id=request_id
                    )
                    for vin, status, reason in triples
                ]
                await set_statuses(self.runtime, self.principal, BulkRequest(asked=asked))
            case "put", (str(vin), dict(values)):
                await put_vehicle(self.runtime, self.principal, _register(vin, values, request_id))
            case "upsert", (str(vin), str(plate)):
                await upsert_vehicle_info(self.runtime, self.principal, _register(vin, {"plate": plate}, request_id))
            case "delete", str(vin):
                deletion = Deletion(vin=Vin(vin), by="Acme", request_id=request_id, reason="Deleted")
                await delete_vehicle(self.runtime, self.principal, deletion)
                event("deleted")
            case "erase", str(vin_or_name):
                is_vin = vin_or_name.startswith("3PADR")
                value = None if is_vin else vin_or_name
                selection = Selection(fields=frozenset({"ownerName", "legalName"}), value=value)
                erasure = Erasure(
                    vin=Vin(vin_or_name) if is_vin else None, selection=selection, by="Acme", request_id=request_id
                )
                done = await erase_values(self.runtime, self.principal, erasure)
                event("erased" if done.vehicles else "nothing to erase")
            case "undo", int(place):
                undone = await undo_request(self.runtime, self.principal, f"r-{place}", request_id, None)
                event("undone" if any(one.after for one in undone) else "left")
            case _:
                raise AssertionError(kind)

    async def read_feed(self) -> tuple[list[FeedEntry], dict[int, Details]]:
        """Give the whole feed, and with what each vehicle was registered."""
        reader = self.runtime.store.read(self.account_id)
        entries = await reader.list_changes(0, 1_000)
        former = await reader.list_vehicles(VehicleQuery(filters={}, status=VehicleStatus.INFO_CHANGED, limit=500))
        present = await reader.list_vehicles(VehicleQuery(filters={}, limit=500))
        former.sort(key=lambda row: row.version.began)  # a deleted vehicle has only its last former version
        details = {version.vehicle.vehicle_id: version.details for version, _ in (*former, *present)}
        return entries, find_first_details(entries, details)

    async def list_all(self, query: VehicleQuery) -> list[VehicleVersion]:
        """Give all pages of a list."""
        found: list[VehicleVersion] = []
        cursor = None
        while True:
            answer = await list_vehicles(self.runtime, self.principal, query, cursor)
            assert len(answer.page.rows) == query.limit or not answer.page.more
            found += answer.page.rows
            cursor = answer.page.next_cursor
            if cursor is None:
                return found


def _register(vin: str, values: Edits, request_id: str) -> Registration:
    return Registration(vin=Vin(vin), edits=values, request_id=request_id)


async def check_questions(register: Register, asked: Asked) -> None:
    entries, first = await register.read_feed()
    for place, microseconds, question in asked:
        base = entries[place % len(entries)].change.at if entries else NOON
        at = min(base + microseconds * MICROSECOND, register.clock.now)
        vehicles = replay(entries, first, at)
        query = replace(question, as_of=at)
        listed = await register.list_all(query)
        assert listed == list_replayed(vehicles, query)
        event("something listed" if listed else "nothing listed")
        for number in range(5):
            vin = make_vin(number)
            current = [one.version for one in vehicles.values() if one.is_current and one.version.vehicle.vin == vin]
            if current:
                assert [await get_vehicle(register.runtime, register.principal, vin, at)] == current
                continue
            with pytest.raises(PadronError) as refusal:
                await get_vehicle(register.runtime, register.principal, vin, at)
            assert refusal.value.code is Code.VEHICLE_NOT_FOUND


async def check_times(register: Register, asked: Asked) -> None:
    entries, first = await register.read_feed()
    instants = sorted(
        min((entries[place % len(entries)].change.at if entries else NOON) + shift * MICROSECOND, register.clock.now)
        for place, shift, _ in asked
    )
    for from_at, to_at in pairwise(instants):
        if from_at == to_at:
            continue
        expected = add_up(entries, from_at, to_at)
        period = Period(from_at=from_at, to_at=to_at)
        query = await open_report(register.runtime, register.principal, period, {})
        rows = await register.runtime.store.read(register.account_id).sum_statuses(replace(query, limit=50))
        known = [row for row in rows if row.microseconds and row.status is not VehicleStatus.INFO_CHANGED]
        assert {(row.vehicle_id, row.status, row.reason): row.microseconds for row in known} == {
            (vehicle_id, *cell): length for vehicle_id, cells in expected.items() for cell, length in cells.items()
        }
        answer = await report_page(
            register.runtime, register.principal, period, {}, lambda: False, limit=50, cursor=None
        )
        assert {one.vehicle_id: one.cells for one in answer.page.rows} == {
            vehicle_id: round_cells(cells) for vehicle_id, cells in expected.items()
        }
        whole = (to_at - from_at) // timedelta(seconds=1)
        at_end = replay(entries, first, to_at)
        deleted = {entry.vehicle_id for entry in entries if entry.change.to_status is VehicleStatus.INFO_CHANGED}
        for one in answer.page.rows:
            assert one.vin == at_end[one.vehicle_id].version.vehicle.vin
            if one.vehicle_id not in deleted and at_end[one.vehicle_id].version.vehicle.created_at <= from_at:
                event("existed throughout")
                assert sum(one.cells.values()) == whole
        assert answer.total is not None
        assert sum(answer.total.cells.values()) == sum(sum(one.cells.values()) for one in answer.page.rows)


@pytest.mark.campaign
@pytest.mark.timeout(150)
@pytest.mark.parametrize("check", [check_questions, check_times], ids=["list and get", "time in status"])
@pytest.mark.long("postgres")
def test_the_past_is_what_a_replay_of_the_feed_says(
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[Register, Asked], Awaitable[None]],
) -> None:
    monkeypatch.setattr("padron.service.vehicles.reading.STEP_CHANGES", 2)
    monkeypatch.setattr("padron.service.reports.time_in_status.BATCH_VEHICLES", 2)

    async def open_register() -> tuple[Store, str]:
        if kind == "sqlite":
            return await sqlite.open_store(str(tmp_path / "padron.db")), ""
        server: Postgres = request.getfixturevalue("postgres_server")
        url = await server.create_database(is_spread=kind == "spread")
        return await postgres.open_store(url), url

    numbers = iter(range(1_000_000))

    async def try_one(history: History, asked: Asked) -> None:
        clock = SetClock()
        account = await store.directory.add_account(f"Account {next(numbers)}", NOON)
        runtime = build_runtime(store, clock)
        register = Register(runtime=runtime, clock=clock, account_id=account.account_id)
        await register.do(history)
        clock.now += timedelta(seconds=1)
        await check(register, asked)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        store, url = runner.run(open_register())

        @effort.try_examples(effort.PAST_HISTORIES)
        @given(history=histories, asked=places)
        def try_history(history: History, asked: Asked) -> None:
            runner.run(try_one(history, asked))

        try_history()
        runner.run(store.close())
        if url:
            runner.run(request.getfixturevalue("postgres_server").drop_database(url))


# On PostgreSQL of each kind one: by text, by number, by status, by time or by registration.
ORDERS = {
    "sqlite": (None, *SORT_FIELDS),
    "postgres": (None, "plate", "ownerName", "doors", "vehicleStatusId", "statusSince"),
}


async def test_every_order_of_the_past_is_a_replays(
    runtime: Runtime, cast: Cast, clock: SteppedClock, engine: str
) -> None:
    register = Register(runtime=runtime, clock=SetClock(), account_id=cast.acme.account.account_id)
    car = [make_vin(number) for number in range(5)]
    shop, sold, active = VehicleStatus.IN_THE_SHOP, VehicleStatus.SOLD, VehicleStatus.ACTIVE
    steps: list[tuple[str, object]] = [
        *(("put", (car[number], {"doors": number % 2, "ownerName": "Ana"})) for number in (3, 1, 4, 0, 2)),
        ("status", [(car[3], shop, None), (car[1], sold, "b")]),
        ("status", [(car[4], shop, "a")]),
        ("put", (car[3], {"doors": 2, "plate": "PLATE1"})),  # touched last, and not the last to change its status
        ("status", [(car[0], sold, None), (car[1], active, None)]),
        ("put", (car[4], {"ownerName": None})),
        ("upsert", (car[2], "PLATE2")),
        ("status", [(car[2], shop, None)]),
    ]
    await register.do([(0, step) for step in steps])
    entries, first = await register.read_feed()
    clock.now = entries[-1].change.at
    for at, sorts in ((entries[9].change.at, ORDERS[engine]), (entries[-1].change.at, (None, "updatedAt"))):
        vehicles = replay(entries, first, at)
        for sort, descending in product(sorts, (False, True)):
            query = VehicleQuery(filters={}, sort=sort, descending=descending, limit=3, as_of=at)
            assert await register.list_all(query) == list_replayed(vehicles, query), (sort, descending)
