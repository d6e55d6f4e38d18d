"""GET /api/v2/reports/time-in-status: JSON in pages, CSV in one."""

import asyncio
import csv
import io
from typing import Any

import pytest

from padron.domain.status import VehicleStatus
from padron.service.reports.time_in_status import StoppedError
from tests.cast import HUMMER, JEEP, after, get_one, info_changed, make_vin, registered, save, status_changed
from tests.http.api import Api, Reply, before_the_store
from tests.tables import each_row

REPORT = "/api/v2/reports/time-in-status"
PERIOD = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:01:40Z"  # the hundred seconds from noon on
SHOP, STOLEN = VehicleStatus.IN_THE_SHOP, VehicleStatus.STOLEN


@pytest.fixture(autouse=True)
async def history(api: Api, clock: Any) -> None:  # noqa: ANN401
    """Two vehicles of Acme: one there from noon on, ten seconds in the shop; one from second 50 on, stolen at 60."""
    account_id, store = api.acme.account_id, api.store
    await save(store, account_id, registered(HUMMER, plate="AAAA1"))
    hummer = await get_one(store, account_id)
    shop = status_changed(hummer, SHOP, at=after(20), reason="=HYPERLINK(1)")
    back = status_changed(shop.vehicle, VehicleStatus.ACTIVE, at=after(30), reason="Ready")
    await save(store, account_id, shop, back)
    await save(store, account_id, registered(JEEP, at=after(50)))
    jeep = await get_one(store, account_id, JEEP)
    await save(store, account_id, status_changed(jeep, STOLEN, at=after(60)))
    clock.now = after(1_000)


async def ask(api: Api, query: str = PERIOD) -> Any:  # noqa: ANN401 - JSON
    reply = await api.acme.get(f"{REPORT}?{query}")
    assert reply.status == 200, reply.content
    return reply.body


def read_csv(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))


