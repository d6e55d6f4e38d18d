"""Once a deactivation has been answered, nothing that begins later is handed the vehicle, on any server process.

Owners deactivate and reactivate their vehicles at random; askers put questions to the gate all the while. All times
are of this one process, so "after" needs no clock of the servers: a question that begins when the answer to a
deactivation is here, and ends before the reactivation is sent, must be refused.
"""

import asyncio
import random
import time
from bisect import bisect_right
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.client import Connection, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_server

CHANGES = 10_000  # on each engine
OWNERS = 12
VEHICLES_EACH = 4
ASKERS = 4
INACTIVE = (0, 3, 4, 5, 6, 7, 8, 9)


@dataclass(slots=True)
class Exclusions:
    """The spans in which a vehicle was surely out: from the 204 of a deactivation to the sending of what ends it."""

    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def cover(self, begin: float, end: float) -> bool:
        """Say whether the vehicle was out from ``begin`` to ``end``."""
        place = bisect_right(self.begun, begin) - 1
        if place < 0:
            return False
        return place >= len(self.ended) or end <= self.ended[place]


@dataclass(frozen=True, slots=True)
class Question:
    """What the gate said on some vehicles, and when it was asked and had answered."""

    begin: float
    end: float
    verdicts: dict[str, bool]


class Race:
    """The owners and askers of one account, spread over the servers."""

    def __init__(self, fleet: Fleet, ports: list[int]) -> None:
        self.fleet = fleet
        self.ports = ports
        self.exclusions = {vin: Exclusions() for vin in fleet.vins}
        self.questions: list[Question] = []
        self.changes = 0

    async def run(self) -> None:
        owned = [self.fleet.vins[place::OWNERS] for place in range(OWNERS)]
        async with asyncio.TaskGroup() as tasks:
            owners = [tasks.create_task(self.own(number, vins)) for number, vins in enumerate(owned)]
            askers = [tasks.create_task(self.ask(number)) for number in range(ASKERS)]
            await asyncio.gather(*owners)
            for asker in askers:
                asker.cancel()

    async def own(self, number: int, vins: tuple[str, ...]) -> None:
        """Deactivate and reactivate some vehicles in turn, each time on a server of chance."""
        rng = random.Random(number)
        async with AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(connect(port)) for port in self.ports]
            while self.changes < CHANGES:
                vin = rng.choice(vins)
                spans = self.exclusions[vin]
                if len(spans.begun) > len(spans.ended):
                    spans.ended.append(time.perf_counter())
                    await self.set_status(rng.choice(connections), vin, 1)
                else:
                    await self.set_status(rng.choice(connections), vin, rng.choice(INACTIVE))
                    spans.begun.append(time.perf_counter())

    async def set_status(self, connection: Connection, vin: str, status: int) -> None:
        target, body = f"/api/v2/vehicles/{vin}/status", {"vehicleStatusId": status}
        answer = await connection.request("PATCH", target, token=self.fleet.token, body=body)
        assert answer.status == 204, answer.body
        self.changes += 1

    async def ask(self, number: int) -> None:
        """Ask the gate of one server, some vehicles at a time, until cancelled."""
        rng = random.Random(-1 - number)
        async with connect(self.ports[number % len(self.ports)]) as connection:
            while True:
                vins = rng.sample(self.fleet.vins, rng.choice((1, 5, 20)))
                begin = time.perf_counter()
                body = {"operation": "dispatch", "vins": vins}
                answer = await connection.request("POST", "/api/v2/gate", token=self.fleet.token, body=body)
                assert answer.status == 200, answer.body
                verdicts = {result["vin"]: result["allowed"] for result in answer.document["results"]}
                self.questions.append(Question(begin, time.perf_counter(), verdicts))

    def count_answers(self) -> tuple[int, int]:
        """Give how many verdicts fell into a span of exclusion, and how many of them allowed the vehicle."""
        inside = wrong = 0
        for question in self.questions:
            for vin, allowed in question.verdicts.items():
                if self.exclusions[vin].cover(question.begin, question.end):
                    inside += 1
                    wrong += allowed
        return inside, wrong


@pytest.mark.timeout(180)
async def test_nothing_that_begins_after_a_deactivation_is_handed_the_vehicle(
    url: str, engine: str, tmp_path: Path
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=OWNERS * VEHICLES_EACH)
    async with AsyncExitStack() as stack:
        servers: list[Server] = [
            await stack.enter_async_context(run_server(url, tmp_path)) for _ in range(2 if engine == "postgres" else 1)
        ]
        race = Race(fleet, [server.port for server in servers])
        await race.run()
    inside, wrong = race.count_answers()
    assert race.changes >= CHANGES
    assert inside > CHANGES / 4  # otherwise too little was tried to say anything
    assert wrong == 0
    allowed = sum(sum(question.verdicts.values()) for question in race.questions)
    assert allowed > CHANGES / 20  # a gate that refuses everything would pass the rest
