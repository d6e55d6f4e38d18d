"""What is repeated, how often and when: against a server that fails as a test says."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from client.tests.scripted import CUT, PROBLEM, Answer, Scripted, give, refuse, run_scripted
from padron_client import (
    ApiError,
    AsyncClient,
    CallOptions,
    Client,
    ConnectionFailed,
    DeadlinePassed,
    Retries,
    Timeouts,
    models,
    problems,
)
from padron_client.errors import Overloaded, PreconditionFailed, RequestRefused, UnexpectedAnswer
from tests.tables import each_row

VIN = "3LNHL2GC1BR262548"
FAST = Retries(first_s=0.01, longest_s=0.02)
BUSY = refuse(503, "StoreUnavailable", retry_after="0")
MANY = refuse(429, "TooManyRequests", retry_after="0")
DONE = Answer(status=204)
OPERATIONS = give({"operations": []})
BULK_DONE = give(
    {
        "requestId": "r",
        "mode": "each",
        "dryRun": False,
        "changed": 0,
        "unchanged": 0,
        "refused": 0,
        "planned": 0,
        "results": [],
    }
)
STATUS = models.StatusBody(vehicle_status_id=models.VehicleStatusId.SOLD)
BULK = models.BulkStatusBody(vehicles=[models.BulkVehicle(vin=VIN, vehicle_status_id=models.VehicleStatusId.SOLD)])


@pytest.fixture(scope="module")
def shared() -> Iterator[Scripted]:
    with run_scripted() as scripted:
        yield scripted


@pytest.fixture
def scripted(shared: Scripted) -> Scripted:
    shared.script(Answer())
    return shared


@pytest.fixture
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, "padron_key", retries=FAST) as client:
        yield client


@each_row("fault", [CUT, BUSY, MANY, Answer(status=200, body=b"{}...", cut_after=2)])
def test_a_call_is_repeated_twice_and_then_succeeds(fault: Answer, scripted: Scripted, client: Client) -> None:
    scripted.script(fault, fault, OPERATIONS)
    assert client.list_operations().head.attempts == 3
    assert len(scripted.seen) == 3


@each_row("fault, kind", [(CUT, ConnectionFailed), (BUSY, problems.StoreUnavailable), (MANY, Overloaded)])
def test_after_the_third_failure_it_is_raised(
    fault: Answer, kind: type[Exception], scripted: Scripted, client: Client
) -> None:
    scripted.script(fault)
    with pytest.raises(kind) as raised:
        client.list_operations()
    assert raised.value.attempts == 3  # type: ignore[attr-defined]
    assert len(scripted.seen) == 3


async def test_the_same_with_async(scripted: Scripted) -> None:
    async with AsyncClient(scripted.url, "padron_key", retries=FAST) as client:
        for fault in (CUT, BUSY, MANY):
            scripted.script(fault, fault, OPERATIONS)
            assert (await client.list_operations()).head.attempts == 3
        scripted.script(CUT)
        with pytest.raises(ConnectionFailed):
            await client.list_operations()


@each_row("status, error_detail", [(400, "BadParameters"), (404, "VehicleNotFound"), (500, "InternalError")])
def test_an_answer_for_good_is_not_repeated(status: int, error_detail: str, scripted: Scripted, client: Client) -> None:
    scripted.script(refuse(status, error_detail))
    with pytest.raises(ApiError) as raised:
        client.list_operations()
    assert type(raised.value).__name__ == error_detail
    assert len(scripted.seen) == 1


def test_patch_and_put_and_delete_are_repeated(scripted: Scripted, client: Client) -> None:
    scripted.script(CUT, DONE)
    client.set_vehicle_status(VIN, STATUS)
    assert [seen.method for seen in scripted.seen] == ["PATCH", "PATCH"]
    scripted.script(CUT, DONE)
    client.delete_operation("query-fines")
    assert [seen.method for seen in scripted.seen] == ["DELETE", "DELETE"]
    scripted.script(CUT, refuse(400, "BadParameters"))
    with pytest.raises(RequestRefused):
        client.put_operation("query-fines", models.OperationBody(description="", lease_seconds=60, attempts=3))
    assert [seen.method for seen in scripted.seen] == ["PUT", "PUT"]


def test_a_post_has_a_key_of_its_own_which_is_the_same_at_each_attempt(scripted: Scripted, client: Client) -> None:
    answer = BULK_DONE
    scripted.script(CUT, BUSY, answer)
    client.set_vehicle_statuses(BULK)
    keys = [seen.headers["idempotency-key"] for seen in scripted.seen]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    scripted.script(answer)
    client.set_vehicle_statuses(BULK)
    assert scripted.seen[0].headers["idempotency-key"] != keys[0]
    client.set_vehicle_statuses(BULK, idempotency_key="mine")
    assert scripted.seen[1].headers["idempotency-key"] == "mine"


def test_what_must_be_fresh_has_no_key(scripted: Scripted, client: Client) -> None:
    scripted.script(CUT, give({"results": [], "cursor": "c"}))
    client.check_vehicles(models.GateBody(operation="dispatch", vins=[VIN]))
    scripted.answers = [give({"claims": []})]
    client.claim_work("query-fines")
    assert len(scripted.seen) == 3
    assert not any("idempotency-key" in seen.headers for seen in scripted.seen)


def test_a_key_that_an_earlier_attempt_still_uses_is_waited_for(scripted: Scripted, client: Client) -> None:
    in_use = refuse(409, "IdempotencyKeyInUse", retry_after="0")
    scripted.script(CUT, in_use, BULK_DONE)
    assert client.set_vehicle_statuses(BULK).head.attempts == 3
    scripted.script(in_use)  # another program has it: that is for the caller
    with pytest.raises(problems.IdempotencyKeyInUse):
        client.set_vehicle_statuses(BULK, idempotency_key="mine")
    assert len(scripted.seen) == 1


def test_retry_after_is_waited_for(scripted: Scripted) -> None:
    with Client(scripted.url, "padron_key", retries=FAST) as client:
        scripted.script(refuse(429, "RateExceeded", retry_after="1"), OPERATIONS)
        client.list_operations()
    first, second = scripted.seen
    assert 1 <= second.at - first.at < 3


def test_a_retry_after_that_is_too_long_is_not_waited_for(scripted: Scripted, client: Client) -> None:
    for value in ("3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)):
        scripted.script(refuse(503, "StoreUnavailable", retry_after=value))
        began = time.monotonic()
        with pytest.raises(problems.StoreUnavailable) as raised:
            client.list_operations()
        assert time.monotonic() - began < 5
        assert len(scripted.seen) == 1
        assert raised.value.retry_after_s == pytest.approx(3600, abs=5)


def test_pauses_grow_are_random_and_are_bounded() -> None:
    rolled: list[tuple[float, float]] = []

    def roll(low: float, high: float) -> float:
        rolled.append((low, high))
        return high

    pauses = [Retries().choose_pause(repeat, None, roll) for repeat in range(6)]
    assert pauses == [0.5, 1, 2, 4, 8, 8]
    assert {low for low, _ in rolled} == {0}  # full jitter
    assert Retries().choose_pause(0, 3.0, roll) == 3


@each_row("fault", [Answer(stall_s=20), BUSY, Answer(status=200, body=b"x" * 1000, drip_s=0.1)])
def test_a_deadline_is_for_all_attempts_together(fault: Answer, scripted: Scripted) -> None:
    scripted.script(fault)
    slow = Retries(count=100, first_s=0.2, longest_s=0.2)
    with Client(scripted.url, "padron_key", retries=slow) as client:
        began = time.monotonic()
        with pytest.raises((DeadlinePassed, problems.StoreUnavailable)):
            client.list_operations(options=CallOptions(deadline_s=0.6))
        assert time.monotonic() - began < 2.5


async def test_a_deadline_interrupts_with_async(scripted: Scripted) -> None:
    async with AsyncClient(scripted.url, "padron_key", deadline_s=0.3) as client:
        body = Answer(status=200, body=b"x" * 1000, drip_s=0.1)
        for fault in (Answer(stall_s=20), body, Answer(head_drip_s=0.1)):
            scripted.script(fault)
            began = time.monotonic()
            with pytest.raises(DeadlinePassed):
                await client.list_operations()
            assert 0.25 < time.monotonic() - began < 1.5


def test_a_server_that_says_nothing_is_given_up(scripted: Scripted) -> None:
    scripted.script(Answer(stall_s=20), OPERATIONS)
    with Client(scripted.url, "padron_key", retries=FAST, timeouts=Timeouts(read_s=0.2)) as client:
        assert client.list_operations().head.attempts == 2


def test_what_the_api_waits_is_added_to_the_timeout(scripted: Scripted) -> None:
    page = {"changes": [], "nextCursor": "c", "more": False}
    with Client(scripted.url, "padron_key", timeouts=Timeouts(read_s=0.2), retries=Retries(count=0)) as client:
        scripted.script(
            Answer(status=200, headers={"content-type": "application/json"}, body=give(page).body, stall_s=0.6)
        )
        assert client.list_changes(wait=2).changes == []
        scripted.script(Answer(status=200, body=b'{"claims":[]}', stall_s=0.6))
        assert client.claim_work("query-fines", models.ClaimBody(wait=2)).claims == []
        with pytest.raises(ConnectionFailed):
            client.claim_work("query-fines")


def test_nobody_listens() -> None:
    with Client("http://127.0.0.1:9", "padron_key", retries=FAST) as client, pytest.raises(ConnectionFailed) as raised:
        client.list_operations()
    assert raised.value.attempts == 3
    assert "after 3 attempts" in str(raised.value)


def test_a_file_is_sent_again_from_its_beginning(scripted: Scripted, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_bytes(b"vin\n" + VIN.encode() * 10_000)
    scripted.script(CUT, refuse(400, "BadParameters"))
    with pytest.raises(problems.BadParameters):
        client.start_import(path)
    assert [seen.body for seen in scripted.seen] == [path.read_bytes()] * 2
    assert len({seen.headers["idempotency-key"] for seen in scripted.seen}) == 1


async def test_a_file_is_sent_with_async_too(scripted: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_bytes(b"vin\n" + VIN.encode() * 10_000)
    scripted.script(CUT, refuse(400, "BadParameters"))
    async with AsyncClient(scripted.url, "padron_key", retries=FAST) as client:
        with pytest.raises(problems.BadParameters):
            await client.start_import(path)
    assert [seen.body for seen in scripted.seen] == [path.read_bytes()] * 2


def test_a_refusal_after_a_repeat_says_so(scripted: Scripted, client: Client) -> None:
    scripted.script(CUT, refuse(412, "RevisionMismatch", x_request_id="r-1"))
    with pytest.raises(PreconditionFailed) as raised:
        client.set_vehicle_status(VIN, STATUS, if_match='"v1r1t1"')
    error = raised.value
    assert isinstance(error, problems.RevisionMismatch)
    assert (error.attempts, error.status, error.request_id) == (2, 412, "r-1")
    assert (error.type, error.title, error.detail) == (PROBLEM["type"], PROBLEM["title"], PROBLEM["detail"])
    assert (error.instance, error.error_type, error.error_detail) == ("urn:x", "x", "RevisionMismatch")
    assert str(error) == "412 RevisionMismatch: It is said why."


@each_row(
    "answer, message",
    [
        (Answer(status=502, headers={"content-type": "text/html"}, body=b"<p>Bearer padron_key"), "text/html"),
        (Answer(status=200, headers={"content-type": "text/html"}, body=b"<p>"), "not the OperationList"),
        (Answer(status=200, body=b'{"operations": 7}'), "not the OperationList"),
        (Answer(status=302, headers={"location": "http://127.0.0.1:9/"}), "302"),
        (Answer(status=400, headers={"content-type": "application/problem+json"}, body=b"[]"), "400"),
    ],
)
def test_another_program_is_noticed(answer: Answer, message: str, scripted: Scripted, client: Client) -> None:
    scripted.script(answer)
    with pytest.raises(UnexpectedAnswer, match=message) as raised:
        client.list_operations()
    assert "padron_key" not in str(raised.value)
    assert len(scripted.seen) == 1


@each_row("status, kind", [(409, "Conflict"), (422, "RequestRefused"), (599, "ServerFailed")])
def test_an_error_that_is_newer_than_the_client_has_the_class_of_its_status(
    status: int, kind: str, scripted: Scripted, client: Client
) -> None:
    scripted.script(refuse(status, "NewerThanThisClient"))
    with pytest.raises(ApiError) as raised:
        client.list_operations()
    assert type(raised.value).__name__ == kind


async def test_many_calls_share_a_client(scripted: Scripted) -> None:
    scripted.script(OPERATIONS)
    async with AsyncClient(scripted.url, "padron_key", connections=5) as client:
        await asyncio.gather(*(client.list_operations() for _ in range(50)))
    assert len(scripted.seen) == 50
    assert client._transport._client.is_closed
