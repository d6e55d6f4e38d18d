"""The metrics' own small server: it answers scrapers, and whoever misuses it holds up nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import uvloop

from padron.meters import Histogram, MeterBoard, give_counters, give_gauge, give_histogram
from padron.telemetry import endpoint
from padron.telemetry.endpoint import serve_metrics
from tests.e2e.client import connect
from tests.e2e.metrics import fetch, scrape


@asynccontextmanager
async def serve(board: MeterBoard | None = None) -> AsyncIterator[int]:
    ports: list[int] = []
    async with serve_metrics(board or MeterBoard(), "127.0.0.1", 0, ports.append):
        yield ports[0]


async def test_what_parts_count_is_what_a_scraper_gets() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.5, 0.6, 7.0):
        histogram.observe(value)
    board = MeterBoard()
    board.add(
        lambda: [
            give_gauge("padron_a", "A gauge.", 3),
            give_counters("padron_b_total", "Counters.", "kind", {"x": 1, 'y"\n\\': 2}),
            give_histogram("padron_c_seconds", "A histogram.", histogram),
        ]
    )
    async with serve(board) as port:
        seen = await scrape(port)
    assert seen.find("padron_a") == [3]
    assert seen.find("padron_b_total", kind='y"\n\\') == [2]
    assert [seen.find("padron_c_seconds_bucket", le=le) for le in ("0.1", "1.0", "+Inf")] == [[1], [3], [4]]
    assert (seen.find("padron_c_seconds_count"), seen.find("padron_c_seconds_sum")) == ([4], [8.15])
    assert seen.find("process_cpu_seconds_total")[0] > 0


async def test_a_scraper_may_ask_for_openmetrics() -> None:
    asked = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"
    async with serve() as port:
        answer = await fetch(port, asked)
    assert b"Content-Type: application/openmetrics-text" in answer
    assert answer.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    "request_line, status",
    [
        ("GET /metrics?x=1 HTTP/1.1", 200),
        ("HEAD /metrics HTTP/1.1", 200),
        ("POST /metrics HTTP/1.1", 405),
        ("GET / HTTP/1.1", 404),
        ("GET /metricsx HTTP/1.1", 404),
        ("nonsense", 404),
    ],
)
async def test_other_requests_are_refused(request_line: str, status: int) -> None:
    async with serve() as port:
        answer = await fetch(port, f"{request_line}\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert bool(body) is not request_line.startswith("HEAD")


async def test_a_head_that_is_too_long_or_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEAD_S_MAX", 0.2)
    async with serve() as port:
        assert await fetch(port, "GET /metrics HTTP/1.1\r\n" + "x: y\r\n" * 10_000) == b""
        assert await fetch(port, "GET /metrics HTTP/1.1\r\n") == b""


async def test_a_scraper_that_does_not_read_is_cut_off_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "TAKEN_S_MAX", 0.3)
    board = MeterBoard()
    board.add(
        lambda: [give_counters("padron_b_total", "x" * 200, "kind", {f"{number:09000}": 1 for number in range(900)})]
    )
    async with serve(board) as port:
        slow, writer = await asyncio.open_connection("127.0.0.1", port, limit=10)
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert (await fetch(port)).count(b"\npadron_b_total") == 900
        await asyncio.sleep(1)
        got = b""
        with suppress(ConnectionError):
            got = await slow.read()
        assert len(got) < 6_000_000  # of 8 MB
        writer.close()


async def test_there_are_few_connections_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "CONNECTIONS_MAX", 2)
    async with serve() as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert await fetch(port) == b""
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert (await scrape(port)).find("process_open_fds")


async def test_a_server_that_ends_does_not_wait_for_a_silent_scraper(caplog: pytest.LogCaptureFixture) -> None:
    began_s = asyncio.get_running_loop().time()
    async with serve() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET")
        await asyncio.sleep(0.05)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert asyncio.get_running_loop().time() - began_s < 1
    assert caplog.records == []


@pytest.mark.parametrize("who", ["scraper", "server"])
async def test_an_end_before_the_answer_is_no_failure(caplog: pytest.LogCaptureFixture, who: str) -> None:
    """On the event loop of the real server, which raises another error than Python's own."""
    board = MeterBoard()
    board.add(
        lambda: [give_counters("padron_b_total", "x" * 200, "kind", {f"{number:090}": 1 for number in range(8_000)})]
    )

    async def end_early() -> None:
        async with AsyncExitStack() as client, serve(board) as port:
            connection = await client.enter_async_context(connect(port))
            await connection.send(b"GET /metrics HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0.05)  # now a thread words it
            if who == "scraper":
                connection.reset()
                assert (await scrape(port)).find("padron_b_total")

    def run_on_uvloop() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(end_early())

    await asyncio.to_thread(run_on_uvloop)
    assert caplog.records == []


async def test_a_port_that_is_taken_leaves_the_server_without_metrics(caplog: pytest.LogCaptureFixture) -> None:
    announced: list[int] = []
    async with serve() as port, serve_metrics(MeterBoard(), "127.0.0.1", port, announced.append):
        assert announced == []
    assert f"cannot listen on 127.0.0.1 port {port}" in caplog.text
