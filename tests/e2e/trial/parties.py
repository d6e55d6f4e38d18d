"""Who uses the servers during the trial: writers, a stranger who measures, readers of the feed, and slow clients."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from padron.domain.change import ChangeType
from tests import effort
from tests.cast import make_vin
from tests.e2e.client import Answer, Connection, build_request, connect
from tests.e2e.followers import read_stream
from tests.e2e.load import STATUSES
from tests.e2e.program import Fleet
from tests.e2e.servers import Servers
from tests.e2e.trial.ledger import Act

PAUSE_S = 0.12  # of a writer, between two acts
PROBE_S = 0.05
WAIT_S = 2  # of a reader of the feed
SPARES = 4  # VINs of each writer that are registered, changed, erased and deleted
FIRST_SPARE = 1_000
SLOW_S = effort.TRIAL_SLOW_S
DRIP_S = 0.5
UNREAD = 30  # requests for large answers that nobody reads
_TARGET = "/api/v2/vehicles"
_HEAD = b"GET /livez HTTP/1.1\r\nHost: padron.test\r\n"


class Ledger:
    """All acts, in the order in which they were sent."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.acts: list[Act] = []
        self.erased: set[str] = set()  # names of people that must be nowhere any more

    def begin(self, fleet: Fleet, vin: str, kind: ChangeType, status: int | None = None) -> Act:
        mark = f"act {next(self._numbers)}"
        act = Act(account_id=fleet.account_id, vin=vin, kind=kind, mark=mark, status=status)
        self.acts.append(act)
        return act


async def perform(connection: Connection, act: Act, request: bytes) -> Answer:
    """Send an act and note its answer. Raises as ``Connection`` when the server hangs up; silence is a failure."""
    await connection.send(request)
    try:
        answer = await connection.read_answer()
    except TimeoutError as error:
        raise AssertionError(f"No answer came to {act}.") from error
    act.note(answer, time.monotonic())
    return answer


async def set_status(connection: Connection, ledger: Ledger, fleet: Fleet, vin: str, status: int) -> Answer:
    act = ledger.begin(fleet, vin, ChangeType.STATUS_CHANGED, status)
    body = {"vehicleStatusId": status, "reason": act.mark}
    request = build_request("PATCH", f"{_TARGET}/{vin}/status", token=fleet.token, body=body)
    return await perform(connection, act, request)


@dataclass(kw_only=True)
class Writer:
    """Sets statuses of the account's vehicles, and does everything to a few vehicles of its own."""

    ledger: Ledger
    fleet: Fleet
    number: int
    dice: random.Random
    ended: asyncio.Event
    names: dict[str, list[str]] = field(default_factory=dict)  # of owners, by VIN, that were answered with 2xx

    @property
    def spares(self) -> Sequence[str]:
        first = FIRST_SPARE + self.number * SPARES
        return [make_vin(place) for place in range(first, first + SPARES)]

    async def work(self, port: int) -> None:
        async with connect(port) as connection:
            while not self.ended.is_set():
                await self._act(connection)
                await asyncio.sleep(self.dice.uniform(0, 2 * PAUSE_S))

    async def _act(self, connection: Connection) -> None:
        spare = self.dice.choice(self.spares)
        match self.dice.choices(("status", "put", "spare", "erase", "delete"), (80, 12, 4, 2, 2))[0]:
            case "status":
                vin = self.dice.choice(self.fleet.vins)
                await set_status(connection, self.ledger, self.fleet, vin, self.dice.choice(STATUSES))
            case "put":
                await self._put(connection, spare)
            case "spare":
                await set_status(connection, self.ledger, self.fleet, spare, self.dice.choice(STATUSES))
            case "erase":
                await self._erase(connection, spare)
            case _:
                act = self.ledger.begin(self.fleet, spare, ChangeType.DELETED, 2)
                target = f"{_TARGET}/{spare}?reason={act.mark.replace(' ', '%20')}"
                await perform(connection, act, build_request("DELETE", target, token=self.fleet.token))

    async def _put(self, connection: Connection, vin: str) -> None:
        act = self.ledger.begin(self.fleet, vin, ChangeType.REGISTERED)
        name = f"Persona {act.mark} de {self.fleet.account_id}"
        request = build_request("PUT", f"{_TARGET}/{vin}", token=self.fleet.token, body={"ownerName": name})
        answer = await perform(connection, act, request)
        if answer.status < 300:
            self.names.setdefault(vin, []).append(name)

    async def _erase(self, connection: Connection, vin: str) -> None:
        act = self.ledger.begin(self.fleet, vin, ChangeType.ERASED)
        body = {"vin": vin, "fields": ["ownerName"], "reason": act.mark}
        request = build_request("POST", "/api/v2/erasures", token=self.fleet.token, body=body)
        answer = await perform(connection, act, request)
        if answer.status == 200:
            assert not answer.document["incomplete"]
            self.ledger.erased.update(self.names.pop(vin, []))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """One answer to the stranger."""

    began_s: float
    ended_s: float
    status: int
    is_write: bool

    @classmethod
    def nothing(cls) -> "Timing":
        """Give what stands for no answer at all."""
        return cls(began_s=0, ended_s=0, status=0, is_write=False)

    @property
    def seconds(self) -> float:
        return self.ended_s - self.began_s


