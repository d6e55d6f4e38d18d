"""The overview: every number leads to exactly its vehicles, and each visitor is told what they may look into."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from padron.console.pages.fleet.charts import HEIGHT, WIDTH, draw_line, find_top, list_rows, stack_days
from padron.console.pages.fleet.overview import choose_weeks, skip_empty, write_share
from padron.domain.change import PlanRequest
from padron.domain.plan import PlanQuery, PlanState
from padron.domain.status import VehicleStatus
from padron.domain.status_counts import COUNTED_STATUSES, StatusDay
from padron.service.operations.gate import check_vehicles
from padron.service.plans.planning import plan_status
from tests.cast import HUMMER, JEEP, make_vin, registered, save
from tests.console.browser import Document, House
from tests.console.test_fleet_pages import set_now
from tests.console.test_vehicle import change
from tests.console.test_vehicles import list_vins
from tests.tables import each_row

OVERVIEW = "/console/overview"
PLANS = PlanQuery()
HOSTILE = "<script>alert(1)</script>"


def find_number_links(page: Document) -> dict[str, int]:
    """Give each link to the list of vehicles that is a number."""
    links = [one for one in page.list_all("a") if one.attributes.get("href", "").startswith("/console/vehicles?")]
    found = {}
    for link in links:
        digits = re.search(r"[0-9]+", " ".join(link.text))
        assert digits is not None, link
        found[link.attributes["href"]] = int(digits[0])
    return found


@pytest.mark.both_engines
async def test_each_number_leads_to_exactly_the_vehicles_that_it_counts(house: House) -> None:
    vins = [make_vin(number) for number in range(6)]
    for vin in vins:
        await house.register(vin)
    for vin, status in zip(vins, (3, 4, 4, 8), strict=False):
        await set_now(house, vin, status)
    links = find_number_links((await house.viewer.get(OVERVIEW)).page)
    assert len(links) == 6
    for address, count in links.items():
        listed = list_vins(await house.viewer.get(address))
        assert len(listed) == count, address
    assert sorted(links.values()) == [1, 1, 2, 2, 2, 4]


async def test_an_empty_register_says_what_to_do_first(house: House) -> None:
    text = (await house.viewer.get(OVERVIEW)).text
    assert "There is no vehicle yet." in text
    assert "Import a file" in text
    assert "Nothing has changed yet." in text


async def test_the_first_day_has_no_change_since_another_day(house: House) -> None:
    await house.register(HUMMER)
    clock = house.runtime.clock
    for _ in range(2):  # from noon to the next morning, in steps that keep the session
        assert "Change since" not in (await house.viewer.get(OVERVIEW)).text
        clock.now += timedelta(hours=11)  # type: ignore[attr-defined]
    await house.register(JEEP)
    shown = await house.viewer.get(OVERVIEW)
    (heading,) = [one for one in shown.page.list_all("th") if "Change since" in " ".join(one.text)]
    assert heading.attributes["class"] == "digits"


async def test_latest_changes_plans_and_refusals_are_shown_to_who_may_read_them(house: House) -> None:
    await house.register(HUMMER)
    await change(house.editor, status="4", reason=HOSTILE)
    await check_vehicles(house.runtime, house.cast.acme.principal, HOSTILE, [HUMMER])
    asked = PlanRequest(
        vin=HUMMER, status=VehicleStatus.SOLD, reason=None, revisions=None, by=house.cast.acme.principal.actor,
        request_id="r-plan", effective_at=house.runtime.clock() + timedelta(days=2), until=None,
    )  # fmt: skip
    await plan_status(house.runtime, house.cast.acme.principal, asked)
    shown = await house.viewer.get(OVERVIEW)
    assert "From Active to In the Shop" in shown.text
    assert "by The editor" in shown.text
    assert f"{HOSTILE} for {HUMMER} , once" in shown.text
    assert "Sold from" in shown.text
    assert HOSTILE not in shown.html
    reader = await house.reader.get(OVERVIEW)
    assert "Latest changes" not in reader.text
    assert "Refused at the gate" not in reader.text
    stranger = await house.stranger.get(OVERVIEW)
    assert HUMMER not in stranger.html


async def test_what_needs_attention_is_told_to_who_may_look_into_it(house: House) -> None:
    await save(house.runtime.store, house.cast.acme.account.account_id, registered(HUMMER), registered(HUMMER, slot=1))
    assert "One VIN has several vehicles" in (await house.owner.get(OVERVIEW)).text
    assert "Nothing needs attention." in (await house.viewer.get(OVERVIEW)).text


async def test_a_refused_plan_needs_attention_and_leads_to_its_list(house: House) -> None:
    await house.register(JEEP)
    account_id = house.cast.acme.account.account_id
    at = house.runtime.clock() + timedelta(days=1)
    asked = PlanRequest(
        vin=JEEP, status=VehicleStatus.SOLD, reason=None, revisions=None, by=house.cast.acme.principal.actor,
        request_id="r-refused", effective_at=at, until=None,
    )  # fmt: skip
    await plan_status(house.runtime, house.cast.acme.principal, asked)
    (plan,) = await house.runtime.store.read(account_id).plans.list_plans(PLANS)
    ended = replace(plan, state=PlanState.REFUSED, ended_at=house.runtime.clock(), detail="Gone <b>.")
    await house.runtime.store.write(account_id, lambda transaction: transaction.plans.end_plans([ended]))
    shown = await house.viewer.get(OVERVIEW)
    assert "A planned change was refused in the last week" in shown.text
    listed = await house.viewer.get("/console/plans?state=refused")
    assert "/console/plans?state=refused" in shown.html
    assert JEEP in listed.text
    assert "Gone <b>." in listed.text


def give_days(*counts: int) -> list[StatusDay]:
    """Give days with so many Active vehicles, and two Sold ones on each day but the first."""
    first = date(2026, 1, 1)
    days = []
    for place, count in enumerate(counts):
        by_status: dict[VehicleStatus, int] = dict.fromkeys(COUNTED_STATUSES, 0)
        by_status[VehicleStatus.ACTIVE] = count
        by_status[VehicleStatus.SOLD] = 2 if place else 0
        days.append(StatusDay(day=first + timedelta(days=place), counts=by_status))
    return days


def test_the_areas_of_the_chart_lie_on_each_other_and_stay_inside() -> None:
    chart = stack_days(give_days(10, 20, 38))
    assert chart.top == 40
    assert [area.status for area in chart.areas] == [VehicleStatus.ACTIVE, VehicleStatus.SOLD]
    active, sold = (re.findall(r"(\d+) (\d+)", area.path) for area in chart.areas)
    assert active[:3] == [("0", "180"), ("500", "120"), ("1000", "12")]
    assert sold[3:] == active[:3][::-1]
    for x, y in active + sold:
        assert 0 <= int(x) <= WIDTH
        assert 0 <= int(y) <= HEIGHT
    assert stack_days([]).areas == []


@each_row("most, top", [(0, 1), (1, 1), (3, 4), (10, 10), (11, 20), (501, 1000), (10_000_000, 10**7)])
def test_the_chart_ends_at_a_round_number(most: int, top: int) -> None:
    assert find_top(most) == top


def test_each_status_has_its_own_line_and_its_change() -> None:
    active, sold = list_rows(give_days(10, 4, 7))
    assert (active.count, active.change, sold.count, sold.change) == (7, -3, 2, 2)
    assert active.line == "0,3 60,21 120,12"
    assert draw_line([5]) == "0,12 120,12"


def test_the_table_has_the_present_and_a_day_of_each_week_before() -> None:
    days = give_days(*[0] * 5, *range(1, 16))
    assert choose_weeks(days)[0] is days[-1]
    assert [days.index(day) for day in choose_weeks(days)] == [19, 12, 5]
    assert skip_empty(days)[0] is days[1]


@each_row(
    "part, whole, share", [(0, 0, ""), (0, 5, "0"), (1, 900, "1"), (899, 900, "99"), (900, 900, "100"), (1, 2, "50")]
)
def test_a_share_is_nothing_or_all_only_where_it_is(part: int, whole: int, share: str) -> None:
    assert write_share(part, whole).removesuffix("\u00a0%") == share
