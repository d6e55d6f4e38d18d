"""GET /api/v2/deletions: what can be brought back, the last deletion first."""

from datetime import timedelta

import pytest

from padron.domain.deletion import UNDOABLE
from tests.cast import HUMMER, JEEP, NOON
from tests.conftest import SteppedClock
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply

DELETIONS = "/api/v2/deletions"


async def ask(client: Client, query: str = "") -> Reply:
    reply = await client.get(f"{DELETIONS}{query}")
    check_reply("GET", DELETIONS, reply)
    return reply


async def delete(client: Client, vin: str) -> str:
    return str((await client.send("DELETE", f"/api/v2/vehicles/{vin}?reason=Twice", None)).body["requestId"])


async def list_vins(client: Client, query: str = "") -> list[str]:
    return [one["vin"] for one in (await ask(client, query)).body["deletions"]]


async def test_a_deletion_is_listed_until_it_is_undone(api: Api) -> None:
    await api.acme.register(HUMMER, plate="HUM001")
    await api.acme.patch_status(HUMMER, 9)
    assert await list_vins(api.acme) == []
    request = await delete(api.acme, HUMMER)
    (found,) = (await ask(api.acme)).body["deletions"]
    assert (found["requestId"], found["vehicleStatusId"], found["plate"]) == (request, 9, "HUM001")
    assert (found["reason"], found["byName"]) == ("Twice", "key Acme")
    assert await list_vins(api.beta) == []
    await api.acme.send("POST", f"/api/v2/requests/{request}/undo", None)
    assert await list_vins(api.acme) == []
    again = await delete(api.acme, HUMMER)
    assert [one["requestId"] for one in (await ask(api.acme)).body["deletions"]] == [again]


@pytest.mark.long("postgres")
async def test_an_erasure_after_the_deletion_does_not_take_it_off_the_list(api: Api) -> None:
    await api.acme.register(HUMMER, ownerName="Ana")
    await delete(api.acme, HUMMER)
    reply = await api.acme.send("POST", "/api/v2/erasures", '{"value": "Ana", "fields": ["ownerName"]}')
    assert reply.body["erased"]
    assert await list_vins(api.acme) == [HUMMER]


async def test_pages_follow_each_other_and_a_foreign_cursor_is_refused(api: Api) -> None:
    for vin in (HUMMER, JEEP):
        await api.acme.register(vin)
        await delete(api.acme, vin)
    first = (await ask(api.acme, "?limit=1")).body
    assert (first["deletions"][0]["vin"], first["more"]) == (JEEP, True)
    second = (await ask(api.acme, f"?limit=1&cursor={first['nextCursor']}")).body
    assert (second["deletions"][0]["vin"], second["more"], second["nextCursor"]) == (HUMMER, False, None)
    feed = (await api.acme.get("/api/v2/changes?limit=1")).body["nextCursor"]
    assert (await ask(api.acme, f"?cursor={feed}")).status == 400


@pytest.mark.long("postgres")
@pytest.mark.own_register
async def test_what_cannot_be_brought_back_any_more_is_not_listed(api: Api) -> None:
    await api.acme.register(HUMMER)
    await delete(api.acme, HUMMER)
    clock = api.runtime.clock
    assert isinstance(clock, SteppedClock)
    clock.now = NOON + UNDOABLE - timedelta(minutes=1)
    assert await list_vins(api.acme) == [HUMMER]
    clock.now = NOON + UNDOABLE + timedelta(minutes=1)
    assert await list_vins(api.acme) == []
