"""POST /api/v2/erasures: no copy of a value is left, and the record says only that it was erased."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from padron.domain.erasure import ERASED_TEXT, PERSONAL_FIELDS
from padron.domain.sorting import give_field_key
from padron.domain.webhook import Answer, Attempt, Delivery, DeliveryState
from padron.store.base import WriteTransaction
from padron.workers.base import PauseRange, run_workers
from padron.workers.imports import ImportWorker
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, wait_until
from tests.conftest import Select
from tests.http.api import Api, Client, Reply, before_the_store
from tests.http.test_delete_vehicle import delete, list_changes, undo
from tests.http.test_openapi import check_reply
from tests.tables import each_row

ERASURES = "/api/v2/erasures"
ANA = 'Ana "La Güera" Pérez'  # quotes and accents, which JSON may write in other ways
PERSONAL = {"ownerName": ANA, "taxIdentifier": "PEGA800101XY9", "legalName": "Pérez e Hijos"}
SECRET_TEXTS = ("Ana ", 'era\\" P', "PEGA800101XY9", "pega800101xy9", "rez e Hijos")

pytestmark = pytest.mark.own_register


async def erase(client: Client, **members: object) -> Reply:
    headers = {"Idempotency-Key": str(members.pop("key"))} if "key" in members else {}
    reply = await client.send("POST", ERASURES, json.dumps(members), headers)
    check_reply("POST", ERASURES, reply)
    return reply


async def read_whole_database(engine: str, database: str, select: Select) -> bytes:
    """Give the bytes of the SQLite file with its log, or every value of every table of PostgreSQL."""
    if engine == "sqlite":
        files = [path for path in Path(database).parent.iterdir() if path.name.startswith(Path(database).name)]
        return b"".join(path.read_bytes() for path in files if not path.name.endswith("-shm"))
    found = await select("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = b""
    for (table,) in found:
        for row in await select(f"SELECT * FROM {table}"):  # noqa: S608 - a table of our own
            for value in row:
                dump += value if isinstance(value, bytes) else str(value).encode()
    return dump


def list_found(dump: bytes) -> list[str]:
    keys = [give_field_key(name, value) for name, value in PERSONAL.items()]  # what lists are sorted by
    return [text for text in (*SECRET_TEXTS, *keys) if text.encode() in dump]


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER, plate="HUM001", **PERSONAL)
    await api.acme.register(JEEP, plate="JEEP01", ownerName=ANA.upper(), legalName="Flota Sur")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_index_of_the_search_loses_the_grams_of_an_erased_value(
    api: Api, engine: str, database: str, select: Select
) -> None:
    """The gram of "600" is the number 9600. No other gram of the vehicles begins as it does, so it is stored whole."""
    gram = b"\x01\x049600"
    await api.acme.put_vehicle(HUMMER, ownerName="Eva 600")
    await api.acme.put_vehicle(HUMMER, ownerName="Eva 600 Paz")
    assert await api.acme.list_vins("q=600") == [HUMMER]
    assert gram in await read_whole_database(engine, database, select)
    assert (await erase(api.acme, vin=HUMMER, fields=["ownerName"])).status == 200
    assert await api.acme.list_vins("q=600") == []
    assert gram not in await read_whole_database(engine, database, select)


async def fill_every_place(api: Api) -> None:
    """Let the values be in former versions, in differences, in kept answers, in a log and in a report."""
    await api.acme.put_vehicle(HUMMER, ownerName="Eva")
    await api.acme.put_vehicle(HUMMER, ownerName=ANA)
    await api.keep_duplicates(UNKNOWN_VIN)
    first, second = await api.store.read(api.acme.account_id).list_by_vin(UNKNOWN_VIN)
    merge = {"keep": first.vehicle_id, "set": PERSONAL}
    kept = await api.acme.send(
        "POST", f"/api/v2/duplicates/{UNKNOWN_VIN}/merge", json.dumps(merge), {"Idempotency-Key": "k-merge"}
    )
    assert kept.status == 200, kept.content
    assert json.dumps(ANA, ensure_ascii=False).encode()[1:-1] in kept.content
    assert second.vehicle_id
    file = f"vin,plate\n{JEEP},{PERSONAL['taxIdentifier']}\n"  # the columns are shifted
    started = await api.acme.send("POST", "/api/v2/imports", file, {"Content-Type": "text/csv"})
    assert started.status == 202
    async with run_workers([ImportWorker(api.runtime, poll=PauseRange(s_min=0.01, s_max=0.02))]):
        await wait_until(lambda: has_ended(api, started.headers["location"]), seconds_max=60)
    await note_attempt(api)


async def has_ended(api: Api, location: str) -> bool:
    return bool((await api.acme.get(location)).body.get("state") == "done")


async def note_attempt(api: Api) -> None:
    """Let a receiver have answered with what it got."""
    body = {"url": "https://fleet.example/hook", "eventTypes": ["vehicle.info_changed"]}
    webhook = (await api.acme.send("POST", "/api/v2/webhooks", json.dumps(body))).body["id"]
    changes = await list_changes(api.acme)
    number = next(one["number"] for one in changes if one["type"] == "vehicle.info_changed" and one["vin"] == HUMMER)

    async def work(transaction: WriteTransaction) -> None:
        delivery = Delivery(
            endpoint_id=webhook, number=number, vehicle_id=1, state=DeliveryState.DELIVERED, tries=1, attempts=1,
            due_at=NOON, settled_at=NOON,
        )  # fmt: skip
        await transaction.webhooks.put_deliveries([delivery])
        answer = Answer(status=200, body=f"thanks for {ANA}", duration=timedelta(milliseconds=1))
        attempt = Attempt(endpoint_id=webhook, number=number, attempt=1, at=NOON, answer=answer)
        await transaction.webhooks.save_attempts([attempt])

    await api.store.write(api.acme.account_id, work)


async def test_no_byte_of_the_database_has_the_values_any_more(
    api: Api, engine: str, database: str, select: Select
) -> None:
    await fill_every_place(api)
    found = list_found(await read_whole_database(engine, database, select))
    assert {give_field_key(name, value) for name, value in PERSONAL.items()} < {*found}
    fields = [*PERSONAL]
    for vin in (HUMMER, JEEP, UNKNOWN_VIN):
        assert (await erase(api.acme, vin=vin, fields=fields)).status == 200
    assert list_found(await read_whole_database(engine, database, select)) == []


async def test_present_past_and_history_show_that_it_was_erased(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, ownerName="Eva", doors=4)
    before = await list_changes(api.acme)
    etag = (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"]
    reply = await erase(api.acme, vin=HUMMER, fields=["ownerName", "legalName"], reason="Case 12")
    (erased,) = reply.body["erased"]
    assert (reply.status, reply.body["incomplete"], reply.body["openImports"]) == (200, False, 0)
    assert (erased["vin"], erased["fields"]) == (HUMMER, ["legalName", "ownerName"])
    numbers = [one["number"] for one in before if one["vin"] == HUMMER]
    assert erased["changeNumbers"] == numbers
    now = await api.acme.get_vehicle(HUMMER)
    assert "ownerName" not in now
    assert "legalName" not in now
    assert (now["taxIdentifier"], now["doors"]) == (PERSONAL["taxIdentifier"], 4)
    assert (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"] != etag
    newest, edit, _ = await api.acme.list_history(HUMMER)
    assert newest == {
        "type": "erased", "at": newest["at"], "by": api.acme.actor, "requestId": reply.body["requestId"],
        "byName": api.acme.actor_name, "fields": ["legalName", "ownerName"], "changeNumbers": numbers,
        "reason": "Case 12",
    }  # fmt: skip
    assert edit["former"] == {"ownerName": ERASED_TEXT, "doors": None}
    assert edit["current"] == {"ownerName": ERASED_TEXT, "doors": 4}
    for former in await api.acme.list_vehicles(f"assetStatusId=2&vin={HUMMER}"):
        assert (former["ownerName"], former["legalName"]) == (ERASED_TEXT, ERASED_TEXT)
    past = await api.acme.get(f"/api/v2/vehicles/{HUMMER}?asOf={edit['at']}")
    assert past.body["ownerName"] == ERASED_TEXT
    assert await api.acme.list_vins("ownerName=Eva") == []


@pytest.mark.long("postgres")
async def test_followers_learn_which_changes_to_erase_in_their_copies(api: Api) -> None:
    reply = await erase(api.acme, vin=HUMMER, fields=["ownerName"])
    told = (await list_changes(api.acme))[-1]
    (erased,) = reply.body["erased"]
    assert (told["type"], told["vin"], told["number"]) == ("vehicle.erased", HUMMER, erased["number"])
    assert (told["fields"], told["changeNumbers"]) == (["ownerName"], erased["changeNumbers"])
    assert (told["operational"], told["operationalChanged"]) == (True, False)
    assert ANA not in json.dumps(await list_changes(api.acme), ensure_ascii=False)


async def test_a_person_is_erased_from_all_vehicles_and_nobody_else_is(api: Api) -> None:
    await api.beta.register(HUMMER, ownerName=ANA)
    await api.acme.put_vehicle(HUMMER, ownerName="Eva")  # Ana is a former owner
    reply = await erase(api.acme, value=ANA.lower(), fields=["ownerName", "rfcName"])
    assert sorted(one["vin"] for one in reply.body["erased"]) == sorted([HUMMER, JEEP])
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == "Eva"
    assert (await api.acme.list_history(HUMMER))[1]["former"] == {"ownerName": ERASED_TEXT}
    assert (await api.acme.list_history(HUMMER))[1]["current"] == {"ownerName": "Eva"}
    jeep = await api.acme.get_vehicle(JEEP)
    assert "ownerName" not in jeep
    assert jeep["legalName"] == "Flota Sur"
    assert (await api.beta.get_vehicle(HUMMER))["ownerName"] == ANA
    assert (await erase(api.acme, value=ANA, fields=["ownerName"])).body["erased"] == []


@pytest.mark.long("postgres")
async def test_erasing_what_is_not_there_records_nothing(api: Api) -> None:
    await erase(api.acme, vin=HUMMER, fields=["ownerName"])
    before = await list_changes(api.acme)
    assert (await erase(api.acme, vin=HUMMER, fields=["ownerName", "observations"])).body["erased"] == []
    assert await list_changes(api.acme) == before
    assert (await erase(api.acme, vin=UNKNOWN_VIN, fields=["ownerName"])).code == (404, "VehicleNotFound")
    assert (await erase(api.beta, vin=HUMMER, fields=["ownerName"])).code == (404, "VehicleNotFound")


@pytest.mark.long("postgres")
async def test_a_dry_run_names_the_changes_and_erases_nothing(api: Api) -> None:
    reply = await erase(api.acme, vin=HUMMER, fields=["ownerName"], dryRun=True)
    (erased,) = reply.body["erased"]
    assert (erased["number"], erased["fields"]) == (None, ["ownerName"])
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == ANA
    assert len(await api.acme.list_history(HUMMER)) == 1


@pytest.mark.long("postgres")
async def test_a_deleted_vehicle_is_erased_too_and_comes_back_without_the_values(api: Api) -> None:
    deleted = (await delete(api.acme)).body
    (erased,) = (await erase(api.acme, vin=HUMMER, fields=[*PERSONAL])).body["erased"]
    assert erased["vehicleId"] == deleted["vehicleId"]
    (former,) = await api.acme.list_vehicles("assetStatusId=2")
    assert (former["ownerName"], former["vin"]) == (ERASED_TEXT, HUMMER)
    assert (await undo(api.acme, deleted["requestId"])).body["undone"] == 1
    now = await api.acme.get_vehicle(HUMMER)
    assert now["plate"] == "HUM001"
    assert not PERSONAL.keys() & now.keys()


async def test_an_erasure_gives_a_deleted_vehicle_no_text_for_the_search(api: Api, select: Select) -> None:
    await api.acme.send("DELETE", f"/api/v2/vehicles/{HUMMER}", None)
    before = await select("SELECT vehicle_id FROM search_texts")
    assert (await erase(api.acme, vin=HUMMER, fields=["ownerName"])).body["erased"]
    assert await select("SELECT vehicle_id FROM search_texts") == before


@pytest.mark.long("postgres")
async def test_an_undo_never_brings_an_erased_value_back(api: Api) -> None:
    edit = (await api.acme.put_vehicle(HUMMER, ownerName="Eva")).headers["x-request-id"]
    other = (await api.acme.put_vehicle(HUMMER, doors=4)).headers["x-request-id"]
    erasure = (await erase(api.acme, vin=HUMMER, fields=["ownerName"])).body["requestId"]
    assert (await undo(api.acme, erasure)).body["results"][0]["left"] == "notUndoable"
    assert (await undo(api.acme, other)).body["undone"] == 1  # an erasure does not stand in the way of other undos
    assert (await undo(api.acme, edit)).body["results"][0]["left"] == "erased"
    assert "ownerName" not in await api.acme.get_vehicle(HUMMER)


@pytest.mark.long("postgres")
async def test_a_kept_answer_with_the_value_is_lost_and_its_request_is_not_repeated(api: Api) -> None:
    await fill_every_place(api)
    await erase(api.acme, vin=UNKNOWN_VIN, fields=[*PERSONAL])
    history = await api.acme.list_history(UNKNOWN_VIN)
    first = history[-1]
    assert first["type"] == "registered"
    merge: dict[str, Any] = {"keep": (await api.store.read(api.acme.account_id).list_by_vin(UNKNOWN_VIN))[0].vehicle_id}
    merge["set"] = PERSONAL
    path = f"/api/v2/duplicates/{UNKNOWN_VIN}/merge"
    again = await api.acme.send("POST", path, json.dumps(merge), {"Idempotency-Key": "k-merge"})
    assert again.code in {(409, "IdempotencyKeyInUse"), (409, "IdempotencyAnswerLost")}
    assert await api.acme.list_history(UNKNOWN_VIN) == history


@before_the_store
@each_row(
    "body, said",
    [
        ({"vin": HUMMER, "fields": []}, "No field"),
        ({"vin": HUMMER, "fields": ["plate"]}, "plate"),
        ({"fields": ["ownerName"]}, "vin"),
        ({"fields": ["ownerName"], "value": ""}, "value"),
        ({"vin": HUMMER, "fields": ["ownerName"], "value": ""}, "value"),
        ({"vin": "X", "fields": ["ownerName"]}, "VIN"),
        ({"vin": HUMMER}, "fields"),
    ],
)
async def test_a_malformed_request_is_400_and_erases_nothing(api: Api, body: dict[str, object], said: str) -> None:
    reply = await erase(api.acme, **body)
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == ANA


@pytest.mark.long("postgres")
async def test_an_import_that_has_not_ended_is_told(api: Api) -> None:
    file = f"vin,ownerName\n{HUMMER},{PERSONAL['legalName']}\n"
    started = await api.acme.send("POST", "/api/v2/imports", file, {"Content-Type": "text/csv"})
    assert started.status == 202
    assert (await erase(api.acme, vin=HUMMER, fields=["ownerName"])).body["openImports"] == 1


@pytest.mark.long("postgres")
def test_every_personal_field_is_text_and_the_plate_is_none() -> None:
    assert "plate" not in PERSONAL_FIELDS
    assert len(PERSONAL_FIELDS) == 7
