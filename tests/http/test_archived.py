"""The archived time over HTTP: what is refused, in which form, and what a history says at its end."""

from datetime import timedelta
from pathlib import Path

import pytest

from padron.domain.status import VehicleStatus
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, NOON, get_one, info_changed, registered, save, status_changed
from tests.conftest import SteppedClock
from tests.http.api import Api

pytestmark = pytest.mark.own_register

AGE = timedelta(days=365)
CUT = "2026-03-01T15:00:00Z"


@pytest.fixture
async def archived(api: Api, runtime: Runtime, clock: SteppedClock, tmp_path: Path) -> str:
    """Seven changes of Acme, of which the first five are archived. Gives a cursor from before them all."""
    account_id, store = api.cast.acme.principal.account_id, runtime.store
    hours = [NOON + timedelta(hours=n) for n in range(6)]
    await save(store, account_id, registered(HUMMER, at=hours[0], plate="RTA412C"))
    before = (await api.acme.get("/api/v2/changes?limit=1")).body["nextCursor"]
    await save(store, account_id, registered(JEEP, at=hours[1]))
    await save(store, account_id, status_changed(await get_one(store, account_id), at=hours[2], request_id="r-old"))
    change = status_changed(await get_one(store, account_id), VehicleStatus.FOR_SALE, at=hours[2])
    await save(store, account_id, change)
    hummer = await get_one(store, account_id)
    await save(store, account_id, info_changed(hummer, {"plate": "RTA412C"}, {"plate": "NEW1234"}, at=hours[3]))
    clock.now = hours[3] + AGE + timedelta(minutes=1)
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=5))
    await api.acme.patch_status(HUMMER, 4)
    await api.acme.patch_status(JEEP, 4)
    return str(before)


async def test_the_past_and_reports_begin_where_the_archive_ends(api: Api, archived: str) -> None:
    refused = await api.acme.get("/api/v2/vehicles?asOf=2026-03-01T14:59:59Z")
    assert (refused.status, refused.body["errorType"], refused.body["errorDetail"]) == (410, "gone", "Archived")
    assert f"changes before {CUT} are archived" in refused.body["detail"]
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}?asOf=2026-03-01T14:59:59Z")).status == 410
    listed = await api.acme.get(f"/api/v2/vehicles?asOf={CUT}")
    assert [one["vehicleStatusId"] for one in listed.body["vehicles"]] == [6, 1]
    assert listed.body["vehicles"][0]["createdAt"] == "2026-03-01T12:00:00Z"
    report = "/api/v2/reports/time-in-status?from={}&to=2026-03-01T16:00:00Z"
    assert (await api.acme.get(report.format("2026-03-01T14:00:00Z"))).body["errorDetail"] == "Archived"
    total = (await api.acme.get(report.format(CUT))).body["total"]
    assert (total["seconds"], total["downtime"]["seconds"]) == (7_200, 3_600)
    csv = await api.acme.get(report.format("2026-03-01T14:00:00Z") + "&format=csv")
    assert csv.status == 410
    del archived


@pytest.mark.long("postgres")
async def test_the_feed_tells_a_follower_from_before_to_load_again(api: Api, archived: str) -> None:
    for address in (f"/api/v2/changes?after={archived}", "/api/v2/changes", "/api/v2/changes?wait=1"):
        refused = await api.acme.get(address)
        assert (refused.status, refused.body["errorDetail"]) == (410, "CursorGone"), address
        assert f"begins after change 5 ({CUT})" in refused.body["detail"]
        assert "Load the list" in refused.body["detail"]
    listed = await api.acme.get(f"/api/v2/vehicles?asOf={CUT}")
    followed = await api.acme.get(f"/api/v2/changes?after={listed.body['cursor']}")
    assert [one["vin"] for one in followed.body["changes"]] == [HUMMER, JEEP]


@pytest.mark.long("postgres")
async def test_a_history_ends_with_the_last_archived_change_and_says_so(api: Api, archived: str) -> None:
    first = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history?limit=1")).body
    assert [one["type"] for one in first["history"]] == ["statusChanged"]
    assert "archivedUntil" not in first
    last = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history?cursor={first['nextCursor']}")).body
    assert [one["type"] for one in last["history"]] == ["infoChanged"]
    assert (last["archivedUntil"], last["nextCursor"]) == (CUT, None)
    whole = (await api.acme.get(f"/api/v2/vehicles/{JEEP}/history")).body
    assert [one["type"] for one in whole["history"]] == ["statusChanged", "registered"]
    assert "archivedUntil" not in whole
    del archived


@pytest.mark.long("postgres")
async def test_a_page_of_a_history_from_before_the_archive_is_not_continued(
    api: Api, runtime: Runtime, clock: SteppedClock, tmp_path: Path
) -> None:
    account_id, store = api.cast.acme.principal.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=NOON))
    for n in range(1, 5):
        vehicle = await get_one(store, account_id)
        await save(store, account_id, status_changed(vehicle, vehicle.status, at=NOON + timedelta(hours=n)))
    page = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history?limit=2")).body
    clock.now = NOON + AGE + timedelta(hours=10)
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=5))
    refused = await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history?cursor={page['nextCursor']}")
    assert (refused.status, refused.body["errorDetail"]) == (410, "Archived")


async def test_an_archived_request_is_not_undone(api: Api, archived: str) -> None:
    refused = await api.acme.send("POST", "/api/v2/requests/r-registered/undo", b"{}")
    assert (refused.status, refused.body["errorDetail"]) == (410, "Archived")
    gone = await api.acme.send("POST", "/api/v2/requests/r-old/undo", b"{}")  # nothing is left to know it by
    assert (gone.status, gone.body["errorDetail"]) == (404, "RequestNotFound")
    assert f"since {CUT}; what was before is archived" in gone.body["detail"]
    del archived


@pytest.mark.long("postgres")
async def test_present_tags_stay_valid(api: Api, runtime: Runtime, clock: SteppedClock, tmp_path: Path) -> None:
    account_id, store = api.cast.acme.principal.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=NOON))
    await save(store, account_id, status_changed(await get_one(store, account_id), at=NOON + timedelta(hours=1)))
    tag = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}")).headers["etag"]
    clock.now = NOON + AGE + timedelta(hours=20)
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=2))
    seen = await api.acme.get(f"/api/v2/vehicles/{HUMMER}", if_none_match=tag)
    assert (seen.status, seen.headers["etag"]) == (304, tag)
