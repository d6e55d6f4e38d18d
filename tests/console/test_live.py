"""What changes while a page is open: who may follow, until when, how many at once, and after a lost connection."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from padron.console.pages import live
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.people import Role
from padron.domain.sessions import IDLE_MAX
from padron.service.people.members import add_member, remove_member
from padron.service.people.users import disable_user, end_sessions_of
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, Cast, make_vin, wait_until
from tests.console.browser import Browser, House, Shown
from tests.console.conftest import furnish, run_console
from tests.console.test_fleet_pages import set_now
from tests.held_turns import hold_turns
from tests.http.raw import RawCall

LIST = "/console/vehicles"
PAGES = [LIST, f"{LIST}/{HUMMER}", "/console/overview"]
SECONDS_MAX = timedelta(seconds=3)
LOOK_EVERY_S = live.LOOK_EVERY_S  # as the program has it


@pytest.fixture(autouse=True)
def _short_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stream look at its session sooner, and wait less for further changes."""
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(live, "TOGETHER_S", 0.05)


def read_cursor(shown: Shown) -> str:
    (notice,) = shown.page.list_all("p", id="fresh")
    return notice.attributes["data-follow"]


@dataclass(frozen=True, kw_only=True)
class News:
    cursor: str
    vins: list[str]
    many: bool = False
    ended: bool = False


class PageStream:
    """The stream of an open page, read as its script reads it."""

    def __init__(self, house: House, browser: Browser, cursor: str, *, last: str = "") -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = [("cookie", cookie), ("accept", "text/event-stream")]
        if last:
            headers.append(("last-event-id", last))
        self._call = RawCall(house.http.app, None, "GET", f"/console/live?after={cursor}", headers)
        self._read_bytes = 0

    async def read_status(self) -> int:
        return await self._call.read_status()

    async def read_headers(self) -> dict[str, str]:
        return await self._call.read_headers()

    async def read_block(self) -> str:
        """Give the lines of the next event or comment. Raises EOFError at the end."""
        assert await self._call.read_status() == 200, self._call.content

        async def is_there() -> bool:
            return b"\n\n" in self._rest or self._call.task.done()

        await wait_until(is_there)
        block, end, _ = self._rest.partition(b"\n\n")
        if not end:
            raise EOFError
        self._read_bytes += len(block) + len(end)
        return block.decode()

    @property
    def _rest(self) -> bytes:
        return self._call.content[self._read_bytes :]

    async def read(self) -> News:
        """Give the next event, passing over comments."""
        while True:
            lines = (await self.read_block()).split("\n")
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if "data" in fields:
                return News(cursor=fields["id"], **json.loads(fields["data"]))

    async def read_end(self) -> News:
        """Give the last event, which must be the next one."""
        news = await asyncio.wait_for(self.read(), SECONDS_MAX.total_seconds())
        with pytest.raises(EOFError):
            await self.read_block()
        await self._call.task
        return news

    async def hang_up(self) -> None:
        await self._call.hang_up()


async def open_stream(house: House, browser: Browser | None = None, path: str = LIST) -> PageStream:
    """Show a page, and follow from there."""
    browser = browser or house.viewer
    return PageStream(house, browser, read_cursor(await browser.get(path)))


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_learns_what_changes_after_it_was_made_as_it_changes(house: House, path: str) -> None:
    for vin in (HUMMER, JEEP):
        await house.register(vin)
    stream = await open_stream(house, path=path)
    assert "waiting" in await stream.read_block()
    assert (await stream.read_headers())["content-type"].startswith("text/event-stream")
    for vin, status in ((HUMMER, 4), (JEEP, 4), (HUMMER, 8)):
        await set_now(house, vin, status)
        assert (await stream.read()).vins == [vin]
    await stream.hang_up()
    assert not house.runtime.watch._waiting


@pytest.mark.both_engines
async def test_after_a_lost_connection_nothing_is_missed_and_nothing_comes_twice(house: House) -> None:
    vins = [make_vin(number) for number in range(4)]
    for vin in vins:
        await house.register(vin)
    began = read_cursor(await house.viewer.get(LIST))
    stream = PageStream(house, house.viewer, began)
    await set_now(house, vins[0], 4)
    first = await stream.read()
    await stream.hang_up()
    for vin in vins[1:3]:
        await set_now(house, vin, 4)
    again = PageStream(house, house.viewer, first.cursor)
    assert (await again.read()).vins == vins[1:3]
    await set_now(house, vins[3], 4)
    assert (await again.read()).vins == vins[3:]
    await again.hang_up()
    browsers_own_way = PageStream(house, house.viewer, began, last=first.cursor)
    assert (await browsers_own_way.read()).vins == vins[1:]
    await browsers_own_way.hang_up()


