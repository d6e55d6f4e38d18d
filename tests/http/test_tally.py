"""Answers are counted once each, whichever way they take, and under names from closed sets only."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from padron.http import calls
from padron.http.edge import protocol
from padron.http.routes import ROUTES
from padron.http.watching.access_log import AccessLog
from padron.http.watching.tally import Tally
from padron.meters import Distribution
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import make_cast, make_vin, registered, save
from tests.http.serving import serve_in_thread
from tests.http.wire import Wire

STATUS = "/api/v2/vehicles/{vin}/status"
VEHICLE = "/api/v2/vehicles/{vin}"
VIN = make_vin(0)
Key = tuple[str, str, str]


def count(tally: Tally) -> dict[Key, int]:
    """Give the number of answers by method, route and status."""
    durations, _ = tally.give_families()
    counted = {}
    for (method, route, status), copied in durations.samples.items():
        assert isinstance(copied, Distribution)
        counted[method, route, status] = sum(copied.counts)
    return counted


class Target:
    """A server with a tally."""

    def __init__(self, port: int, token: str, tally: Tally) -> None:
        self.port = port
        self.tally = tally
        self.key = f"Authorization: Bearer {token}\r\n"

    def build(self, line: str, body: str = "", *, key: str | None = None, size: int | None = None) -> bytes:
        length = f"Content-Length: {len(body) if size is None else size}\r\n" if body or size else ""
        return f"{line} HTTP/1.1\r\nHost: x\r\n{self.key if key is None else key}{length}\r\n{body}".encode()

    def ask(self, line: str, body: str = "", *, key: str | None = None) -> int:
        with Wire(self.port) as wire:
            wire.send(self.build(line, body, key=key))
            return wire.read_final(line.partition(" ")[0]).status

    def wait_for(self, expected: dict[Key, int]) -> None:
        """An answer is counted just after it was sent, so a client may be quicker."""
        until_s = time.monotonic() + 5
        while count(self.tally) != expected and time.monotonic() < until_s:
            time.sleep(0.005)
        assert count(self.tally) == expected


@contextmanager
def serve(folder: Path, *, is_fast: bool = True) -> Iterator[Target]:
    tokens: list[str] = []
    tally = Tally(AccessLog())

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await sqlite.open_store(str(folder / "padron.db")), read_clock)
        cast = await make_cast(runtime)
        await save(runtime.store, cast.acme.account.account_id, registered(VIN), registered(make_vin(1)))
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime, is_fast=is_fast, tally=tally) as port:
        yield Target(port, tokens[0], tally)


@pytest.mark.parametrize("is_fast", [True, False])
def test_both_ways_count_alike(tmp_path: Path, *, is_fast: bool) -> None:
    with serve(tmp_path, is_fast=is_fast) as target:
        path = STATUS.replace("{vin}", VIN)
        for status in (3, 3, 4):
            assert target.ask(f"PATCH {path}", f'{{"vehicleStatusId":{status}}}') == 204
        assert target.ask(f"PATCH {path}", '{"vehicleStatusId":"3"}') == 400
        assert target.ask(f"PATCH {STATUS.replace('{vin}', make_vin(9))}", '{"vehicleStatusId":3}') == 404
        assert target.ask(f"GET {VEHICLE.replace('{vin}', VIN)}") == 200
        assert target.ask(f"GET {VEHICLE.replace('{vin}', VIN)}", key="") == 401
        assert target.ask(f"DELETE {path}") == 405
        assert target.ask("GET /nothing/here") == 404
        assert target.ask("HEAD /livez") == 200
        target.wait_for(
            {
                ("PATCH", STATUS, "204"): 3, ("PATCH", STATUS, "400"): 1, ("PATCH", STATUS, "404"): 1,
                ("GET", VEHICLE, "200"): 1, ("GET", VEHICLE, "401"): 1, ("DELETE", STATUS, "405"): 1,
                ("GET", "", "404"): 1, ("HEAD", "/livez", "200"): 1,
            }
        )  # fmt: skip
        _, problems = target.tally.give_families()
        assert problems.samples == {
            ("bad-parameters",): 1, ("vehicle-not-found",): 1, ("unauthorized",): 1, ("method-not-allowed",): 1,
            ("path-not-found",): 1,
        }  # fmt: skip


def test_names_that_a_client_invents_are_not_labels(tmp_path: Path) -> None:
    with serve(tmp_path) as target:
        for number in range(20):
            assert target.ask(f"BREW{number} /livez") == 405
            assert target.ask(f"GET /invented/{number}") == 404
            with Wire(target.port) as wire:
                wire.send(f"GET /{number} HTTP/1.1\r\nHost : x\r\n\r\n".encode())
                assert wire.read_final().status == 400
        target.wait_for({("_OTHER", "", "405"): 20, ("GET", "", "404"): 20, ("_OTHER", "", "400"): 20})
        templates = {"", *(route.path for route in ROUTES)}
        assert {route for _, route, _ in count(target.tally)} <= templates


def test_a_body_that_stops_is_counted_once_as_what_the_client_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 0.2)
    monkeypatch.setattr(protocol, "BODY_SLOW_S", 0.05)
    monkeypatch.setattr(calls, "BODY_WAIT_S_MAX", 60)
    with serve(tmp_path) as target, Wire(target.port) as wire:
        wire.send(target.build(f"PATCH {STATUS.replace('{vin}', VIN)}", "{", size=50))
        assert wire.read_final("PATCH").status == 408
        assert wire.read_end()
        target.wait_for({("PATCH", "", "408"): 1})


def test_a_client_that_has_gone_is_counted_as_gone(tmp_path: Path) -> None:
    with serve(tmp_path) as target:
        with Wire(target.port) as wire:
            wire.send(target.build("PUT /api/upsert-vehicle-info", '{"vehicleInfo":', size=500))
            time.sleep(0.5)
        target.wait_for({("PUT", "/api/upsert-vehicle-info", "499"): 1})


def test_a_line_has_the_bytes_of_a_stream(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "padron.access")
    with serve(tmp_path) as target, closing(HTTPConnection("127.0.0.1", target.port)) as client:
        client.request("GET", "/api/v2/vehicles.csv", headers=dict([target.key.strip().split(": ", 1)]))
        content = client.getresponse().read()
        target.wait_for({("GET", "/api/v2/vehicles.csv", "200"): 1})
    (line,) = [record.__dict__["fields"] for record in caplog.records if record.name == "padron.access"]
    assert line["bytes"] == len(content) > 50


def test_a_refused_key_is_told_by_its_address_and_not_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(tmp_path) as target:
        for number in range(5):
            key = f"Authorization: Bearer padron_1_invented{number}\r\n"
            assert target.ask("GET /api/v2/vehicles", key=key) == 401
    told = [record.getMessage() for record in caplog.records if record.name == "padron.keys"]
    assert told == ["An API key from 127.0.0.1 was refused: it is unknown, revoked or expired"]
    assert "invented" not in caplog.text


def test_without_a_tally_nothing_is_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def open_runtime() -> Runtime:
        return build_runtime(await sqlite.open_store(str(tmp_path / "padron.db")), read_clock)

    with serve_in_thread(open_runtime) as port, Wire(port) as wire:
        wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.read_final().status == 200
    assert [record for record in caplog.records if record.name.startswith("padron.")] == []
