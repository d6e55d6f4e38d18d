"""Files that are sent to be looked at, checked, corrected and then imported: ``/api/v2/import-files``."""

import json
from datetime import timedelta
from typing import Any

import pytest

from padron.service.imports.file_imports import clear_account
from padron.workers.base import PauseRange, run_workers
from padron.workers.imports import ImportWorker
from tests.cast import HUMMER, JEEP
from tests.conftest import Select
from tests.http.api import Api, Client, Reply
from tests.http.test_import_options import read_report
from tests.http.test_imports import CSV, count, wait_for_end, worker
from tests.http.test_openapi import check_reply
from tests.tables import each_row

__all__ = ["worker"]

FILES = "/api/v2/import-files"
FILE = f"Chasis,Puertas,Km\n{HUMMER},4,12\n{JEEP},99,\n".encode()
MAPPING = {"Chasis": "vin", "Km": "-"}


async def keep(client: Client, data: bytes = FILE, query: str = "") -> str:
    reply = await client.send("POST", f"{FILES}{query}", data, CSV)
    check_reply("POST", FILES, reply)
    assert reply.status == 201, reply.content
    return str(reply.body["id"])


async def look(client: Client, file_id: str, query: str = "") -> Reply:
    reply = await client.get(f"{FILES}/{file_id}/preview{query}")
    check_reply("GET", f"{FILES}/{{fileId}}/preview", reply)
    return reply


async def bring_in(client: Client, file_id: str, **body: Any) -> Reply:  # noqa: ANN401 - JSON
    reply = await client.send("POST", f"{FILES}/{file_id}/imports", json.dumps(body))
    check_reply("POST", f"{FILES}/{{fileId}}/imports", reply)
    return reply


async def finish(client: Client, file_id: str, **body: Any) -> Any:  # noqa: ANN401 - JSON
    accepted = await bring_in(client, file_id, **body)
    assert accepted.status == 202, accepted.content
    return await wait_for_end(client, accepted.headers["location"])


@pytest.mark.long("postgres")
async def test_a_file_is_seen_checked_corrected_and_imported(api: Api, worker: ImportWorker) -> None:
    del worker
    file_id = await keep(api.acme, query="?fileName=flota.csv")
    preview = (await look(api.acme, file_id)).body
    assert [one["column"] for one in preview["columns"]] == ["vin", "doors", None]
    checked = await finish(api.acme, file_id, dryRun=True, mapping=MAPPING)
    assert (checked["state"], checked["dryRun"], checked["fileName"]) == ("done", True, "flota.csv")
    assert (checked["counts"]["registered"], checked["counts"]["refused"]) == (1, 1)
    ((line, column, _),) = await read_report(api, checked)
    assert (line, column) == ("3", "doors")
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}")).status == 404
    corrections = [{"line": 3, "column": "doors", "value": "5"}]
    done = await finish(api.acme, file_id, mapping=MAPPING, corrections=corrections)
    assert (done["counts"]["registered"], done["counts"]["refused"]) == (2, 0)
    assert (await api.acme.get_vehicle(JEEP))["doors"] == 5


@pytest.mark.long("postgres")
async def test_the_mapping_is_kept_for_the_next_file_with_these_names(api: Api, worker: ImportWorker) -> None:
    del worker
    data = f"Bien,Placa vieja\n{HUMMER},ABC1234\n".encode()
    file_id = await keep(api.acme, data)
    preview = (await look(api.acme, file_id)).body
    assert [one["column"] for one in preview["columns"]] == ["vin", None]
    mapping = {"Bien": "vin", "Placa vieja": "plate"}
    await finish(api.acme, file_id, dryRun=True, mapping=mapping, fingerprint=preview["fingerprint"])
    again = (await look(api.acme, await keep(api.acme, data))).body
    assert [(one["column"], one["confidence"]) for one in again["columns"]] == [("vin", "chosen"), ("plate", "chosen")]
    theirs = (await look(api.beta, await keep(api.beta, data))).body
    assert [one["column"] for one in theirs["columns"]] == ["vin", None]


