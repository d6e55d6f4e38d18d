"""A register that was restored from a backup: cursors given after the backup was made are gone, never an empty page."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from padron.domain.instants import format_instant
from padron.service.register import renew_register
from padron.service.runtime import build_runtime
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests.cast import HUMMER, Cast, make_cast, make_vin
from tests.conftest import SteppedClock
from tests.http.api import HISTORY, LIST, Api, Reply
from tests.http.conftest import run_api
from tests.http.test_changes import CHANGES, Stream, run_second_app
from tests.postgres import Postgres

GONE = (410, "CursorGone")
REPORT = "/api/v2/reports/time-in-status"
WEBHOOK = {"url": "https://fleet.example/padron", "eventTypes": ["vehicle.status_changed"]}


@dataclass
class Register:
    """A register that can be put back to how it was, with the servers that open it one after the other."""

    engine: str
    url: str
    server: Callable[[], Postgres]
    clock: SteppedClock
    cast: Cast | None = None

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Api]:
        store: Store = await (sqlite if self.engine == "sqlite" else postgres).open_store(self.url)
        runtime = build_runtime(store, self.clock)
        if self.cast is None:
            self.cast = await make_cast(runtime)
        async with run_api(runtime, self.cast) as api:
            yield api

    async def copy(self) -> str:
        """Give the path or URL of a copy. No server may run."""
        if self.engine == "sqlite":
            return str(shutil.copy(self.url, Path(self.url).with_suffix(".backup")))
        return await self.server().copy_database(self.url)


@pytest.fixture
async def register(
    engine: str, database: str, clock: SteppedClock, request: pytest.FixtureRequest
) -> AsyncIterator[Register]:
    register = Register(engine, database, lambda: request.getfixturevalue("postgres_server"), clock)
    yield register
    if register.url != database and engine == "postgres":
        await register.server().drop_database(register.url)


@asynccontextmanager
async def restored(register: Register, kept: dict[str, Any]) -> AsyncIterator[Api]:
    """Back up four changes, write on, keep the cursors of that, restore the backup, and serve it again."""
    async with register.serve() as api:
        await fill(api)
        kept["before"] = (await api.acme.get(CHANGES)).body["nextCursor"]
        kept["webhook"] = (await api.acme.send("POST", "/api/v2/webhooks", json.dumps(WEBHOOK))).body["id"]
    backup = await register.copy()
    async with register.serve() as api:
        for status in (3, 4):
            assert (await api.acme.patch_status(HUMMER, status)).status == 204
        kept |= await take_cursors(api)
    register.url = backup
    async with register.serve() as api:
        yield api


async def fill(api: Api) -> None:
    for number in range(2):
        await api.acme.register(make_vin(number), plate=f"PLATE{number}")
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 5)


async def take_cursors(api: Api) -> dict[str, str]:
    """Give a cursor of each kind that has a change's number in it, by the address that takes it back."""
    period = f"from=2026-03-01T12:00:00Z&to={format_instant(api.runtime.clock())}"
    as_of = f"limit=1&asOf={format_instant(api.runtime.clock())}"
    lists = {
        f"{LIST}?operational=true&limit=1": "nextCursor",
        f"{LIST}?limit=1": "nextCursor",
        f"{LIST}?{as_of}": "nextCursor",
        f"{HISTORY}?limit=1": "nextCursor",
        f"{REPORT}?{period}&limit=1": "nextCursor",
    }
    found = {f"{target}&cursor=": (await api.acme.get(target)).body[name] for target, name in lists.items()}
    feed = {
        "feed": (CHANGES, "nextCursor"),
        "gate": (f"/api/v2/gate/{HUMMER}?operation=dispatch", "cursor"),
        "list": (f"{LIST}?operational=true", "cursor"),
        "past": (f"{LIST}?{as_of}", "cursor"),
        "report": (f"{REPORT}?{period}", "cursor"),
    }
    found |= {name: (await api.acme.get(target)).body[member] for name, (target, member) in feed.items()}
    return found


FEED_CURSORS = ("feed", "gate", "list", "past", "report")
BOUND = (f"{LIST}?operational=true&", f"{LIST}?limit=1&asOf", REPORT)  # lists whose pages are cut at a change


async def ask_all(api: Api, kept: dict[str, str], name: str) -> dict[str, Reply]:
    """Send one cursor of the feed wherever the API takes one."""
    cursor = kept[name]
    targets: dict[str, dict[str, str]] = {f"{CHANGES}?after={cursor}": {}, f"{CHANGES}?after={cursor}&wait=30": {}}
    targets |= {target: {"Padron_After": cursor} for target in (CHANGES, LIST, "/api/vehicles", HISTORY)}
    stream = {"Accept": "text/event-stream"}
    targets |= {f"{CHANGES}?after={cursor}&type=vehicle.registered": stream}
    targets |= {CHANGES + "?limit=1": {**stream, "Last_Event_ID": cursor}}
    async with asyncio.timeout(10):
        replies = {target: await api.acme.get(target, **headers) for target, headers in targets.items()}
    replay = f"/api/v2/webhooks/{kept['webhook']}/replay"
    return replies | {"replay": await api.acme.send("POST", replay, json.dumps({"after": cursor}))}


