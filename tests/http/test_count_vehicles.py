"""GET /api/v2/vehicles/count: as many as the list has, at once or exactly."""

import pytest

from padron.service.vehicles import counting
from tests.cast import JEEP, make_vin
from tests.http.api import Api

COUNT = "/api/v2/vehicles/count"
OWNERS = ("Flota Norte", "Flota Sur", "José")
QUERIES = (
    "", "q=flota", "q=fl", "q=norte%20flota", "q=zz", "ownerName=jos%C3%A9", "assetStatusId=3", "doors=4&q=padr",
    "assetStatusId=3&assetStatusId=1", "operational=true&q=flota", "assetStatusId=2", "operational=false",
)  # fmt: skip


async def fill(api: Api) -> None:
    for number in range(9):
        await api.acme.put_vehicle(make_vin(number), ownerName=OWNERS[number % 3], doors=3 + number % 2)
    for number in (1, 5):
        await api.acme.patch_status(make_vin(number), 3)
    await api.acme.put_vehicle(make_vin(2), doors=5)
    await api.beta.put_vehicle(JEEP, ownerName="Flota Norte")


async def test_the_count_is_the_length_of_the_list(api: Api) -> None:
    await fill(api)
    for query in QUERIES:
        expected = len(await api.acme.list_vehicles(query))
        for exact in ("", "exact=true", "exact=false"):
            reply = await api.acme.get(f"{COUNT}?{'&'.join(filter(None, (query, exact)))}")
            assert reply.body == {"count": expected, "exact": True}, query


@pytest.mark.long("postgres")
async def test_many_are_counted_up_to_a_bound_unless_all_must_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(api)
    monkeypatch.setattr(counting, "COUNTED_MAX", 4)
    monkeypatch.setattr(counting, "PORTION_CHANGES", 3)
    assert (await api.acme.get(f"{COUNT}?operational=true")).body == {"count": 4, "exact": False}
    assert (await api.acme.get(f"{COUNT}?assetStatusId=3")).body == {"count": 2, "exact": True}
    for query in QUERIES:
        expected = len(await api.acme.list_vehicles(query))
        assert (await api.acme.get(f"{COUNT}?exact=true&{query}")).body == {"count": expected, "exact": True}


@pytest.mark.long("postgres")
async def test_the_past_and_an_order_are_not_counted(api: Api) -> None:
    for query in ("asOf=2026-01-01T00:00:00Z", "sort=vin", "limit=5", "exact=1"):
        assert (await api.acme.get(f"{COUNT}?{query}")).status == 400
