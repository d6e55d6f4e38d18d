"""What changed since a page was made: who may follow, until when, and how many at once."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from padron.console.pages import live
from padron.domain.limits import DEFAULT_LIMITS
from padron.service.people.sessions import IDLE_MAX
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, Cast
from tests.console.browser import House, Shown
from tests.console.conftest import furnish, run_console
from tests.console.test_fleet_pages import set_now

PAGES = ["/console/vehicles", f"/console/vehicles/{HUMMER}", "/console/overview"]


def read_number(shown: Shown) -> int:
    (notice,) = shown.page.list_all("p", id="fresh")
    return int(notice.attributes["data-follow"])


async def follow(house: House, after: int) -> Shown:
    return await asyncio.wait_for(house.viewer.get(f"/console/live?after={after}"), 10)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_learns_what_changed_after_it_was_made(house: House, path: str) -> None:
    for vin in (HUMMER, JEEP):
        await house.register(vin)
    number = read_number(await house.viewer.get(path))
    waiting = asyncio.create_task(follow(house, number))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await set_now(house, HUMMER, 4)
    news = json.loads((await waiting).html)
    assert news == {"after": number + 1, "vins": [HUMMER], "many": False}
    await set_now(house, JEEP, 4)
    await set_now(house, JEEP, 8)
    assert json.loads((await follow(house, number)).html)["vins"] == [HUMMER, JEEP]


async def test_rows_and_the_page_of_a_vehicle_say_which_vehicle_they_show(house: House) -> None:
    await house.register(HUMMER)
    for path in PAGES[:2]:
        assert f'data-vin="{HUMMER}"' in (await house.viewer.get(path)).html


async def test_who_may_not_read_changes_follows_nothing(house: House) -> None:
    await house.register(HUMMER)
    for path in PAGES:
        assert not (await house.reader.get(path)).page.list_all("p", id="fresh")
    assert (await house.reader.get("/console/live?after=0")).status == 403


async def test_a_stranger_learns_nothing_of_another_account(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WAIT_S", 0.3)
    await house.register(HUMMER)
    news = json.loads((await house.stranger.get("/console/live?after=0")).html)
    assert news == {"after": 0, "vins": [], "many": False}


async def test_a_session_that_ends_ends_its_wait_within_two_seconds(house: House) -> None:
    number = read_number(await house.viewer.get("/console/vehicles"))
    waiting = asyncio.create_task(follow(house, number))
    await asyncio.sleep(0.1)
    await house.viewer.post("/console/sign-out")
    shown = await asyncio.wait_for(waiting, 2)
    assert shown.status == 401


async def test_many_changes_are_named_as_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.service.changes.marks.CHANGES_MAX", 2)
    await house.register(HUMMER)
    number = read_number(await house.viewer.get("/console/vehicles"))
    for status in (4, 8, 1):
        await set_now(house, HUMMER, status)
    news = json.loads((await follow(house, number)).html)
    assert news == {"after": number + 3, "vins": [HUMMER], "many": True}


async def test_an_open_page_keeps_nobody_signed_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WAIT_S", 0.0)
    clock = house.runtime.clock
    for _ in range(4):
        clock.now += IDLE_MAX / 3  # type: ignore[attr-defined]
        shown = await house.viewer.get("/console/live?after=0")
    assert shown.status in {303, 401}


@pytest.mark.parametrize("limits", [replace(DEFAULT_LIMITS, waiting=2)])
async def test_waits_are_limited_for_each_account(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAIT_S", 2.0)
    async with run_console(runtime) as http:
        house = await furnish(http, runtime, cast)
        waits = [asyncio.create_task(follow(house, 10**9)) for _ in range(2)]
        await asyncio.sleep(0.2)
        assert (await follow(house, 10**9)).status == 429
        assert [one.status for one in await asyncio.gather(*waits)] == [200, 200]
        again = asyncio.create_task(follow(house, 10**9))
        assert (await again).status == 200


@pytest.mark.parametrize("after", ["", "x", "-1", "1" * 19, "\u0661"])
async def test_a_place_that_is_no_number_is_refused(house: House, after: str) -> None:
    assert (await house.viewer.get(f"/console/live?after={quote(after)}")).status == 400


def test_a_wait_looks_at_its_session_within_two_seconds() -> None:
    assert timedelta(seconds=live.LOOK_EVERY_S) < timedelta(seconds=2)
