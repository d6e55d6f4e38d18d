"""A copy that is loaded once and then follows the feed answers what the gate answers, whatever happens to vehicles."""

import json
import random
from dataclasses import dataclass, field

import pytest

from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, make_vin, registered
from tests.http.api import Api

VINS = [make_vin(number) for number in range(9)]
STEPS = 90
PAGE = 3


@dataclass
class Copy:
    """What a local gate keeps: the VINs that it allows, and the last change that it applied."""

    cursor: str
    number: int
    allowed: set[str] = field(default_factory=set)


async def load(api: Api) -> Copy:
    head, *vins, end = map(json.loads, (await api.acme.get("/api/v2/gate-set")).content.splitlines())
    assert end == {"end": len(vins)}
    return Copy(cursor=head["cursor"], number=head["number"], allowed={*vins})


async def follow(api: Api, copy: Copy) -> None:
    while True:
        page = (await api.acme.get(f"/api/v2/changes?after={copy.cursor}&limit={PAGE}")).body
        for change in page["changes"]:
            assert change["number"] == copy.number + 1  # without filters no number is left out
            copy.number = change["number"]
            verdicts = {change["vin"]: change["allowed"]}
            if "vin" in change.get("former", {}):
                verdicts[change["former"]["vin"]] = change["formerAllowed"]
            for vin, allowed in verdicts.items():
                (copy.allowed.add if allowed else copy.allowed.discard)(vin)
        copy.cursor = page["nextCursor"]
        if not page["more"]:
            return


async def ask(api: Api) -> set[str]:
    asked = json.dumps({"operation": "dispatch", "vins": [*VINS, HUMMER]})
    results = (await api.acme.send("POST", "/api/v2/gate", asked)).body["results"]
    return {one["vin"] for one in results if one["allowed"]}


async def add_duplicate(api: Api, vin: Vin, status: VehicleStatus) -> None:
    """Register one more vehicle with this VIN, as an import of legacy data may."""

    async def work(transaction: WriteTransaction) -> None:
        taken = [vehicle.slot for vehicle in await transaction.lock_vehicles([vin])]
        await transaction.save_changes([registered(vin, slot=max(taken, default=-1) + 1, status=status)])

    await api.store.write(api.acme.account_id, work)


async def step(api: Api, chance: random.Random, done: list[str]) -> None:
    """Do something at random that may succeed or be refused, and note the requests that can be undone."""
    vin, other = chance.sample(VINS, 2)
    match chance.randrange(8):
        case 0:
            reply = await api.acme.put(f"/api/v2/vehicles/{vin}", {"plate": f"P{VINS.index(vin)}"})
        case 1 | 2:
            reply = await api.acme.patch_status(vin, chance.choice([1, 1, 4]))
        case 3:
            reply = await api.acme.send("DELETE", f"/api/v2/vehicles/{vin}")
        case 4:  # the vehicle with this plate gets another VIN
            listed = [one for one in await api.acme.list_vehicles() if one.get("plate")] or [{"plate": "NEW"}]
            reply = await api.acme.upsert(other, chance.choice(listed)["plate"])
        case 5:
            await add_duplicate(api, vin, chance.choice([VehicleStatus.ACTIVE, VehicleStatus.STOLEN]))
            return
        case 6:
            found = (await api.acme.get("/api/v2/duplicates")).body["duplicates"]
            if not found:
                return
            shown = chance.choice(found)
            body = {"keep": shown["vehicles"][-1]["vehicleId"]}
            reply = await api.acme.send("POST", f"/api/v2/duplicates/{shown['vin']}/resolve", json.dumps(body))
        case _:
            if not done:
                return
            reply = await api.acme.send("POST", f"/api/v2/requests/{done.pop()}/undo")
    assert reply.status < 500, reply.content
    if reply.status < 400:
        done.append(reply.headers["x-request-id"])


@pytest.mark.parametrize("seed", range(4))
async def test_a_copy_that_follows_answers_like_the_gate(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    await api.acme.register(HUMMER, plate="HUMMER")
    copies = [await load(api)]
    done: list[str] = []
    for number in range(STEPS):
        await step(api, chance, done)
        if number % 20 == 0:
            copies.append(await load(api))
        for copy in copies[:: chance.choice([1, 2])]:
            await follow(api, copy)
            assert copy.allowed == await ask(api), (seed, number)
    kinds = {one["type"] for one in (await api.acme.get("/api/v2/changes?limit=500")).body["changes"]}
    assert len(kinds) == 4, kinds
