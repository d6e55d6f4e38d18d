"""A closed-loop load generator for one HTTP/1.1 server on this machine; it prints JSON.

Each connection sends its next request when it has the answer to the last one. The generator is small and fast, so
that it is not the bottleneck. ``generatorCpu`` shows this: its own processor time for each second. Standard input has
the accounts, as JSON.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from itertools import cycle
from typing import Any, cast
from urllib.parse import quote

import uvloop

STATUS_IDS = (0, 1, 3, 4, 5, 6, 7, 8, 9)


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, make_request: Callable[[], bytes], deadline: float) -> None:
        self.make_request = make_request
        self.deadline = deadline
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class, alike but not a subclass
        self.send()

    def send(self) -> None:
        """Send a request, or stop when the time is up."""
        self.sent_at = time.perf_counter()
        if self.sent_at >= self.deadline:
            self.transport.close()
            return
        self.received = b""
        self.transport.write(self.make_request())

    def data_received(self, data: bytes) -> None:
        """Count a complete answer and go on."""
        data = self.received = self.received + data
        head, found, body = data.partition(b"\r\n\r\n")
        if not found or len(body) < give_length(head):
            return
        self.latencies.append(time.perf_counter() - self.sent_at)
        self.statuses[head[9:12].decode()] += 1
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if error is not None:
            self.statuses["lost"] += 1
        self.done.set_result(None)


def give_length(head: bytes) -> int:
    """Give the length of the body that a head announces."""
    position = head.lower().find(b"content-length: ")
    return int(head[position + 16 :].split(b"\r", 1)[0]) if position >= 0 else 0


class Account:
    """What one account's requests are made of: its key, and the VINs of its vehicles.

    Of those that share ``turns``, each vehicle is one's alone, until all have had their turn.
    """

    def __init__(self, port: int, listed: dict[str, Any], turns: Iterator[str] | None = None) -> None:
        self.vins: list[str] = listed["vins"]
        self.turns = turns or cycle(self.vins)
        self.port, self.token = port, listed["token"]
        self.rng = random.Random()  # no two runs alike: one that repeats another sets statuses that are there already
        host = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {listed['token']}\r\n"
        self.headers = host.encode() + b"Content-Type: application/json\r\n"

    def build(self, line: bytes, body: bytes = b"") -> bytes:
        """Give the bytes of a request."""
        return b"%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (line, self.headers, len(body), body)

    def build_patch(self) -> bytes:
        """Give a call that sets a random status of a random vehicle."""
        vin, status_id = self.rng.choice(self.vins), self.rng.choice(STATUS_IDS)
        return self.build(b"PATCH /api/v2/vehicles/%s/status" % vin.encode(), b'{"vehicleStatusId":%d}' % status_id)

    def walk(self) -> Iterator[bytes]:
        """Give calls that take one active vehicle after the other to the shop and back: each of them a change."""
        for vin in self.turns:
            for status_id in (4, 1):
                line = b"PATCH /api/v2/vehicles/%s/status" % vin.encode()
                yield self.build(line, b'{"vehicleStatusId":%d}' % status_id)

    def build_gate(self) -> bytes:
        """Give the gate's single question on a random vehicle."""
        return self.build(b"GET /api/v2/gate/%s?operation=bench" % self.rng.choice(self.vins).encode())

    def build_gate_batch(self, size: int) -> bytes:
        """Give the gate's question on so many random vehicles."""
        body = {"operation": "bench", "vins": self.rng.choices(self.vins, k=size)}
        return self.build(b"POST /api/v2/gate", json.dumps(body).encode())

    def build_bulk(self) -> bytes:
        """Give a call that sets random statuses of a thousand random vehicles, or of all if there are fewer."""
        vins = self.rng.sample(self.vins, k=min(1_000, len(self.vins)))
        vehicles = [{"vin": vin, "vehicleStatusId": self.rng.choice(STATUS_IDS)} for vin in vins]
        return self.build(b"POST /api/v2/vehicles/status", json.dumps({"vehicles": vehicles}).encode())

    def build_as_of(self) -> bytes:
        """Give the list of a hundred vehicles as they were a moment ago."""
        at = (datetime.now(UTC) - timedelta(milliseconds=100)).isoformat()
        return self.build(b"GET /api/v2/vehicles?limit=100&asOf=%s" % quote(at).encode())

    def build_report(self) -> bytes:
        """Give the report of a hundred vehicles' time in each status, of the last hour."""
        to_at = datetime.now(UTC) - timedelta(milliseconds=100)
        ends = b"from=%s&to=%s" % tuple(quote(at.isoformat()).encode() for at in (to_at - timedelta(hours=1), to_at))
        return self.build(b"GET /api/v2/reports/time-in-status?limit=100&%s" % ends)

    def build_changes(self) -> list[bytes]:
        """Give the requests for 500 changes each, from all places in the feed that are so far apart.

        A feed that is shorter gives one request.
        """
        connection, target = HTTPConnection("127.0.0.1", self.port, timeout=60), "/api/v2/changes?limit=500"
        requests: list[bytes] = []
        more = True
        while more:
            connection.request("GET", target, headers={"Authorization": f"Bearer {self.token}"})
            page = json.loads(connection.getresponse().read())
            more = page["more"]
            if more or not requests:
                requests.append(self.build(b"GET %s" % target.encode()))
            target = f"/api/v2/changes?limit=500&after={page['nextCursor']}"
        connection.close()
        return requests