async def test_each_vehicle_and_the_sum_add_up_to_the_second(api: Api) -> None:
    body = await ask(api)
    hummer, jeep = body["vehicles"]
    assert hummer == {
        "vin": HUMMER,
        "plate": "AAAA1",
        "customId": None,
        "seconds": 100,
        "days": 0.001157,
        "statuses": [
            {"vehicleStatusId": 1, "name": "Active", "seconds": 90, "days": 0.001042},
            {"vehicleStatusId": 4, "name": "In the Shop", "seconds": 10, "days": 0.000116},
        ],
        "downtime": {
            "seconds": 10,
            "days": 0.000116,
            "reasons": [{"reason": "=HYPERLINK(1)", "seconds": 10, "days": 0.000116}],
        },
    }
    assert (jeep["vin"], jeep["seconds"], jeep["downtime"]["seconds"]) == (JEEP, 50, 40)
    assert jeep["downtime"]["reasons"] == [{"reason": None, "seconds": 40, "days": 0.000463}]
    total = body["total"]
    assert (total["vehicleCount"], total["seconds"], total["downtime"]["seconds"]) == (2, 150, 50)
    assert {one["vehicleStatusId"]: one["seconds"] for one in total["statuses"]} == {1: 100, 3: 40, 4: 10}
    assert [one["reason"] for one in total["downtime"]["reasons"]] == [None, "=HYPERLINK(1)"]
    assert (body["from"], body["to"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:01:40Z")
    assert body["nextCursor"] is None


@pytest.mark.long("postgres")
async def test_a_part_of_the_period_begins_and_ends_in_the_middle_of_a_status(api: Api) -> None:
    body = await ask(api, "from=2026-03-01T12:00:25Z&to=2026-03-01T12:00:55Z")
    hummer, jeep = body["vehicles"]
    assert {one["vehicleStatusId"]: one["seconds"] for one in hummer["statuses"]} == {1: 25, 4: 5}
    assert (jeep["seconds"], jeep["downtime"]["seconds"]) == (5, 0)
    before = await ask(api, "from=2026-02-01T00:00:00Z&to=2026-03-01T12:00:00Z")
    assert (before["vehicles"], before["total"]["vehicleCount"], before["total"]["seconds"]) == ([], 0, 0)


async def test_pages_join_and_the_sum_comes_with_the_first(api: Api) -> None:
    whole = await ask(api)
    first = await ask(api, f"{PERIOD}&limit=1")
    second = await ask(api, f"{PERIOD}&limit=1&cursor={first['nextCursor']}")
    assert first["vehicles"] + second["vehicles"] == whole["vehicles"]
    assert first["total"] == whole["total"]
    assert "total" not in second
    assert second["nextCursor"] is None
    for other in ("from=2026-03-01T11:00:00Z&to=2026-03-01T12:01:40Z", f"{PERIOD}&doors=1"):
        reply = await api.acme.get(f"{REPORT}?{other}&cursor={first['nextCursor']}")
        assert reply.code == (400, "BadParameters")


async def test_filters_go_by_the_core_data_at_the_end_of_the_period(api: Api) -> None:
    account_id, store = api.acme.account_id, api.store
    jeep = await get_one(store, account_id, JEEP)
    moved = info_changed(jeep, {}, {"brandName": "Jeep"}, vin=make_vin(1), at=after(80))
    await save(
        store, account_id, moved, info_changed(moved.vehicle, {"brandName": "Jeep"}, {"doors": 3}, at=after(500))
    )
    for query, vins in (
        (f"vin={make_vin(1)}", [make_vin(1)]),
        (f"vin={JEEP}", []),
        ("brandName=JEEP", [make_vin(1)]),
        ("brandName=jeep&doors=3", []),
        ("plate=aaaa1", [HUMMER]),
    ):
        body = await ask(api, f"{PERIOD}&{query}")
        assert [vehicle["vin"] for vehicle in body["vehicles"]] == vins
        assert body["total"]["vehicleCount"] == len(vins)
    early = await ask(api, f"from=2026-03-01T12:00:00Z&to=2026-03-01T12:01:10Z&vin={JEEP}")
    assert [vehicle["seconds"] for vehicle in early["vehicles"]] == [20]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_who_can_read_json_as_well_gets_no_csv(api: Api) -> None:
    reply = await api.acme.get(f"{REPORT}?{PERIOD}", Accept="application/json, text/csv, application/problem+json")
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.long("postgres")
@pytest.mark.parametrize("way", ["format", "accept"])
async def test_a_csv_has_every_cell_then_the_sums_and_no_formula(api: Api, way: str) -> None:
    target = f"{REPORT}?{PERIOD}" + ("&format=csv" if way == "format" else "")
    reply = await api.acme.get(target, **({"Accept": "text/csv, */*;q=0.1"} if way == "accept" else {}))
    rows = read_csv(reply)
    seconds = [(row["kind"], row["vin"], row["vehicleStatusId"], row["reason"], row["seconds"]) for row in rows]
    assert seconds == [
        ("vehicle", HUMMER, "1", "", "20"),
        ("vehicle", HUMMER, "1", "Ready", "70"),
        ("vehicle", HUMMER, "4", "'=HYPERLINK(1)", "10"),
        ("vehicle", JEEP, "1", "", "10"),
        ("vehicle", JEEP, "3", "", "40"),
        ("total", "", "1", "", "30"),
        ("total", "", "1", "Ready", "70"),
        ("total", "", "3", "", "40"),
        ("total", "", "4", "'=HYPERLINK(1)", "10"),
    ]
    assert {(row["status"], row["operational"]) for row in rows} == {
        ("Active", "true"), ("In the Shop", "false"), ("Stolen", "false"),
    }  # fmt: skip
    assert rows[4]["days"] == "0.000463"


@before_the_store
@each_row(
    "query, said",
    [
        ("", "from is missing"),
        ("from=2026-03-01T12:00:00Z", "to is missing"),
        ("from=2026-03-01T12:01:40Z&to=2026-03-01T12:00:00Z", "from is not before to"),
        ("from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:00Z", "from is not before to"),
        ("from=2026-03-01T12:00:00Z&to=2026-12-01T00:00:00Z", "is in the future"),
        ("from=2026-03-01&to=2026-03-02", "RFC 3339"),
        (f"{PERIOD}&form=csv", "did you mean format?"),
        (f"{PERIOD}&format=xml", "json or csv"),
        (f"{PERIOD}&format=csv&limit=5", "leave out limit"),
        (f"{PERIOD}&format=csv&cursor=x", "leave out cursor"),
        (f"{PERIOD}&limit=501", "limit"),
        (f"{PERIOD}&cursor=x", "cursor"),
        (f"{PERIOD}&doors=31", "doors"),
        (f"{PERIOD}&assetStatusId=1", "assetStatusId"),
    ],
)
async def test_what_cannot_be_reported_is_refused_with_a_reason(api: Api, query: str, said: str) -> None:
    reply = await api.acme.get(f"{REPORT}?{query}")
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail


@pytest.mark.long("postgres")
async def test_another_account_has_its_own_report(api: Api) -> None:
    reply = await api.beta.get(f"{REPORT}?{PERIOD}")
    assert (reply.body["vehicles"], reply.body["total"]["seconds"]) == ([], 0)
    assert [row["kind"] for row in read_csv(await api.beta.get(f"{REPORT}?{PERIOD}&format=csv"))] == []


@pytest.mark.long("postgres")
async def test_a_page_of_a_long_list_reads_no_more_than_it_needs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.service.reports.time_in_status.BATCH_VEHICLES", 3)
    await save(api.store, api.acme.account_id, *(registered(make_vin(number)) for number in range(20)))
    cursor: str | None = ""
    seen: list[str] = []
    while cursor is not None:
        body = await ask(api, f"{PERIOD}&limit=4" + (f"&cursor={cursor}" if cursor else ""))
        seen += [vehicle["vin"] for vehicle in body["vehicles"]]
        cursor = body["nextCursor"]
    assert seen == [HUMMER, JEEP, *(make_vin(number) for number in range(20))]


@pytest.mark.long("postgres")
@pytest.mark.own_register
async def test_a_report_under_way_when_the_server_ends_is_told_so(api: Api) -> None:
    api.runtime.stop_waiting()
    await asyncio.sleep(0)
    assert (await api.acme.get(f"{REPORT}?{PERIOD}")).status == 503


@pytest.mark.long("postgres")
@pytest.mark.own_register
async def test_a_csv_that_could_not_be_finished_is_cut_off_and_has_no_sum(api: Api) -> None:
    api.runtime.stop_waiting()
    with pytest.raises(StoppedError):  # which ends the connection
        await api.acme.get(f"{REPORT}?{PERIOD}&format=csv")


async def test_the_counts_of_each_day_are_listed_by_status(api: Api) -> None:
    reply = await api.acme.get("/api/v2/reports/status-counts?days=2")
    assert reply.status == 200, reply.content
    before, today = reply.body["days"]
    assert (before["date"], before["vehicleCount"], before["operationalCount"]) == ("2026-02-28", 0, 0)
    assert (today["date"], today["vehicleCount"], today["operationalCount"]) == ("2026-03-01", 2, 1)
    assert {one["name"]: one["count"] for one in today["statuses"] if one["count"]} == {"Active": 1, "Stolen": 1}
    assert [one["vehicleStatusId"] for one in today["statuses"]] == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert len((await api.acme.get("/api/v2/reports/status-counts")).body["days"]) == 90
    stranger = (await api.beta.get("/api/v2/reports/status-counts?days=1")).body["days"]
    assert [one["vehicleCount"] for one in stranger] == [0]


@pytest.mark.long("postgres")
@each_row("query", ["days=0", "days=91", "days=x", "days=", "day=3"])
async def test_counts_of_other_days_are_refused(api: Api, query: str) -> None:
    reply = await api.acme.get(f"/api/v2/reports/status-counts?{query}")
    assert reply.code == (400, "BadParameters")
