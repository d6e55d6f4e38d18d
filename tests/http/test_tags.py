"""An ETag or a revision fits the one vehicle and the one state that it was given for, whoever bears the VIN later."""

import csv
import io
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cast import HUMMER, JEEP, registered, save
from tests.conftest import SteppedClock
from tests.http.api import LIST, STATUS, UPSERT, VEHICLE, Api, Reply, on_both
from tests.http.plans_api import give, pass_time
from tests.service.importing import count, run
from tests.tables import each_row

BULK = f"{LIST}/status"
GATE = f"/api/v2/gate/{HUMMER}?operation=dispatch"
OLD, NEW = "RTA412C", "NEW001"  # plates of the first vehicle and of its namesake

pytestmark = pytest.mark.own_register  # each test has a clock of its own, and counts its vehicles


class StoppedClock(SteppedClock):
    """A clock that shows the same instant each time, so that no tag differs by it."""

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> SteppedClock:
    kind: type[SteppedClock] = getattr(request, "param", SteppedClock)
    return kind()


@dataclass(frozen=True, kw_only=True)
class Former:
    """What a client remembers of a vehicle that bore the VIN HUMMER."""

    etag: str
    gate: str
    row: dict[str, str]  # of an export
    request_id: str  # of its last change
    vehicle_id: int

    @property
    def revision(self) -> str:
        return self.etag.strip('"')


async def read_export(api: Api, query: str = "") -> list[dict[str, str]]:
    reply = await api.acme.get(f"{LIST}.csv{query}")
    assert reply.status == 200, reply.content
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))


async def remember(api: Api, number: int) -> Former:
    """Register a vehicle, bring it to this revision, and give what a client knows of it then."""
    last = await api.acme.register(HUMMER, plate=OLD, doors=4)
    for step in range(2, number + 1):
        last = await api.acme.patch_status(HUMMER, 4 if step % 2 == 0 else 1)
    reply = await api.acme.get(VEHICLE)
    assert reply.revision == number
    (row,) = await read_export(api, f"?vin={HUMMER}")
    assert row["revision"] == reply.etag.strip('"')
    (vehicle,) = await api.store.read(api.acme.account_id).list_by_vin(HUMMER)
    return Former(
        etag=reply.etag,
        gate=(await api.acme.get(GATE)).etag,
        row=row,
        request_id=last.headers["x-request-id"],
        vehicle_id=vehicle.vehicle_id,
    )


async def move_and_register(api: Api) -> None:
    """The first vehicle gets another VIN by its plate, and a new one is registered with the former VIN."""
    assert (await api.acme.upsert(JEEP, OLD)).status == 200
    await api.acme.register(HUMMER, plate=NEW)


async def move_and_upsert(api: Api) -> None:
    """The same, and the new one comes by the plate's call too."""
    assert (await api.acme.upsert(JEEP, OLD)).status == 200
    assert (await api.acme.upsert(HUMMER, NEW)).status == 200


async def move_and_import(api: Api) -> None:
    """The same, and an import makes the new one."""
    assert (await api.acme.upsert(JEEP, OLD)).status == 200
    assert count(await run(api.runtime, api.cast, [{"vin": HUMMER, "plate": NEW}])) == {"registered": 1}


async def repair(api: Api, action: str, **members: Any) -> None:  # noqa: ANN401 - JSON
    await save(api.store, api.acme.account_id, registered(HUMMER, slot=1, plate=NEW))
    _, second = await api.store.read(api.acme.account_id).list_by_vin(HUMMER)
    body = json.dumps({"keep": second.vehicle_id, **members})
    reply = await api.acme.send("POST", f"/api/v2/duplicates/{HUMMER}/{action}", body)
    assert reply.status == 200, reply.content


async def resolve(api: Api) -> None:
    """A duplicate is kept in the first one's place."""
    await repair(api, "resolve")


async def merge(api: Api) -> None:
    """A duplicate is kept in the first one's place, with values of its own and of that one."""
    await repair(api, "merge", set={"doors": 3})


