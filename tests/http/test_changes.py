"""GET /api/v2/changes: pages, waiting, and the same as a stream of events."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from padron.http.app import build_app
from padron.http.routes import changes
from padron.service.accounts import revoke_key
from padron.service.runtime import Runtime
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, Member, make_vin, registered, save
from tests.http.api import Api, before_the_store
from tests.http.conftest import run_lifespan
from tests.tables import each_row

CHANGES = "/api/v2/changes"


async def read(api: Api, query: str = "") -> Any:  # noqa: ANN401 - JSON
    reply = await api.acme.get(f"{CHANGES}?{query}" if query else CHANGES)
    assert reply.status == 200, reply.content
    return reply.body


async def make_some(api: Api) -> None:
    """Three changes of one vehicle and one of another."""
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    await api.acme.register(JEEP, plate="JEEP001")
    await api.acme.put_vehicle(HUMMER, plate="NEW1234")


class Stream:
    """An open event stream, read as a client does."""

    def __init__(self, app: ASGIApp, member: Member, query: str = "", last: str | None = None) -> None:
        headers = [(b"host", b"padron.test"), (b"accept", b"text/event-stream")]
        headers.append((b"authorization", f"Bearer {member.token}".encode()))
        if last is not None:
            headers.append((b"last-event-id", last.encode()))
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._to_app.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        scope = {
            "type": "http", "method": "GET", "path": CHANGES, "raw_path": CHANGES.encode(),
            "query_string": query.encode(), "headers": headers, "http_version": "1.1", "scheme": "http",
        }  # fmt: skip
        self.task = asyncio.ensure_future(_run(app, scope, self._to_app, self._sent))
        self._buffer = ""

    async def read_block(self) -> str:
        """Give the next block of lines: an event or a comment."""
        while "\n\n" not in self._buffer:
            async with asyncio.timeout(10):
                message = await self._sent.get()
            if message["type"] == "http.response.start":
                assert message["status"] == 200
            elif not message.get("more_body"):
                raise EOFError
            self._buffer += message.get("body", b"").decode()
        block, _, self._buffer = self._buffer.partition("\n\n")
        return block

    async def read_event(self) -> tuple[str, dict[str, Any]]:
        """Give the id and the data of the next event, passing over comments."""
        while True:
            lines = (await self.read_block()).split("\n")
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if "data" in fields:
                data: dict[str, Any] = json.loads(fields["data"])
                assert fields["event"] == data["type"]
                return fields["id"], data

    async def read_rest(self) -> str:
        """Give everything up to the end of the stream."""
        blocks = []
        try:
            while True:
                blocks.append(await self.read_block())
        except EOFError:
            return "\n".join(blocks)

    async def hang_up(self) -> None:
        await self._to_app.put({"type": "http.disconnect"})
        async with asyncio.timeout(10):
            await self.task


async def _run(app: ASGIApp, scope: Any, to_app: asyncio.Queue[Message], sent: asyncio.Queue[Message]) -> None:  # noqa: ANN401
    await app(scope, to_app.get, sent.put)


@asynccontextmanager
async def run_second_app(runtime: Runtime) -> AsyncIterator[ASGIApp]:
    """An application over this runtime whose raw messages a test can see."""

    async def give() -> Runtime:
        return runtime

    app = build_app(give)
    async with run_lifespan(app):
        yield app


@pytest.mark.long("postgres")
async def test_all_changes_come_in_order_with_everything_about_them(api: Api) -> None:
    await make_some(api)
    body = await read(api)
    first, second, third, fourth = body["changes"]
    assert [change["number"] for change in body["changes"]] == [1, 2, 3, 4]
    assert body["more"] is False
    assert first == {
        "number": 1, "type": "vehicle.registered", "vin": HUMMER, "at": first["at"], "by": api.acme.actor,
        "byName": api.acme.actor_name, "requestId": first["requestId"], "operational": False,
        "operationalChanged": True, "toStatusId": 1, "allowed": False,
    }  # fmt: skip
    assert (second["fromStatusId"], second["toStatusId"], second["reason"]) == (1, 4, "Brakes")
    assert (second["type"], second["operationalChanged"]) == ("vehicle.status_changed", True)
    assert (third["vin"], third["operational"]) == (JEEP, True)
    assert (fourth["type"], fourth["operationalChanged"]) == ("vehicle.info_changed", False)
    assert (fourth["former"], fourth["current"]) == ({"plate": "RTA412C"}, {"plate": "NEW1234"})


@pytest.mark.long("postgres")
async def test_pages_go_on_from_the_cursor_without_gap_or_repetition(api: Api) -> None:
    await make_some(api)
    numbers, cursor, more = [], None, True
    while more:
        body = await read(api, "limit=3" + (f"&after={cursor}" if cursor else ""))
        numbers += [change["number"] for change in body["changes"]]
        cursor, more = body["nextCursor"], body["more"]
    assert numbers == [1, 2, 3, 4]
    assert (await read(api, f"after={cursor}"))["changes"] == []


@pytest.mark.long("postgres")
async def test_a_no_op_is_not_in_the_feed(api: Api) -> None:
    await make_some(api)
    await api.acme.patch_status(HUMMER, 4)
    assert len((await read(api))["changes"]) == 4


async def test_filters_leave_out_changes_and_the_cursor_moves_past_them(api: Api) -> None:
    await make_some(api)
    body = await read(api, "type=vehicle.registered")
    assert [change["number"] for change in body["changes"]] == [1, 3]
    assert (await read(api, f"after={body['nextCursor']}"))["changes"] == []
    assert [change["number"] for change in (await read(api, "operationalChanged=true"))["changes"]] == [1, 2, 3]
    assert [change["number"] for change in (await read(api, "operationalChanged=false"))["changes"]] == [4]
    both = await read(api, "type=vehicle.info_changed,vehicle.status_changed&limit=1")
    assert ([change["number"] for change in both["changes"]], both["more"]) == ([2], True)


BAD_QUERIES = ("after=x", "limit=501", "wait=31", "wait=x", "type=no", "operationalChanged=yes", "x=1", "after=")


@before_the_store
@each_row("query", BAD_QUERIES)
async def test_a_bad_question_is_refused(api: Api, query: str) -> None:
    assert (await api.acme.get(f"{CHANGES}?{query}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_the_feed_needs_its_own_scope_and_shows_only_the_own_account(api: Api) -> None:
    await make_some(api)
    assert (await api.gamma.get(CHANGES)).code == (403, "Forbidden")
    assert (await api.nobody.get(CHANGES)).code == (401, "Unauthorized")
    assert (await api.beta.get(CHANGES)).body["changes"] == []


async def test_wait_holds_the_request_until_a_change_is_made_on_another_server(
    api: Api, open_store: Callable[[], Awaitable[Store]]
) -> None:
    other = await open_store()
    cursor = (await read(api))["nextCursor"]
    waiting = asyncio.ensure_future(read(api, f"after={cursor}&wait=30"))
    while not api.runtime.watch._waiting:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)
    assert not waiting.done()
    await save(other, api.acme.account_id, registered(HUMMER))
    async with asyncio.timeout(10):
        body = await waiting
    assert [change["vin"] for change in body["changes"]] == [HUMMER]
    assert sum(api.runtime.counts.feed_lag_s.copy().counts) == 1


@pytest.mark.long("postgres")
async def test_wait_is_over_when_its_time_is(api: Api) -> None:
    async with asyncio.timeout(10):
        assert (await read(api, "wait=1"))["changes"] == []


async def test_the_operable_list_and_the_feed_after_its_cursor_make_the_whole(api: Api) -> None:
    await make_some(api)
    reply = await api.acme.get("/api/v2/vehicles?operational=true")
    assert [vehicle["vin"] for vehicle in reply.body["vehicles"]] == [JEEP]
    assert [vehicle["vin"] for vehicle in await api.acme.list_vehicles("operational=false")] == [HUMMER]
    await api.acme.patch_status(HUMMER, 1)
    later = await read(api, f"after={reply.body['cursor']}&operationalChanged=true")
    assert [(change["vin"], change["operational"]) for change in later["changes"]] == [(HUMMER, True)]
    assert "cursor" not in (await api.acme.get("/api/v2/vehicles")).body
    assert (await api.acme.get("/api/v2/vehicles?operational=1")).status == 400
    assert (await api.acme.get("/api/v2/vehicles?operational=true&assetStatusId=2")).status == 400


@pytest.mark.own_register
async def test_a_stream_tells_what_was_and_what_comes_and_goes_on_from_the_last_event_id(api: Api) -> None:
    await make_some(api)
    async with run_second_app(api.runtime) as app:
        stream = Stream(app, api.cast.acme)
        events = [await stream.read_event() for _ in range(4)]
        assert [data["number"] for _, data in events] == [1, 2, 3, 4]
        await api.acme.patch_status(JEEP, 8)
        _, data = await stream.read_event()
        assert (data["vin"], data["toStatusId"]) == (JEEP, 8)
        await stream.hang_up()
        again = Stream(app, api.cast.acme, "operationalChanged=true", last=events[1][0])
        assert [(await again.read_event())[1]["number"] for _ in range(2)] == [3, 5]
        await again.hang_up()


@pytest.mark.long("postgres")
async def test_who_can_read_json_as_well_gets_no_stream(api: Api) -> None:
    await make_some(api)
    page = await api.acme.get(CHANGES)
    for accepted in (
        "application/json, text/event-stream, application/problem+json",
        "text/event-stream,application/json",
    ):
        reply = await api.acme.get(CHANGES, Accept=accepted)
        assert (reply.headers["content-type"], reply.body) == (page.headers["content-type"], page.body)
    reply = await api.acme.get(CHANGES, Accept="application/problem+json")
    assert reply.body == page.body


@pytest.mark.long("postgres")
@pytest.mark.own_register
async def test_a_stream_ends_cleanly_when_the_server_stops(api: Api) -> None:
    async with run_second_app(api.runtime) as app:
        stream = Stream(app, api.cast.acme)
        await stream.read_block()
        api.runtime.watch.stop()
        assert "stopping" in await stream.read_block()
        with pytest.raises(EOFError):
            await stream.read_block()
        await stream.task


@pytest.mark.long("postgres")
async def test_an_idle_stream_beats_and_ends_when_its_key_is_revoked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_S", 0.05)
    async with run_second_app(api.runtime) as app:
        stream = Stream(app, api.cast.acme)
        await stream.read_block()
        assert ": waiting" in await stream.read_block()
        member = api.cast.acme
        await revoke_key(api.runtime, member.principal.actor)
        async with asyncio.timeout(10):
            await stream.task
        assert "not valid" in await stream.read_rest()


@pytest.mark.long("postgres")
@pytest.mark.own_register
async def test_a_stream_that_nobody_reads_to_the_end_leaves_no_one_waiting(api: Api) -> None:
    async with run_second_app(api.runtime) as app:
        streams = [Stream(app, api.cast.acme) for _ in range(50)]
        for stream in streams:
            await stream.read_block()
        await asyncio.gather(*(stream.hang_up() for stream in streams))
        assert api.runtime.watch._waiting == {}


@pytest.mark.own_register
async def test_a_follower_sees_each_change_of_16_writers_once_and_in_order(api: Api) -> None:
    vins = [make_vin(number) for number in range(8)]
    for number, vin in enumerate(vins):
        await api.acme.register(vin, plate=f"AAA{number:03}")

    async def write(writer: int) -> None:
        for turn in range(12):
            await api.acme.patch_status(
                vins[(writer + turn) % 8], (3, 4, 5, 6, 7)[(writer + turn) % 5], f"{writer}-{turn}"
            )

    async with run_second_app(api.runtime) as app:
        stream = Stream(app, api.cast.acme)
        writers = asyncio.gather(*(write(writer) for writer in range(16)))
        seen: list[dict[str, Any]] = []
        await writers
        total = (await read(api, "limit=500"))["changes"][-1]["number"]
        while len(seen) < total:
            seen.append((await stream.read_event())[1])
        await stream.hang_up()
    assert [change["number"] for change in seen] == list(range(1, total + 1))
    status: dict[str, int] = {}
    for change in seen:
        if change["type"] == "vehicle.status_changed":
            assert change["fromStatusId"] == status[change["vin"]]
        status[change["vin"]] = change["toStatusId"]
