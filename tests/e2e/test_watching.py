"""What an operator sees of the real program: its metrics, and a line in the log for each request."""

import asyncio
import json
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cast import wait_until
from tests.e2e.client import build_request, connect
from tests.e2e.metrics import Scrape, scrape
from tests.e2e.program import Fleet, Server, make_fleets, run_server
from tests.starting import run_program, start_program

STATUS = "/api/v2/vehicles/{vin}/status"
WATCHED = ("--metrics-listen", "127.0.0.1:0", "--log", "json")
HELD_UP_S = 5  # on a busy machine a call may wait for other programs
HOSTILE = b"GET /api/v2/vehicles?plate=%0a\x1b[31m\r\xe2\x80\xa8 HTTP/1.1\r\nHost: x\r\n\r\n"


def list_lines(server: Server, logger: str = "padron.access") -> list[dict[str, object]]:
    """Give the events of one logger. Each line must be a whole JSON object, whatever the server was sent."""
    events = [json.loads(line) for line in server.read_log().splitlines()]
    return [event for event in events if event["logger"] == logger]


async def load(port: int, fleet: Fleet) -> None:
    """Send one request of each way: answered at once, by a task, refused by the edge, and refused by the protocol."""
    vehicle = f"/api/v2/vehicles/{fleet.vins[0]}"
    async with connect(port) as connection:
        for status in (3, 4, 4):
            body = {"vehicleStatusId": status}
            answer = await connection.request("PATCH", f"{vehicle}/status", token=fleet.token, body=body)
            assert answer.status == 204
        assert (await connection.request("GET", vehicle, token=fleet.token)).status == 200
        listed = await connection.request("GET", "/api/v2/vehicles?ownerName=Ana", token=fleet.token)
        assert listed.status == 200
        assert (await connection.request("GET", vehicle, token=f"{fleet.token}x")).status == 401
        assert (await connection.request("GET", f"/secret/{fleet.vins[0]}", token=fleet.token)).status == 404
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HOSTILE)
    assert b" 400 " in await reader.readline()
    writer.close()


def check_counts(seen: Scrape) -> None:
    count = "http_server_request_duration_seconds_count"
    assert seen.find(count, http_route=STATUS, http_response_status_code="204", http_request_method="PATCH") == [3]
    assert seen.find(count, http_route="/api/v2/vehicles", http_response_status_code="200") == [1]
    assert seen.find(count, http_route="/api/v2/vehicles/{vin}", http_response_status_code="401") == [1]
    assert seen.find(count, http_route="", http_response_status_code="404") == [1]
    assert seen.find(count, http_route="", http_response_status_code="400", http_request_method="_OTHER") == [1]
    assert seen.find("padron_problems_total", problem="malformed-request") == [1]
    assert seen.sum("padron_status_batch_size_sum") == 3
    assert seen.sum("padron_commit_duration_seconds_count") >= 2  # the third change is none
    assert seen.sum("padron_pool_connections_max") >= 1


@pytest.mark.long("postgres")
async def test_every_way_out_is_counted_and_logged_once(url: str, tmp_path: Path) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    async with run_server(url, tmp_path, options=WATCHED) as server:
        (port,) = server.list_metrics_ports()
        await load(server.port, fleet)
        seen = await scrape(port)
        check_counts(seen)
        assert await server.stop() == 0
        lines = [line for line in list_lines(server) if line.get("route") != "/readyz"]
        assert [line["status"] for line in lines] == [204, 204, 204, 200, 200, 401, 404, 400]
        told = {"account": fleet.account_id, "key": fleet.key_id, "method": "PATCH", "route": STATUS, "bytes": 0}
        assert told.items() <= lines[0].items()
        assert {"durationMs", "requestId", "process"} <= lines[0].keys()
        assert len({line["requestId"] for line in lines}) == len(lines)
        assert "account" not in lines[5]
        assert (lines[5]["client"], lines[5]["problem"]) == ("127.0.0.1", "unauthorized")
        assert [line["message"] for line in list_lines(server, "padron.serve")][-1] == "Stopped"
        (refused,) = list_lines(server, "padron.keys")
        assert "An API key from 127.0.0.1 was refused" in str(refused["message"])
        # Neither the metrics nor the log have what somebody else may not know.
        for text in (seen.text, server.read_log()):
            assert fleet.vins[0] not in text
            assert fleet.token.rpartition("_")[2] not in text
            assert "Ana" not in text
        assert fleet.key_id not in seen.text


@pytest.mark.long("postgres")
async def test_a_survey_shows_what_waits_in_the_register(url: str, tmp_path: Path) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    async with run_server(url, tmp_path, options=WATCHED) as server, connect(server.port) as connection:
        (port,) = server.list_metrics_ports()

        async def is_surveyed() -> bool:
            return (await scrape(port)).find("padron_plans_pending") == [0]

        await wait_until(is_surveyed)
        assert (await scrape(port)).find("padron_webhook_endpoints", state="working") == [0]
        assert (await connection.request("GET", "/api/v2/vehicles", token=fleet.token)).status == 200


