"""Local gates with leases: what a deactivation waits for them, and how long the set of a million vehicles takes.

The holders are as small as the protocol allows: each follows the feed as a stream, and renews its lease at each change
and each third of its seconds.
"""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from bench.fleet import Listed
from bench.load import Account
from bench.runs import ask
from bench.servers import Contestant, find_free_port, serve

HOLDERS = (0, 1, 10, 100)
SECONDS = 2.0
SET_OF = 1_000_000

_LEASES = "/api/v2/gate-leases"
_SWITCH = "/api/v2/account/strict-gates"


class Holder:
    """One local gate: a stream of the feed, and a connection for its lease."""

    def __init__(self, port: int, listed: Listed) -> None:
        self._port, self._listed = port, listed
        self._account = Account(port, listed)
        self._lease: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self._cursor = ""

    async def run(self) -> None:
        """Hold a lease until the task is cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        body = json.dumps({"seconds": SECONDS}).encode()
        self._lease = await exchange(reader, writer, self._account.build(b"POST /api/v2/gate-leases", body))
        self._cursor = self._lease["cursor"]
        following = asyncio.create_task(self._follow())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS / 3):
                        await self._changed.wait()
                self._changed.clear()
                line = f"PUT {_LEASES}/{self._lease['leaseId']}".encode()
                body = json.dumps({"cursor": self._cursor}).encode()
                await exchange(reader, writer, self._account.build(line, body))
        finally:
            following.cancel()
            writer.close()

    async def _follow(self) -> None:
        account = Account(self._port, self._listed)
        account.headers += b"Accept: text/event-stream\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(account.build(f"GET /api/v2/changes?after={self._cursor}".encode()))
        try:
            while line := await reader.readline():
                if line.startswith(b"id: "):
                    self._cursor = line[4:].decode().strip()
                elif line.startswith(b"data:"):
                    self._changed.set()
        finally:
            writer.close()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> dict[str, Any]:
    """Send a request and give the answer's body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head[9:12] in {b"200", b"201", b"204"}, head
    if head[9:12] == b"204":
        return {}
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
    answer: dict[str, Any] = json.loads(await reader.readexactly(length))
    return answer


async def measure_calls(port: int, listed: Listed, count: int, seconds: float, *, is_one_dead: bool) -> dict[str, Any]:
    """Let one caller take vehicles to the shop and back beside so many leases; give the times of the deactivations."""
    holders = [asyncio.create_task(Holder(port, listed).run()) for _ in range(count)]
    await asyncio.sleep(1)
    if is_one_dead:
        holders.pop().cancel()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    account, times = Account(port, listed), list[float]()
    end_s = time.perf_counter() + seconds
    for number, request in enumerate(account.walk()):
        began_s = time.perf_counter()
        if began_s > end_s:
            break
        await exchange(reader, writer, request)
        if number % 2 == 0:
            times.append(time.perf_counter() - began_s)
    writer.close()
    for holder in holders:
        holder.cancel()
    await asyncio.gather(*holders, return_exceptions=True)
    times.sort()
    return {
        "count": len(times),
        "p50Ms": round(times[len(times) // 2] * 1e3, 2),
        "p99Ms": round(times[int(len(times) * 0.99)] * 1e3, 2),
        "maxMs": round(times[-1] * 1e3, 2),
    }


def measure(contestant: Contestant, seconds: float) -> dict[str, Any]:
    """Measure deactivations beside ever more leases, the last time with one whose holder died."""
    port, found = find_free_port(), dict[str, Any]()
    listed = contestant.fleets["bench"][0]
    with serve(contestant, port):
        found["off"] = asyncio.run(measure_calls(port, listed, 0, seconds, is_one_dead=False))
        ask(port, listed, "PUT", _SWITCH, {"strictGates": True})
        for count in HOLDERS:
            found[str(count)] = asyncio.run(measure_calls(port, listed, count, seconds, is_one_dead=False))
            print(f"{contestant.name:9} {count:>3} leases  {found[str(count)]}", flush=True)
            _end_all(port, listed)
        found["100, one dead"] = asyncio.run(measure_calls(port, listed, HOLDERS[-1], seconds, is_one_dead=True))
        print(f"{contestant.name:9} one of 100 dead  {found['100, one dead']}", flush=True)
    return found


def _end_all(port: int, listed: Listed) -> None:
    for lease in ask(port, listed, "GET", _LEASES)["leases"]:
        ask(port, listed, "DELETE", f"{_LEASES}/{lease['leaseId']}")


def measure_set(contestant: Contestant, rounds: int = 3) -> dict[str, Any]:
    """Read the set of a large account, beside status calls of another one."""
    port = find_free_port()
    large, other = contestant.fleets["large"][0], contestant.fleets["bench"][0]
    with serve(contestant, port) as process:
        before = process.memory_info().rss
        found = [asyncio.run(_read_set(port, large, other)) for _ in range(rounds)]
        added = process.memory_info().rss - before
    best = sorted(found, key=lambda one: float(one["seconds"]))[rounds // 2]
    print(f"{contestant.name:9} the set of {best['vins']:,}: {best}, {added / 1e6:.0f} MB more", flush=True)
    return {**best, "addedMb": round(added / 1e6, 1)}


async def _read_set(port: int, large: Listed, other: Listed) -> dict[str, Any]:
    reading = asyncio.create_task(_take_set(port, large))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    for request in Account(port, other).walk():
        if reading.done():
            break
        began_s = time.perf_counter()
        await exchange(reader, writer, request)
        times.append(time.perf_counter() - began_s)
    writer.close()
    times.sort()
    seconds, size, vins = await reading
    return {
        "seconds": round(seconds, 2), "megabytes": round(size / 1e6, 1), "vins": vins,
        "neighbourP50Ms": round(times[len(times) // 2] * 1e3, 2), "neighbourMaxMs": round(times[-1] * 1e3, 2),
    }  # fmt: skip


async def _take_set(port: int, listed: Listed) -> tuple[float, int, int]:
    began_s = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    account = Account(port, listed)
    account.headers += b"Connection: close\r\n"
    writer.write(account.build(b"GET /api/v2/gate-set"))
    size, vins, tail = 0, 0, b""
    while piece := await reader.read(1 << 18):
        size += len(piece)
        vins += piece.count(b'"\r\n') + piece.count(b'"\n')
        tail = (tail + piece)[-200:]
    writer.close()
    assert b'{"end":' in tail, tail
    return time.perf_counter() - began_s, size, vins


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print the times of deactivations by engine."""
    print(f"\n{'':9} {'leases':>14} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for name, found in results.items():
        for what, seen in found.items():
            if what != "set":
                print(f"{name:9} {what:>14} {seen['p50Ms']:>8} {seen['p99Ms']:>8} {seen['maxMs']:>8}")
