"""Serves ``/metrics`` on a port of its own: a small HTTP server that answers one request on each connection.

Everything is bounded: connections, the head, the time to send it, the time to take the answer. The counters are
copied on the event loop, which takes less than a millisecond. A thread words them, so a scrape holds up no call.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from padron.meters import DURATIONS_S, Family, Histogram, MeterBoard, give_histogram
from padron.telemetry.exposition import expose

CONNECTIONS_MAX = 8
HEAD_BYTES_MAX = 8_192
HEAD_S_MAX = 5.0
END_S_MAX = 1.0
TAKEN_S_MAX = 10.0  # for a scraper to take the answer; Prometheus itself gives up after ten seconds
PATH = "/metrics"

_log = logging.getLogger("padron.metrics")


class MetricsEndpoint:
    """Answers scrapers from a board of meters."""

    def __init__(self, board: MeterBoard) -> None:
        self._board = board
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._wording = asyncio.Lock()  # one thread at a time, however many scrapers there are
        self._copies_s = Histogram()
        self._scrapes_s = Histogram(DURATIONS_S)
        board.add(self._give_families)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request of a connection, and close it. Whatever the client does, this raises nothing."""
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._open[task] = writer
        try:
            async with asyncio.timeout(HEAD_S_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
            answer = await self._respond(head.decode("latin-1"))
            async with asyncio.timeout(TAKEN_S_MAX):
                _check_open(writer)
                writer.write(answer)
                await writer.drain()
                _check_open(writer)
                writer.write_eof()
                await reader.read(1)  # the client closes when it has everything
        except (OSError, EOFError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
            pass
        except Exception:  # noqa: BLE001 - nobody waits for this task
            _log.exception("a scrape failed")
        finally:
            del self._open[task]
            writer.transport.abort()  # what the client has not taken by now, it will not get

    async def close(self) -> None:
        """End all connections."""
        for writer in self._open.values():
            writer.transport.abort()
        if self._open:
            await asyncio.wait([*self._open], timeout=END_S_MAX)

    async def _respond(self, head: str) -> bytes:
        line, *fields = head.split("\r\n")
        method, _, target = line.rpartition(" ")[0].partition(" ")
        if target.partition("?")[0] != PATH:
            return _encode(404, "Not Found", f"The metrics are at {PATH}.\n".encode())
        if method not in {"GET", "HEAD"}:
            return _encode(405, "Method Not Allowed", b"Use GET.\n", "Allow: GET, HEAD\r\n")
        accept = next((field[len("accept:") :] for field in fields if field.lower().startswith("accept:")), "")
        began_s = perf_counter()
        async with self._wording:
            copied_s = perf_counter()
            families = self._board.collect()
            self._copies_s.observe(perf_counter() - copied_s)
            exposition = await asyncio.to_thread(expose, families, accept)
        self._scrapes_s.observe(perf_counter() - began_s)
        return _encode(
            200, "OK", exposition.body, media_type=exposition.media_type, is_head_asked=method == "HEAD"
        )  # fmt: skip

    def _give_families(self) -> Sequence[Family]:
        return (
            give_histogram(
                "padron_scrape_copy_duration_seconds",
                "How long a scrape held up the event loop, to copy the counters.",
                self._copies_s,
            ),
            give_histogram(
                "padron_scrape_duration_seconds", "How long a scrape took until it was worded.", self._scrapes_s
            ),
        )


@asynccontextmanager
async def serve_metrics(
    board: MeterBoard, host: str, port: int, announce: Callable[[int], None]
) -> AsyncIterator[None]:
    """Serve the board's metrics while the block runs. If the port is taken, log that and run the block without."""
    endpoint = MetricsEndpoint(board)
    server = await _listen(endpoint, host, port)
    if server is not None:
        announce(server.sockets[0].getsockname()[1])
    try:
        yield
    finally:
        if server is not None:
            server.close()
            await endpoint.close()


async def _listen(endpoint: MetricsEndpoint, host: str, port: int) -> asyncio.Server | None:
    try:
        return await asyncio.start_server(endpoint.answer, host, port, limit=HEAD_BYTES_MAX)
    except OSError as error:
        # The process that serves the API is worth more than its metrics.
        _log.error("No metrics: this process cannot listen on %s port %d: %s", host, port, error.strerror)
        return None


def _check_open(writer: asyncio.StreamWriter) -> None:
    """Raise ``EOFError`` if the client hung up or the server ends. uvloop's own error for that is a RuntimeError."""
    if writer.transport.is_closing():
        raise EOFError


def _encode(
    status: int,
    phrase: str,
    body: bytes,
    further: str = "",
    *,
    media_type: str = "text/plain; charset=utf-8",
    is_head_asked: bool = False,
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{further}"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head_asked else body)
