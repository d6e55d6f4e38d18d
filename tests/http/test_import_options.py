"""How a file is to be read, by ``POST /api/v2/imports``, and what is told of how it was."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from padron.workers.imports import ImportWorker
from tests.cast import HUMMER, JEEP
from tests.files.workbooks import write_workbook
from tests.http.api import Api, before_the_store
from tests.http.test_imports import IMPORTS, read, send, wait_for_end, worker
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

__all__ = ["worker"]

TITLED = f"Flota del Norte\nNIV,Placas,Kilometraje,Póliza\n{HUMMER},XYZ-00-00,12,P1\n".encode()


async def run(api: Api, data: bytes, **query: str) -> Any:  # noqa: ANN401 - JSON
    accepted = await send(api.acme, data, f"?{urlencode(query)}" if query else "")
    assert accepted.status == 202, accepted.content
    return await wait_for_end(api.acme, accepted.headers["location"])


async def read_report(api: Api, done: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    reply = await read(api.acme, f"{IMPORTS}/{done['importId']}/report", f"{IMPORTS}/{{importId}}/report")
    return [(row["line"], row["column"], row["detail"]) for row in csv.DictReader(io.StringIO(reply.content.decode()))]


async def test_titles_and_unknown_columns_are_told(api: Api, worker: ImportWorker) -> None:
    del worker
    failed = await run(api, TITLED)
    assert failed["state"] == "failed"
    assert "Row 2 has wrong column names: 'Kilometraje' and 'Póliza' are unknown names" in failed["detail"]
    assert "headerRow" not in failed
    done = await run(api, TITLED, ignoreUnknown="true", normalize="true")
    assert (done["state"], done["headerRow"], done["ignoredColumns"]) == ("done", 2, ["Kilometraje", "Póliza"])
    assert "sheet" not in done
    assert (await api.acme.get_vehicle(HUMMER))["plate"] == "XYZ0000"
    (newest, _) = (await read(api.acme, IMPORTS, IMPORTS)).body["imports"]
    assert newest == done


async def test_a_file_without_rows_tells_its_header_too(api: Api, worker: ImportWorker) -> None:
    del worker
    done = await run(api, b"\nvin,x\n", ignoreUnknown="true")
    assert (done["state"], done["headerRow"], done["ignoredColumns"]) == ("done", 2, ["x"])


async def test_a_mapping_says_what_columns_are(api: Api, worker: ImportWorker) -> None:
    del worker
    mapping = json.dumps({"Chasis Ñ": "vin", "Dueña": "ownerName", "Km": "-", "Nota": None})
    done = await run(api, f"Chasis Ñ,Dueña,Km,Nota\n{HUMMER},Ana,5,x\n".encode(), mapping=mapping)
    assert (done["state"], done["counts"]["registered"]) == ("done", 1)
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == "Ana"


async def test_a_workbook_of_several_sheets_is_imported_by_the_name_of_one(
    api: Api, worker: ImportWorker, tmp_path: Path
) -> None:
    del worker
    path = write_workbook(tmp_path / "fleet.xlsx", [["Notas"], ["x"]], [["vin"], ["NIV", "Placas"], [HUMMER, "ABC123"]])
    failed = await run(api, path.read_bytes())
    assert failed["detail"] == "Several sheets have content: 'Sheet', 'More 2'. Choose one with sheet (--sheet)."
    done = await run(api, path.read_bytes(), sheet="more 2", headerRow="2")
    assert (done["state"], done["sheet"], done["headerRow"]) == ("done", "More 2", 2)
    assert (await api.acme.get_vehicle(HUMMER))["plate"] == "ABC123"
    missing = await run(api, path.read_bytes(), sheet="Flota")
    assert "Its sheets are 'Sheet', 'More 2'" in missing["detail"]


async def test_every_fault_of_a_line_is_in_the_report_and_the_line_counts_once(api: Api, worker: ImportWorker) -> None:
    del worker
    await api.acme.register(JEEP, plate="ABC123")
    data = f"NIV,Placa,Puertas,Estatus\nSHORT,A-1,x,Vendidaa\n{HUMMER},ABC123,99,\n".encode()
    done = await run(api, data)
    assert (done["counts"]["read"], done["counts"]["refused"], done["refusalsKept"]) == (2, 2, 6)
    report = await read_report(api, done)
    assert [(line, column) for line, column, _ in report] == [
        ("2", "vin"), ("2", "plate"), ("2", "doors"), ("2", "vehicleStatusId"), ("3", "doors"), ("3", "plate"),
    ]  # fmt: skip
    assert "did you mean Vendido (8)?" in report[3][2]


@before_the_store
@each_row(
    "query, said",
    [
        ({"headerRow": "0"}, "headerRow is '0'"),
        ({"headerRow": "1001"}, "from 1 to 1000"),
        ({"headerRow": "x"}, "headerRow is 'x'"),
        ({"sheet": "x" * 256}, "sheet has 256 characters"),
        ({"sheet": "a\nb"}, "sheet contains"),
        ({"ignoreUnknown": "yes"}, "ignoreUnknown is 'yes'"),
        ({"normalize": "1"}, "normalize is '1'"),
        ({"mapping": "x"}, "mapping is not JSON"),
        ({"mapping": "[" * 600}, "mapping is not JSON"),
        ({"mapping": "[]"}, "mapping must be a JSON object"),
        ({"mapping": '{"a": 1}'}, "mapping must be a JSON object"),
        ({"mapping": '{"a": {}}'}, "mapping must be a JSON object"),
        ({"mapping": '{"Año": "vin", "Año": "-"}'}, "mapping has 'Año' twice"),
        ({"mapping": '{"a": "x", "b": "y", "c": "vin"}'}, "is not a column: 'a' to 'x' and 'b' to 'y'."),
        ({"mapping": '{"a": "\\ud800"}'}, "not printable"),
        ({"mapping": json.dumps({"a" * 1_600: "-"})}, "At most 1,500"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_refused_before_the_file(
    api: Api, query: dict[str, str], said: str
) -> None:
    reply = await send(api.acme, TITLED, f"?{urlencode(query)}")
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail


async def test_the_same_file_with_other_options_is_another_request(api: Api) -> None:
    key = {"Idempotency-Key": "the-same-key-for-both"}
    assert (await send(api.acme, TITLED, "?ignoreUnknown=true", **key)).status == 202
    assert (await send(api.acme, TITLED, "?ignoreUnknown=true", **key)).status == 202
    assert (await send(api.acme, TITLED, "", **key)).status == 422


@each_row(
    "media_type",
    [
        "application/vnd.ms-excel",
        "text/plain; charset=utf-8",
        "application/csv",
        "text/tab-separated-values",
        "TEXT/CSV",
    ],
)
async def test_csv_may_be_declared_as_browsers_do(api: Api, media_type: str) -> None:
    reply = await api.acme.send("POST", IMPORTS, TITLED, {"Content-Type": media_type})
    assert reply.status == 202
