"""Answers are compressed for those who ask, unless an ETag names their bytes or they are sent as they come."""

import asyncio
import gzip
import threading
from typing import Any

import pytest

from padron.http.answers import compression
from padron.http.answers.compression import BYTES_MIN, INLINE_BYTES_MAX, PLACES, Compressor, accepts_gzip
from padron.http.answers.replies import Reply
from tests.cast import HUMMER, make_vin
from tests.http.api import LIST, STATUS, VEHICLE, Api
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
LONG = {"plate": "RTA412C", "observations": "x" * 150, "lessorName": "y" * 300, "rfcName": "z" * 300,
        "supplementaryData": "w" * 150, "ownerName": "v" * 150}  # fmt: skip


@each_row(
    "accepted, is_taken",
    [
        (b"gzip", True),
        (b"GZip", True),
        (b"x-gzip", True),
        (b"br, gzip;q=0.2, *;q=0", True),
        (b"deflate, gzip ; q=1.000", True),
        (b"*", True),
        (b"*;q=0.1", True),
        (b" ,, gzip ,", True),
        (b"gzip;q=1, identity;q=0.5", True),
        (b"", False),
        (b"br", False),
        (b"identity", False),
        (b"gzip;q=0", False),
        (b"gzip;q=0.000, *", False),
        (b"*;q=0", False),
        (b"gzip;q=0.5, identity;q=1", False),
        (b"gzip;q=0.5, identity", False),
        (b"gzip;q=-1", False),
        (b"gzip;q=2", False),
        (b"gzip;q=1e0", False),
        (b"gzip;q=", False),
        (b"gzip;level=9", False),
        (b"gzip;q=nan", False),
        (b"gzip;q=0.12345", False),
        ("gzip;q=\u00b2".encode("latin-1"), False),
        (b"gzipped", False),
        (b"gzip" + b"," * 1_020, True),
        (b"gzip" + b"," * 1_021, False),
    ],
)
def test_accept_encoding_is_read_with_its_weights(accepted: bytes, *, is_taken: bool) -> None:
    assert accepts_gzip(accepted) is is_taken


async def fill(api: Api, count: int = 12) -> None:
    for number in range(count):
        await api.acme.register(make_vin(number), plate=f"AAA{number:04d}", ownerName="Flota Norte")


async def test_a_list_is_compressed_for_who_asks_and_says_that_it_varies(api: Api) -> None:
    await fill(api)
    packed = await api.acme.get(LIST, Accept_Encoding="gzip")
    plain = await api.acme.get(LIST, Accept_Encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.content == plain.content  # the client unpacks
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert int(plain.headers["content-length"]) == len(plain.content)


@on_sqlite
async def test_a_short_answer_is_sent_as_it_is(api: Api) -> None:
    reply = await api.nobody.get("/livez", Accept_Encoding="gzip")
    assert len(reply.content) < BYTES_MIN
    assert "content-encoding" not in reply.headers
    assert "vary" not in reply.headers


@on_sqlite
async def test_an_answer_with_an_etag_is_the_same_for_all_and_its_tag_works_with_if_match(api: Api) -> None:
    assert (await api.acme.put(VEHICLE, LONG)).status == 201
    packed = await api.acme.get(VEHICLE, Accept_Encoding="gzip")
    plain = await api.acme.get(VEHICLE, Accept_Encoding="identity")
    assert len(packed.content) > BYTES_MIN
    assert "content-encoding" not in packed.headers
    assert packed.etag == plain.etag
    assert packed.headers["content-length"] == plain.headers["content-length"]
    assert (await api.acme.patch_status(HUMMER, 4, If_Match=packed.etag)).status == 204


@on_sqlite
async def test_files_and_streams_are_not_compressed(api: Api) -> None:
    await fill(api, 40)
    reply = await api.acme.get("/api/v2/vehicles.csv", Accept_Encoding="gzip")
    assert len(reply.content) > BYTES_MIN
    assert "content-encoding" not in reply.headers


@on_sqlite
async def test_an_error_and_a_page_are_compressed_too(api: Api) -> None:
    for path in ("/docs", "/docs/statuses", "/errors", "/openapi.json"):
        reply = await api.nobody.get(path, Accept_Encoding="gzip, br")
        assert reply.headers["content-encoding"] == "gzip"
        assert int(reply.headers["content-length"]) < len(reply.content) / 2
    vehicles = [{"vin": f"BAD{number}", "vehicleStatusId": 4} for number in range(20)]
    refused = await api.acme.send(
        "POST", f"{LIST}/status", f'{{"mode": "all", "vehicles": {vehicles}}}'.replace("'", '"'),
        {"Accept-Encoding": "gzip"},
    )  # fmt: skip
    assert refused.code == (409, "BatchRefused")
    assert refused.headers["content-encoding"] == "gzip"


@on_sqlite
async def test_the_status_call_has_nothing_of_it(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.patch(STATUS, {"vehicleStatusId": 4}, Accept_Encoding="gzip")
    assert reply.status == 204
    assert not {"vary", "content-encoding"} & {*reply.headers}


async def test_a_large_answer_is_compressed_beside_the_loop_and_a_further_one_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, both_busy = threading.Event(), threading.Event()
    seen: list[str] = []

    def shrink(body: bytes) -> bytes:
        seen.append(threading.current_thread().name)
        if len(seen) == PLACES:
            both_busy.set()
        release.wait(10)
        return gzip.compress(body)

    monkeypatch.setattr(compression, "_shrink", shrink)
    compressor = Compressor()
    body = b"x" * (INLINE_BYTES_MAX + 1)
    try:
        tasks = [asyncio.create_task(compressor.compress(Reply(200, body), b"gzip")) for _ in range(PLACES)]
        await asyncio.to_thread(both_busy.wait, 10)
        further = await compressor.compress(Reply(200, body), b"gzip")
        assert further.body == body
        assert dict(further.headers) == {b"vary": b"accept-encoding"}
        release.set()
        for reply in await asyncio.gather(*tasks):
            assert gzip.decompress(reply.body) == body
        assert all(name.startswith("padron-gzip") for name in seen)
        assert gzip.decompress((await compressor.compress(Reply(200, body), b"gzip")).body) == body
    finally:
        release.set()
        compressor.close()


async def test_a_server_that_ends_meanwhile_sends_the_answer_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    started, release = threading.Event(), threading.Event()

    def shrink(body: bytes) -> bytes:
        started.set()
        release.wait(10)
        return body

    monkeypatch.setattr(compression, "_shrink", shrink)
    compressor = Compressor()
    body = b"x" * (INLINE_BYTES_MAX + 1)
    try:
        task: asyncio.Task[Any] = asyncio.create_task(compressor.compress(Reply(200, body), b"gzip"))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        assert (await task).body == body
    finally:
        release.set()
        compressor.close()
