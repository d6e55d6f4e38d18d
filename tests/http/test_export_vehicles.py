"""``GET /api/v2/vehicles.csv``: the list as one file, whole or visibly broken."""

import asyncio
import csv
import http.client
import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from padron.domain.errors import Code, PadronError
from padron.files.export_rows import EXPORT_COLUMNS
from padron.http import calls
from padron.service import authentication
from padron.service.accounts import revoke_key
from padron.service.runtime import Runtime, build_runtime
from padron.service.vehicles import export
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import HUMMER, JEEP, make_cast, make_vin, registered, save
from tests.http.api import Api, Client, before_the_store
from tests.http.serving import serve_in_thread
from tests.http.test_openapi import check_reply
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

PATH = "/api/v2/vehicles.csv"


async def read(client: Client, query: str = "") -> list[dict[str, str]]:
    reply = await client.get(f"{PATH}{query}")
    check_reply("GET", PATH, reply)
    assert reply.status == 200, reply.content
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))


async def test_it_is_the_list_with_every_field_and_the_revision(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.patch_status(HUMMER, 4)
    await api.acme.register(JEEP, ownerName="=1+1", observations='a "b", ñ')
    await api.beta.register(make_vin(1))
    first, second = await read(api.acme)
    assert list(first) == list(EXPORT_COLUMNS)
    assert (first["vin"], first["vehicleStatusId"], first["doors"]) == (HUMMER, "4", "4")
    for row in (first, second):
        assert f'"{row["revision"]}"' == (await api.acme.get(f"/api/v2/vehicles/{row['vin']}")).etag
    assert (second["ownerName"], second["observations"]) == ("'=1+1", 'a "b", ñ')
    assert second["doors"] == ""
    assert [row["vin"] for row in await read(api.gamma)] == [HUMMER, JEEP]


async def test_its_headers_make_it_a_file(api: Api) -> None:
    reply = await api.acme.get(PATH)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="vehicles.csv"'
    assert reply.content.decode() == ",".join(EXPORT_COLUMNS) + "\r\n"


async def test_filters_and_order_are_those_of_the_list(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE_BESIDE_CALLS", 2)
    for number in range(7):
        await api.acme.register(make_vin(number), doors=number % 3, modelName=f"M{9 - number}")
    await api.acme.patch_status(make_vin(3), 8)
    for query in ("", "doors=0", "sort=modelName", "sort=-vin", "operational=true", "assetStatusId=8", "modelName=m5"):
        listed = await api.acme.list_vins(query)
        assert [row["vin"] for row in await read(api.acme, f"?{query}")] == listed
    await api.acme.put_vehicle(make_vin(0), doors=9)
    (former,) = await read(api.acme, "?assetStatusId=2")
    assert (former["vin"], former["vehicleStatusId"], former["doors"], former["revision"]) == (
        make_vin(0),
        "2",
        "0",
        "",
    )


@before_the_store
@each_row("query", ["?limit=5", "?cursor=x", "?doors=four", "?sort=shoeSize", "?x=1", "?vin="])
async def test_a_bad_parameter_is_400(api: Api, query: str) -> None:
    reply = await api.acme.get(f"{PATH}{query}")
    check_reply("GET", PATH, reply)
    assert reply.code == (400, "BadParameters")


async def test_head_says_the_same_without_the_vehicles(api: Api) -> None:
    await api.acme.register(HUMMER)
    head, get = await api.acme.send("HEAD", PATH), await api.acme.get(PATH)
    assert (head.status, head.content) == (200, b"")
    assert head.without()[1] == get.without()[1]
    assert (await api.acme.send("HEAD", f"{PATH}?x=1")).status == 400


async def test_a_key_that_is_revoked_meanwhile_gets_no_more(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(authentication, "BELIEVED_S", 0)
    monkeypatch.setattr(calls, "CONFIRMED_S", 0)
    monkeypatch.setattr(export, "PAGE_BESIDE_CALLS", 1)
    original = export.export_vehicles

    async def revoke_after_two(*arguments: Any) -> AsyncIterator[object]:  # noqa: ANN401
        async for place, page in aenumerate(original(*arguments)):
            if place == 2:
                await revoke_key(api.runtime, api.acme.actor)
            yield page

    monkeypatch.setattr(export, "export_vehicles", revoke_after_two)
    for number in range(5):
        await api.acme.register(make_vin(number), doors=number)
    with pytest.raises(AssertionError):  # of the client, to whom the answer has no end
        await api.acme.get(PATH)
    assert "broke off" in caplog.text


async def aenumerate(pages: AsyncIterator[object]) -> AsyncIterator[tuple[int, object]]:
    place = 0
    async for page in pages:
        yield place, page
        place += 1


class Faults:
    """What a test does to a running export: fail or wait before a page."""

    def __init__(self) -> None:
        self.fails_at: int | None = None
        self.pages = 0
        self.is_closed = False

    def spoil(self, original: Callable[..., AsyncIterator[object]]) -> Callable[..., AsyncIterator[object]]:
        async def export_slowly(*arguments: object) -> AsyncIterator[object]:
            try:
                async for page in original(*arguments):
                    self.pages += 1
                    if self.pages == self.fails_at:
                        raise PadronError(Code.STORE_UNAVAILABLE, "The database is gone.")
                    yield page
            finally:
                self.is_closed = True

        return export_slowly


ROWS = 200
PAGE = 10
SHORT, LONG = 600, 60_000  # characters; the buffers on the way do not hold the long ones, if nobody reads


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    faults = Faults()
    monkeypatch.setattr(export, "export_vehicles", faults.spoil(export.export_vehicles))
    monkeypatch.setattr(export, "PAGE_BESIDE_CALLS", PAGE)
    return faults


@pytest.fixture
def length() -> int:
    """How long each vehicle's text is."""
    return SHORT


@pytest.fixture
def connection(
    faults: Faults, tmp_path: Path, length: int
) -> Iterator[tuple[http.client.HTTPConnection, dict[str, str]]]:
    """A connection to a real server, and the headers to send."""
    del faults
    headers: dict[str, str] = {}

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await sqlite.open_store(str(tmp_path / "padron.db")), read_clock)
        cast = await make_cast(runtime)
        changes = [registered(make_vin(number), observations="x" * length) for number in range(ROWS)]
        await save(runtime.store, cast.acme.account.account_id, *changes)
        headers["Authorization"] = f"Bearer {cast.acme.token}"
        return runtime

    with serve_in_thread(open_runtime) as port:
        opened = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        yield opened, headers
        opened.close()


def test_an_error_in_the_middle_breaks_the_connection(
    connection: tuple[http.client.HTTPConnection, dict[str, str]], faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    opened, headers = connection
    faults.fails_at = 5
    opened.request("GET", PATH, headers=headers)
    response = opened.getresponse()
    assert response.status == 200
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    assert "broke off: The database is gone." in caplog.text
    assert "Traceback" not in caplog.text


def test_an_error_before_the_first_page_is_an_error(
    connection: tuple[http.client.HTTPConnection, dict[str, str]], faults: Faults
) -> None:
    opened, headers = connection
    faults.fails_at = 1
    opened.request("GET", PATH, headers=headers)
    response = opened.getresponse()
    assert response.status == 503
    assert b"StoreUnavailable" in response.read() or response.headers["retry-after"]


@pytest.mark.parametrize("length", [LONG])
@pytest.mark.slow_callback("writes 12 MB in one transaction before it begins")
def test_a_client_that_goes_away_ends_the_reading(
    connection: tuple[http.client.HTTPConnection, dict[str, str]], faults: Faults
) -> None:
    opened, headers = connection
    opened.request("GET", PATH, headers=headers)
    opened.getresponse().read(1_000)
    opened.close()

    async def wait() -> None:
        async with asyncio.timeout(10):
            while not faults.is_closed:  # noqa: ASYNC110 - it runs in another thread
                await asyncio.sleep(0.01)

    asyncio.run(wait())
    assert faults.pages < ROWS / PAGE
