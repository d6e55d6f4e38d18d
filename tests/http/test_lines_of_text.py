"""Observations may have several lines: by PUT, in the list, in an export, and back."""

import csv
import io
from urllib.parse import urlencode

import pytest

from tests.cast import HUMMER, JEEP, make_vin
from tests.http.api import VEHICLE, Api
from tests.http.test_import_options import run, worker
from tests.tables import each_row

__all__ = ["worker"]

LINES = "first\n=second; third\n\n- fourth"
EXPORT = "/api/v2/vehicles.csv"


@pytest.mark.long("postgres")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_a_line_ends_with_lf_however_it_was_sent(api: Api, end: str) -> None:
    reply = await api.acme.put(VEHICLE, {"observations": LINES.replace("\n", end)})
    assert (reply.status, reply.body["observations"]) == (201, LINES)
    again = await api.acme.put(VEHICLE, {"observations": LINES})
    assert again.headers["etag"] == reply.headers["etag"]  # nothing happened


@pytest.mark.long("postgres")
async def test_no_other_text_has_lines(api: Api) -> None:
    reply = await api.acme.put(VEHICLE, {"ownerName": "a\nb"})
    assert reply.code == (400, "BadParameters")
    assert (await api.acme.put(VEHICLE, {"observations": "a\tb"})).code == (400, "BadParameters")


async def test_the_list_finds_and_sorts_them_page_by_page(api: Api) -> None:
    texts = ["b\nx", "a", "a\nz", "a\nb", "c"]
    for number, text in enumerate(texts):
        await api.acme.put_vehicle(make_vin(number), observations=text)
    expected = [make_vin(texts.index(text)) for text in sorted(texts)]
    for sort, order in (("observations", expected), ("-observations", expected[::-1])):
        seen: list[str] = []
        query = {"sort": sort, "limit": "1"}
        while True:
            page = (await api.acme.get(f"/api/v2/vehicles?{urlencode(query)}")).body
            seen += [one["vin"] for one in page["vehicles"]]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        assert seen == order
    for end in ("\n", "\r\n"):
        assert await api.acme.list_vins(urlencode({"observations": f"A{end}Z"})) == [make_vin(2)]


@pytest.mark.long("postgres")
async def test_an_export_in_spanish_comes_back_unchanged(api: Api, worker: object) -> None:
    del worker
    await api.acme.put_vehicle(HUMMER, observations=LINES, ownerName="\uff1dx;+1", plate="ABC123")
    await api.acme.put_vehicle(JEEP)
    await api.acme.patch_status(JEEP, 7)
    reply = await api.acme.get(f"{EXPORT}?lang=es&statusNames=true")
    first, second = csv.DictReader(io.StringIO(reply.content.decode(), newline=""))
    assert (first["NIV"], first["Estatus"], second["Estatus"]) == (HUMMER, "Activo", "En corralón")
    assert first["Observaciones"] == "first\n'=second; third\n\n'- fourth"
    assert first["Propietario"] == "'\uff1dx;'+1"
    done = await run(api, reply.content)
    assert (done["state"], done["counts"]["unchanged"]) == ("done", 2)


@pytest.mark.long("postgres")
async def test_names_in_english_are_the_apis_and_statuses_come_by_name_when_asked(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER)
    reply = await api.acme.get(f"{EXPORT}?lang=en&statusNames=true")
    (row,) = csv.DictReader(io.StringIO(reply.content.decode(), newline=""))
    assert (row["vin"], row["vehicleStatusId"]) == (HUMMER, "Active")


@pytest.mark.long("postgres")
@each_row("query", ["lang=fr", "lang=ES", "statusNames=si", "names=es"])
async def test_words_that_there_are_none_of_are_refused(api: Api, query: str) -> None:
    assert (await api.acme.get(f"{EXPORT}?{query}")).code == (400, "BadParameters")