@pytest.mark.long("postgres")
async def test_nobody_else_sees_a_kept_file_and_no_list_of_imports_has_it(api: Api) -> None:
    file_id = await keep(api.acme)
    for client in (api.beta, api.acme):
        for path in (f"{FILES}/{file_id}/preview", f"/api/v2/imports/{file_id}"):
            expected = 200 if client is api.acme and "preview" in path else 404
            assert (await client.get(path)).status == expected, path
    assert (await bring_in(api.beta, file_id)).status == 404
    assert (await api.beta.send("DELETE", f"{FILES}/{file_id}")).status == 404
    assert (await api.acme.get("/api/v2/imports")).body["imports"] == []


async def test_a_discarded_file_is_gone_with_its_bytes(api: Api, select: Select) -> None:
    before = await count(select, "import_parts")
    file_id = await keep(api.acme)
    assert await count(select, "import_parts") == before + 1
    assert (await api.acme.send("DELETE", f"{FILES}/{file_id}")).status == 204
    assert await count(select, "import_parts") == before
    assert (await look(api.acme, file_id)).status == 404
    assert (await bring_in(api.acme, file_id)).status == 404


@pytest.mark.long("postgres")
async def test_a_file_after_its_time_and_an_import_are_no_kept_files(
    api: Api, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = await keep(api.acme)
    queued = (await bring_in(api.acme, file_id, mapping=MAPPING)).body["id"]
    assert (await look(api.acme, queued)).status == 404
    before = await count(select, "import_parts")
    monkeypatch.setattr("padron.service.imports.uploads.FILE_KEPT", timedelta())
    expired = await keep(api.acme)
    assert (await look(api.acme, expired)).status == 404
    assert (await bring_in(api.acme, expired)).status == 404
    await clear_account(api.runtime, api.cast.acme.account.account_id)
    assert await count(select, "import_parts") == before
    assert (await look(api.acme, file_id)).status == 200


@pytest.mark.long("postgres")
async def test_an_import_that_waits_keeps_its_file(api: Api) -> None:
    file_id = await keep(api.acme)
    waiting = (await bring_in(api.acme, file_id, mapping=MAPPING)).body
    assert (await api.acme.send("DELETE", f"{FILES}/{file_id}")).status == 204
    await clear_account(api.runtime, api.cast.acme.account.account_id)
    async with run_workers([ImportWorker(api.runtime, poll=PauseRange(s_min=0.01, s_max=0.02))]):
        done = await wait_for_end(api.acme, f"/api/v2/imports/{waiting['id']}")
    assert done["counts"]["registered"] == 1


@pytest.mark.long("postgres")
async def test_an_account_keeps_at_most_ten_files(api: Api) -> None:
    for _ in range(10):
        await keep(api.acme)
    refused = await api.acme.send("POST", FILES, FILE, CSV)
    assert refused.code == (409, "ImportLimitReached")
    await keep(api.beta)


@pytest.mark.long("postgres")
async def test_an_empty_file_is_refused(api: Api) -> None:
    assert (await api.acme.send("POST", FILES, b"", CSV)).status == 400


@pytest.mark.long("postgres")
@each_row(
    "body",
    [
        {"mapping": {"a": "nonsense"}},
        {"corrections": [{"line": 0, "column": "vin", "value": "x"}]},
        {"corrections": [{"line": 1, "column": "colour", "value": "x"}]},
        {"corrections": [{"line": 1, "column": "vin"}]},
        {"headerRow": 0},
        {"fingerprint": "x"},
        {"unknown": 1},
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_queued(api: Api, body: dict[str, Any]) -> None:
    file_id = await keep(api.acme)
    assert (await bring_in(api.acme, file_id, **body)).status == 400
    assert (await api.acme.get("/api/v2/imports")).body["imports"] == []


@pytest.mark.long("postgres")
async def test_a_file_that_is_no_table_says_so_in_its_preview(api: Api) -> None:
    file_id = await keep(api.acme, b"%PDF-1.7 something")
    reply = await look(api.acme, file_id)
    assert reply.status == 400
    assert "PDF" in reply.body["detail"]
