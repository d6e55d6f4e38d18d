"""Calls to a real server, with and without ``async``."""

from client.tests.conftest import Register
from padron_client import AsyncClient, Client, VehicleStatusId, models
from padron_client.records import Done


def test_a_status_is_set_and_read(client: Client, register: Register) -> None:
    done = client.set_vehicle_status(register.vin, models.StatusBody(vehicle_status_id=4, reason="Brakes"))
    assert isinstance(done, Done)
    assert done.head.status == 204
    status = client.get_vehicle_status(register.vin)
    assert status.vehicle_status_id is VehicleStatusId.IN_THE_SHOP
    assert status.reason == "Brakes"
    assert status.since.tzinfo is not None
    assert status.head.etag == done.head.etag


async def test_the_same_with_async(async_client: AsyncClient, register: Register) -> None:
    vin = register.fleet.vins[1]
    done = await async_client.set_vehicle_status(vin, models.StatusBody(vehicle_status_id=VehicleStatusId.STOLEN))
    assert done.head.request_id
    assert [each.vin async for each in async_client.iterate_vehicles(vin=vin, limit=1)] == [vin]
    assert not (await async_client.check_vehicle(vin, operation="dispatch")).allowed
    undone = await async_client.undo_request(done.head.request_id)
    assert undone.results[0].outcome == "undone"
