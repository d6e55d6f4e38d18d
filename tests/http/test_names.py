"""One way of naming: every page has nextCursor and more, and every object calls its own id ``id``."""

import json
from typing import Any

import pytest

from tests.cast import HUMMER, make_vin
from tests.http.api import HISTORY, LIST, Api
from tests.http.document import DOCUMENT
from tests.http.operations_api import CLAIMS, RUNS, answer, claim, declare, start
from tests.http.test_changes import CHANGES

pytestmark = pytest.mark.long("postgres")

SHAPES: dict[str, Any] = DOCUMENT["components"]["schemas"]
PERIOD = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:20Z"
IMPORTS = "/api/v2/imports"
WEBHOOK = {"url": "https://fleet.example/padron", "eventTypes": ["vehicle.registered"]}

# What an object was told by before; and members of that kind that name another object, so they stay as they are.
FORMER_NAMES = {
    ("RunShape", "runId"), ("ClaimShape", "claimId"), ("ImportShape", "importId"), ("DuplicateVehicle", "vehicleId"),
    ("FormerShape", "vehicleId"),
}  # fmt: skip
REFERENCES = {
    ("ClaimShape", "runId"), ("ResultShape", "runId"), ("ResultShape", "claimId"), ("ResultAnswerShape", "claimId"),
    ("GivenResultBody", "claimId"), ("WebhookTested", "webhookId"), ("DeletedVehicleShape", "vehicleId"),
    ("ErasedVehicleShape", "vehicleId"), ("DeletionShape", "vehicleId"),
}  # fmt: skip


def test_a_former_name_of_an_id_is_deprecated_beside_the_id() -> None:
    for shape, name in FORMER_NAMES:
        members = SHAPES[shape]["properties"]
        assert members[name]["deprecated"] is True, shape
        assert members["id"]["type"] == members[name]["type"]
        assert {"id", name} <= set(SHAPES[shape]["required"])
    deprecated = {
        (shape, name)
        for shape, described in SHAPES.items()
        for name, member in described.get("properties", {}).items()
        if member.get("deprecated")
    }
    assert deprecated == FORMER_NAMES


def test_nothing_else_calls_its_own_id_by_another_name() -> None:
    own = {"runId", "claimId", "importId", "vehicleId", "webhookId", "deliveryId", "planId", "endpointId"}
    found = {
        (shape, name) for shape, described in SHAPES.items() for name in described.get("properties", {}) if name in own
    }
    assert found == FORMER_NAMES | REFERENCES


def test_every_page_has_both_members() -> None:
    pages = {shape for shape, described in SHAPES.items() if "nextCursor" in described.get("properties", {})}
    assert len(pages) == 16
    for shape in pages:
        assert {"nextCursor", "more"} <= set(SHAPES[shape]["required"]), shape
        assert SHAPES[shape]["properties"]["more"] == {"type": "boolean"}, shape
    assert {shape for shape, described in SHAPES.items() if "more" in described.get("properties", {})} == pages


async def fill(api: Api) -> dict[str, str]:
    """Make three of everything, and give each list by its address, with the name of its members."""
    await api.acme.register(HUMMER)
    for status in (3, 4, 1):
        await api.acme.patch_status(HUMMER, status)
    for number in range(2):
        await api.acme.put_vehicle(make_vin(number))
        await api.keep_duplicates(make_vin(5 + number))
    await api.keep_duplicates(make_vin(7))
    await declare(api.acme)
    run = await start(api.acme, {"vins": [HUMMER, make_vin(0), make_vin(1)]})
    for claimed in await claim(api.acme, 3):
        assert (await answer(api.acme, claimed["id"])).status == 200
    for _ in range(2):
        await start(api.acme, {"vins": [HUMMER]})
        (claimed,) = await claim(api.acme)
        await answer(api.acme, claimed["id"])
    for number in range(3):
        body = {"vehicleStatusId": 4, "effectiveAt": f"2027-01-0{number + 1}T00:00:00Z"}
        assert (await api.acme.patch(f"{LIST}/{HUMMER}/status", body)).status == 202
        started = await api.acme.send("POST", f"{IMPORTS}?dryRun=true", "vin\n", {"Content-Type": "text/csv"})
        assert started.body["id"] == started.body["importId"]
        await api.acme.get(f"/api/v2/gate/{make_vin(90 + number)}?operation=dispatch")
    for number in range(20, 23):
        await api.acme.put_vehicle(make_vin(number))
        await api.acme.send("DELETE", f"{LIST}/{make_vin(number)}", None)
    hook = (await api.acme.send("POST", "/api/v2/webhooks", json.dumps(WEBHOOK))).body["id"]
    return {
        f"{LIST}?limit=2": "vehicles",
        f"{LIST}?limit=2&operational=true": "vehicles",
        f"{HISTORY}?limit=2": "history",
        f"{CHANGES}?limit=2": "changes",
        "/api/v2/duplicates?limit=2": "duplicates",
        f"{RUNS}/{run['id']}/results?limit=2": "results",
        f"{LIST}/{HUMMER}/results?limit=2": "results",
        "/api/v2/planned-changes?limit=2": "plannedChanges",
        f"{IMPORTS}?limit=2": "imports",
        "/api/v2/gate/refusals?limit=2": "refusals",
        "/api/v2/deletions?limit=2": "deletions",
        f"/api/v2/reports/time-in-status?{PERIOD}&limit=2": "vehicles",
        f"/api/v2/webhooks/{hook}/deliveries?limit=2": "deliveries",
    }


async def test_one_loop_walks_every_list_and_the_feed(api: Api) -> None:
    for target, members in (await fill(api)).items():
        page = (await api.acme.get(target)).body
        seen, pages = [*page[members]], 1
        while page["more"]:
            assert isinstance(page["nextCursor"], str), target
            name = "after" if target.startswith(CHANGES) else "cursor"
            page = (await api.acme.get(f"{target}&{name}={page['nextCursor']}")).body
            seen += page[members]
            pages += 1
        assert page["more"] is False
        assert (page["nextCursor"] is None) is not target.startswith(CHANGES)
        if "deliveries" not in target:  # there is no worker that makes some
            assert pages >= 2, target
        assert seen == (await api.acme.get(target.replace("limit=2", "limit=100"))).body[members], target


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_an_object_told_by_its_id_is_found_by_it(api: Api) -> None:
    await fill(api)
    run = await start(api.acme, {"vins": [make_vin(0)]})
    assert run["id"] == run["runId"]
    assert (await api.acme.get(f"{RUNS}/{run['id']}")).body["id"] == run["id"]
    (claimed,) = (await api.acme.send("POST", CLAIMS, "{}")).body["claims"]
    assert (claimed["id"], claimed["runId"]) == (claimed["claimId"], run["id"])
    group = (await api.acme.get(f"/api/v2/duplicates?vin={make_vin(7)}")).body["duplicates"][0]
    for vehicle in group["vehicles"]:
        assert vehicle["id"] == vehicle["vehicleId"]
        assert (await api.acme.get(f"{LIST}/{make_vin(7)}/history?vehicleId={vehicle['id']}")).status == 200
