"""Calls to a real server, with and without ``async``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.tests.conftest import Register
from client.tests.scripted import Answer, give, run_scripted
from padron_client import (
    ApiError,
    AsyncClient,
    Client,
    ConnectionFailed,
    NotModified,
    VehicleStatusId,
    models,
    problems,
)
from padron_client.records import Done
from tests.cast import make_vin

OUT = models.StatusBody(vehicle_status_id=VehicleStatusId.IN_THE_SHOP, reason="Brakes")
IN = models.StatusBody(vehicle_status_id=VehicleStatusId.ACTIVE)


def test_a_status_is_set_and_read(client: Client, register: Register) -> None:
    done = client.set_vehicle_status(register.vin, OUT)
    assert isinstance(done, Done)
    assert done.head.status == 204
    status = client.get_vehicle_status(register.vin)
    assert status.vehicle_status_id is VehicleStatusId.IN_THE_SHOP
    assert status.reason == "Brakes"
    assert status.since.tzinfo is not None
    assert status.head.etag == done.head.etag


async def test_the_same_with_async(async_client: AsyncClient, register: Register) -> None:
    vin = register.fleet.vins[1]
    done = await async_client.set_vehicle_status(vin, OUT)
    assert done.head.request_id
    assert [each.vin async for each in async_client.iterate_vehicles(vin=vin, limit=1)] == [vin]
    assert not (await async_client.check_vehicle(vin, operation="dispatch")).allowed
    undone = await async_client.undo_request(done.head.request_id)
    assert undone.results[0].outcome == "undone"


def test_a_plan_has_another_answer(client: Client, register: Register) -> None:
    vin = register.fleet.vins[2]
    at = datetime.now(UTC) + timedelta(days=1)
    planned = client.set_vehicle_status(vin, models.StatusBody(vehicle_status_id=VehicleStatusId.SOLD, effective_at=at))
    assert isinstance(planned, models.PlannedChangeShape)
    assert planned.head.status == 202
    assert planned.effective_at == at
    until = client.set_vehicle_status(vin, models.StatusBody(vehicle_status_id=VehicleStatusId.STOLEN, until=at))
    assert until.head.planned_change in {plan.id for plan in client.iterate_planned_changes(vin=vin)}


def test_conditions(client: Client, register: Register) -> None:
    vin = register.fleet.vins[3]
    read = client.get_vehicle(vin)
    with pytest.raises(NotModified) as raised:
        client.get_vehicle(vin, if_none_match=read.head.etag)
    assert raised.value.etag == read.head.etag
    client.set_vehicle_status(vin, OUT, if_match=read.head.etag)
    with pytest.raises(problems.RevisionMismatch):
        client.set_vehicle_status(vin, IN, if_match=read.head.etag)


def test_an_iterator_goes_through_all_pages(client: Client, register: Register) -> None:
    pages = client.iterate_vehicles(limit=50)
    assert [len(page.vehicles) for page in pages.pages()] == [50, 50, 20]
    assert [vehicle.vin for vehicle in client.iterate_vehicles(limit=7)] == [*register.fleet.vins]
    assert len({change.number for change in client.iterate_changes(limit=50) if hasattr(change, "number")}) >= 120


def test_filters_take_one_value_or_several(client: Client, register: Register) -> None:
    vins = [*register.fleet.vins[50:52]]
    assert [each.vin for each in client.iterate_vehicles(vin=vins)] == vins
    assert client.count_vehicles(vin=vins[0], operational=True).count == 1
    assert not client.list_vehicles(asset_status_id=[VehicleStatusId.IMPOUNDED, VehicleStatusId.TOTAL_LOSS]).vehicles


def test_bodies_send_only_what_they_were_given(client: Client) -> None:
    vin = make_vin(5_000)
    made = client.put_vehicle(vin, models.VehicleBody(plate="ABC123", class_="SUV", doors=4))
    assert (made.head.status, made.plate, made.class_, made.doors) == (201, "ABC123", "SUV", 4)
    changed = client.put_vehicle(vin, models.VehicleBody(doors=""))
    assert (changed.head.status, changed.plate, changed.doors) == (200, "ABC123", None)
    assert client.delete_vehicle(vin, if_match=changed.head.etag).vin == vin


def test_an_error_of_many_has_all_answers(client: Client, register: Register) -> None:
    body = models.BulkStatusBody(
        vehicles=[
            models.BulkVehicle(vin=register.fleet.vins[4], vehicle_status_id=VehicleStatusId.SOLD),
            models.BulkVehicle(vin=make_vin(99_999), vehicle_status_id=VehicleStatusId.SOLD),
        ],
        mode=models.BulkMode.ALL,
    )
    with pytest.raises(problems.BatchRefused) as raised:
        client.set_vehicle_statuses(body)
    assert [each["status"] for each in raised.value.members["results"]] == [424, 404]


def test_the_same_key_gets_the_same_answer(client: Client, register: Register) -> None:
    body = models.BulkStatusBody(
        vehicles=[models.BulkVehicle(vin=register.fleet.vins[5], vehicle_status_id=VehicleStatusId.SOLD)]
    )
    first = client.set_vehicle_statuses(body, idempotency_key="key-1")
    again = client.set_vehicle_statuses(body, idempotency_key="key-1")
    assert again == first
    assert (first.head.is_replayed, again.head.is_replayed) == (False, True)


def test_a_file_is_sent_and_an_export_is_read_bit_by_bit(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("VIN,Placa\n" + "".join(f"{make_vin(number)},X{number}\n" for number in range(6_000, 6_010)))
    started = client.start_import(path, dry_run=True, file_name="fleet.csv")
    assert started.head.status == 202
    assert client.get_import(started.import_id).file_name == "fleet.csv"
    with client.export_vehicles(sort="vin") as export:
        assert export.request_id
        assert b"".join(export.chunks()).count(b"\n") > 120
    now = datetime.now(UTC)
    with client.report_time_in_status_csv(from_=now - timedelta(days=1), to=now) as report:
        assert b"," in report.read()
    with client.get_docs() as page:
        assert b"<html" in page.read()


async def test_an_export_with_async(async_client: AsyncClient) -> None:
    async with async_client.export_vehicles() as export:
        assert len(await export.read()) > 1_000
    with pytest.raises(problems.BadParameters):
        async with async_client.export_vehicles(sort="nothing"):
            pass


def test_the_feed_as_a_stream(client: Client, register: Register) -> None:
    vin = register.fleet.vins[6]
    cursor = client.check_vehicle(vin, operation="x").cursor
    done = client.set_vehicle_status(vin, OUT)
    with client.stream_changes(after=cursor) as events:
        change = next(iter(events))
        assert isinstance(change, models.VehicleStatusChanged)
        assert (change.vin, change.request_id) == (vin, done.head.request_id)
    with client.stream_changes(after=cursor) as events:
        for _ in events:
            if events.cursor:
                break
            client.set_vehicle_status(vin, IN)
    assert client.list_changes(after=events.cursor).changes


async def test_the_feed_as_a_stream_with_async(async_client: AsyncClient, register: Register) -> None:
    vin = register.fleet.vins[7]
    cursor = (await async_client.check_vehicle(vin, operation="x")).cursor
    await async_client.set_vehicle_status(vin, OUT)
    async with async_client.stream_changes(after=cursor) as events:
        async for change in events:
            assert isinstance(change, models.VehicleStatusChanged)
            break
    with pytest.raises(problems.BadParameters):
        async with async_client.stream_changes(after="nonsense"):
            pass


def test_what_is_newer_than_the_client_is_read() -> None:
    change = {
        "number": 7, "vin": "3LNHL2GC1BR262548", "at": "2026-03-01T12:00:00Z", "by": "k", "byName": None,
        "requestId": "r", "operational": False, "operationalChanged": False,
    }  # fmt: skip
    known = {**change, "type": "vehicle.status_changed", "fromStatusId": 1, "toStatusId": 12, "reason": None}
    newer = {**change, "type": "vehicle.painted", "colour": "red"}
    with run_scripted() as scripted, Client(scripted.url, "k") as client:
        scripted.script(give({"changes": [known, newer], "nextCursor": "c", "more": False}))
        first, second = client.list_changes().changes
    assert isinstance(first, models.VehicleStatusChanged)
    assert (int(first.to_status_id), first.to_status_id.name) == (12, "UNKNOWN_12")
    assert isinstance(second, models.UnknownChange)
    assert (second.kind, second.members["colour"]) == ("vehicle.painted", "red")


def test_what_cannot_be_sent_is_refused_before(client: Client) -> None:
    with pytest.raises(ValueError, match="vin"):
        client.get_vehicle("")
    with pytest.raises(ValueError, match="vin"):
        client.get_vehicle("..")
    with pytest.raises(ValueError, match="time zone"):
        client.get_vehicle("3LNHL2GC1BR262548", as_of=datetime(2026, 3, 1))  # noqa: DTZ001 - the mistake
    with pytest.raises(ApiError):
        client.get_vehicle("a/b?c#d")  # one part of a path, whatever it has


def test_a_part_of_an_answer_has_no_head(client: Client) -> None:
    (vehicle,) = client.list_vehicles(limit=1).vehicles
    with pytest.raises(AttributeError, match="part of an answer"):
        _ = vehicle.head
    assert json.loads(json.dumps(str(vehicle.vehicle_status_id)))


def test_a_download_that_breaks_off_is_an_error() -> None:
    with run_scripted() as scripted, Client(scripted.url, "k") as client:
        scripted.script(Answer(status=200, headers={"content-type": "text/csv"}, body=b"a,b\r\n" * 100, cut_after=50))
        with client.export_vehicles() as export, pytest.raises(ConnectionFailed, match="not all of it"):
            export.read()
