"""What following the feed costs: the memory of a thousand idle streams, and how late a change is on another server."""

import asyncio
import json
import time
from typing import Any

import psutil

from bench.load import Account

STREAMS = 1_000
SAMPLES = 200


async def find_end(port: int, account: Account) -> bytes:
    """Give the cursor of the feed's present end: that of the operable list."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(account.build(b"GET /api/v2/vehicles?operational=true&limit=1"))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
    cursor: str = json.loads(await reader.readexactly(length))["cursor"]
    writer.close()
    return cursor.encode()


async def measure_memory(port: int, pid: int, account: Account) -> float:
    """Give the megabytes that a thousand idle streams add to a server."""
    account.headers += b"Accept: text/event-stream\r\n"
    end = await find_end(port, account)
    process = psutil.Process(pid)
    before = process.memory_info().rss
    writers = []
    for _ in range(STREAMS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(account.build(b"GET /api/v2/changes?after=%s" % end))
        await reader.readuntil(b": padron\n\n")
        writers.append(writer)
    added = process.memory_info().rss - before
    for writer in writers:
        writer.close()
    return added / 1e6


async def measure_delay(from_port: int, to_port: int, account: Account) -> list[float]:
    """Give how many seconds after the 204 of one server a follower of the other had the event."""
    reader, writer = await asyncio.open_connection("127.0.0.1", from_port)
    stream, stream_writer = await asyncio.open_connection("127.0.0.1", to_port)
    line = b"PATCH /api/v2/vehicles/%s/status" % account.vins[0].encode()
    writer.write(account.build(line, b'{"vehicleStatusId":1}'))
    await reader.readuntil(b"\r\n\r\n")
    end = await find_end(to_port, account)
    plain = account.headers
    account.headers = plain + b"Accept: text/event-stream\r\n"
    stream_writer.write(account.build(b"GET /api/v2/changes?after=%s" % end))
    account.headers = plain
    await stream.readuntil(b": padron\n\n")
    delays = []
    for number in range(SAMPLES):
        writer.write(account.build(line, b'{"vehicleStatusId":%d}' % (4 + number % 2)))  # always a change
        await reader.readuntil(b"\r\n\r\n")
        answered_at = time.perf_counter()
        while b"data:" not in await asyncio.wait_for(stream.readuntil(b"\n\n"), 5):
            pass
        delays.append(max(0.0, time.perf_counter() - answered_at))
        await asyncio.sleep(0.01)
    writer.close()
    stream_writer.close()
    return sorted(delays)


async def measure(ports: tuple[int, int], pid: int, listed: dict[str, Any]) -> dict[str, Any]:
    """Give both figures of two servers on one database; ``pid`` is that of the second."""
    delays = await measure_delay(*ports, Account(ports[1], listed))
    added = await measure_memory(ports[1], pid, Account(ports[1], listed))
    return {
        "streams": STREAMS,
        "addedMb": round(added, 1),
        "delayP50Ms": round(delays[len(delays) // 2] * 1000, 1),
        "delayP99Ms": round(delays[int(len(delays) * 0.99)] * 1000, 1),
    }
