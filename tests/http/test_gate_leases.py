"""Leases of local gates: given, renewed, ended and listed, and which answers wait for them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from padron.domain.limits import Limits
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, JEEP, make_vin, registered
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply

LEASES = "/api/v2/gate-leases"
SWITCH = "/api/v2/account/strict-gates"
SHORT_S = 1.0
SOON_S = 0.9  # what must not wait comes within this time, and what must wait does not come earlier than a lease ends


async def switch(api: Api, *, is_on: bool = True) -> Reply:
    reply = await api.acme.put(SWITCH, {"strictGates": is_on})
    check_reply("PUT", SWITCH, reply)
    assert reply.status == 200, reply.content
    return reply


async def take(client: Client, seconds: float = 10, name: str = "dispatch-7") -> dict[str, Any]:
    reply = await client.send("POST", LEASES, json.dumps({"seconds": seconds, "name": name}))
    check_reply("POST", LEASES, reply)
    assert reply.status == 201, reply.content
    body: dict[str, Any] = reply.body
    return body


async def renew(client: Client, lease_id: str, cursor: str) -> Reply:
    reply = await client.put(f"{LEASES}/{lease_id}", {"cursor": cursor})
    check_reply("PUT", f"{LEASES}/{lease_id}", reply)
    return reply


async def give_last(client: Client) -> str:
    return str((await client.get("/api/v2/changes/last")).body["cursor"])


async def acknowledge(client: Client, lease_id: str) -> None:
    assert (await renew(client, lease_id, await give_last(client))).status == 200


async def measure(work: Awaitable[Reply]) -> tuple[Reply, float]:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    return await work, loop.time() - began_s


@asynccontextmanager
async def awaited(api: Api, work: Awaitable[Reply]) -> AsyncIterator[asyncio.Task[Reply]]:
    """Run a call whose answer must wait for a lease, which the block acknowledges or ends."""
    before = api.runtime.leases.held_count
    call = asyncio.create_task(_finish(work))
    async with asyncio.timeout(10):
        while api.runtime.leases.held_count == before:
            assert not call.done(), call.result()
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert not call.done(), call.result()
    yield call
    reply = await asyncio.wait_for(call, 10)
    assert reply.status < 300, reply.content


async def _finish(work: Awaitable[Reply]) -> Reply:
    return await work


async def test_a_lease_is_for_accounts_that_turned_strict_gates_on(api: Api) -> None:
    assert (await api.acme.get(SWITCH)).body == {"strictGates": "off"}
    refused = await api.acme.send("POST", LEASES, "{}")
    check_reply("POST", LEASES, refused)
    assert refused.code == (409, "StrictGatesOff")
    assert (await switch(api)).body == {"strictGates": "on"} == (await api.acme.get(SWITCH)).body
    await switch(api)  # again changes nothing
    lease = (await api.acme.send("POST", LEASES)).body
    assert (lease["seconds"], lease["number"]) == (2.0, 0)
    assert (await api.beta.send("POST", LEASES, "{}")).code == (409, "StrictGatesOff")
    events = (await api.acme.get("/api/v2/account/events")).body["events"]
    assert [(one["type"], one["details"]) for one in events].count(("strictGatesSwitched", {"on": "true"})) == 1


async def test_a_lease_names_the_last_change_and_renewals_do(api: Api) -> None:
    await switch(api)
    await api.acme.register(HUMMER)
    lease = await take(api.acme, 3)
    assert (lease["seconds"], lease["number"]) == (3.0, 1)
    assert lease["cursor"] == await give_last(api.acme)
    await api.acme.register(JEEP, plate="JEEP001")
    renewed = await renew(api.acme, lease["leaseId"], lease["cursor"])
    assert {**renewed.body, "cursor": ""} == {**lease, "number": 2, "cursor": ""}
    (listed,) = (await api.acme.get(LEASES)).body["leases"]
    assert (listed["leaseId"], listed["number"], listed["name"], listed["ending"]) == (
        lease["leaseId"], 1, "dispatch-7", False,
    )  # fmt: skip
    await renew(api.acme, lease["leaseId"], renewed.body["cursor"])
    await renew(api.acme, lease["leaseId"], lease["cursor"])  # one that comes late acknowledges nothing less
    (listed,) = (await api.acme.get(LEASES)).body["leases"]
    assert listed["number"] == 2
    assert (await api.acme.get(LEASES)).body["strictGates"] == "on"


async def test_an_ended_lease_cannot_be_renewed_and_another_accounts_is_none(api: Api) -> None:
    await switch(api)
    lease = await take(api.acme)
    start = await give_last(api.beta)
    assert (await renew(api.beta, lease["leaseId"], start)).code == (404, "GateLeaseNotFound")
    for other in ("%00", "%ED%A0%80", "x" * 200, lease["leaseId"].upper() + "0"):  # some of which no database takes
        assert (await renew(api.acme, other, start)).code == (404, "GateLeaseNotFound")
        assert (await api.acme.send("DELETE", f"{LEASES}/{other}")).code == (404, "GateLeaseNotFound")
    assert (await api.beta.send("DELETE", f"{LEASES}/{lease['leaseId']}")).code == (404, "GateLeaseNotFound")
    assert (await api.acme.send("DELETE", f"{LEASES}/{lease['leaseId']}")).status == 204
    assert (await renew(api.acme, lease["leaseId"], start)).code == (404, "GateLeaseNotFound")
    assert (await api.acme.get(LEASES)).body["leases"] == []


@pytest.mark.parametrize("body", ['{"seconds": 0.4}', '{"seconds": 10.1}', '{"name": "a\\u0000"}', '{"x": 1}'])
async def test_a_bad_lease_is_refused(api: Api, body: str) -> None:
    await switch(api)
    assert (await api.acme.send("POST", LEASES, body)).code == (400, "BadParameters")


async def test_seconds_in_quotes_are_refused_with_what_to_do(api: Api) -> None:
    reply = await api.acme.send("POST", LEASES, '{"seconds": "2"}')
    assert reply.body["detail"] == "The body's seconds must be a number, not text. Write it without quotes."


@pytest.mark.parametrize("limits", [Limits(gate_leases=2)], ids=["two"])
@pytest.mark.usefixtures("limits")
async def test_an_account_has_so_many_leases_and_no_more(api: Api) -> None:
    await switch(api)
    first, _ = await take(api.acme), await take(api.acme)
    refused = await api.acme.send("POST", LEASES, "{}")
    assert refused.code == (429, "TooManyGateLeases")
    assert (await api.acme.send("DELETE", f"{LEASES}/{first['leaseId']}")).status == 204
    await take(api.acme)


async def test_a_lease_is_not_given_twice_for_one_key(api: Api) -> None:
    """A repeated answer would count from a later request, and name an earlier change."""
    await switch(api)
    first = await api.acme.send("POST", LEASES, "{}", {"Idempotency-Key": "one"})
    await api.acme.register(HUMMER)
    second = await api.acme.send("POST", LEASES, "{}", {"Idempotency-Key": "one"})
    assert (first.body["number"], second.body["number"]) == (0, 1)
    assert first.body["leaseId"] != second.body["leaseId"]


async def delete(api: Api) -> Reply:
    return await api.acme.send("DELETE", f"/api/v2/vehicles/{HUMMER}")


async def set_bulk(api: Api) -> Reply:
    body = {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 4}, {"vin": make_vin(1), "vehicleStatusId": 4}]}
    return await api.acme.send("POST", "/api/v2/vehicles/status", json.dumps(body))


async def set_until(api: Api) -> Reply:
    until = {"vehicleStatusId": 4, "until": "2027-01-01T00:00:00Z"}
    return await api.acme.patch(f"/api/v2/vehicles/{HUMMER}/status", until)


async def move_vin(api: Api) -> Reply:
    return await api.acme.upsert(JEEP, "RTA412C")


WAITING: dict[str, Callable[[Api], Awaitable[Reply]]] = {
    "single": lambda api: api.acme.patch_status(HUMMER, 4),
    "bulk": set_bulk,
    "until": set_until,
    "deletion": delete,
    "another VIN": move_vin,
}


@pytest.mark.parametrize("way", WAITING)
async def test_what_deactivates_waits_for_the_acknowledgement(api: Api, way: str) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    lease = await take(api.acme)
    async with awaited(api, WAITING[way](api)):
        change = (await api.acme.get(f"/api/v2/changes?after={lease['cursor']}")).body
        assert len(change["changes"]) == 1  # it is committed, and the feed has it
        await acknowledge(api.acme, lease["leaseId"])


@pytest.mark.parametrize("way", WAITING)
async def test_without_strict_gates_nothing_waits(api: Api, way: str) -> None:
    """Not even beside another account whose lease nobody renews."""
    await api.acme.register(HUMMER)
    await api.beta.put(SWITCH, {"strictGates": True})
    await take(api.beta)
    await asyncio.wait_for(WAITING[way](api), 5)
    assert api.runtime.leases.held_count == 0


async def test_an_undo_that_deactivates_waits(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    active = await api.acme.patch_status(HUMMER, 1)
    await switch(api)
    lease = await take(api.acme)
    path = f"/api/v2/requests/{active.headers['x-request-id']}/undo"
    async with awaited(api, api.acme.send("POST", path)):
        await acknowledge(api.acme, lease["leaseId"])
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 4


async def test_the_same_status_again_waits_as_well(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    lease = await take(api.acme)
    first, again = api.acme.patch_status(HUMMER, 4), api.acme.patch_status(HUMMER, 4)
    async with awaited(api, first), awaited(api, again), awaited(api, set_bulk(api)):
        await acknowledge(api.acme, lease["leaseId"])


async def test_a_status_from_before_the_switch_waits_as_well(api: Api) -> None:
    """Nothing was written since the switch, so the server has to look at the account."""
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    await switch(api)
    lease = await take(api.acme)
    await api.store.write(api.acme.account_id, add_jeep)  # the lease has not acknowledged this
    api.store.strict_accounts._switches.clear()  # as in a server that was just started
    async with awaited(api, api.acme.patch_status(HUMMER, 4)):
        await acknowledge(api.acme, lease["leaseId"])


async def add_jeep(transaction: WriteTransaction) -> None:
    await transaction.save_changes([registered(JEEP)])


async def test_an_answer_given_again_waits_as_well(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    body = json.dumps({"vehicles": [{"vin": HUMMER, "vehicleStatusId": 4}]})

    def send() -> Awaitable[Reply]:
        return api.acme.send("POST", "/api/v2/vehicles/status", body, {"Idempotency-Key": "one"})

    lease = await take(api.acme)
    async with awaited(api, send()):
        again = asyncio.ensure_future(send())
        await asyncio.sleep(0.1)
        assert not again.done() or again.result().code == (409, "KeyInUse")
        await acknowledge(api.acme, lease["leaseId"])
    await api.acme.patch_status(HUMMER, 1)
    await api.acme.register(JEEP, plate="JEEP001")  # the lease has not acknowledged this
    async with awaited(api, send()) as replayed:
        await acknowledge(api.acme, lease["leaseId"])
    assert replayed.result().headers["idempotency-replayed"] == "true"


async def test_what_does_not_deactivate_does_not_wait(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    await switch(api)
    await take(api.acme)
    works: list[Awaitable[Reply]] = [
        api.acme.patch_status(HUMMER, 1),
        api.acme.patch_status(JEEP, 4),
        api.acme.register(JEEP, plate="JEEP001"),
    ]
    for work in works:
        await asyncio.wait_for(work, 5)
    assert api.runtime.leases.held_count == 0


async def test_an_ended_lease_holds_up_nobody(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    lease = await take(api.acme)
    async with awaited(api, api.acme.patch_status(HUMMER, 4)):
        await api.acme.send("DELETE", f"{LEASES}/{lease['leaseId']}")


async def test_each_lease_is_waited_for(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    leases = [await take(api.acme) for _ in range(3)]
    async with awaited(api, api.acme.patch_status(HUMMER, 4)) as call:
        for lease in leases[:2]:
            await acknowledge(api.acme, lease["leaseId"])
        await asyncio.sleep(0.1)
        assert not call.done()
        await acknowledge(api.acme, leases[2]["leaseId"])


async def test_a_dead_lease_delays_one_deactivation_by_its_seconds_and_later_ones_not(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP001")
    await switch(api)
    lease = await take(api.acme, SHORT_S)
    reply, took_s = await measure(api.acme.patch_status(HUMMER, 4))
    assert reply.status == 204
    assert took_s >= SHORT_S
    await asyncio.sleep(0.2)
    reply, took_s = await measure(api.acme.patch_status(JEEP, 4))
    assert reply.status == 204
    assert took_s < SOON_S
    assert (await renew(api.acme, lease["leaseId"], lease["cursor"])).code == (404, "GateLeaseNotFound")
    assert (await api.acme.get(LEASES)).body["leases"] == []


async def test_a_lease_that_is_renewed_but_not_acknowledged_is_ended_in_two_steps(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP001")
    await switch(api)
    lease = await take(api.acme, SHORT_S)

    async def keep_renewing() -> None:
        for _ in range(100):
            if (await renew(api.acme, lease["leaseId"], lease["cursor"])).status != 200:
                return
            await asyncio.sleep(0.05)

    renewing = asyncio.ensure_future(keep_renewing())
    reply, took_s = await measure(api.acme.patch_status(HUMMER, 4))
    assert reply.status == 204
    assert took_s >= SHORT_S
    await asyncio.wait_for(renewing, 2)
    (listed,) = (await api.acme.get(LEASES)).body["leases"]
    assert listed["ending"] is True
    # It was renewed just before it was marked, so its holder may answer for almost its seconds.
    reply, took_s = await measure(api.acme.patch_status(JEEP, 4))
    assert 0.2 < took_s < SHORT_S + SOON_S
    await asyncio.sleep(0.2)
    assert (await api.acme.get(LEASES)).body["leases"] == []


async def test_strict_gates_are_turned_off_only_after_all_leases(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)
    lease = await take(api.acme, 2)
    ending = asyncio.ensure_future(measure(switch(api, is_on=False)))
    await asyncio.sleep(0.2)
    assert (await api.acme.get(SWITCH)).body == {"strictGates": "ending"}
    assert (await renew(api.acme, lease["leaseId"], lease["cursor"])).code == (404, "GateLeaseNotFound")
    assert (await api.acme.send("POST", LEASES, "{}")).code == (409, "StrictGatesOff")
    async with awaited(api, api.acme.patch_status(HUMMER, 4)):
        pass
    reply, took_s = await ending
    assert reply.body == {"strictGates": "off"}
    assert took_s >= 2
    await switch(api)
    await take(api.acme)
    await api.acme.patch_status(HUMMER, 1)
    async with awaited(api, api.acme.patch_status(HUMMER, 4)):
        for one in (await api.acme.get(LEASES)).body["leases"]:
            await api.acme.send("DELETE", f"{LEASES}/{one['leaseId']}")
