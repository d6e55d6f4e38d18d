"""Once a deactivation has been answered, nothing that begins later is handed the vehicle, on any server process.

Owners deactivate and reactivate their vehicles at random; askers put questions to the gate, runs are started, workers
claim and answer some of what they are handed, all the while. Leases are short, so that vehicles are handed out again.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import effort
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.exclusions import STORED, Claim, Given, Question, Witness
from tests.e2e.program import Fleet, Server, make_fleets, run_server

CHANGES = effort.EXCLUSION_CHANGES  # on each engine
OWNERS = 12
VEHICLES_EACH = 8
WEIGHTS = [0.5**place for place in range(VEHICLES_EACH)]  # some vehicles keep still until a lease has run out
ASKERS = 2
ASKED_AGAIN = 8
WORKERS = 2
INACTIVE = (0, 3, 4, 5, 6, 7, 8, 9)
DECLARATION = {"description": "", "leaseSeconds": 1, "attempts": 3}
LEAST_S = 2.0  # so that leases run out
RUN_EVERY = 25  # changes
AUDIT_EVERY = 100
HELD_MAX = 1_000  # claims that nobody has answered yet; the oldest of more are never answered
WITHDRAWN, EXPIRED = "ClaimWithdrawn", "ClaimExpired"
OPERATION = "/api/v2/operations/poll-tracker"

# In any one state of the database: the work goes in the transaction that changes the status, not before or after it.
COUNT_LEFT_BEHIND = """
    SELECT count(*) FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
    WHERE w.state IN ('queued', 'claimed', 'exhausted') AND h.status <> 1