WAYS = [move_and_register, move_and_upsert, move_and_import, resolve, merge]
# Between instants that differ, a tag has more to differ by.
CLOCKS = [pytest.param(SteppedClock, marks=pytest.mark.long), StoppedClock]
by_each_way = pytest.mark.parametrize("replace_vehicle", WAYS)
Way = Callable[[Api], Awaitable[None]]


async def bring_to(api: Api, number: int) -> Reply:
    """Change the vehicle that bears HUMMER now until it has this revision too, and is sold then."""
    reply = await api.acme.get(VEHICLE)
    while reply.revision < number:
        sold = reply.revision == number - 1
        assert (await api.acme.patch_status(HUMMER, 8 if sold else reply.revision + 2)).status == 204
        reply = await api.acme.get(VEHICLE)
    assert (reply.revision, reply.body["vehicleStatusId"]) == (number, 8)
    return reply


@pytest.mark.long("postgres")
@pytest.mark.parametrize("clock", CLOCKS, indirect=True)
@by_each_way
async def test_no_tag_of_a_vehicle_fits_the_one_that_has_its_vin_now(api: Api, replace_vehicle: Way) -> None:
    former = await remember(api, 5)
    await replace_vehicle(api)
    now = await bring_to(api, 5)
    assert now.etag != former.etag
    for named in (former.etag, f"W/{former.etag}", f'"x", {former.etag}'):
        for path in (VEHICLE, STATUS):
            assert (await api.acme.get(path, If_None_Match=named)).body["vehicleStatusId"] == 8
    for named in (former.gate, f"W/{former.gate}", former.etag):
        assert (await api.acme.get(GATE, If_None_Match=named)).body["allowed"] is False
    later = {"vehicleStatusId": 1, "effectiveAt": give(1)}
    for reply in (
        await api.acme.patch_status(HUMMER, 1, If_Match=former.etag),
        await api.acme.patch(STATUS, later, If_Match=former.etag),
        await api.acme.patch(STATUS, {"vehicleStatusId": 1, "until": give(1)}, If_Match=former.etag),
        await api.acme.put(VEHICLE, {"doors": 2}, If_Match=former.etag),
        await api.acme.put(UPSERT, {"vehicleInfo": {"vin": HUMMER, "plate": NEW}}, If_Match=former.etag),
    ):
        assert reply.code == (412, "RevisionMismatch")
        assert "a different vehicle" in reply.detail
    for vehicle in ({"vehicleStatusId": 1}, later):
        body = {"vehicles": [{"vin": HUMMER, "revision": former.revision, **vehicle}]}
        (answer,) = (await api.acme.send("POST", BULK, json.dumps(body))).body["results"]
        assert (answer["status"], answer["errorDetail"]) == (412, "RevisionMismatch")
    imported = await run(api.runtime, api.cast, [{**former.row, "plate": "", "doors": "2", "vehicleStatusId": "1"}])
    assert [(one.column, "a different vehicle" in one.detail) for one in imported.refusals] == [("revision", True)]
    undone = await api.acme.send("POST", f"/api/v2/requests/{former.request_id}/undo")
    assert [one["outcome"] for one in undone.body["results"]] == ["left"]
    assert await api.acme.get_vehicle() == now.body
    assert (await api.acme.get(VEHICLE, If_None_Match=now.etag)).status == 304
    assert (await api.acme.get("/api/v2/planned-changes")).body["plannedChanges"] == []