@dataclass(kw_only=True)
class Stranger:
    """Another account, which sets and reads a status all the time, and notes how long the answers take."""

    ledger: Ledger
    fleet: Fleet
    dice: random.Random
    ended: asyncio.Event
    timings: list[Timing] = field(default_factory=list)
    overslept_s: list[float] = field(default_factory=list)  # of this process: what the machine's other work costs

    async def work(self, port: int) -> None:
        async with connect(port) as connection:
            while not self.ended.is_set():
                vin, is_write = self.dice.choice(self.fleet.vins), self.dice.random() < 0.7
                began_s = time.monotonic()
                if is_write:
                    answer = await set_status(
                        connection, self.ledger, self.fleet, vin, self.dice.choice(STATUSES)
                    )  # fmt: skip
                else:
                    target = f"{_TARGET}/{vin}/status"
                    answer = await connection.request("GET", target, token=self.fleet.token)
                self.timings.append(
                    Timing(began_s=began_s, ended_s=time.monotonic(), status=answer.status, is_write=is_write)
                )
                slept_s = time.monotonic()
                await asyncio.sleep(PROBE_S)
                self.overslept_s.append(time.monotonic() - slept_s - PROBE_S)


@dataclass(kw_only=True)
class FeedReader:
    """Follows an account's feed, in pages or as a stream, and goes on from its cursor whenever it was cut off."""

    fleet: Fleet
    cursor: str | None = None
    told: list[tuple[int, str, str]] = field(default_factory=list)  # number, VIN and request of each change

    def _take(self, change: dict[str, object]) -> None:
        number = change["number"]
        assert number == len(self.told) + 1, f"{number} came after {len(self.told)}."
        self.told.append((len(self.told) + 1, str(change["vin"]), str(change["requestId"])))

    async def read_pages(self, port: int) -> None:
        async with connect(port) as connection:
            for _ in range(50):
                after = f"&after={self.cursor}" if self.cursor else ""
                target = f"/api/v2/changes?wait={WAIT_S}&limit=200{after}"
                answer = await connection.request("GET", target, token=self.fleet.token)
                if answer.status == 503:
                    raise EOFError
                assert answer.status == 200, answer.body
                for change in answer.document["changes"]:
                    self._take(change)
                self.cursor = answer.document["nextCursor"]

    async def read_events(self, port: int) -> None:
        target = f"/api/v2/changes?wait={WAIT_S}"
        async with connect(port) as connection:  # whether it can answer now
            if (await connection.request("GET", "/readyz")).status != 200:
                raise EOFError
        with suppress(ValueError):  # a chunk's size that was cut off
            async for event in read_stream(port, target, self.fleet.token, self.cursor):
                if "data" in event:
                    self._take(json.loads(event["data"]))
                self.cursor = event.get("id", self.cursor)


async def drip_head(port: int) -> None:
    """Send a byte of a request's head now and then."""
    async with connect(port) as connection:
        for place in range(int(SLOW_S / DRIP_S)):
            await connection.send(_HEAD[place : place + 1])
            await asyncio.sleep(DRIP_S)


async def read_nothing(port: int, fleet: Fleet) -> None:
    """Ask for many lists, and read none."""
    request = build_request("GET", f"{_TARGET}?limit=500", token=fleet.token)
    async with connect(port) as connection:
        await connection.send(request)
        await connection.read_answer()
        with suppress(TimeoutError):
            async with asyncio.timeout(SLOW_S):
                for _ in range(UNREAD):
                    await connection.send(request)
                await asyncio.sleep(SLOW_S)
        connection.reset()


async def stop_in_a_body(port: int, fleet: Fleet) -> None:
    """Send half of a status call, and wait."""
    whole = build_request(
        "PATCH", f"{_TARGET}/{fleet.vins[0]}/status", token=fleet.token, body={"vehicleStatusId": 4}
    )  # fmt: skip
    async with connect(port) as connection:
        await connection.send(whole[:-10])
        await asyncio.sleep(SLOW_S)


@asynccontextmanager
async def surrounded_by_slow(servers: Servers, fleet: Fleet, count: int) -> AsyncIterator[None]:
    """Let so many slow clients of each kind come again and again until the block ends."""
    ended = asyncio.Event()

    async def read(port: int) -> None:
        await read_nothing(port, fleet)

    async def stop(port: int) -> None:
        await stop_in_a_body(port, fleet)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(servers.stay_connected(use, ended))
            for use in (drip_head, read, stop)
            for _ in range(count)
        ]  # fmt: skip
        try:
            yield
        finally:
            ended.set()
            for task in tasks:
                task.cancel()
