"""GET /api/v2/vehicles?q=…: vehicles found by any part of VIN, plate, unit number or owner."""

from urllib.parse import quote

import pytest

from tests.cast import HUMMER, JEEP, make_vin
from tests.http.api import LIST, Api
from tests.http.test_delete_vehicle import delete
from tests.tables import each_row

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def fill(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, plate="RTA412C", ownerName="José Núñez", customId="U-0042", brandName="Hummer")
    await api.acme.put_vehicle(JEEP, plate="XYZ987A", ownerName="Flota Norte", customId="42", brandName="Jeep")


async def find(api: Api, text: str, more: str = "") -> list[str]:
    return await api.acme.list_vins(f"q={quote(text)}{more}")


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "text, found",
    [
        ("jose", [HUMMER]), ("ÑEZ", [HUMMER]), ("nuñez josé", [HUMMER]), ("a412", [HUMMER]), ("za903", [HUMMER]),
        ("U-00", [HUMMER]), ("42", [HUMMER, JEEP]), ("4", [HUMMER, JEEP]), ("norte 42", [JEEP]), ("norte jose", []),
        ("hummer", []), ("412cu", []), ("%", []), ("_", []), ('"', []), ("' OR 1=1", []), ("a* NOT b", []),
    ],
)  # fmt: skip
async def test_all_words_must_be_in_one_of_the_values(api: Api, text: str, found: list[str]) -> None:
    await fill(api)
    assert await find(api, text) == found
    assert await api.beta.list_vins(f"q={quote(text)}") == []


async def test_a_search_is_joined_with_filters_and_order(api: Api) -> None:
    await fill(api)
    await api.acme.patch_status(JEEP, 3)
    assert await find(api, "42", "&sort=-plate") == [JEEP, HUMMER]
    assert await find(api, "42", "&brandName=jeep") == [JEEP]
    assert await find(api, "42", "&assetStatusId=3") == [JEEP]
    assert await find(api, "42", "&operational=true&sort=statusSince") == [HUMMER]
    assert await find(api, "norte", "&brandName=hummer") == []


async def test_pages_of_a_search_join_to_the_whole(api: Api) -> None:
    for number in range(7):
        await api.acme.put_vehicle(make_vin(number), ownerName=f"Flota {'Norte' if number % 2 else 'Sur'} {number}")
    for sort in ("", "&sort=-ownerName", "&sort=vin"):
        found: list[str] = []
        cursor = ""
        for _ in range(9):
            reply = await api.acme.get(f"{LIST}?q=flota%20no&limit=2{sort}{cursor}")
            found += [vehicle["vin"] for vehicle in reply.body["vehicles"]]
            if not reply.body["more"]:
                break
            cursor = f"&cursor={reply.body['nextCursor']}"
        expected = [make_vin(number) for number in (1, 3, 5)]
        assert found == (expected[::-1] if sort.startswith("&sort=-") else expected)
    wrong = await api.acme.get(f"{LIST}?q=flota&limit=2&cursor={reply.body['nextCursor'] or 'x'}")
    assert wrong.status == 400


@pytest.mark.long("postgres")
async def test_a_cursor_belongs_to_its_search(api: Api) -> None:
    for number in range(3):
        await api.acme.put_vehicle(make_vin(number), ownerName="Flota Norte")
    cursor = (await api.acme.get(f"{LIST}?q=flota&limit=1")).body["nextCursor"]
    assert (await api.acme.get(f"{LIST}?q=flota&limit=1&cursor={cursor}")).status == 200
    for other in ("q=norte", "limit=1"):
        assert (await api.acme.get(f"{LIST}?{other}&cursor={cursor}")).status == 400


async def test_only_present_values_of_current_vehicles_are_found(api: Api) -> None:
    await fill(api)
    await api.acme.put_vehicle(HUMMER, ownerName="Ana", plate="NEW1234")
    assert await find(api, "jose") == await find(api, "rta412") == []
    assert await find(api, "ana") == await find(api, "new") == [HUMMER]
    await api.acme.put_vehicle(HUMMER, ownerName="")
    assert await find(api, "ana") == []
    assert (await delete(api.acme, JEEP)).status == 200
    assert await find(api, "norte") == await find(api, "1c4rj") == []


@pytest.mark.long("postgres")
async def test_the_export_takes_a_search(api: Api) -> None:
    await fill(api)
    text = (await api.acme.get("/api/v2/vehicles.csv?q=NORTE")).content.decode()
    assert [line[:17] for line in text.splitlines()[1:]] == [JEEP]


@each_row(
    "query, told",
    [
        ("q=", "empty"), ("q=%20", "letter"), ("q=" + "a" * 101, "at most 100"), ("q=a&q=b", "twice"),
        ("q=a&assetStatusId=2", "assetStatusId"), ("q=a&asOf=2026-01-01T00:00:00Z", "asOf"), ("q=%01", "U+0001"),
        ("q=" + "a+" * 11 + "b+c+d+e+f+g+h+i+j+k+l", "words"),
    ],
)  # fmt: skip
@on_sqlite
async def test_a_search_that_cannot_be_answered_is_refused(api: Api, query: str, told: str) -> None:
    reply = await api.acme.get(f"{LIST}?{query}")
    assert reply.status == 400
    assert told in reply.body["detail"]
