"""The load of the side-by-side run: a closed loop, or an open loop at a constant rate; it prints JSON.

Closed loop: each connection sends its next request when it has the answer to the last one.

Open loop: requests are due at fixed times, whatever the server does. Latency counts from the time when a request was
due, so a stall counts for every request that waited meanwhile (no coordinated omission). The driver hands out due
requests once a millisecond. So each latency of an open loop includes up to a millisecond of the driver's own.

``generatorCpu`` and ``lateP99Ms`` show whether the driver was the bottleneck. Standard input has the accounts'
wordings, as JSON.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import uvloop

from bench.load import STATUS_IDS, Client, count_statuses, give_percentiles

TICK_S = 0.001
DRAIN_S_MAX = 10.0  # for what is still waiting when the time of an open loop is up


class Requests:
    """Makes requests of all accounts, each of a random one. No two runs make the same.

    A run that repeated the one before would set most vehicles to their present status, and so measure calls
    that change nothing.
    """

    def __init__(self, port: int, accounts: list[dict[str, Any]], read_line: str) -> None:
        self._accounts = [
            {**account, "headers": f"Host: 127.0.0.1:{port}\r\n{account['headers']}"} for account in accounts
        ]
        self._read_line = read_line  # the name of the wording of a read
        self._choose = random.Random().choice

    def build_change(self) -> bytes:
        """Give a call that sets a random status of a random vehicle."""
        account = self._choose(self._accounts)
        body = account["change_body"] % self._choose(STATUS_IDS)
        line = account["change_line"] % self._choose(account["vins"])
        return f"{line} HTTP/1.1\r\n{account['headers']}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def build_read(self) -> bytes:
        """Give a call that reads a random vehicle."""
        account = self._choose(self._accounts)
        line = account[self._read_line] % self._choose(account["vins"])
        return f"{line} HTTP/1.1\r\n{account['headers']}\r\n".encode()


class PacedClient(Client):
    """A connection of an open loop: it takes the oldest request that is due, or waits for one."""

    def __init__(self, make_request: Callable[[], bytes], pace: "Pace") -> None:
        super().__init__(make_request, float("inf"))
        self.pace = pace

    def send(self) -> None:
        """Take the next request, if one is due."""
        if self.pace.due:
            self.send_due(self.pace.due.popleft())
        elif self.pace.is_over:
            self.transport.close()
        else:
            self.pace.idle.append(self)

    def send_due(self, due_at: float) -> None:
        """Send a request that was due at an instant, from which its latency counts."""
        self.sent_at = due_at
        self.received = b""
        self.transport.write(self.make_request())


class Pace:
    """When requests are due, and which connections wait for one."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.due: deque[float] = deque()
        self.idle: deque[PacedClient] = deque()
        self.is_over = False
        self.lateness: list[float] = []  # of requests that found an idle connection: the driver's own

    async def run(self, seconds: float) -> None:
        """Hand out requests for so long, then let the connections go as they become idle."""
        started, sent, total = time.perf_counter(), 0, round(self.rate * seconds)
        while sent < total:
            now = time.perf_counter()
            while sent < total and (due_at := started + sent / self.rate) <= now:
                sent += 1
                if self.idle:
                    self.lateness.append(now - due_at)
                    self.idle.popleft().send_due(due_at)
                else:
                    self.due.append(due_at)
            await asyncio.sleep(TICK_S)
        self.is_over = True
        while self.idle:
            self.idle.popleft().transport.close()


async def run(given: argparse.Namespace, accounts: list[dict[str, Any]]) -> dict[str, object]:
    """Load the server and give what was seen. Latencies are in milliseconds."""
    loop = asyncio.get_running_loop()
    started, used_before = time.perf_counter(), time.process_time()
    pace = None if given.rate is None else Pace(given.rate)
    clients: list[Client] = []
    requests = Requests(given.port, accounts, "gate_line" if given.kind == "gate" else "read_line")
    make_request = requests.build_change if given.kind == "change" else requests.build_read
    for _ in range(given.connections):
        make_client = (
            partial(Client, make_request, started + given.seconds)
            if pace is None
            else partial(PacedClient, make_request, pace)
        )
        _, client = await loop.create_connection(make_client, "127.0.0.1", given.port)
        clients.append(client)
    if pace is not None:
        await pace.run(given.seconds)
    await asyncio.wait([client.done for client in clients], timeout=given.seconds + DRAIN_S_MAX)
    took, used = time.perf_counter() - started, time.process_time() - used_before
    latencies = [latency for client in clients for latency in client.latencies]
    statuses = count_statuses(clients)
    good = sum(count for status, count in statuses.items() if status.startswith("2"))
    seen = {
        "seconds": round(took, 3),
        "requests": len(latencies),
        "perSecond": round(good / took),
        "statuses": statuses,
        "generatorCpu": round(used / took, 2),
        **give_percentiles(latencies or [took]),  # nothing was answered in all this time
    }
    if pace is not None:
        seen |= {"rate": given.rate, "lateP99Ms": give_percentiles(pace.lateness or [0.0])["p99Ms"]}
        seen["unanswered"] = round(given.rate * given.seconds) - len(latencies)
    return seen


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=["change", "read", "gate"], default="change")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, help="requests a second of an open loop; a closed loop without")
    given = parser.parse_args()
    print(json.dumps(uvloop.run(run(given, json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
