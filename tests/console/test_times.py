"""The report of time in status, drawn."""

from datetime import timedelta

import pytest

from padron.console.pages.fleet.times import WIDTH, list_parts
from padron.domain.status import VehicleStatus
from tests.cast import HUMMER, make_vin
from tests.console.browser import House
from tests.console.test_fleet_pages import set_now

TIMES = "/console/time-in-status"


@pytest.mark.both_engines
async def test_the_bars_show_how_long_vehicles_had_each_status(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C")
    clock = house.runtime.clock
    await set_now(house, HUMMER, 4, "Brakes <i>")
    clock.now += timedelta(hours=10)  # type: ignore[attr-defined]
    shown = await house.viewer.get(TIMES)
    assert shown.status == 200
    assert "One vehicle" in shown.text
    assert "Brakes <i>" in shown.text
    bars = shown.page.list_all("svg", **{"class": "bar"})
    assert len(bars) == 2
    assert bars[1].attributes["aria-label"].startswith(f"{HUMMER}: Active")
    assert "In the Shop 99\u00a0%" in bars[1].attributes["aria-label"]
    assert "no vehicle in this period" in (await house.stranger.get(TIMES)).text
    past = await house.viewer.get(f"{TIMES}?from=2020-01-01&to=2020-01-02")
    assert "no vehicle in this period" in past.text


async def test_vehicles_follow_in_pages_that_keep_the_period(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.console.pages.fleet.times.ROWS", 2)
    vins = [make_vin(number) for number in range(5)]
    for vin in vins:
        await house.register(vin)
    shown, seen = await house.viewer.get(TIMES), []
    while True:
        seen += [link.text[0] for link in shown.page.list_all("a", **{"class": "vin"})]
        following = shown.page.list_all("a", rel="next")
        if not following:
            break
        assert "from=" in following[0].attributes["href"]
        shown = await house.viewer.get(following[0].attributes["href"])
    assert seen == vins


@pytest.mark.parametrize("query", ["from=x&to=y", "from=2026-01-05&to=2026-01-01", "from=2026-01-01&to=2026-13-01"])
async def test_a_period_that_cannot_be_is_explained_and_kept(house: House, query: str) -> None:
    shown = await house.viewer.get(f"{TIMES}?{query}")
    assert shown.status == 200
    assert "no report for this period" in shown.text
    begin = query.partition("&")[0].removeprefix("from=")
    assert shown.page.list_all("input", name="from")[0].attributes["value"] == begin


def test_the_parts_of_a_bar_fill_it_in_order() -> None:
    sums = {VehicleStatus.ACTIVE: 3_600, VehicleStatus.STOLEN: 1, VehicleStatus.SOLD: 7_199, VehicleStatus.INACTIVE: 0}
    parts = list_parts(sums)
    assert [part.status for part in parts] == [VehicleStatus.ACTIVE, VehicleStatus.STOLEN, VehicleStatus.SOLD]
    assert parts[0].x == 0
    assert all(part.width >= 1 for part in parts)
    assert parts[-1].x + parts[-1].width == WIDTH
    assert [part.share.removesuffix("\u00a0%") for part in parts] == ["33", "1", "67"]
    assert list_parts({}) == []