@pytest.mark.long("postgres")
@by_each_way
async def test_the_tags_of_the_one_that_has_the_vin_now_fit(api: Api, replace_vehicle: Way) -> None:
    await remember(api, 5)
    await replace_vehicle(api)
    now = await bring_to(api, 5)
    assert (await api.acme.get(STATUS, If_None_Match=now.etag)).status == 304
    gate = await api.acme.get(GATE)
    assert (await api.acme.get(GATE, If_None_Match=gate.etag)).status == 304
    (row,) = await read_export(api, f"?vin={HUMMER}")
    assert count(await run(api.runtime, api.cast, [{**row, "doors": "2"}])) == {"updated": 1}
    assert (await api.acme.put(VEHICLE, {"doors": 5}, If_Match=now.etag)).status == 412
    edited = await api.acme.get(VEHICLE)
    body = {"vehicles": [{"vin": HUMMER, "revision": edited.etag.strip('"'), "vehicleStatusId": 1}]}
    (answer,) = (await api.acme.send("POST", BULK, json.dumps(body))).body["results"]
    assert (answer["status"], answer["outcome"]) == (204, "changed")
    assert (await api.acme.patch_status(HUMMER, 4, If_Match=f'"{answer["revision"]}"')).status == 204


@on_both("status", [1, 4], (4).__eq__)
async def test_a_gates_answer_is_never_still_true_of_another_vehicle(api: Api, status: int) -> None:
    """Whatever the new vehicle is, the same as the first one or not: it is another verdict."""
    former = await remember(api, 1)
    await move_and_register(api)
    await api.acme.patch_status(HUMMER, status)
    reply = await api.acme.get(GATE, If_None_Match=former.gate)
    assert (reply.status, reply.body["allowed"]) == (200, status == 1)
    assert reply.etag != former.gate


@on_both("stamp", [1, -1, 3_600_000_000], (1).__eq__)
async def test_no_tag_of_another_life_fits(api: Api, stamp: int) -> None:
    """After a backup is restored, a vehicle has ids and revisions again that it had before, at other instants."""
    former = await remember(api, 3)
    other = re.sub("t([0-9a-f]+)", lambda found: f"t{int(found[1], 16) + stamp:x}", former.etag)
    gate = former.gate.replace(former.revision, other.strip('"'))
    assert (await api.acme.get(VEHICLE, If_None_Match=other)).status == 200
    assert (await api.acme.get(STATUS, If_None_Match=other)).status == 200
    assert (await api.acme.get(GATE, If_None_Match=gate)).status == 200
    reply = await api.acme.patch_status(HUMMER, 8, If_Match=other)
    assert reply.code == (412, "RevisionMismatch")
    assert "before a backup was restored" in reply.detail
    assert (await api.acme.put(VEHICLE, {"doors": 2}, If_Match=other)).status == 412
    body = {"vehicles": [{"vin": HUMMER, "revision": other.strip('"'), "vehicleStatusId": 8}]}
    assert (await api.acme.send("POST", BULK, json.dumps(body))).body["results"][0]["status"] == 412
    imported = await run(api.runtime, api.cast, [{**former.row, "revision": other.strip('"'), "doors": "2"}])
    assert count(imported) == {"refused": 1}
    assert (await api.acme.get(VEHICLE)).etag == former.etag


async def test_the_same_calls_at_another_time_give_other_tags(api: Api, clock: SteppedClock) -> None:
    """Acme and Beta register the same vehicle as the first of theirs: only the instants differ."""
    first = await api.acme.register()
    clock.now += timedelta(hours=1)
    second = await api.beta.register()
    assert (first.revision, second.revision) == (1, 1)
    assert first.etag != second.etag
    assert (await api.beta.patch_status(HUMMER, 8, If_Match=first.etag)).status == 412


@pytest.mark.long("postgres")
async def test_a_plan_stays_with_its_vehicle_whatever_its_vin_is(api: Api) -> None:
    etag = (await api.acme.register(HUMMER, plate=OLD)).etag
    later = {"vehicleStatusId": 8, "effectiveAt": give(1)}
    assert (await api.acme.patch(STATUS, later, If_Match=etag)).status == 202
    await move_and_register(api)
    namesake = await api.acme.get(VEHICLE)
    await pass_time(api, 1)
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 8
    assert (await api.acme.get(VEHICLE)).etag == namesake.etag