@pytest.mark.long("postgres")
async def test_a_cursor_beyond_the_end_is_gone_wherever_one_is_taken(register: Register) -> None:
    kept: dict[str, str] = {}
    async with restored(register, kept) as api:
        for name in FEED_CURSORS:
            for target, reply in (await ask_all(api, kept, name)).items():
                assert reply.code == GONE, (name, target)
                assert "Start again without it" in reply.detail
                assert reply.body["errorType"] == "gone"
                assert reply.body["type"] == "/errors/cursor-gone"
        for target, cursor in kept.items():
            if target.startswith(BOUND):
                assert (await api.acme.get(target + cursor)).code == GONE, target
        page = await api.nobody.get("/errors/cursor-gone")
        assert page.status == 200


async def test_a_register_that_grew_past_a_cursor_is_told_from_the_one_that_gave_it(register: Register) -> None:
    """Without the command: the change that the cursor stands after is another one now."""
    kept: dict[str, str] = {}
    async with restored(register, kept) as api:
        for number in range(6):
            await api.acme.patch_status(make_vin(number % 2), 3 + number)
        for name in FEED_CURSORS:
            for target, reply in (await ask_all(api, kept, name)).items():
                assert reply.code == GONE, (name, target)
        for target, cursor in kept.items():
            if target.startswith(BOUND):
                assert (await api.acme.get(target + cursor)).code == GONE, target


@pytest.mark.long("postgres")
async def test_a_cursor_of_before_the_backup_goes_on_without_gap_unless_the_register_was_renewed(
    register: Register,
) -> None:
    kept: dict[str, str] = {}
    async with restored(register, kept) as api:
        await api.acme.patch_status(HUMMER, 8)
        for query, headers in (("", {}), ("&wait=30", {}), ("", {"Padron_After": kept["before"]})):
            reply = await api.acme.get(f"{CHANGES}?after={kept['before']}{query}", **headers)
            (change,) = reply.body["changes"]
            assert (change["number"], change["toStatusId"]) == (5, 8)
        renewed = await renew_register(api.runtime)
        assert renewed != api.store.epoch
    async with register.serve() as api:
        assert api.store.epoch == renewed
        for name in ("before", *FEED_CURSORS):
            for target, reply in (await ask_all(api, kept, name)).items():
                assert reply.code == GONE, (name, target)
        for target, cursor in kept.items():
            if "?" in target:
                assert (await api.acme.get(target + cursor)).code == GONE, target
        fresh = await take_cursors(api)
        assert (await api.acme.get(f"{CHANGES}?after={fresh['gate']}")).body["changes"] == []


@pytest.mark.long("postgres")
async def test_a_replay_by_number_beyond_the_end_is_gone_and_by_cursor_begins_there(register: Register) -> None:
    kept: dict[str, str] = {}
    async with restored(register, kept) as api:
        target = f"/api/v2/webhooks/{kept['webhook']}/replay"

        async def replay(after: object) -> Reply:
            return await api.acme.send("POST", target, json.dumps({"after": after}))

        assert (await replay(5)).code == GONE
        assert (await replay(4)).status == 202
        taken = await replay((await api.acme.get(f"{CHANGES}?limit=2")).body["nextCursor"])
        assert (taken.status, taken.body["position"]) == (202, 2)
        assert (await replay(-1)).code == (400, "BadParameters")
        assert (await replay("x")).code == (400, "BadParameters")
        assert (await api.beta.send("POST", target, '{"after": 5}')).code == (404, "WebhookNotFound")


@pytest.mark.long("postgres")
async def test_each_account_has_cursors_of_its_own(register: Register) -> None:
    """Another account's cursor is one of no change of this account: it must not be told what it stands after."""
    async with register.serve() as api:
        await fill(api)
        await api.beta.register(make_vin(7))
        cursor = (await api.beta.get(CHANGES)).body["nextCursor"]
        assert (await api.acme.get(f"{CHANGES}?after={cursor}")).code == GONE


@pytest.mark.long("postgres")
async def test_the_beginning_is_never_gone(register: Register) -> None:
    async with register.serve() as api:
        empty = (await api.acme.get(CHANGES)).body
        assert empty["changes"] == []
        await fill(api)
        assert len((await api.acme.get(f"{CHANGES}?after={empty['nextCursor']}")).body["changes"]) == 4
        assert (await api.acme.get(LIST, Padron_After=empty["nextCursor"])).status == 200


@pytest.mark.long("postgres")
async def test_an_event_stream_gives_ids_that_go_on_in_pages_and_the_other_way_round(register: Register) -> None:
    async with register.serve() as api:
        await fill(api)
        async with run_second_app(api.runtime) as app:
            stream = Stream(app, api.cast.acme)
            ids = [(await stream.read_event())[0] for _ in range(4)]
            await stream.hang_up()
            left = [len((await api.acme.get(f"{CHANGES}?after={one}")).body["changes"]) for one in ids]
            assert left == [3, 2, 1, 0]
            assert ids[-1] == (await api.acme.get(CHANGES)).body["nextCursor"]
