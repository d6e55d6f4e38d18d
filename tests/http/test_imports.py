"""``POST /api/v2/imports`` and what tells how an import stands."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from padron.domain.account import Scope
from padron.http import calls
from padron.http.routes import imports
from padron.service import authentication
from padron.service.accounts import revoke_key
from padron.workers.base import PauseRange, run_workers
from padron.workers.imports import ImportWorker
from tests.cast import HUMMER, JEEP, make_member, make_vin
from tests.conftest import Select
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply
from tests.tables import each_row

IMPORTS = "/api/v2/imports"
FILE = f"vin,doors,ownerName\n{HUMMER},4,Flota Norte\n{JEEP},99,=1+1\n".encode()
CSV = {"Content-Type": "text/csv"}
FILE_SCOPES = (Scope.VEHICLES_WRITE, Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK)


@pytest.fixture
async def worker(api: Api) -> AsyncIterator[ImportWorker]:
    worker = ImportWorker(api.runtime, poll=PauseRange(s_min=0.01, s_max=0.02))
    async with run_workers([worker]):
        yield worker


async def send(client: Client, data: bytes = FILE, query: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await client.send("POST", f"{IMPORTS}{query}", data, CSV | named)
    check_reply("POST", IMPORTS, reply)
    return reply


async def read(client: Client, path: str, template: str) -> Reply:
    reply = await client.get(path)
    check_reply("GET", template, reply)
    return reply


async def wait_for_end(client: Client, location: str) -> Any:  # noqa: ANN401 - JSON
    async with asyncio.timeout(20):
        while True:
            reply = await read(client, location, f"{IMPORTS}/{{importId}}")
            if reply.body["state"] not in {"queued", "running"}:
                return reply.body
            await asyncio.sleep(0.01)


async def count(select: Select, table: str) -> int:
    ((number,),) = await select(f"SELECT count(*) FROM {table}")  # noqa: S608 - a table of ours
    return int(number)


async def test_a_file_is_accepted_imported_and_told_of(api: Api, worker: ImportWorker) -> None:
    del worker
    accepted = await send(api.acme, query="?fileName=flota%20%C3%B1.csv")
    assert accepted.status == 202
    location = accepted.headers["location"]
    body = accepted.body
    assert location == f"{IMPORTS}/{body['importId']}"
    assert (body["state"], body["fileName"], body["byteCount"]) == ("queued", "flota ñ.csv", len(FILE))
    assert (body["createdBy"], body["requestId"]) == (api.acme.actor, accepted.headers["x-request-id"])
    done = await wait_for_end(api.acme, location)
    assert done["state"] == "done"
    assert done["progress"] == 1
    assert done["counts"] == {
        "read": 2, "registered": 1, "updated": 0, "unchanged": 0, "keptDuplicates": 0, "refused": 1,
    }  # fmt: skip
    assert done["startedAt"] <= done["endedAt"]
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == "Flota Norte"
    (registered,) = await api.acme.list_history(HUMMER)
    assert (registered["by"], registered["requestId"]) == (api.acme.actor, body["requestId"])
    report = await read(api.acme, f"{location}/report", f"{IMPORTS}/{{importId}}/report")
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in report.headers["content-disposition"]
    (refused,) = csv.DictReader(io.StringIO(report.content.decode(), newline=""))
    assert (refused["line"], refused["column"]) == ("3", "doors")
    assert (await api.acme.get(f"{location}?x=1")).status == 400
    assert (await api.acme.get(f"{location}/report?x=1")).status == 400


@pytest.mark.long("postgres")
async def test_what_it_changed_can_be_undone_by_its_request(api: Api, worker: ImportWorker) -> None:
    del worker
    await api.acme.register(HUMMER)
    accepted = await send(api.acme, f"vin,vehicleStatusId\n{HUMMER},Stolen\n".encode())
    await wait_for_end(api.acme, accepted.headers["location"])
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 3
    undone = await api.acme.send("POST", f"/api/v2/requests/{accepted.body['requestId']}/undo", "{}")
    assert undone.body["undone"] == 1
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_options_are_kept_and_a_dry_run_changes_nothing(api: Api, worker: ImportWorker) -> None:
    del worker
    accepted = await send(api.acme, query="?dryRun=true&keepDuplicates=true")
    assert (accepted.body["dryRun"], accepted.body["keepDuplicates"]) == (True, True)
    done = await wait_for_end(api.acme, accepted.headers["location"])
    assert (done["counts"]["registered"], done["counts"]["refused"]) == (1, 1)
    assert await api.acme.list_vins() == []


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "query", ["?dryRun=yes", "?keepDuplicates=1", "?x=1", "?fileName=", f"?fileName={'x' * 256}", "?fileName=%0A"]
)
async def test_a_bad_parameter_is_400_before_the_body_is_read(api: Api, query: str, select: Select) -> None:
    assert (await send(api.acme, query=query)).code == (400, "BadParameters")
    assert await count(select, "imports") == 0


@pytest.mark.long("postgres")
async def test_an_empty_body_is_400_and_leaves_nothing(api: Api, select: Select) -> None:
    refused = await send(api.acme, b"")
    assert refused.code == (400, "BadParameters")
    assert "empty" in refused.detail
    assert await count(select, "imports") == 0


@pytest.mark.long("postgres")
@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "text/html"])
async def test_another_media_type_is_415_and_names_those_that_are_taken(api: Api, media_type: str) -> None:
    refused = await send(api.acme, Content_Type=media_type)
    assert refused.code == (415, "UnsupportedMediaType")
    assert "text/csv" in refused.detail


@pytest.mark.long("postgres")
@each_row("media_type", [*imports.MEDIA_TYPES, "TEXT/CSV; charset=ISO-8859-1"])
async def test_each_media_type_of_a_file_is_taken(api: Api, media_type: str) -> None:
    assert (await send(api.acme, Content_Type=media_type)).status == 202


@pytest.mark.long("postgres")
async def test_without_a_media_type_the_file_is_taken_for_what_it_is(api: Api) -> None:
    assert (await api.acme.send("POST", IMPORTS, FILE)).status == 202


@pytest.mark.long("postgres")
@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_file_that_is_too_large_is_413_and_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, select: Select, *, is_declared: bool
) -> None:
    monkeypatch.setattr(imports, "UPLOAD_BYTES_MAX", 1_000)

    async def give_pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    content: Any = b"x" * 1_100 if is_declared else give_pieces()
    assert (await send(api.acme, content)).code == (413, "BodyTooLarge")
    assert await count(select, "imports") == 0
    assert await count(select, "import_parts") == 0
    assert (await send(api.acme, FILE)).status == 202


@pytest.mark.long("postgres")
async def test_a_body_that_stops_coming_is_408_and_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, select: Select
) -> None:
    monkeypatch.setattr(calls, "BODY_WAIT_S_MAX", 0.05)

    async def give_pieces() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        await asyncio.sleep(1)
        yield b"x"

    content: Any = give_pieces()
    refused = await send(api.acme, content)
    assert refused.code == (408, "RequestTimeout")
    assert refused.headers["connection"] == "close"
    assert await count(select, "imports") == 0
    assert await count(select, "import_parts") == 0


@pytest.mark.long("postgres")
async def test_a_body_may_take_longer_than_any_other_but_must_keep_its_pace(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "BODY_WAIT_S_MAX", 0.3)

    async def give_pieces() -> AsyncIterator[bytes]:
        for place in range(8):
            await asyncio.sleep(0.06)
            yield FILE[place * 10 : place * 10 + 10] if place < 7 else FILE[70:]

    patient: Any = give_pieces()
    assert (await send(api.acme, patient)).status == 202
    monkeypatch.setattr(calls, "STREAM_GRACE_S", 0.1)
    slow: Any = give_pieces()
    assert (await send(api.acme, slow)).code == (408, "RequestTimeout")


@pytest.mark.long("postgres")
async def test_a_key_that_is_revoked_during_the_upload_is_401_and_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, select: Select
) -> None:
    monkeypatch.setattr(authentication, "BELIEVED_S", 0)

    async def give_pieces() -> AsyncIterator[bytes]:
        yield FILE[:20]
        await revoke_key(api.runtime, api.acme.actor)
        yield FILE[20:]

    content: Any = give_pieces()
    assert (await send(api.acme, content)).code == (401, "Unauthorized")
    assert await count(select, "imports") == 0


@pytest.mark.long("postgres")
async def test_the_same_file_under_the_same_key_is_one_import(api: Api, worker: ImportWorker, select: Select) -> None:
    del worker
    first = await send(api.acme, Idempotency_Key="k")
    await wait_for_end(api.acme, first.headers["location"])
    again = await send(api.acme, Idempotency_Key="k")
    assert (again.status, again.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert await count(select, "imports") == 1
    assert await count(select, "import_parts") == 0
    other = await send(api.acme, FILE + b"\n", Idempotency_Key="k")
    assert other.code == (422, "IdempotencyKeyReused")
    other = await send(api.acme, query="?dryRun=true", Idempotency_Key="k")
    assert other.code == (422, "IdempotencyKeyReused")
    assert await count(select, "imports") == 1
    assert await count(select, "import_parts") == 0
    assert (await send(api.acme, Idempotency_Key="another")).status == 202
    assert (await send(api.acme, Idempotency_Key="")).status == 400


@pytest.mark.long("postgres")
@pytest.mark.slow_callback("makes a file of 120,000 lines")
async def test_a_key_counts_for_a_file_larger_than_any_other_body(api: Api, select: Select) -> None:
    large = b"vin\n" + b"\n".join(make_vin(number).encode() for number in range(120_000))
    first = await send(api.acme, large, Idempotency_Key="k")
    again = await send(api.acme, large, Idempotency_Key="k")
    assert (first.status, again.content) == (202, first.content)
    assert (await send(api.acme, large[:-1], Idempotency_Key="k")).status == 422
    assert await count(select, "imports") == 1
    assert first.body["byteCount"] == len(large) > calls.BULK_BODY_BYTES_MAX


async def test_the_same_key_sent_many_times_at_once_is_one_import(api: Api, select: Select) -> None:
    replies = await asyncio.gather(*(send(api.acme, Idempotency_Key="k") for _ in range(5)))
    assert {reply.status for reply in replies} <= {202, 409}
    assert len({reply.content for reply in replies if reply.status == 202}) == 1
    assert await count(select, "imports") == 1
    assert await count(select, "import_parts") == 1


@pytest.mark.long("postgres")
async def test_cancelling_is_204_once_and_again_and_409_after_the_end(api: Api, worker: ImportWorker) -> None:
    await worker.stop()
    location = (await send(api.acme)).headers["location"]
    for _ in range(2):
        reply = await api.acme.send("DELETE", location)
        check_reply("DELETE", f"{IMPORTS}/{{importId}}", reply)
        assert (reply.status, reply.content) == (204, b"")
    assert (await api.acme.get(location)).body["state"] == "cancelled"
    location = (await send(api.acme)).headers["location"]
    async with run_workers([ImportWorker(api.runtime)]):
        await wait_for_end(api.acme, location)
    ended = await api.acme.send("DELETE", location)
    check_reply("DELETE", f"{IMPORTS}/{{importId}}", ended)
    assert ended.code == (409, "ImportEnded")
    assert await api.acme.list_vins() == [HUMMER]


async def test_another_accounts_import_cannot_be_told_from_none(api: Api) -> None:
    location = (await send(api.acme)).headers["location"]
    nothing = f"{IMPORTS}/0000000000000000"
    for method, path in (("GET", ""), ("GET", "/report"), ("DELETE", "")):
        stranger = await api.beta.send(method, f"{location}{path}")
        nobody = await api.beta.send(method, f"{nothing}{path}")
        assert stranger.code == (404, "ImportNotFound")
        assert stranger.without("instance", "detail") == nobody.without("instance", "detail")
    assert (await api.beta.get(IMPORTS)).body == {"imports": [], "nextCursor": None, "more": False}
    assert (await api.acme.get(location)).body["state"] == "queued"


@pytest.mark.long("postgres")
@pytest.mark.parametrize("missing", FILE_SCOPES)
async def test_two_of_the_three_scopes_are_not_enough(api: Api, select: Select, missing: Scope) -> None:
    scopes = [scope.value for scope in FILE_SCOPES if scope is not missing]
    poor = await make_member(api.runtime, api.cast.acme.account, "poor", scopes)
    reply = await send(api.nobody, Authorization=f"Bearer {poor.token}")
    assert reply.code == (403, "Forbidden")
    assert missing in reply.detail
    assert await count(select, "imports") == 0


@pytest.mark.long("postgres")
async def test_whoever_changes_single_vehicles_sees_imports_and_cancels_none(api: Api) -> None:
    location = (await send(api.acme)).headers["location"]
    editor = await make_member(api.runtime, api.cast.acme.account, "editor", ["vehicles:write", "vehicles:status"])
    client = Client(api.acme.http, editor)
    assert (await client.get(location)).status == 200
    assert (await client.send("DELETE", location)).code == (403, "Forbidden")
    assert (await api.acme.get(location)).body["state"] == "queued"


async def test_imports_come_in_pages_newest_first(api: Api) -> None:
    made = [(await send(api.acme)).body["importId"] for _ in range(3)]
    page = await read(api.acme, f"{IMPORTS}?limit=2", IMPORTS)
    rest = await read(api.acme, f"{IMPORTS}?limit=2&cursor={page.body['nextCursor']}", IMPORTS)
    assert [one["importId"] for one in (*page.body["imports"], *rest.body["imports"])] == made[::-1]
    assert rest.body["nextCursor"] is None
    assert (await read(api.acme, f"{IMPORTS}?cursor=x", IMPORTS)).status == 400


@pytest.mark.long("postgres")
async def test_too_many_open_imports_are_409(api: Api) -> None:
    for _ in range(10):
        assert (await send(api.acme)).status == 202
    assert (await send(api.acme)).code == (409, "ImportLimitReached")
    assert (await send(api.beta)).status == 202


@pytest.mark.long("postgres")
async def test_a_report_is_defused(api: Api, worker: ImportWorker) -> None:
    del worker
    data = f'{{"vin": "{HUMMER}", "=cmd": "1"}}\n'.encode()
    location = (await send(api.acme, data)).headers["location"]
    await wait_for_end(api.acme, location)
    report = (await api.acme.get(f"{location}/report")).content.decode()
    (refused,) = csv.DictReader(io.StringIO(report, newline=""))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in refused.values())