async def test_many_changes_at_once_are_few_events(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TOGETHER_S", 1.0)
    vins = [make_vin(number) for number in range(20)]
    for vin in vins:
        await house.register(vin)
    stream = await open_stream(house)
    await set_now(house, vins[0], 4)
    seen = (await stream.read()).vins
    for vin in vins[1:]:
        await set_now(house, vin, 4)
    event_count = 1
    while len(seen) < len(vins):
        seen += (await stream.read()).vins
        event_count += 1
    assert seen == vins
    assert event_count < len(vins) / 2
    await stream.hang_up()


async def test_rows_and_the_page_of_a_vehicle_say_which_vehicle_they_show(house: House) -> None:
    await house.register(HUMMER)
    for path in PAGES[:2]:
        assert f'data-vin="{HUMMER}"' in (await house.viewer.get(path)).html


async def test_who_may_not_read_changes_follows_nothing(house: House) -> None:
    await house.register(HUMMER)
    cursor = read_cursor(await house.viewer.get(LIST))
    for path in PAGES:
        assert not (await house.reader.get(path)).page.list_all("p", id="fresh")
    assert (await house.reader.get(f"/console/live?after={cursor}")).status == 403


async def test_a_stranger_learns_nothing_of_another_account(house: House) -> None:
    await house.register(HUMMER)
    theirs = read_cursor(await house.viewer.get(LIST))
    own = await open_stream(house, house.stranger)
    stolen = PageStream(house, house.stranger, theirs)
    told = await stolen.read()
    assert (told.vins, told.many) == ([], True)  # it is no place of theirs
    await set_now(house, HUMMER, 4)
    await asyncio.sleep(0.2)
    for stream in (own, stolen):
        await stream.hang_up()
        with pytest.raises(EOFError):
            await stream.read()


async def sign_out(house: House) -> None:
    await house.viewer.post("/console/sign-out")


async def choose_another_account(house: House) -> None:
    beta = house.cast.beta.account
    await add_member(house.runtime, house.people[Role.VIEWER], beta.account_id, Role.VIEWER)
    await house.viewer.post("/console/account", {"account": str(beta.account_id)})


async def leave_the_account(house: House) -> None:
    acme = house.cast.acme.account
    await remove_member(house.runtime, house.people[Role.VIEWER], acme.account_id, acme.name)


async def be_disabled(house: House) -> None:
    await disable_user(house.runtime, house.people[Role.VIEWER])


@pytest.mark.parametrize("end", [sign_out, choose_another_account, leave_the_account, be_disabled])
async def test_a_session_that_ends_ends_its_stream_and_is_told_so(
    house: House, end: Callable[[House], Awaitable[None]]
) -> None:
    await house.register(HUMMER)
    stream = await open_stream(house)
    await stream.read_block()
    await end(house)
    assert (await stream.read_end()).ended


async def test_who_has_no_session_is_told_that_it_has_ended_and_no_more(house: House) -> None:
    await house.register(HUMMER)
    cursor = read_cursor(await house.viewer.get(LIST))
    await set_now(house, HUMMER, 4)
    await sign_out(house)
    for browser in (house.viewer, house.open_browser()):
        told = await PageStream(house, browser, cursor).read_end()
        assert (told.vins, told.ended, told.cursor) == ([], True, "")


async def test_what_changes_once_the_session_has_ended_is_not_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 600.0)  # only the look before each event is left
    await house.register(HUMMER)
    stream = await open_stream(house)
    await stream.read_block()
    await sign_out(house)
    await set_now(house, HUMMER, 4)
    told = await stream.read_end()
    assert (told.vins, told.ended) == ([], True)


@pytest.mark.both_engines
async def test_a_session_that_ends_on_another_server_ends_its_stream_here(
    runtime: Runtime, cast: Cast, open_store: Callable[[], Awaitable[Store]], clock: Callable[[], datetime]
) -> None:
    elsewhere = build_runtime(await open_store(), clock)
    async with run_console(runtime) as http:
        house = await furnish(http, runtime, cast)
        stream = await open_stream(house)
        await stream.read_block()
        await end_sessions_of(elsewhere, house.people[Role.VIEWER])
        assert (await stream.read_end()).ended
    await elsewhere.close()


