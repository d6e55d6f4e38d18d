"""The VINs in a picture: ``POST /api/v2/vins/scan``."""

import asyncio
import sys

import pytest

from padron.domain.barcode import Symbology
from padron.domain.limits import Limits
from padron.files.pictures import PICTURE_BYTES_MAX, can_read_pictures
from tests.barcodes import draw_barcode, encode_picture, lay_out, make_photo
from tests.cast import HUMMER, JEEP
from tests.conftest import Select
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

SCAN = "/api/v2/vins/scan"
PNG = {"Content-Type": "image/png"}
OTHERS = [pytest.param(one, marks=pytest.mark.long) for one in Symbology if one is not Symbology.CODE_39]
SYMBOLOGIES = [Symbology.CODE_39, *OTHERS]
BINDING = "1C4RJEAG9EC476429"  # JEEP with a wrong check digit


async def scan(client: Client, picture: bytes, headers: dict[str, str] | None = None) -> Reply:
    reply = await client.send("POST", SCAN, picture, PNG if headers is None else headers)
    check_reply("POST", SCAN, reply)
    return reply


@pytest.mark.parametrize("symbology", SYMBOLOGIES)
async def test_a_vin_is_read_and_known_if_it_is_the_accounts(api: Api, symbology: Symbology) -> None:
    await api.acme.put_vehicle(HUMMER)
    for client, is_registered in ((api.acme, True), (api.gamma, True), (api.beta, False)):
        reply = await scan(client, make_photo(f"I{HUMMER}", symbology))
        found = {"vin": HUMMER, "symbology": symbology.value, "registered": is_registered}
        assert (reply.status, reply.body) == (200, {"vins": [found], "barcodeCount": 1})


async def test_several_vins_are_given_and_what_is_none_is_counted(api: Api) -> None:
    label = lay_out(draw_barcode(BINDING), draw_barcode("33 PSI"), draw_barcode(HUMMER, Symbology.QR_CODE, 6))
    for form in ("PNG", "JPEG", "WEBP"):
        picture = await asyncio.to_thread(encode_picture, label, form)
        reply = await scan(api.acme, picture, {"Content-Type": f"image/{form.lower()}"})
        found = {one["vin"]: one.get("warning", "") for one in reply.body["vins"]}
        assert found.keys() == {BINDING, HUMMER}
        assert "check digit" in found[BINDING]
        assert found[HUMMER] == ""
        assert reply.body["barcodeCount"] == 3


async def test_a_picture_without_a_vin_is_an_answer_and_no_error(api: Api) -> None:
    reply = await scan(api.acme, make_photo("NO VIN HERE"))
    assert (reply.status, reply.body) == (200, {"vins": [], "barcodeCount": 1})


@each_row(
    "picture, said",
    [
        (b"", "There is no picture"),
        (b"GIF89a...", "neither a JPEG, PNG nor WebP"),
        (make_photo()[:-80], "damaged or incomplete"),
        (b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
    ],
)
async def test_what_is_no_picture_is_refused_with_a_sentence(api: Api, picture: bytes, said: str) -> None:
    reply = await scan(api.acme, picture)
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail


async def test_a_picture_may_have_a_bounded_number_of_bytes(api: Api) -> None:
    picture = make_photo()
    padded = picture + bytes(PICTURE_BYTES_MAX - len(picture))
    assert (await scan(api.acme, padded)).status == 200
    assert (await scan(api.acme, padded + b"\0")).code == (413, "BodyTooLarge")


async def test_what_is_declared_as_something_else_is_refused(api: Api) -> None:
    reply = await scan(api.acme, make_photo(), {"Content-Type": "image/gif"})
    assert reply.code == (415, "UnsupportedMediaType")
    assert "image/gif" in reply.detail
    assert (await scan(api.acme, make_photo(), {})).status == 200
    assert (await api.acme.send("POST", f"{SCAN}?x=1", make_photo(), PNG)).code == (400, "BadParameters")


async def test_scanning_writes_nothing(api: Api, select: Select) -> None:
    changes = "SELECT count(*) FROM changes"
    await api.acme.put_vehicle(HUMMER)
    before = await select(changes)
    await scan(api.acme, make_photo(JEEP))
    assert await select(changes) == before


async def test_a_repeated_request_gets_the_first_answer(api: Api) -> None:
    headers = {**PNG, "Idempotency-Key": "scan-1"}
    first = await scan(api.acme, make_photo(), headers)
    await api.acme.put_vehicle(HUMMER)
    again = await scan(api.acme, make_photo(), headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    other = await scan(api.acme, make_photo(JEEP), headers)
    assert other.code == (422, "IdempotencyKeyReused")


async def test_an_account_sends_few_pictures_at_once_and_others_are_read(api: Api) -> None:
    async with api.runtime.scans.take(api.acme.account_id):
        waiting = [asyncio.create_task(scan(api.acme, make_photo())) for _ in range(4)]
        others, refused = await asyncio.gather(scan(api.beta, make_photo()), waiting[3])
        assert others.status == 200
        assert refused.code == (429, "TooManyRequests")
        assert refused.headers["retry-after"]
    assert {reply.status for reply in await asyncio.gather(*waiting[:3])} == {200}


@pytest.mark.parametrize("limits", [Limits(body_bytes=400_000)], ids=["little"])
async def test_a_picture_that_an_account_has_no_memory_for_is_429(api: Api) -> None:
    for size, status in ((390_000, 200), (410_000, 429)):
        assert (await scan(api.acme, make_photo().ljust(size, b"\0"))).status == status


@pytest.mark.parametrize("name", ["PIL", "zxingcpp"])
async def test_without_the_extra_the_server_says_so(api: Api, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = make_photo()
    monkeypatch.setitem(sys.modules, name, None)
    can_read_pictures.cache_clear()
    try:
        reply = await scan(api.acme, picture)
    finally:
        can_read_pictures.cache_clear()
    assert reply.code == (501, "ScanningUnavailable")
    assert "extra scan" in reply.detail
