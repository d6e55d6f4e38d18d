"""POST /api/v2/gate, GET /api/v2/gate/{vin} and GET /api/v2/gate/refusals."""

import json
from datetime import timedelta
from typing import Any

import pytest

from padron.domain.gate import RefusalQuery
from padron.domain.status import SETTABLE_STATUSES
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.http.api import Api, Reply, before_the_store
from tests.tables import each_row

GATE = "/api/v2/gate"
REFUSALS = f"{GATE}/refusals"


async def ask(api: Api, *vins: str, operation: str = "dispatch") -> Reply:
    return await api.acme.send("POST", GATE, _encode({"operation": operation, "vins": list(vins)}))


async def ask_one(api: Api, vin: str = HUMMER, operation: str = "dispatch", **headers: str) -> Reply:
    return await api.acme.get(f"{GATE}/{vin}?operation={operation}", **headers)


async def list_refusals(api: Api, query: str = "") -> list[dict[str, Any]]:
    reply = await api.acme.get(f"{REFUSALS}?{query}" if query else REFUSALS)
    assert reply.status == 200, reply.content
    refusals: list[dict[str, Any]] = reply.body["refusals"]
    return refusals


def _encode(body: object) -> bytes:
    return json.dumps(body).encode()


async def test_the_gate_answers_for_each_vin_in_order_and_says_why_not(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP001")
    await api.acme.patch_status(JEEP, 3)
    await api.keep_duplicates(make_vin(7))
    since = (await api.acme.get_vehicle(JEEP))["statusSince"]
    reply = await ask(api, JEEP.lower(), HUMMER, UNKNOWN_VIN, make_vin(7), HUMMER)
    assert reply.status == 200
    assert reply.body["results"] == [
        {"vin": JEEP, "allowed": False, "reason": "notActive", "vehicleStatusId": 3, "since": since},
        {"vin": HUMMER, "allowed": True},
        {"vin": UNKNOWN_VIN, "allowed": False, "reason": "unknown"},
        {"vin": make_vin(7), "allowed": False, "reason": "several"},
        {"vin": HUMMER, "allowed": True},
    ]


@pytest.mark.long("postgres")
async def test_only_active_vehicles_pass(api: Api) -> None:
    await api.acme.register(HUMMER)
    for status in SETTABLE_STATUSES:
        await api.acme.patch_status(HUMMER, status)
        assert (await ask_one(api)).body["allowed"] is (status == 1)


@pytest.mark.long("postgres")
async def test_the_answer_carries_the_cursor_that_it_reflects(api: Api) -> None:
    await api.acme.register(HUMMER)
    cursor = (await ask(api, HUMMER)).body["cursor"]
    assert (await api.acme.get(f"/api/v2/changes?after={cursor}")).body["changes"] == []
    await api.acme.patch_status(HUMMER, 8)
    (change,) = (await api.acme.get(f"/api/v2/changes?after={cursor}")).body["changes"]
    assert change["toStatusId"] == 8


@pytest.mark.long("postgres")
async def test_another_accounts_vehicle_is_unknown(api: Api) -> None:
    await api.beta.register(HUMMER)
    assert (await ask_one(api)).body["reason"] == "unknown"


@pytest.mark.long("postgres")
async def test_a_vehicle_that_is_active_again_passes_again(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    await api.acme.patch_status(HUMMER, 1)
    assert (await ask_one(api)).body["allowed"] is True


@before_the_store
@each_row(
    "body, told",
    [
        ({"operation": "dispatch", "vins": []}, "vins has 0"),
        ({"operation": "dispatch", "vins": [HUMMER] * 1001}, "vins has 1001"),
        ({"operation": "dispatch", "vins": [HUMMER, "X"]}, "vins[1]: The VIN has 1"),
        ({"operation": "", "vins": [HUMMER]}, "operation is empty"),
        ({"operation": "x" * 101, "vins": [HUMMER]}, "operation has 101"),
        ({"operation": "a\0b", "vins": [HUMMER]}, "operation contains"),
        ({"vins": [HUMMER]}, "operation"),
        ({"operation": "dispatch"}, "vins"),
        ({"operation": "dispatch", "vins": [HUMMER], "more": 1}, "more"),
    ],
)
async def test_a_bad_question_is_refused_by_what_is_wrong(api: Api, body: object, told: str) -> None:
    reply = await api.acme.send("POST", GATE, _encode(body))
    assert reply.code == (400, "BadParameters")
    assert told in reply.detail


async def test_a_thousand_vins_are_answered_at_once(api: Api) -> None:
    await api.acme.register(make_vin(3), plate="AAA003")
    reply = await ask(api, *(make_vin(number) for number in range(1000)))
    assert [result["allowed"] for result in reply.body["results"]] == [number == 3 for number in range(1000)]


@pytest.mark.long("postgres")
async def test_the_single_form_needs_an_operation(api: Api) -> None:
    assert "operation is missing" in (await api.acme.get(f"{GATE}/{HUMMER}")).detail
    assert "operation is empty" in (await api.acme.get(f"{GATE}/{HUMMER}?operation=")).detail.replace("parameter ", "")


@pytest.mark.long("postgres")
async def test_the_single_form_answers_304_until_the_verdict_changes(api: Api) -> None:
    unknown = await ask_one(api)
    assert (await ask_one(api, If_None_Match=unknown.etag)).status == 304
    await api.acme.register(HUMMER)
    known = await ask_one(api, If_None_Match=unknown.etag)
    assert known.status == 200
    await api.acme.register(JEEP, plate="JEEP001")  # another vehicle's change leaves the tag
    assert (await ask_one(api, If_None_Match=known.etag)).status == 304
    await api.acme.patch_status(HUMMER, 9)
    assert (await ask_one(api, If_None_Match=known.etag)).body["allowed"] is False


@pytest.mark.long("postgres")
async def test_the_gate_needs_its_own_scope(api: Api) -> None:
    for method, target in (("POST", GATE), ("GET", f"{GATE}/{HUMMER}"), ("GET", REFUSALS)):
        assert (await api.gamma.send(method, target)).code == (403, "Forbidden")
        assert (await api.nobody.send(method, target)).code == (401, "Unauthorized")


async def test_refusals_are_counted_by_vehicle_operation_key_and_hour(api: Api, clock: Any) -> None:  # noqa: ANN401
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 8)
    for _ in range(3):
        await ask_one(api)
    await ask_one(api, operation="fines")
    await ask(api, UNKNOWN_VIN)
    rows = {(row["vin"], row["operation"]): row for row in await list_refusals(api)}
    assert {key: row["count"] for key, row in rows.items()} == {
        (HUMMER, "dispatch"): 3, (HUMMER, "fines"): 1, (UNKNOWN_VIN, "dispatch"): 1,
    }  # fmt: skip
    row = rows[HUMMER, "dispatch"]
    assert (row["reason"], row["vehicleStatusId"], row["by"]) == ("notActive", 8, api.acme.actor)
    assert row["firstAt"] < row["lastAt"]
    clock.now += timedelta(hours=1)
    await ask_one(api)
    await api.runtime.refusals.flush(api.acme.account_id)
    await ask_one(api)  # counted onto a row that is written already
    counts = [row["count"] for row in await list_refusals(api, f"vin={HUMMER}&operation=dispatch")]
    assert counts == [2, 3]


@pytest.mark.long("postgres")
async def test_what_is_allowed_is_not_remembered(api: Api) -> None:
    await api.acme.register(HUMMER)
    await ask_one(api)
    assert await list_refusals(api) == []


async def test_refusals_are_filtered_and_come_in_pages(api: Api, clock: Any) -> None:  # noqa: ANN401
    for _ in range(3):
        await ask(api, *(make_vin(number) for number in range(4)))
        clock.now += timedelta(hours=1)
    everything = await list_refusals(api)
    assert len(everything) == 12
    assert [row["vin"] for row in everything] == [make_vin(number) for number in range(4)] * 3
    newest, middle = everything[0]["hour"], everything[4]["hour"]
    assert newest > middle > everything[8]["hour"]
    assert [row["hour"] for row in await list_refusals(api, f"from={middle}&to={newest}")] == [middle] * 4
    pages, cursor = [], None
    while True:
        reply = await api.acme.get(f"{REFUSALS}?limit=5" + (f"&cursor={cursor}" if cursor else ""))
        pages += reply.body["refusals"]
        cursor = reply.body["nextCursor"]
        if cursor is None:
            break
    assert pages == everything
    assert (await api.beta.get(REFUSALS)).body["refusals"] == []


@before_the_store
@each_row(
    "query",
    [
        "from=yesterday",
        "to=2026-11-23",
        "vin=X",
        "from=2026-11-23T10:00:00",
        "x=1",
        "cursor=A",
        "operation=%00",
        "operation=",
        f"operation={'x' * 101}",
    ],
)
async def test_a_bad_question_for_refusals_is_refused(api: Api, query: str) -> None:
    assert (await api.acme.get(f"{REFUSALS}?{query}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_refusals_are_written_by_themselves_and_when_the_server_stops(api: Api, open_store: Any) -> None:  # noqa: ANN401
    await ask_one(api)
    await api.runtime.refusals.close()
    await ask_one(api, operation="fines")
    await api.runtime.refusals.close()
    other: Store = await open_store()
    query = RefusalQuery(operation=None, vin=None, from_at=None, to_at=None, after=None, limit=10)
    rows = await other.read(api.acme.account_id).gate.list_refusals(query)
    assert sorted(row.operation for row in rows) == ["dispatch", "fines"]
