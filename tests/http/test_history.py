"""GET /api/v2/vehicles/{vin}/history: what happened, newest first, in pages."""

from typing import Any

import pytest

from tests.cast import HUMMER, JEEP
from tests.http.api import CAR, HISTORY, Api
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def test_a_registration_is_the_first_entry(api: Api) -> None:
    reply = await api.acme.register()
    assert await api.acme.list_history() == [
        {
            "type": "registered",
            "at": reply.body["createdAt"],
            "by": api.acme.actor,
            "byName": api.acme.actor_name,
            "requestId": reply.headers["x-request-id"],
            "toStatusId": 1,
        }
    ]


async def test_a_status_change_says_from_to_when_by_which_key_in_which_request_and_why(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.patch_status(HUMMER, 4, "Brakes")
    assert (await api.acme.list_history())[0] == {
        "type": "statusChanged",
        "at": (await api.acme.get_vehicle())["statusSince"],
        "by": api.acme.actor,
        "byName": api.acme.actor_name,
        "requestId": reply.headers["x-request-id"],
        "fromStatusId": 1,
        "toStatusId": 4,
        "reason": "Brakes",
    }


async def test_a_status_change_without_a_reason_shows_that_there_is_none(api: Api) -> None:
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4)
    newest = (await api.acme.list_history())[0]
    assert newest["reason"] is None


async def test_a_change_of_core_data_shows_the_former_and_the_current_values(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.put_vehicle(HUMMER, doors=2, brandName="", vehicleColor="rojo", plate="RTA412C")
    assert (await api.acme.list_history())[0] == {
        "type": "infoChanged",
        "at": reply.body["updatedAt"],
        "by": api.acme.actor,
        "byName": api.acme.actor_name,
        "requestId": reply.headers["x-request-id"],
        "former": {"doors": 4, "brandName": CAR["brandName"], "vehicleColor": None},
        "current": {"doors": 2, "brandName": None, "vehicleColor": "rojo"},
    }


async def test_every_change_is_kept_newest_first(api: Api) -> None:
    await api.acme.register()
    for status in (3, 4, 1, 9):
        await api.acme.patch_status(HUMMER, status)
    await api.acme.put_vehicle(HUMMER, doors=3)
    await api.acme.upsert(plate="NEW123")
    history = await api.acme.list_history()
    assert [entry["type"] for entry in history] == [
        "infoChanged", "infoChanged", "statusChanged", "statusChanged", "statusChanged", "statusChanged", "registered",
    ]  # fmt: skip
    assert [(entry["fromStatusId"], entry["toStatusId"]) for entry in history[2:6]] == [(1, 9), (4, 1), (3, 4), (1, 3)]
    instants = [entry["at"] for entry in history]
    assert instants == sorted(instants, reverse=True)
    assert len({entry["requestId"] for entry in history}) == 7


async def test_a_vehicle_takes_its_history_along_to_a_new_vin(api: Api) -> None:
    await api.acme.upsert()
    before = await api.acme.list_history()
    await api.acme.upsert(JEEP)
    history = await api.acme.list_history(JEEP)
    assert history[1:] == before
    assert history[0]["former"] == {"vin": HUMMER}


async def test_each_vehicle_has_its_own_history(api: Api) -> None:
    await api.acme.register()
    await api.acme.register(JEEP, doors=2)
    await api.beta.register()
    await api.acme.patch_status(JEEP, 3)
    await api.beta.patch_status(HUMMER, 8)
    assert [entry["type"] for entry in await api.acme.list_history()] == ["registered"]
    assert [entry["type"] for entry in await api.beta.list_history()] == ["statusChanged", "registered"]


async def list_pages(api: Api, limit: int) -> list[list[dict[str, Any]]]:
    pages, target = [], f"{HISTORY}?limit={limit}"
    for _ in range(30):
        body = (await api.acme.get(target)).body
        pages.append(body["history"])
        if body["nextCursor"] is None:
            return pages
        target = f"{HISTORY}?limit={limit}&cursor={body['nextCursor']}"
    raise AssertionError("The pages do not end.")


async def test_pages_neither_repeat_nor_skip_an_entry(api: Api) -> None:
    await api.acme.register()
    for number in range(9):
        await api.acme.patch_status(HUMMER, 3 + number % 2)
    whole = await api.acme.list_history()
    assert len(whole) == 10
    for limit in (1, 3, 9, 10, 11):
        pages = await list_pages(api, limit)
        assert sum(pages, []) == whole  # noqa: RUF017 - ten entries
        assert {len(page) for page in pages[:-1]} <= {limit}
        assert pages[-1]


async def test_pages_stay_steady_while_the_vehicle_changes(api: Api) -> None:
    await api.acme.register()
    for status in (3, 4, 5):
        await api.acme.patch_status(HUMMER, status)
    whole = await api.acme.list_history()
    first = (await api.acme.get(f"{HISTORY}?limit=2")).body
    await api.acme.patch_status(HUMMER, 6)
    rest = (await api.acme.get(f"{HISTORY}?limit=9&cursor={first['nextCursor']}")).body
    assert first["history"] + rest["history"] == whole


@on_sqlite
@each_row(
    "query, name",
    [("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"), ("sort=at", "sort"), ("plate=x", "plate"),
     ("limit=1&limit=1", "limit"), ("limit=", "limit"), ("cursor=", "cursor"), ("Limit=5", "Limit")],
)  # fmt: skip
async def test_a_query_parameter_that_cannot_be_meant_is_400_and_named(api: Api, query: str, name: str) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.get(f"{HISTORY}?{query}")
    assert reply.code == (400, "BadParameters")
    assert name in reply.detail


@on_sqlite
async def test_a_page_has_50_entries_unless_asked_for(api: Api) -> None:
    await api.acme.register()
    for number in range(51):
        await api.acme.patch_status(HUMMER, 3 + number % 2)
    assert len((await api.acme.get(HISTORY)).body["history"]) == 50
    assert len((await api.acme.get(f"{HISTORY}?limit=500")).body["history"]) == 52
