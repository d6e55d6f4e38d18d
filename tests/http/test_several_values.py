"""Filters with several values: a vehicle has any of them, in the list, the count, the export and a selection."""

import json
from urllib.parse import quote, urlencode

import pytest

from padron.domain.query import FILTER_FIELDS
from tests.cast import make_vin
from tests.http.api import LIST, Api
from tests.http.test_list_vehicles import fill, give_value, on_sqlite
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")


async def test_each_filter_takes_several_values_of_which_a_vehicle_has_any(api: Api) -> None:
    await fill(api, 3)
    for field in FILTER_FIELDS.values():
        pairs = [(field.name, str(give_value(field, number)).upper()) for number in (2, 0, 2)]
        for sort in ("", "&sort=vin", f"&sort={field.name}"):
            found = await api.acme.list_vins(urlencode(pairs) + sort)
            assert found == [make_vin(0), make_vin(2)], (field.name, sort)
    text = str(give_value(FILTER_FIELDS["brandName"], 1))
    twice = urlencode([("brandName", text.upper()), ("brandName", text.lower())])
    assert await api.acme.list_vins(twice) == await api.acme.list_vins(f"{twice}&sort=brandName") == [make_vin(1)]
    assert await api.acme.list_vins(f"{twice}&brandName=other") == [make_vin(1)]
    assert await api.acme.list_vins(f"vin={make_vin(2)}&vin={make_vin(1).lower()}") == [make_vin(1), make_vin(2)]
    assert await api.acme.list_vins("doors=1&doors=2&stateId=2&stateId=0") == [make_vin(2)]


async def test_several_values_are_the_same_in_the_count_the_export_and_a_selection(api: Api) -> None:
    await fill(api, 3)
    asked = "doors=0&doors=2&brandName=" + quote(str(give_value(FILTER_FIELDS["brandName"], 2)))
    asked += "&brandName=" + quote(str(give_value(FILTER_FIELDS["brandName"], 1)))
    assert await api.acme.list_vins(asked) == [make_vin(2)]
    assert (await api.acme.get(f"{LIST}/count?{asked}")).body == {"count": 1, "exact": True}
    exported = (await api.acme.get(f"/api/v2/vehicles.csv?{asked}")).content.decode()
    assert [make_vin(number) in exported for number in range(3)] == [False, False, True]
    made = await api.acme.send("POST", "/api/v2/selections", json.dumps({"filter": asked}))
    assert (made.status, made.body["count"]) == (201, 1)


@on_sqlite
@each_row(
    "query, detail",
    [
        ("&".join(f"doors={number}" for number in range(21)), "doors has 21 values: at most 20 are allowed."),
        ("doors=1&doors=", "doors is empty"),
        ("doors=1&doors=two", "doors is 'two'"),
        ("operational=true&operational=false", "operational occurs twice"),
        ("q=a&q=b", "q occurs twice"),
        ("sort=vin&sort=plate", "sort occurs twice"),
    ],
)
async def test_what_cannot_be_one_of_several_values_is_refused(api: Api, query: str, detail: str) -> None:
    refused = await api.acme.get(f"{LIST}?{query}")
    assert refused.status == 400
    assert detail in refused.body["detail"]


async def test_a_page_of_several_values_does_not_go_on_with_others(api: Api) -> None:
    await fill(api, 3)
    page = await api.acme.get(f"{LIST}?doors=0&doors=1&limit=1")
    cursor = quote(page.body["nextCursor"])
    assert await api.acme.list_vins(f"doors=1&doors=0&limit=1&cursor={cursor}") == [make_vin(1)]
    refused = await api.acme.get(f"{LIST}?doors=0&doors=2&limit=1&cursor={cursor}")
    assert refused.status == 400
