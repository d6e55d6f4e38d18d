"""A receiver of the trial's webhooks, which refuses one in ten, and what it must have got at the end."""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field

from tests.delivery.receiver import Received, Receiver, reply
from tests.e2e.client import connect
from tests.e2e.program import Fleet

FAILING = 0.1
QUIET_S_MAX = 90.0  # without a new delivery: a killed server's lease lasts 30 s
DELIVERED_S_MAX = 900.0
EVENTS = [
    "vehicle.registered", "vehicle.info_changed", "vehicle.status_changed", "vehicle.erased", "vehicle.deleted",
]  # fmt: skip
_TARGET = "/api/v2/webhooks"


@dataclass(kw_only=True)
class Hook:
    """One endpoint of an account. It hears of every change since it was made."""

    fleet: Fleet
    receiver: Receiver
    dice: random.Random
    endpoint: str = ""
    taken: set[int] = field(default_factory=set)
    lanes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    disorder: list[str] = field(default_factory=list)
    again: int = 0

    async def make(self, port: int) -> None:
        self.receiver.answer = self._answer
        body = {"url": self.receiver.url, "eventTypes": EVENTS}
        async with connect(port) as connection:
            answer = await connection.request("POST", _TARGET, token=self.fleet.token, body=body)
        assert answer.status == 201, answer.body
        self.endpoint = answer.document["id"]

    async def _answer(self, message: Received) -> bytes | None:
        self.receiver.received.clear()  # an hour of them would be much
        self.receiver.accepted.clear()
        if self.dice.random() < FAILING:
            return self.dice.choice((reply(500), None))
        # A VIN that was deleted and registered again is of several vehicles, which do not wait for each other.
        if message.vin in self.fleet.vins and message.number < self.lanes[message.vin]:
            self.disorder.append(f"{message.vin}: {message.number} came after {self.lanes[message.vin]}.")
        self.lanes[message.vin] = message.number
        self.again += message.number in self.taken
        self.taken.add(message.number)
        return reply(200)

    async def wait_for_all(self, port: int, first: int, last: int) -> None:
        """Wait until everything has been delivered. What rests after failures is made due, as an operator does.

        Servers that are killed again and again deliver little, so an hour leaves much to do.
        """
        expected = set(range(first, last + 1))
        began_s = moved_s = time.monotonic()
        count = len(self.taken)
        while not expected <= self.taken:
            for is_on in (False, True):
                await self._switch(port, is_on=is_on)
            await asyncio.sleep(1)
            now_s = time.monotonic()
            if len(self.taken) > count:
                count, moved_s = len(self.taken), now_s
            missing = sorted(expected - self.taken)
            is_late = now_s > min(moved_s + QUIET_S_MAX, began_s + DELIVERED_S_MAX)
            assert not is_late, f"{len(missing)} of {len(expected)} did not arrive: {missing[:10]}"
        assert self.taken == expected
        assert not self.disorder, self.disorder[:5]

    async def _switch(self, port: int, *, is_on: bool) -> None:
        """Switch the endpoint. The server's own work may hold it for a moment: then try again, as the answer says."""
        status = 503
        while status == 503:
            async with connect(port) as connection:
                target = f"{_TARGET}/{self.endpoint}"
                answer = await connection.request("PATCH", target, token=self.fleet.token, body={"enabled": is_on})
            status = answer.status
            assert status in {200, 503}, answer.body
