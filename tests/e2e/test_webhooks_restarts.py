"""Webhooks to a receiver that fails three times in ten, through servers that are killed and stopped."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests import effort
from tests.cast import wait_until
from tests.conftest import Row, Select
from tests.database import write
from tests.delivery.receiver import Received, Receiver, reply, run_receiver
from tests.e2e.client import connect
from tests.e2e.load import Load
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.servers import SIZES, Servers, run_servers

# How servers are ended, in turn: True is kill -9, False SIGTERM. What stands in one pair ends before any is started.
ANSWERS = 30  # between two such ends
WRITERS = 8
PAUSE_S = 0.1  # so that each vehicle has a handful of changes, not hundreds
FAILING = 0.3
UNANSWERED = 5  # messages, when a server is killed
FAILURES_MAX = 3  # of one message, so that it ends

_READ_CHANGES = """
    SELECT number, vin, from_status, to_status, reason FROM changes
    WHERE account_id = $1 AND type = 'statusChanged' ORDER BY number
"""
_COUNT_OPEN = """
    SELECT (SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered'),
        (SELECT count(*) FROM webhook_endpoints AS e JOIN counters AS c ON c.account_id = e.account_id
         WHERE e.position < c.last_change)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint of an account; with ``only_flips`` it hears of changes from or to Active only."""

    fleet: Fleet
    path: str
    endpoint_id: str
    secret: str
    only_flips: bool

    def list_expected(self, changes: list[Row]) -> dict[int, Row]:
        """Give the changes of the account that it must hear of, by number."""
        return {row[0]: row for row in changes if not self.only_flips or 1 in (row[2], row[3])}


class Moods:
    """How the receiver answers: it takes a message, refuses it, hangs up, or does not answer at all."""

    def __init__(self) -> None:
        self._answering = asyncio.Event()
        self._answering.set()
        self._unanswered = 0
        self.received: Counter[str] = Counter()
        self.failed: list[str] = []
        self.disorder: list[str] = []
        self._failures: Counter[str] = Counter()
        self._open: dict[tuple[str, str], int] = {}  # endpoint and vehicle: what came and has not been taken

    async def hang(self, make_due: Callable[[], Awaitable[None]]) -> None:
        """Answer nothing any more, and return when some messages wait for it.

        All vehicles' messages may be resting by chance, some for minutes: then what rests is made due.
        """
        self._unanswered = 0
        self._answering.clear()

        async def do_wait() -> bool:
            return self._unanswered >= UNANSWERED

        while not await do_wait():
            try:
                await wait_until(do_wait, seconds_max=5)
            except TimeoutError:
                await make_due()

    def go_on(self) -> None:
        """Answer again, and hang up on those that still wait."""
        self._answering.set()

    async def wait_for_retry(self) -> None:
        """Return when what failed first has come again: after the first pause, and without being asked for."""

        async def has_come() -> bool:
            return self.received[self.failed[0]] > 1

        await wait_until(has_come, seconds_max=20)

    async def answer(self, message: Received) -> bytes | None:
        """Answer, and note when a vehicle's message comes while a former one has not been taken."""
        message_id = message.headers["webhook-id"]
        self.received[message_id] += 1
        lane = (message.path, message.vin)
        if self._open.setdefault(lane, message.number) != message.number:
            self.disorder.append(f"{message_id} came before change {self._open[lane]} was taken.")
        await asyncio.sleep(random.random() / 50)
        if not self._answering.is_set():
            self._unanswered += 1
            await self._answering.wait()
            return None
        is_bad = not self.failed or random.random() < FAILING
        if is_bad and self._failures[message_id] < FAILURES_MAX:
            self._failures[message_id] += 1
            self.failed.append(message_id)
            return random.choice((reply(500), None))
        self._open.pop(lane, None)
        return reply(200)


async def add_endpoint(port: int, fleet: Fleet, receiver: Receiver, *, only_flips: bool) -> Endpoint:
    path = f"/hook/{fleet.account_id}/{only_flips}"
    body: dict[str, object] = {
        "url": f"http://127.0.0.1:{receiver.port}{path}",
        "eventTypes": ["vehicle.status_changed"],
    }
    if only_flips:
        body |= {"statusesLeft": [1], "statusesEntered": [1]}
    async with connect(port) as connection:
        answer = await connection.request("POST", "/api/v2/webhooks", token=fleet.token, body=body)
    assert answer.status == 201, answer.body
    made = answer.document
    return Endpoint(fleet=fleet, path=path, endpoint_id=made["id"], secret=made["secret"], only_flips=only_flips)


async def switch_off_and_on(port: int, endpoint: Endpoint) -> None:
    """Make all that waits due at once, as an operator does who has mended a receiver."""
    async with connect(port) as connection:
        for is_on in (False, True):
            target = f"/api/v2/webhooks/{endpoint.endpoint_id}"
            answer = await connection.request("PATCH", target, token=endpoint.fleet.token, body={"enabled": is_on})
            assert answer.status == 200, answer.body


async def make_all_due(servers: Servers, endpoints: list[Endpoint]) -> None:
    for endpoint in endpoints:
        await switch_off_and_on(servers.ports[0], endpoint)


async def deliver_rest(servers: Servers, endpoints: list[Endpoint], select: Select) -> None:
    """Let no pause of minutes be waited for, until everything has been delivered."""

    async def is_delivered() -> bool:
        return await select(_COUNT_OPEN) == [(0, 0)]

    async with asyncio.timeout(30):
        while not await is_delivered():
            await make_all_due(servers, endpoints)
            with suppress(TimeoutError):
                await wait_until(is_delivered, seconds_max=0.3)


def check_received(endpoint: Endpoint, received: list[Received], expected: dict[int, Row]) -> None:
    """Check that everything was received, signed and as the record has it, and each vehicle's in order."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for message in received:
        message.verify(endpoint.secret)
        assert message.headers["webhook-id"].startswith(f"msg_{endpoint.endpoint_id}_{message.number}x")
        told = message.event["data"]
        row = (told["number"], told["vin"], told["fromStatusId"], told["toStatusId"], told["reason"])
        assert row == expected[message.number]
        numbers[message.vin].append(message.number)
    assert {message.number for message in received} == set(expected)
    assert all(found == sorted(found) for found in numbers.values())


@pytest.mark.campaign
@pytest.mark.timeout(90)
@pytest.mark.long
async def test_a_failing_receiver_gets_every_change_in_order_however_often_servers_end(
    engine: str, url: str, database: str, tmp_path: Path, select: Select
) -> None:
    fleets = await make_fleets(url, accounts=2, vehicles=10)
    load, moods = Load(fleets), Moods()
    async with run_receiver() as receiver, run_servers(url, tmp_path, engine, webhook_allow="127.0.0.1/32") as servers:
        receiver.answer = moods.answer
        endpoints = [
            await add_endpoint(servers.ports[0], fleet, receiver, only_flips=only_flips)
            for fleet in fleets
            for only_flips in (False, True)
        ]
        async with servers.written_by(WRITERS, load, load.make_call, pause_s=PAUSE_S):
            for kills in effort.WEBHOOK_ENDS[engine]:
                await load.wait_for_answers(ANSWERS)
                if all(kills):
                    await moods.hang(partial(make_all_due, servers, endpoints))
                for kill in kills:
                    await servers.end_oldest(kill=kill)
                moods.go_on()
                if len(kills) == SIZES["postgres"]:
                    # Nobody is left: what was killed cannot give its leases back, so let their time be over.
                    passed = "UPDATE webhook_endpoints SET lease_until = lease_until - interval '30 seconds'"
                    await write(engine, database, passed)
                await servers.start_missing()
        await moods.wait_for_retry()
        await deliver_rest(servers, endpoints, select)
        changes = {fleet.account_id: await select(_READ_CHANGES, fleet.account_id) for fleet in fleets}
    assert load.give_statuses() == {204}
    assert moods.disorder == []
    for endpoint in endpoints:
        received = [message for message in receiver.received if message.path == endpoint.path]
        check_received(endpoint, received, endpoint.list_expected(changes[endpoint.fleet.account_id]))