async def test_undo_takes_nothing_back_from_a_namesake(api: Api) -> None:
    """Not even when all that the request did would fit it: its status, its plate, its revision."""
    await api.acme.register(HUMMER, plate=OLD)
    changed = await api.acme.patch_status(HUMMER, 4)
    assert (await api.acme.upsert(JEEP, OLD)).status == 200
    await api.acme.register(HUMMER, plate=NEW)
    now = await api.acme.patch_status(HUMMER, 4)
    undone = await api.acme.send("POST", f"/api/v2/requests/{changed.headers['x-request-id']}/undo")
    assert [one["outcome"] for one in undone.body["results"]] == ["left"]
    assert (await api.acme.get(VEHICLE)).etag == now.etag


@pytest.mark.long("postgres")
async def test_every_answer_that_names_a_revision_names_the_one_that_is_read_then(api: Api) -> None:
    async def check(tag: str, vin: str = HUMMER) -> None:
        for path in (f"{LIST}/{vin}", f"{LIST}/{vin}/status"):
            assert (await api.acme.get(path)).etag == tag

    async def post(path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        reply = await api.acme.send("POST", path, None if body is None else json.dumps(body))
        assert reply.status == 200, reply.content
        return reply.body

    await check((await api.acme.register(HUMMER, plate=OLD)).etag)
    await check((await api.acme.put_vehicle(HUMMER, doors=2)).etag)
    await check((await api.acme.put_vehicle(HUMMER, doors=2)).etag)
    await check((await api.acme.upsert(HUMMER, OLD, ownerName="x")).etag)
    await check((await api.acme.upsert(JEEP, NEW)).etag, JEEP)
    await check((await api.acme.patch_status(HUMMER, 4)).etag)
    await check((await api.acme.patch_status(HUMMER, 4)).etag)
    await check((await api.acme.patch(STATUS, {"vehicleStatusId": 6, "until": give(30)})).etag)
    both = [{"vin": HUMMER, "vehicleStatusId": 3}, {"vin": HUMMER, "vehicleStatusId": 5}]
    bulk = await post(BULK, {"vehicles": both})
    await check(f'"{bulk["results"][-1]["revision"]}"')
    undone = await post(f"/api/v2/requests/{bulk['requestId']}/undo")
    await check(f'"{undone["results"][0]["revision"]}"')
    planned = await post(BULK, {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 1, "effectiveAt": give(40)}]})
    await check(f'"{planned["results"][0]["revision"]}"')
    await pass_time(api, 40)
    for row in await read_export(api):
        await check(f'"{row["revision"]}"', row["vin"])
    await save(api.store, api.acme.account_id, registered(HUMMER, slot=1))
    first, second = await api.store.read(api.acme.account_id).list_by_vin(HUMMER)
    members = {"keep": second.vehicle_id, "take": {"plate": first.vehicle_id, "vehicleStatusId": first.vehicle_id}}
    merged = await post(f"/api/v2/duplicates/{HUMMER}/merge", {**members, "set": {"doors": 9}})
    await check(f'"{merged["vehicle"]["revision"]}"')
    await post(f"/api/v2/requests/{merged['requestId']}/undo")
    (group,) = (await api.acme.get("/api/v2/duplicates")).body["duplicates"]
    seen = {str(one["vehicleId"]): one["revision"] for one in group["vehicles"]}
    resolved = await post(f"/api/v2/duplicates/{HUMMER}/resolve", {"keep": first.vehicle_id, "revisions": seen})
    assert resolved["vehicle"]["revision"] == seen[str(first.vehicle_id)]
    await check(f'"{resolved["vehicle"]["revision"]}"')