KINDS: dict[str, Callable[[Account], Callable[[], bytes]]] = {
    "patch": lambda account: account.build_patch,
    "patch-active": lambda account: account.walk().__next__,
    "gate": lambda account: account.build_gate,
    # Made once for each connection: making them costs more than asking them.
    "gate-batch": lambda account: partial(account.rng.choice, [account.build_gate_batch(1_000) for _ in range(10)]),
    "gate-50": lambda account: partial(account.rng.choice, [account.build_gate_batch(50) for _ in range(100)]),
    "bulk": lambda account: account.build_bulk,
    "as-of": lambda account: account.build_as_of,
    "report": lambda account: account.build_report,
    "changes": lambda account: partial(account.rng.choice, account.build_changes()),
}


async def run(
    port: int, kind: str, connections: int, seconds: float, accounts: list[dict[str, Any]]
) -> dict[str, object]:
    """Load the server and give what was seen. Latencies are in milliseconds."""
    loop = asyncio.get_running_loop()
    turns = [cycle(listed["vins"]) for listed in accounts]
    started, used_before = time.perf_counter(), time.process_time()
    clients = []
    for index in range(connections):
        place = index % len(accounts)
        account = Account(port, accounts[place], turns[place])
        _, client = await loop.create_connection(
            partial(Client, KINDS[kind](account), started + seconds), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    took, used = time.perf_counter() - started, time.process_time() - used_before
    latencies = [latency for client in clients for latency in client.latencies]
    return {
        "seconds": round(took, 3),
        "requests": len(latencies),
        "perSecond": round(len(latencies) / took),
        "statuses": count_statuses(clients),
        "generatorCpu": round(used / took, 2),
        **give_percentiles(latencies),
    }


def count_statuses(clients: Sequence[Client]) -> dict[str, int]:
    """Give how many answers had which status."""
    return dict(sum((client.statuses for client in clients), Counter[str]()))


def give_percentiles(latencies: Sequence[float]) -> dict[str, float]:
    """Give the median and the long end, in milliseconds."""
    ordered = sorted(latencies)
    return {
        f"p{name}Ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2)
        for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))
    }


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=KINDS, default="patch")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    accounts = json.load(sys.stdin)
    print(json.dumps(uvloop.run(run(given.port, given.kind, given.connections, given.seconds, accounts))))


if __name__ == "__main__":
    main()
