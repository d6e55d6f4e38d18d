"""Many clients at once who set random statuses, and remember what they asked for and what they were told."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.cast import wait_until
from tests.e2e.client import Answer, Connection, build_request, connect
from tests.e2e.program import Fleet

BESIDE_S = 0.03  # between the calls of a client, where others only work beside the load
STATUSES = (0, 1, 3, 4, 5, 6, 7, 8, 9)


@dataclass(kw_only=True, slots=True)
class Call:
    """One status call. Its reason is like no other's, so that its trace can be found."""

    fleet: Fleet
    vin: str
    status: int
    reason: str
    answer: Answer | None = None
    answered_s: float = 0.0  # by the clock of this process

    @property
    def target(self) -> str:
        return f"/api/v2/vehicles/{self.vin}/status"

    @property
    def body(self) -> dict[str, object]:
        return {"vehicleStatusId": self.status, "reason": self.reason}

    def build(self) -> bytes:
        return build_request("PATCH", self.target, token=self.fleet.token, body=self.body)


class Load:
    """Closed-loop clients: each sends its next call when the last was answered, and ends when it is cut off."""

    def __init__(self, fleets: Sequence[Fleet]) -> None:
        self._fleets = fleets
        self._random = random.Random()
        self.calls: list[Call] = []
        self.answered = 0

    def make_call(self, fleet: Fleet | None = None, vin: str | None = None) -> Call:
        fleet = fleet or self._random.choice(self._fleets)
        call = Call(
            fleet=fleet,
            vin=vin or self._random.choice(fleet.vins),
            status=self._random.choice(STATUSES),
            reason=f"call {len(self.calls)}",
        )
        self.calls.append(call)
        return call

    @asynccontextmanager
    async def under_way(self, *ports: int, connections: int = 16, pause_s: float = 0) -> AsyncIterator[None]:
        """Load each port with so many connections until the block ends; every call that began is answered or lost.

        A load that others only work beside may pause after each call: it need not take all that the machine has.
        """
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as clients:
            for port in ports:
                for _ in range(connections):
                    clients.create_task(self._drive(port, stopping, pause_s))
            try:
                yield
            finally:
                stopping.set()

    async def wait_for_answers(self, more: int, *, seconds_max: float = 20) -> None:
        """Return when so many more calls were answered."""
        aim = self.answered + more

        async def is_there() -> bool:
            return self.answered >= aim

        await wait_until(is_there, seconds_max=seconds_max)

    async def _drive(self, port: int, stopping: asyncio.Event, pause_s: float) -> None:
        with suppress(OSError, EOFError):  # the server was ended: what was not answered has no answer
            async with connect(port) as connection:
                while not stopping.is_set():
                    await self.send(connection, self.make_call())
                    if pause_s:
                        await asyncio.sleep(pause_s)

    async def send(self, connection: Connection, call: Call) -> Answer:
        """Send a call and give its answer. Raises ``EOFError`` or ``OSError`` when the server hangs up."""
        await connection.send(call.build())
        call.answer = await connection.read_answer()
        call.answered_s = time.monotonic()
        self.answered += 1
        return call.answer

    async def touch_all(self, connection: Connection) -> list[Answer]:
        """Set the status of each vehicle in turn: none may be left locked."""
        return [await self.send(connection, self.make_call(fleet, vin)) for fleet in self._fleets for vin in fleet.vins]

    def give_statuses(self) -> set[int]:
        """Give the HTTP statuses that were answered."""
        return {call.answer.status for call in self.calls if call.answer is not None}

    def give_slowest_share(self, share: float) -> float:
        """Give the seconds within which this share of the calls was answered."""
        seconds = sorted(call.answer.seconds for call in self.calls if call.answer is not None)
        return seconds[min(len(seconds) - 1, int(len(seconds) * share))]