@pytest.mark.long("postgres")
@pytest.mark.parametrize("plain", [1, "1"])
async def test_a_plain_number_fits_nothing_and_the_answer_says_what_is_sent_now(api: Api, plain: int | str) -> None:
    await api.acme.register()
    body = {"vehicles": [{"vin": HUMMER, "revision": plain, "vehicleStatusId": 8}]}
    (answer,) = (await api.acme.send("POST", BULK, json.dumps(body))).body["results"]
    assert (answer["status"], answer["errorDetail"]) == (412, "RevisionMismatch")
    single = await api.acme.patch_status(HUMMER, 8, If_Match=f'"{plain}"')
    assert single.code == (412, "RevisionMismatch")
    imported = await run(api.runtime, api.cast, [{"vin": HUMMER, "doors": "4", "revision": str(plain)}])
    (refusal,) = imported.refusals
    for detail in (answer["detail"], single.detail):
        assert "A revision must be a tag" in detail
        assert detail.endswith("Read the vehicle again and decide.")
    assert "a revision must be a tag" in refusal.detail
    assert refusal.detail.endswith("Export the vehicles again and repeat the edit.")
    for path in (VEHICLE, STATUS, GATE):
        for named in (f'"{plain}"', f'W/"{plain}"', str(plain), '"unknown"', '"several"'):
            assert (await api.acme.get(path, If_None_Match=named)).status == 200
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.parametrize("engine", ["sqlite"])
@each_row("wrong", ["x", "", '"v1r1t1"', "v1r1", -1, 10**30])
async def test_a_revision_that_never_was_one_is_400_and_named(api: Api, wrong: int | str) -> None:
    await api.acme.put_vehicle()
    body = {"vehicles": [{"vin": HUMMER, "revision": wrong, "vehicleStatusId": 8}]}
    (answer,) = (await api.acme.send("POST", BULK, json.dumps(body))).body["results"]
    assert (answer["status"], answer["errorDetail"]) == (412 if wrong == 10**30 else 400, answer["errorDetail"])
    assert "revision" in answer["detail"].lower()


@pytest.mark.long("postgres")
@pytest.mark.parametrize("named", ["{}", "W/{}", '"x" ,\t{}', "W/{},,", "*", " * "])
async def test_the_gate_compares_weakly_like_every_other_read(api: Api, named: str) -> None:
    unknown = await api.acme.get(GATE)
    await api.acme.register()
    allowed = await api.acme.get(GATE)
    await api.acme.patch_status(HUMMER, 4)
    refused = await api.acme.get(GATE)
    etags = [unknown.etag, allowed.etag, refused.etag]
    assert len({*etags}) == 3
    for etag in etags:
        reply = await api.acme.get(GATE, If_None_Match=named.format(etag))
        assert reply.status == (304 if etag == refused.etag or "*" in named else 200)
        assert reply.etag == refused.etag


@pytest.mark.long("postgres")
async def test_the_gates_verdict_on_several_vehicles_is_another_when_any_of_them_is(api: Api) -> None:
    await api.keep_duplicates(count=2)
    several = await api.acme.get(GATE)
    assert several.body["reason"] == "several"
    assert (await api.acme.get(GATE, If_None_Match=several.etag)).status == 304
    await save(api.store, api.acme.account_id, registered(HUMMER, slot=2))
    three = await api.acme.get(GATE, If_None_Match=several.etag)
    assert (three.status, three.body["reason"]) == (200, "several")
    first, *_ = await api.store.read(api.acme.account_id).list_by_vin(HUMMER)
    body = json.dumps({"keep": first.vehicle_id})
    await api.acme.send("POST", f"/api/v2/duplicates/{HUMMER}/resolve", body)
    one = await api.acme.get(GATE, If_None_Match=f"{several.etag}, {three.etag}")
    assert (one.status, one.body["allowed"]) == (200, True)


@pytest.mark.long("postgres")
async def test_the_gates_tag_is_none_of_the_vehicle(api: Api) -> None:
    etag = (await api.acme.register()).etag
    gate = (await api.acme.get(GATE)).etag
    assert (await api.acme.get(GATE, If_None_Match=etag)).status == 200
    assert (await api.acme.get(VEHICLE, If_None_Match=gate)).status == 200
    assert (await api.acme.patch_status(HUMMER, 8, If_Match=gate)).status == 412
