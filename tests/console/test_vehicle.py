"""The page of a vehicle, and changing its status: what will happen, what happened, undo, and two people at once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from padron.console.pages.timeline import WIDTH, draw_spans, sum_spans
from padron.domain.change import ChangeType, HistoryEntry, StatusRequest
from padron.domain.operation import RunQuestion
from padron.domain.people import Role
from padron.domain.plan import PlanQuery, PlanState
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.operations.declaring import put_operation
from padron.service.operations.gate import check_vehicles
from padron.service.operations.runs import start_run
from padron.service.plans.listing import list_plans
from padron.service.statuses.single import set_status
from padron.service.vehicles.reading import get_status, get_vehicle
from tests.cast import HUMMER, JEEP, NOON
from tests.console.browser import Browser, House, Shown

VEHICLE = f"/console/vehicles/{HUMMER}"
STATUS = f"{VEHICLE}/status"


async def fill(browser: Browser, **typed: str) -> dict[str, str]:
    """Give the form as somebody fills it in."""
    form = (await browser.get(STATUS)).page
    return {**form.read_hidden(), "status": "", "reason": "", "at": "", "until": "", **typed}


async def change(browser: Browser, **typed: str) -> Shown:
    """Change the status in both steps, and give the answer to the second."""
    fields = await fill(browser, **typed)
    preview = await browser.post(STATUS, fields)
    assert preview.status == 200, preview.text
    return await browser.post(STATUS, {**preview.page.read_hidden(), "step": "do"})


async def read_now(house: House, vin: Vin = HUMMER) -> VehicleStatus:
    return (await get_status(house.runtime, house.cast.acme.principal, vin)).status


async def queue(house: House, count: int) -> None:
    principal = house.cast.acme.principal
    for number in range(count):
        name = f"wash-{number}"
        await put_operation(house.runtime, principal, name, description="", lease_s=60, attempts=3)
        await start_run(house.runtime, principal, name, RunQuestion(vins=(HUMMER,)))


@pytest.mark.both_engines
async def test_a_status_is_changed_in_two_steps_with_a_reason(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C")
    preview = await house.editor.post(STATUS, await fill(house.editor, status="4", reason="Brakes\r\nand tyres"))
    assert "leaves all operations" in preview.text
    assert await read_now(house) is VehicleStatus.ACTIVE
    done = await house.editor.post(STATUS, {**preview.page.read_hidden(), "step": "do"})
    page = await house.editor.follow(done)
    assert "Done: this vehicle is now In the Shop." in page.text
    assert "From Active to In the Shop" in page.text
    assert "by The editor" in page.text
    vehicle = await get_status(house.runtime, house.cast.acme.principal, HUMMER)
    assert vehicle.status is VehicleStatus.IN_THE_SHOP
    assert vehicle.status_reason == "Brakes\nand tyres"
    assert vehicle.status_by == house.people[Role.EDITOR].user_id


async def test_before_confirming_it_says_how_many_tasks_are_withdrawn(house: House) -> None:
    await house.register(HUMMER)
    await queue(house, 3)
    preview = await house.editor.post(STATUS, await fill(house.editor, status="8"))
    assert "3 queued tasks are withdrawn." in preview.text
    house.editor.language = "es"
    preview = await house.editor.post(STATUS, await fill(house.editor, status="8"))
    assert "Se retiran 3 tareas en espera." in preview.text
    assert "wash-0: waiting" in (await house.owner.get(VEHICLE)).text
    assert "wash-0" not in (await house.viewer.get(VEHICLE)).text
    await house.editor.post(STATUS, {**preview.page.read_hidden(), "step": "do"})
    assert "waiting" not in (await house.owner.get(VEHICLE)).text
    back = await house.editor.post(STATUS, await fill(house.editor, status="1"))
    assert "tareas" not in back.text
    assert "pueden volver a usar" in back.text


async def test_a_change_is_undone_at_once_from_its_message(house: House) -> None:
    await house.register(HUMMER)
    page = (await house.editor.follow(await change(house.editor, status="8"))).page
    (button,) = page.list_all("button", name="request")
    undone = await house.editor.post(f"{VEHICLE}/undo", {"request": button.attributes["value"]})
    shown = await house.editor.follow(undone)
    assert "The change is undone." in shown.text
    assert await read_now(house) is VehicleStatus.ACTIVE
    again = await house.editor.post(f"{VEHICLE}/undo", {"request": button.attributes["value"]})
    assert again.status == 409
    assert "cannot be undone" in again.text


async def test_who_only_reads_is_offered_no_change(house: House) -> None:
    await house.register(HUMMER)
    await change(house.editor, status="8")
    page = (await house.viewer.get(VEHICLE)).page
    assert "Change the status" not in page.text
    assert not page.list_all("button", name="request")
    assert "Change the status" in (await house.editor.get(VEHICLE)).text


async def test_a_link_cannot_claim_that_something_was_done(house: House) -> None:
    await house.register(HUMMER)
    location = (await change(house.editor, status="8")).location
    assert "Done" in (await house.editor.get(location)).text
    assert "Done" not in (await house.owner.get(location)).text
    await change(house.editor, status="1")
    assert "Done" not in (await house.editor.get(location)).text
    assert "Done" not in (await house.editor.get(f"{VEHICLE}?done=r-register")).text


@pytest.mark.both_engines
async def test_two_people_at_once_see_each_others_change(house: House) -> None:
    await house.register(HUMMER)
    mine = await fill(house.editor, status="8", reason="Sold to the dealer")
    await change(house.owner, status="3", reason="Stolen at night")
    for step in ("do", ""):
        shown = await house.editor.post(STATUS, {**mine, "step": step})
        assert shown.status == 409
        assert "Somebody else changed this vehicle meanwhile" in shown.text
        assert "Stolen at night" in shown.text
        assert "Sold to the dealer" in shown.text
        assert "Registered as" not in shown.text
    assert await read_now(house) is VehicleStatus.STOLEN
    done = await house.editor.post(STATUS, {**shown.page.read_hidden(), "step": "do"})
    assert done.status == 303
    assert await read_now(house) is VehicleStatus.SOLD


@pytest.mark.both_engines
async def test_a_plan_is_made_shown_and_cancelled(house: House) -> None:
    await house.register(HUMMER)
    house.editor.cookies["__Host-padron-zone"] = "America/Mexico_City"
    day = NOON.date() + timedelta(days=40)
    location = (await change(house.editor, status="6", at=f"{day}T09:30", until=f"{day}T18:00")).location
    shown = await house.editor.get(location)
    assert "The change is planned." in shown.text
    (plan,) = (await list_plans(house.runtime, house.cast.acme.principal, PlanQuery(vin=HUMMER), None)).rows
    assert plan.effective_at == datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC)
    assert plan.until == datetime(day.year, day.month, day.day + 1, tzinfo=UTC)
    assert await read_now(house) is VehicleStatus.ACTIVE
    assert not (await house.viewer.get(VEHICLE)).page.list_all("button", name="plan")
    stays = await house.editor.post(STATUS, await fill(house.editor, status="4"))
    assert "The planned change to For Sale" in stays.text
    cancelled = await house.editor.post(f"{VEHICLE}/plans", {"plan": plan.plan_id})
    assert "is cancelled" in (await house.editor.follow(cancelled)).text
    left = PlanQuery(vin=HUMMER, state=PlanState.PENDING)
    assert not (await list_plans(house.runtime, house.cast.acme.principal, left, None)).rows
    assert (await house.editor.post(f"{VEHICLE}/plans", {"plan": plan.plan_id})).status == 409


async def test_a_return_that_comes_to_nothing_is_named_before(house: House) -> None:
    await house.register(HUMMER)
    day = NOON.date() + timedelta(days=40)
    await change(house.editor, status="4", until=f"{day}T09:30")
    preview = await house.editor.post(STATUS, await fill(house.editor, status="8"))
    assert "The planned return to Active" in preview.text
    assert "comes to nothing" in preview.text


@pytest.mark.parametrize(
    "typed, said",
    [
        ({"status": ""}, "Choose a status."),
        ({"status": "2"}, "Choose a status."),
        ({"status": "12"}, "Choose a status."),
        ({"status": "²"}, "Choose a status."),
        ({"status": "8", "at": "2020-01-01T00:00"}, "is in the past"),
        ({"status": "8", "at": "2099-01-01T00:00"}, "ten years"),
        ({"status": "8", "at": "yesterday"}, "not a time"),
        ({"status": "8", "at": "0001-01-01T00:00"}, "not a time"),
        ({"status": "8", "until": "2020-01-01T00:00"}, "1 Jan 2020, 00:00, is in the past"),
        ({"status": "1", "until": "2030-01-01T00:00"}, "no earlier one"),
        ({"status": "8", "reason": "x" * 501}, "500"),
        ({"status": "8", "reason": "bell \x07"}, "U+0007"),
    ],
)
async def test_a_form_that_cannot_be_is_shown_again_as_it_was_typed(
    house: House, typed: dict[str, str], said: str
) -> None:
    await house.register(HUMMER)
    house.editor.cookies["__Host-padron-zone"] = "Asia/Kolkata"
    shown = await house.editor.post(STATUS, await fill(house.editor, **{"reason": "Because", **typed}))
    assert shown.status == 400
    assert said in shown.text
    assert shown.page.list_all("textarea", name="reason")[0].text == [typed.get("reason", "Because")]
    assert shown.page.list_all("input", name="at")[0].attributes["value"] == typed.get("at", "")
    assert await read_now(house) is VehicleStatus.ACTIVE


async def test_a_time_that_the_clocks_skip_is_refused(house: House) -> None:
    await house.register(HUMMER)
    house.editor.cookies["__Host-padron-zone"] = "Europe/Madrid"
    for at, status in (("2027-03-28T02:30", 400), ("2027-03-28T03:00", 200), ("2027-10-31T02:30", 200)):
        shown = await house.editor.post(STATUS, await fill(house.editor, status="8", at=at))
        assert shown.status == status, at


async def test_the_same_status_again_changes_nothing_and_says_so(house: House) -> None:
    await house.register(HUMMER)
    fields = await fill(house.editor, status="1")
    preview = await house.editor.post(STATUS, fields)
    assert "has this status already" in preview.text
    done = await house.editor.post(STATUS, {**fields, "step": "do"})
    assert "Nothing changed" in (await house.editor.follow(done)).text


async def test_what_is_typed_can_be_corrected_after_the_preview(house: House) -> None:
    await house.register(HUMMER)
    preview = await house.editor.post(STATUS, await fill(house.editor, status="4", reason="Brakes"))
    shown = await house.editor.post(STATUS, {**preview.page.read_hidden(), "step": "edit"})
    assert shown.page.list_all("textarea", name="reason")[0].text == ["Brakes"]
    assert "checked" in shown.page.list_all("input", name="status", value="4")[0].attributes


async def test_former_versions_are_shown_with_what_differed(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C", doors=4)
    await house.register(HUMMER, plate="XYZ9876", doors=None)
    page = (await house.viewer.get(VEHICLE)).page
    assert [one.text for one in page.list_all("del")] == [["RTA412C"], ["4"]]
    assert [one.text for one in page.list_all("ins")] == [["XYZ9876"]]


async def test_refusals_at_the_gate_are_shown(house: House) -> None:
    await house.register(HUMMER)
    await change(house.editor, status="4")
    for _ in range(2):
        await check_vehicles(house.runtime, house.cast.acme.principal, "dispatch", [HUMMER])
    assert "dispatch, 2 times" in (await house.viewer.get(VEHICLE)).text
    assert "dispatch" not in (await house.reader.get(VEHICLE)).text


async def test_a_request_on_several_vehicles_is_not_undone_from_one(house: House) -> None:
    principal = house.cast.acme.principal
    for vin in (HUMMER, JEEP):
        await house.register(vin)
        asked = StatusRequest(
            vin=vin, status=VehicleStatus.SOLD, reason=None, revisions=None, by=principal.actor, request_id="r-many"
        )
        await set_status(house.runtime, principal, asked)
    shown = await house.owner.post(f"{VEHICLE}/undo", {"request": "r-many"})
    assert shown.status == 409
    assert "several vehicles" in shown.text
    assert await read_now(house) is await read_now(house, JEEP) is VehicleStatus.SOLD
    other = await house.owner.post(f"/console/vehicles/{JEEP}/undo", {"request": "r-register"})
    assert other.status == 409


async def test_a_long_history_has_pages(house: House) -> None:
    await house.register(HUMMER)
    principal = house.cast.acme.principal
    for number in range(120):
        status = VehicleStatus.SOLD if number % 2 == 0 else VehicleStatus.ACTIVE
        asked = StatusRequest(
            vin=HUMMER,
            status=status,
            reason=f"n{number}.",
            revisions=None,
            by=principal.actor,
            request_id=f"r-{number}",
        )
        await set_status(house.runtime, principal, asked)
    shown = await house.viewer.get(VEHICLE)
    assert "n119." in shown.text
    assert "n0." not in shown.text
    (older,) = [one for one in shown.page.list_all("a") if "Older changes" in "".join(one.text)]
    rest = await house.viewer.get(older.attributes["href"])
    assert "n0." in rest.text
    assert "Newest changes" in rest.text


@pytest.mark.parametrize("vin", ["nothing", "137ZA903X1E41267I", "%2e%2e", "JTHBA30G455081818"])
async def test_an_unknown_vehicle_is_a_page_that_does_not_exist(house: House, vin: str) -> None:
    for end in ("", "/status"):
        assert (await house.owner.get(f"/console/vehicles/{vin}{end}")).status == 404


@pytest.mark.both_engines
async def test_what_one_sees_is_what_the_register_has(house: House) -> None:
    await house.register(HUMMER, ownerName="Flota Norte", observations="two\nlines")
    text = (await house.viewer.get(VEHICLE)).text
    version = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert str(version.details["ownerName"]) in text
    assert "two lines" in text


def tell(number: int, before: int | None, after: int, hours: int) -> HistoryEntry:
    return HistoryEntry(
        number=number,
        type=ChangeType.STATUS_CHANGED,
        at=NOON + timedelta(hours=hours),
        by="x",
        request_id="r",
        from_status=None if before is None else VehicleStatus(before),
        to_status=VehicleStatus(after),
        reason=None,
        differences=None,
    )


def test_the_drawn_bar_is_full_and_in_order_and_shows_even_a_moment() -> None:
    history = [tell(4, 4, 4, 100), tell(3, 3, 4, 75), tell(2, 1, 3, 75), tell(1, None, 1, 0)]
    spans = draw_spans(history, NOON + timedelta(hours=100))
    assert [span.status.value for span in spans] == [1, 3, 4]
    assert spans[0].x == 0
    for former, span in pairwise(spans):
        assert span.x == former.x + former.width
        assert span.begin == former.end
    assert WIDTH - 3 <= spans[-1].x + spans[-1].width <= WIDTH
    assert spans[0].width > 700
    assert spans[1].width >= 1
    assert [one.status.value for one in sum_spans(spans)] == [1, 4, 3]
    assert draw_spans([], NOON) == []
    (only,) = draw_spans([tell(1, None, 1, 0)], NOON)
    assert only.x == 0
