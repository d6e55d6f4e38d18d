"""Lets questions to the gate that wait share a statement, as status calls share a transaction.

While statements of other questions are under way, the next questions gather, each with those of its own account. A
statement begins only after all of its questions were asked, so each of them sees everything that was committed before.
"""

import asyncio

from padron.domain.change import Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate import GateView
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.store.base import Store
from padron.store.settling import fail_all, settle
from padron.traces import leave_trace

# Of one part of the database, as many as PostgreSQL's connections for point reads. A question alone never waits.
UNDER_WAY_MAX = 4
VINS_MAX = 256  # of one statement

_AskedVins = dict[Vin, list[asyncio.Future[GateView]]]


class GateQuestions:
    """The questions of one process about single vehicles.

    They gather for each part of the database by itself, so that a node of a cluster that hangs holds up its own
    accounts only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lanes: dict[int, _QuestionLane] = {}

    @property
    def under_way_count(self) -> int:
        """How many statements are under way."""
        return sum(lane.under_way_count for lane in self._lanes.values())

    async def ask(self, account_id: int, vin: Vin) -> GateView:
        """Give the current vehicles with this VIN, and the account's last change at that instant."""
        number = self._store.give_lane(account_id)
        lane = self._lanes.get(number)
        if lane is None:
            lane = self._lanes[number] = _QuestionLane(self._store)
        return await lane.ask(account_id, vin)

    async def close(self) -> None:
        """Wait for statements whose callers may all have gone."""
        for lane in self._lanes.values():
            await lane.close()


class _QuestionLane:
    """The questions about the accounts in one part of the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.under_way_count = 0
        self._gathered: dict[int, _AskedVins] = {}  # by account; the account that has waited longest is first
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, account_id: int, vin: Vin) -> GateView:
        if self.under_way_count < UNDER_WAY_MAX:
            self.under_way_count += 1
            try:
                return await self._store.read(account_id).gate.load_gate([vin])
            except PadronError as error:
                self._fail(error)
                raise
            finally:
                self._pass_on()
        answer: asyncio.Future[GateView] = asyncio.get_running_loop().create_future()
        self._gathered.setdefault(account_id, {}).setdefault(vin, []).append(answer)
        return await answer

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _pass_on(self) -> None:
        """Give the place of a statement that has ended to the next account. Otherwise the place is free."""
        account_id = next(iter(self._gathered), None)
        if account_id is None:
            self.under_way_count -= 1
            return
        asked = self._gathered.pop(account_id)
        if len(asked) > VINS_MAX:
            self._gathered[account_id] = dict([asked.popitem() for _ in range(len(asked) - VINS_MAX)][::-1])
        task = asyncio.create_task(self._ask_together(account_id, asked), name="padron-gate")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: PadronError) -> None:
        """Answer all that wait, when the database does not answer: each of them would find the same, only later."""
        if error.code is not Code.STORE_UNAVAILABLE:
            return
        gathered, self._gathered = self._gathered, {}
        for asked in gathered.values():
            for answers in asked.values():
                fail_all(answers, PadronError(error.code, error.detail))

    async def _ask_together(self, account_id: int, asked: _AskedVins) -> None:
        leave_trace()  # it belongs to several requests
        try:
            view = await self._store.read(account_id).gate.load_gate(sorted(asked))
        except Exception as error:  # noqa: BLE001 - each caller words it
            for answers in asked.values():
                fail_all(answers, error)
            if isinstance(error, PadronError):
                self._fail(error)
        else:
            _answer(asked, view.vehicles, view.last_change)
        finally:
            self._pass_on()


def _answer(asked: _AskedVins, vehicles: list[Vehicle], last_change: Place) -> None:
    found: dict[str, list[Vehicle]] = {}
    for vehicle in vehicles:
        found.setdefault(vehicle.vin, []).append(vehicle)
    for vin, answers in asked.items():
        view = GateView(vehicles=found.get(vin, []), last_change=last_change)
        for answer in answers:
            settle(answer, view)