class TestWorkers:
    @pytest.fixture
    def engine(self) -> str:
        return "postgres"

    async def test_each_process_has_a_number_a_port_and_its_own_counts(self, url: str, tmp_path: Path) -> None:
        fleet, *_ = await make_fleets(url, accounts=1)
        first = find_two_free_ports()
        options = ("--metrics-listen", f"127.0.0.1:{first}", "--log", "json")
        async with run_server(url, tmp_path, workers=2, options=options) as server, AsyncExitStack() as stack:

            async def are_both_up() -> bool:
                return sorted(server.list_metrics_ports()) == [first, first + 1]

            await wait_until(are_both_up, seconds_max=20)
            for _ in range(12):  # on connections of their own, so that both processes get some
                connection = await stack.enter_async_context(connect(server.port))
                answer = await connection.request("GET", "/api/v2/vehicles", token=fleet.token)
                assert answer.status == 200
            seen = [await scrape(first), await scrape(first + 1)]
            count = "http_server_request_duration_seconds_count"
            assert sum(one.sum(count, http_route="/api/v2/vehicles") for one in seen) == 12
            # What is in the database is the same for all, so only the first one looks.
            assert [bool(one.find("padron_webhook_deliveries_pending")) for one in seen][1] is False
            told = {(line["worker"], line["process"]) for line in list_lines(server)}
            assert {worker for worker, _ in told} <= {1, 2}
            assert len({process for _, process in told}) == len(told)

    @pytest.mark.long
    async def test_a_process_that_takes_the_place_of_another_has_its_number(self, url: str, tmp_path: Path) -> None:
        await make_fleets(url, accounts=1)
        first = find_two_free_ports()
        options = ("--metrics-listen", f"127.0.0.1:{first}", "--log", "json")
        async with run_server(url, tmp_path, workers=2, options=options) as server:

            async def are_all_up(count: int) -> bool:
                return len(server.list_metrics_ports()) >= count

            await wait_until(lambda: are_all_up(2), seconds_max=20)
            said = {line["worker"]: line["process"] for line in list_lines(server, "padron.serve") if "worker" in line}
            os.kill(int(str(said[2])), 9)
            await wait_until(lambda: are_all_up(3), seconds_max=20)
            assert server.list_metrics_ports()[2] == first + 1
            assert (await scrape(first + 1)).find("padron_build_info") == [1]
            (replaced,) = [
                line["message"] for line in list_lines(server, "padron.serve") if "was ended" in str(line["message"])
            ]
            assert str(replaced).startswith(f"Process 2 ({said[2]}) was ended by SIGKILL after ")


class TestSqlite:
    @pytest.fixture
    def engine(self) -> str:
        return "sqlite"

    async def test_a_log_that_nobody_reads_holds_up_no_call(self, url: str) -> None:
        fleet, *_ = await make_fleets(url, accounts=1)
        reading, writing = os.pipe()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with os.fdopen(writing, "wb") as stderr, Path(os.devnull).open("wb") as stdout:
            program = start_program("serve", "--database-url", url, "--port", str(port), stdout=stdout, stderr=stderr)
        try:

            async def is_up() -> bool:
                try:
                    async with connect(port) as connection:
                        return (await connection.request("GET", "/livez")).status == 200
                except OSError:
                    return False

            await wait_until(is_up, seconds_max=20)
            slowest = 0.0
            async with connect(port) as connection:
                for _ in range(450):  # over 90 KB of lines, into a pipe of 64 KB
                    answer = await connection.request("GET", "/nothing", token=fleet.token)
                    assert answer.status == 404
                    slowest = max(slowest, answer.seconds)
            assert slowest < HELD_UP_S  # a call that waits for the pipe is not answered at all
            program.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(program.wait, 10) == 0
        finally:
            program.kill()
            os.close(reading)

    async def test_without_the_log_of_requests_no_request_has_a_line(self, url: str, tmp_path: Path) -> None:
        fleet, *_ = await make_fleets(url, accounts=1)
        options = ("--access-log", "off", "--log", "json")
        async with run_server(url, tmp_path, options=options) as server:
            await load(server.port, fleet)
            assert await server.stop() == 0
            assert list_lines(server) == []

    async def test_when_many_requests_come_a_line_stands_for_several(self, url: str, tmp_path: Path) -> None:
        fleet, *_ = await make_fleets(url, accounts=1)
        async with run_server(url, tmp_path, options=("--log", "json")) as server, connect(server.port) as connection:
            # All at once, so that there are more than a hundred a second on a slow machine, too.
            one = build_request("GET", f"/api/v2/vehicles/{fleet.vins[0]}", token=fleet.token)
            await connection.send(one * 600)
            for _ in range(600):
                assert (await connection.read_answer()).status == 200
            assert await server.stop() == 0
            lines = [line for line in list_lines(server) if line.get("route") == "/api/v2/vehicles/{vin}"]
            assert len(lines) < 600
            stands_for = sum(int(str(line.get("standsFor", 1))) for line in lines)
            assert 500 <= stands_for <= 620  # the last ones before the end may wait for a line; /readyz is counted too

    def test_a_port_that_is_taken_is_one_sentence(self, url: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            refused = run_program(
                "serve", "--database-url", url, "--port", "0", "--metrics-listen", f"127.0.0.1:{port}"
            )
        assert refused.status == 1
        assert f"cannot listen on 127.0.0.1 port {port}" in refused.stderr

    @pytest.mark.parametrize("text", ["9464", "127.0.0.1", "127.0.0.1:70000", "http://127.0.0.1:9464"])
    def test_an_address_that_is_none_is_one_sentence(self, url: str, text: str) -> None:
        refused = run_program("serve", "--database-url", url, "--port", "0", "--metrics-listen", text)
        assert refused.status == 2
        assert "--metrics-listen is" in refused.stderr
        assert "use HOST:PORT" in refused.stderr


def find_two_free_ports() -> int:
    """Give the first of two ports that follow each other and are free."""
    for _ in range(50):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError
