"""Traces of the real program, as a collector gets them by OTLP over HTTP, from a client's call to the webhook."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.cast import wait_until
from tests.delivery.receiver import Receiver, always, run_receiver
from tests.e2e.client import build_request, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_server
from tests.starting import run_program

TRACE, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = f"traceparent: 00-{TRACE}-{CLIENT_SPAN}-01\r\ntracestate: congo=t61rcWkgMzE\r\n"
STATUS = "PATCH /api/v2/vehicles/{vin}/status"
TRACED = ("--otel", "on", "--log", "json")
LOOPBACK = "127.0.0.1/32"


@dataclass(frozen=True, kw_only=True)
class Collector:
    """What a collector got."""

    receiver: Receiver

    @property
    def environment(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.receiver.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    def list_spans(self, name: str = "") -> list[Span]:
        found = []
        for message in self.receiver.received:
            assert message.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(message.body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return [span for span in found if not name or span.name == name]

    async def wait_for(self, names: Iterable[str]) -> None:
        async def have_come() -> bool:
            return all(self.list_spans(name) for name in names)

        await wait_until(have_come)


async def patch(server: Server, fleet: Fleet, status: int, headers: str = "", vin: str | None = None) -> str:
    """Set a status and give the request's id."""
    target = f"/api/v2/vehicles/{vin or fleet.vins[0]}/status"
    data = build_request("PATCH", target, token=fleet.token, body={"vehicleStatusId": status})
    async with connect(server.port) as connection:
        await connection.send(data.replace(b"Host:", f"{headers}Host:".encode(), 1))
        answer = await connection.read_answer()
        assert answer.status == 204
        return answer.headers["x-request-id"]


async def add_webhook(server: Server, fleet: Fleet, receiver: Receiver) -> None:
    body = {"url": receiver.url, "eventTypes": ["vehicle.status_changed"]}
    async with connect(server.port) as connection:
        answer = await connection.request("POST", "/api/v2/webhooks", token=fleet.token, body=body)
        assert answer.status == 201, answer.body


def list_lines(server: Server) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.read_log().splitlines()]


@pytest.mark.long("postgres")
async def test_a_trace_goes_from_the_client_to_the_webhook(url: str, tmp_path: Path, engine: str) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    async with run_receiver() as receiver, run_receiver() as taker:
        taker.answer = always(200)
        collector = Collector(receiver=taker)
        async with run_server(
            url, tmp_path, options=TRACED, webhook_allow=LOOPBACK, environment=collector.environment
        ) as server:
            await add_webhook(server, fleet, receiver)
            request_id = await patch(server, fleet, 3, HEADERS)
            await collector.wait_for((STATUS, "status batch", "commit", "POST"))
            assert await server.stop() == 0
            (request,) = collector.list_spans(STATUS)
            assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CLIENT_SPAN)
            assert request_id == f"00-{TRACE}-{request.span_id.hex()}-01"
            (batch,) = collector.list_spans("status batch")
            assert [(link.trace_id.hex(), link.span_id.hex()) for link in batch.links] == [
                (TRACE, request.span_id.hex())
            ]
            assert not batch.parent_span_id
            (commit,) = [one for one in collector.list_spans("commit") if one.trace_id == batch.trace_id]
            assert commit.parent_span_id == batch.span_id
            (system,) = [one.value.string_value for one in commit.attributes if one.key == "db.system.name"]
            assert system == {"sqlite": "sqlite", "postgres": "postgresql"}[engine]
            (delivery,) = collector.list_spans("POST")
            assert (delivery.trace_id.hex(), delivery.parent_span_id) == (TRACE, request.span_id)
            (message,) = receiver.received
            assert message.headers["traceparent"] == f"00-{TRACE}-{delivery.span_id.hex()}-01"
            assert message.headers["tracestate"] == "congo=t61rcWkgMzE"
            assert message.event["data"]["requestId"] == request_id
            check_secrecy(collector, fleet)
            lines = [line for line in list_lines(server) if line.get("requestId") == request_id]
            assert [line["traceId"] for line in lines] == [TRACE]
            # The write of a call that is not a status call has its commit in the call's own trace.
            (adding,) = collector.list_spans("POST /api/v2/webhooks")
            assert [
                one.parent_span_id for one in collector.list_spans("commit") if one.trace_id == adding.trace_id
            ] == [adding.span_id]
            assert not [one for one in collector.list_spans() if "readyz" in one.name]


