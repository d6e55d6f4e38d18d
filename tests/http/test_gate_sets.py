"""``GET /api/v2/gate-set`` and ``GET /api/v2/changes/last``: what a local gate begins with, and what dates it."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from padron.domain.gate import GateSet, GateSetPart
from padron.domain.status import SETTABLE_STATUSES
from padron.service.operations import gate_sets
from padron.store.gate import HeldGate
from tests.cast import HUMMER, JEEP, make_vin
from tests.http.api import Api, Client, before_the_store

SET = "/api/v2/gate-set"
LAST = "/api/v2/changes/last"


@dataclass(frozen=True)
class Loaded:
    head: dict[str, Any]
    vins: list[str]
    end: int


async def load(client: Client, of: str = "operable") -> Loaded:
    reply = await client.get(f"{SET}?of={of}")
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.content.endswith(b"\n")
    head, *vins, end = [json.loads(line) for line in reply.content.splitlines()]
    return Loaded(head=head, vins=vins, end=end["end"])


async def ask(api: Api, vins: list[str]) -> dict[str, bool]:
    asked = json.dumps({"operation": "dispatch", "vins": vins})
    results = (await api.acme.send("POST", "/api/v2/gate", asked)).body["results"]
    return {one["vin"]: one["allowed"] for one in results}


async def build_fleet(api: Api) -> list[str]:
    """Give Acme a vehicle in each status, duplicates and a deleted vehicle."""
    vins = [make_vin(number) for number in range(20)]
    for vin, status in zip(vins, SETTABLE_STATUSES, strict=False):
        await api.acme.register(vin, brandName="Hummer")
        await api.acme.patch_status(vin, status)
    for vin in (HUMMER, make_vin(30), make_vin(31)):
        await api.keep_duplicates(vin)
    await api.acme.register(JEEP, brandName="Jeep")
    await api.acme.register(make_vin(40), brandName="Jeep")
    assert (await api.acme.send("DELETE", f"/api/v2/vehicles/{make_vin(40)}")).status == 200
    return [*vins, HUMMER, make_vin(30), make_vin(31), JEEP, make_vin(40)]


@pytest.mark.parametrize("part", [1, 3, 1_000])
async def test_the_set_is_what_the_gate_says_of_each_vin(api: Api, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(gate_sets, "PART_VEHICLES", part)
    monkeypatch.setattr(gate_sets, "MEMORY_BYTES", 50)
    vins = await build_fleet(api)
    await api.beta.register(make_vin(50), brandName="Jeep")
    verdicts = await ask(api, vins)
    operable, refused = await load(api.acme), await load(api.acme, "refused")
    assert len(operable.vins) == len({*operable.vins}) == operable.end == operable.head["operable"]
    assert len(refused.vins) == len({*refused.vins}) == refused.end == refused.head["refused"]
    assert {*operable.vins} == {vin for vin, allowed in verdicts.items() if allowed}
    assert {*operable.vins, *refused.vins} == {*vins} - {*vins[len(SETTABLE_STATUSES) : 20], make_vin(40)}
    assert (operable.head["of"], refused.head["of"]) == ("operable", "refused")
    for count in ("operable", "refused"):
        assert operable.head[count] == refused.head[count]


async def test_the_set_is_of_one_instant_which_its_head_names(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_sets, "PART_VEHICLES", 1)
    for number in range(4):
        await api.acme.register(make_vin(number), brandName="Jeep")
    read_part, is_changed = HeldGate.read_part, False

    async def change_between(held: HeldGate, of: GateSet, after: int, limit: int) -> GateSetPart:
        nonlocal is_changed
        part = await read_part(held, of, after, limit)
        if not is_changed:
            is_changed = True
            await api.acme.patch_status(make_vin(3), 4)
            await api.acme.register(make_vin(9), brandName="Jeep")
        return part

    monkeypatch.setattr(HeldGate, "read_part", change_between)
    loaded = await load(api.acme)
    assert {*loaded.vins} == {make_vin(number) for number in range(4)}
    assert (loaded.head["number"], loaded.head["operable"], loaded.head["refused"]) == (4, 4, 0)
    later = (await api.acme.get(f"/api/v2/changes?after={loaded.head['cursor']}")).body["changes"]
    assert [change["number"] for change in later] == [5, 6]


async def test_an_empty_account_has_an_empty_set(api: Api) -> None:
    await api.beta.register(HUMMER)
    loaded = await load(api.acme)
    assert (loaded.vins, loaded.end, loaded.head["number"], loaded.head["refused"]) == ([], 0, 0, 0)
    await api.acme.register(HUMMER)
    (change,) = (await api.acme.get(f"/api/v2/changes?after={loaded.head['cursor']}")).body["changes"]
    assert change["vin"] == HUMMER


async def test_several_sets_of_one_account_are_read_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_sets, "PART_VEHICLES", 2)
    for number in range(10):
        await api.acme.register(make_vin(number), brandName="Jeep")
    loaded = await asyncio.gather(*(load(api.acme) for _ in range(6)))
    assert {one.end for one in loaded} == {10}


@before_the_store
async def test_another_set_does_not_exist(api: Api) -> None:
    reply = await api.acme.get(f"{SET}?of=all")
    assert reply.code == (400, "BadParameters")
    assert reply.detail == "of is 'all': it must be operable or refused."


async def test_the_last_change_is_the_end_of_the_feed(api: Api) -> None:
    assert (await api.acme.get(LAST)).body["number"] == 0
    start = (await api.acme.get(LAST)).body["cursor"]
    await api.acme.register(HUMMER)
    await api.beta.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    last = (await api.acme.get(LAST)).body
    feed = (await api.acme.get(f"/api/v2/changes?after={start}")).body
    assert last == {"number": 2, "cursor": feed["nextCursor"]}
    assert [change["number"] for change in feed["changes"]] == [1, 2]
    assert (await api.beta.get(LAST)).body["number"] == 1
