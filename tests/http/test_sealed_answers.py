"""An answer that is kept for an Idempotency-Key shows a webhook's secret only to who asked for it."""

import json
from collections.abc import AsyncIterator

import pytest

from padron.secret_files import make_key
from padron.service.runtime import build_runtime
from padron.service.webhooks.sealing import SecretBox
from tests.cast import make_cast
from tests.conftest import OpenStore, Select, SteppedClock
from tests.http.api import Api, Reply
from tests.http.conftest import run_api

pytestmark = pytest.mark.long("postgres")

BODY = json.dumps({"url": "https://fleet.example/padron", "eventTypes": ["vehicle.registered"]})
KEY = make_key()


@pytest.fixture
async def sealing(open_store: OpenStore, clock: SteppedClock) -> AsyncIterator[Api]:
    runtime = build_runtime(await open_store(), clock, secret_box=SecretBox(lambda: [KEY]))
    async with run_api(runtime, await make_cast(runtime)) as api:
        yield api


async def add(api: Api, key: str) -> Reply:
    return await api.acme.send("POST", "/api/v2/webhooks", BODY, {"Idempotency-Key": key})


async def test_a_kept_answer_with_a_secret_is_encrypted_and_repeated_in_plain(sealing: Api, select: Select) -> None:
    first = await add(sealing, "one")
    assert first.status == 201
    secret = first.body["secret"]
    again = await add(sealing, "one")
    assert (again.status, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    rotated = await sealing.acme.send(
        "POST", f"/api/v2/webhooks/{first.body['id']}/rotate-secret", headers={"Idempotency-Key": "two"}
    )
    assert rotated.body["secret"] != secret
    stored = [*await select("SELECT * FROM idempotency_keys"), *await select("SELECT * FROM webhook_endpoints")]
    assert len(stored) == 3
    for one in (secret, rotated.body["secret"]):
        assert one.removeprefix("whsec_") not in repr(stored)


async def test_without_a_key_answers_are_kept_as_before(api: Api) -> None:
    first = await add(api, "one")
    assert (await add(api, "one")).content == first.content