def check_secrecy(collector: Collector, fleet: Fleet) -> None:
    """Neither spans nor what is below them have what somebody else may not know."""
    secrets = [fleet.token.rpartition("_")[2], *fleet.vins, "/hook", fleet.name]
    for message in collector.receiver.received:
        assert all(secret.encode() not in message.body for secret in secrets)


@pytest.mark.long
async def test_a_delivery_continues_the_trace_after_a_restart(url: str, tmp_path: Path) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    async with run_receiver() as receiver, run_receiver() as taker:
        taker.answer = always(200)
        receiver.answer = always(500)
        collector = Collector(receiver=taker)
        async with run_server(
            url, tmp_path, options=TRACED, webhook_allow=LOOPBACK, environment=collector.environment
        ) as server:
            await add_webhook(server, fleet, receiver)
            await patch(server, fleet, 3, HEADERS)
            await collector.wait_for((STATUS, "POST"))
            (request,) = collector.list_spans(STATUS)
            assert await server.stop() == 0
        receiver.answer = always(204)
        async with run_server(url, tmp_path, options=TRACED, webhook_allow=LOOPBACK, environment=collector.environment):

            async def is_delivered() -> bool:
                return bool(receiver.accepted) and len(collector.list_spans("POST")) == len(receiver.received)

            await wait_until(is_delivered, seconds_max=50)
        deliveries = collector.list_spans("POST")
        assert {(one.trace_id.hex(), one.parent_span_id) for one in deliveries} == {(TRACE, request.span_id)}
        resent = [
            one.value.int_value
            for delivery in deliveries
            for one in delivery.attributes
            if one.key == "http.request.resend_count"
        ]
        assert resent == list(range(1, len(deliveries)))
        assert receiver.accepted[0].headers["traceparent"].startswith(f"00-{TRACE}-")


@pytest.mark.long
async def test_without_a_collector_all_calls_are_answered_and_the_server_ends_in_time(url: str, tmp_path: Path) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    async with run_server(url, tmp_path, options=TRACED, environment=environment) as server:
        for turn in range(20):
            await patch(server, fleet, 3 + turn % 2, HEADERS)
        assert await server.stop() == 0  # within ten seconds, or the test fails
        warnings = [line for line in list_lines(server) if line["logger"] == "padron.traces"]
        assert len(warnings) <= 1
        assert not [line for line in list_lines(server) if str(line["logger"]).startswith("opentelemetry")]


@pytest.mark.long
async def test_without_otel_a_trace_is_neither_taken_nor_passed_on(url: str, tmp_path: Path) -> None:
    fleet, *_ = await make_fleets(url, accounts=1)
    async with run_receiver() as receiver, run_receiver() as taker:
        collector = Collector(receiver=taker)
        async with run_server(
            url, tmp_path, options=("--log", "json"), webhook_allow=LOOPBACK, environment=collector.environment
        ) as server:
            await add_webhook(server, fleet, receiver)
            request_id = await patch(server, fleet, 3, HEADERS)

            async def is_delivered() -> bool:
                return bool(receiver.accepted)

            await wait_until(is_delivered)
            assert len(request_id) == 28
            assert "traceparent" not in receiver.received[0].headers
            assert not any("traceId" in line for line in list_lines(server))
            assert await server.stop() == 0
        assert taker.received == []


@pytest.mark.parametrize("text", ["yes", "1", "ON"])
def test_another_word_than_on_or_off_is_refused(text: str, tmp_path: Path) -> None:
    refused = run_program("serve", "--database-url", f"sqlite:///{tmp_path}/p.db", "--port", "0", "--otel", text)
    assert refused.status == 2
    assert "--otel is" in refused.stderr