async def test_a_stream_ends_cleanly_when_the_server_stops(runtime: Runtime, cast: Cast) -> None:
    async with run_console(runtime) as http:
        house = await furnish(http, runtime, cast)
        stream = await open_stream(house)
        await stream.read_block()
        runtime.watch.stop()
        with pytest.raises(EOFError):
            await stream.read()


async def test_an_idle_stream_beats(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    stream = await open_stream(house)
    for _ in range(3):
        assert ": waiting" in await stream.read_block()
    await stream.hang_up()


async def test_who_was_away_for_long_is_told_that_much_has_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.changes.marks.CHANGES_MAX", 2)
    await house.register(HUMMER)
    await house.register(JEEP)
    cursor = read_cursor(await house.viewer.get(LIST))
    for status in (4, 8, 1):
        await set_now(house, HUMMER, status)
    stream = PageStream(house, house.viewer, cursor)
    told = await stream.read()
    assert (told.vins, told.many) == ([HUMMER], True)
    await set_now(house, JEEP, 4)
    assert (await stream.read()).vins == [JEEP]
    await stream.hang_up()


async def test_a_cursor_of_another_life_of_the_register_means_much_and_goes_on(house: House) -> None:
    await house.register(HUMMER)
    cursor = read_cursor(await house.viewer.get(LIST))
    other = ("0" if cursor[0] != "0" else "1") + cursor[1:]
    stream = PageStream(house, house.viewer, other)
    told = await stream.read()
    assert (told.vins, told.many, told.cursor) == ([], True, cursor)
    await set_now(house, HUMMER, 4)
    assert (await stream.read()).vins == [HUMMER]
    await stream.hang_up()


async def test_a_brief_look_ends_with_what_has_changed(house: House) -> None:
    await house.register(HUMMER)
    cursor = read_cursor(await house.viewer.get(LIST))
    unchanged = await asyncio.wait_for(house.viewer.get(f"/console/live?after={cursor}&brief=1"), 2)
    assert unchanged.html == f"id: {cursor}\n: waiting\n\n"
    await set_now(house, HUMMER, 4)
    changed = await asyncio.wait_for(house.viewer.get(f"/console/live?after={cursor}&brief=1"), 2)
    assert json.loads(changed.html.partition("data: ")[2])["vins"] == [HUMMER]


async def test_open_pages_that_come_back_together_wait_for_the_turn_of_their_account(house: House) -> None:
    await house.register(HUMMER)
    cursor = read_cursor(await house.viewer.get(LIST))
    turns, account_id = house.runtime.turns, house.cast.acme.account.account_id
    async with hold_turns(house.runtime, account_id) as held:
        asked = asyncio.create_task(house.viewer.get(f"/console/live?after={cursor}&brief=1"))

        async def is_waiting() -> bool:
            return turns.count(account_id) > held

        await wait_until(is_waiting)
        assert not asked.done()
    assert (await asked).status == 200


async def test_an_open_page_keeps_nobody_signed_in(house: House) -> None:
    cursor = read_cursor(await house.viewer.get(LIST))
    clock = house.runtime.clock
    for _ in range(4):
        clock.now += IDLE_MAX / 3  # type: ignore[attr-defined]
        shown = await house.viewer.get(f"/console/live?after={cursor}&brief=1")
    assert '"ended":true' in shown.html


@pytest.mark.parametrize("limits", [replace(DEFAULT_LIMITS, session_streams=2, waiting=3)])
async def test_streams_are_limited_for_each_session_and_for_each_account(runtime: Runtime, cast: Cast) -> None:
    async with run_console(runtime) as http:
        house = await furnish(http, runtime, cast)
        streams = [await open_stream(house) for _ in range(2)]
        assert [await one.read_status() for one in streams] == [200, 200]
        assert await (await open_stream(house)).read_status() == 429
        streams.append(await open_stream(house, house.editor))
        assert await streams[2].read_status() == 200
        assert await (await open_stream(house, house.editor)).read_status() == 429
        own = await open_stream(house, house.stranger)
        assert await own.read_status() == 200
        for stream in (*streams, own):
            await stream.hang_up()
        again = [await open_stream(house) for _ in range(2)]
        assert [await one.read_status() for one in again] == [200, 200]
        for stream in again:
            await stream.hang_up()


@pytest.mark.parametrize("after", ["", "x", "-1", "\u0661"])
async def test_a_place_that_is_no_cursor_is_refused(house: House, after: str) -> None:
    assert (await house.viewer.get(f"/console/live?after={quote(after)}")).status == 400


def test_a_stream_looks_at_its_session_often_enough() -> None:
    assert timedelta(seconds=LOOK_EVERY_S) < SECONDS_MAX