"""
COUNT_WITHDRAWN_FROM_THE_QUEUE = "SELECT count(*) FROM work WHERE state = 'withdrawn' AND attempts = 0"


class Race:
    """The owners, askers and workers of one account, spread over the servers."""

    def __init__(self, fleet: Fleet, ports: list[int], select: Select) -> None:
        self.fleet = fleet
        self.ports = ports
        self.select = select
        self.witness = Witness(fleet.vins)
        self.held: dict[str, Claim] = {}
        self.changes = 0
        self.left_behind = 0
        self.least_end = time.perf_counter() + LEAST_S

    async def run(self) -> None:
        async with connect(self.ports[0]) as connection:
            await self.call(connection, "PUT", OPERATION, DECLARATION, 201)
        owned = [self.fleet.vins[place::OWNERS] for place in range(OWNERS)]
        async with asyncio.TaskGroup() as tasks:
            owners = [tasks.create_task(self.own(number, vins)) for number, vins in enumerate(owned)]
            others = [tasks.create_task(self.ask(number)) for number in range(ASKERS)]
            others += [tasks.create_task(self.work(number)) for number in range(WORKERS)]
            await asyncio.gather(*owners)
            for other in others:
                other.cancel()

    async def own(self, number: int, vins: tuple[str, ...]) -> None:
        """Deactivate and reactivate some vehicles in turn, each time on a server of chance."""
        rng = effort.roll(number)
        async with AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(connect(port)) for port in self.ports]
            while self.changes < CHANGES or time.perf_counter() < self.least_end:
                (vin,) = rng.choices(vins, WEIGHTS)
                spans = self.witness.exclusions[vin]
                if spans.is_open:
                    spans.ended.append(time.perf_counter())
                    await self.set_status(rng.choice(connections), vin, 1)
                else:
                    await self.set_status(rng.choice(connections), vin, rng.choice(INACTIVE))
                    spans.begun.append(time.perf_counter())
                    if rng.random() < 0.1:
                        await self.try_at_once(rng.choice(connections), vin)
                if self.changes % RUN_EVERY == 0:
                    await self.start_run(rng.choice(connections), rng)
                if self.changes % AUDIT_EVERY == 0:
                    self.left_behind += (await self.select(COUNT_LEFT_BEHIND))[0][0]

    async def set_status(self, connection: Connection, vin: str, status: int) -> None:
        await self.call(connection, "PATCH", f"/api/v2/vehicles/{vin}/status", {"vehicleStatusId": status}, 204)
        self.changes += 1

    async def try_at_once(self, connection: Connection, vin: str) -> None:
        """In the instant after a deactivation: answer for the vehicle and claim it."""
        await self.give([claim for claim in self.held.values() if claim.vin == vin], "succeeded", connection)
        await self.claim(connection, 20, 0)

    async def start_run(self, connection: Connection, rng: random.Random) -> None:
        """Queue all vehicles, or half of them by name."""
        body = rng.choice(({"all": True}, {"vins": rng.sample(self.fleet.vins, len(self.fleet.vins) // 2)}))
        document = await self.call(connection, "POST", f"{OPERATION}/runs", body, 201)
        self.witness.runs[document["runId"]] = time.perf_counter()

    async def ask(self, number: int) -> None:
        """Ask the gate of one server, some vehicles at a time, until cancelled."""
        rng = effort.roll(-1 - number)
        async with connect(self.ports[number % len(self.ports)]) as connection:
            while True:
                if rng.random() < 1 / 3:
                    await self.ask_again(connection, rng.choice(self.fleet.vins[:OWNERS]))
                    continue
                vins = rng.sample(self.fleet.vins, rng.choice((1, 5, 20)))
                begin = time.perf_counter()
                document = await self.call(connection, "POST", "/api/v2/gate", {"operation": "dispatch", "vins": vins})
                verdicts = {result["vin"]: result["allowed"] for result in document["results"]}
                self.witness.questions.append(Question(begin, time.perf_counter(), verdicts))

    async def ask_again(self, connection: Connection, vin: str) -> None:
        """Ask on one vehicle, by the call for one, so often that its owner changes it meanwhile."""
        for _ in range(ASKED_AGAIN):
            begin = time.perf_counter()
            document = await self.call(connection, "GET", f"/api/v2/gate/{vin}?operation=dispatch", None)
            self.witness.questions.append(Question(begin, time.perf_counter(), {vin: document["allowed"]}))

    async def work(self, number: int) -> None:
        """Claim from one server and answer for some of what anybody holds, until cancelled."""
        rng = effort.roll(-100 - number)
        async with connect(self.ports[number % len(self.ports)]) as connection:
            while True:
                await self.claim(connection, rng.choice((1, 3, 10)), rng.choice((0, 1)))
                some = rng.sample(list(self.held.values()), min(len(self.held), rng.choice((0, 2, 8))))
                await self.give(some, rng.choice(("succeeded", "failed")), connection)

    async def claim(self, connection: Connection, limit: int, wait_s: int) -> None:
        begin = time.perf_counter()
        document = await self.call(connection, "POST", f"{OPERATION}/claims", {"limit": limit, "wait": wait_s})
        end = time.perf_counter()
        claims = [
            Claim(begin, end, one["claimId"], one["runId"], one["vin"], one["attempt"]) for one in document["claims"]
        ]
        self.witness.claims += claims
        self.held.update((claim.claim_id, claim) for claim in claims)
        while len(self.held) > HELD_MAX:
            del self.held[next(iter(self.held))]

    async def give(self, claims: Sequence[Claim], outcome: str, connection: Connection) -> None:
        """Answer claims, each once."""
        if not claims:
            return
        for claim in claims:
            del self.held[claim.claim_id]
        begin = time.perf_counter()
        body = {"results": [{"claimId": claim.claim_id, "outcome": outcome} for claim in claims]}
        document = await self.call(connection, "POST", f"{OPERATION}/claims/results", body, 200, 409)
        for claim, answer in zip(claims, document["results"], strict=True):
            assert answer["claimId"] == claim.claim_id
            kept = STORED if answer["status"] == 200 else answer["errorDetail"]
            self.witness.given.append(Given(begin, claim, kept))

    async def call(
        self, connection: Connection, method: str, target: str, body: object, *statuses: int
    ) -> dict[str, Any]:
        """Give the document of an answer, which must have one of these statuses, else 200."""
        answer = await connection.request(method, target, token=self.fleet.token, body=body)
        assert answer.status in (statuses or (200,)), answer.body
        return answer.document if answer.body else {}


@pytest.mark.campaign
@pytest.mark.long("postgres")
@pytest.mark.timeout(180)
async def test_nothing_that_begins_after_a_deactivation_is_handed_the_vehicle(
    url: str, engine: str, tmp_path: Path, select: Select
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=OWNERS * VEHICLES_EACH)
    async with AsyncExitStack() as stack:
        servers: list[Server] = [
            await stack.enter_async_context(run_server(url, tmp_path)) for _ in range(2 if engine == "postgres" else 1)
        ]
        race = Race(fleet, [server.port for server in servers], select)
        await race.run()
    check_verdicts(race.witness)
    check_claims(race.witness)
    check_results(race.witness)
    assert race.left_behind == 0
    assert (await select(COUNT_LEFT_BEHIND)) == [(0,)]
    assert (await select(COUNT_WITHDRAWN_FROM_THE_QUEUE))[0][0] > CHANGES / 200


def check_verdicts(witness: Witness) -> None:
    inside, wrong = witness.count_verdicts()
    assert wrong == 0
    assert inside > CHANGES / 4  # otherwise too little was tried to say anything
    allowed = sum(sum(question.verdicts.values()) for question in witness.questions)
    assert allowed > CHANGES / 20  # a gate that refuses everything would pass the rest


def check_claims(witness: Witness) -> None:
    assert witness.list_wrong_claims() == []
    assert len({claim.claim_id for claim in witness.claims}) == len(witness.claims)  # each to one worker
    assert len(witness.claims) > CHANGES / 10
    assert witness.count_handed_again() > CHANGES / 500  # leases ran out, and meanwhile nothing was withdrawn


def check_results(witness: Witness) -> None:
    assert {given.outcome for given in witness.given} <= {STORED, WITHDRAWN, EXPIRED}
    late = witness.list_late_results()
    assert [given for given in late if given.outcome == STORED] == []
    returned = sum(not witness.is_out(given.claim.vin, given.begin) for given in late)
    assert returned > CHANGES / 200  # sent when the vehicle was Active again, which brings nothing back
    assert len(late) - returned > CHANGES / 200
    assert sum(given.outcome == STORED for given in witness.given) > CHANGES / 200
