"""Rates: a key and an address that send too much are refused early, with 429 and what to do, and nobody else is."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.http import authentication
from padron.service.accounts import add_key, revoke_key
from padron.service.runtime import build_runtime
from padron.store.base import Store
from tests.cast import make_cast, make_vin
from tests.conftest import SteppedClock
from tests.http.api import CAR, LIST, STATUS, VEHICLE, Api, Reply
from tests.http.conftest import run_api
from tests.http.raw import RawCall
from tests.http.test_authentication import ask
from tests.http.test_changes import run_second_app

pytestmark = pytest.mark.long("postgres")

SLOW_KEYS = Limits(key_requests_per_s=1, key_burst=3)
FEW_FAILURES = Limits(failed_keys_per_minute=1, failed_keys_burst=3)
UNKNOWN = "Bearer padron_1kAAAAAAAAAAAAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
REAL_PAUSE_S = authentication.PAUSE_S  # before a guess is refused
SHORT_PAUSE_S = 0.01
slow_keys = pytest.mark.parametrize("limits", [SLOW_KEYS], ids=["slow keys"])
few_failures = pytest.mark.parametrize("limits", [FEW_FAILURES], ids=["few failures"])


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "PAUSE_S", SHORT_PAUSE_S)


def check_refusal(reply: Reply, name: str, burst: int, window_s: int) -> None:
    assert reply.code == (429, "RateExceeded")
    assert reply.body["errorType"] == "tooManyRequests"
    wait_s = int(reply.headers["retry-after"])
    assert 1 <= wait_s <= window_s
    assert reply.headers["ratelimit-policy"] == f'"{name}";q={burst};w={window_s}'
    assert reply.headers["ratelimit"] == f'"{name}";r=0;t={wait_s}'
    assert re.findall("retry-after", " ".join(reply.headers)) == ["retry-after"]


@slow_keys
async def test_a_key_over_its_rate_is_429_with_the_fields_and_other_keys_are_not(api: Api) -> None:
    for _ in range(3):
        assert (await api.acme.get(LIST)).status == 200
    check_refusal(await api.acme.get(LIST), "key", 3, 3)
    check_refusal(await api.acme.put(VEHICLE, CAR), "key", 3, 3)
    assert (await api.gamma.get(LIST)).status == 200  # another key of the same account
    assert (await api.beta.get(LIST)).status == 200


@slow_keys
async def test_a_refused_request_changes_nothing_and_its_body_is_not_looked_at(api: Api) -> None:
    for _ in range(3):
        await api.acme.get(LIST)
    for body in (CAR, {"nonsense": True}):
        check_refusal(await api.acme.put(VEHICLE, body), "key", 3, 3)
    assert (await api.gamma.get(VEHICLE)).status == 404


@slow_keys
async def test_a_bulk_call_counts_as_one_request(api: Api) -> None:
    body = json.dumps({"vehicles": [{"vin": make_vin(number), "vehicleStatusId": 3} for number in range(50)]})
    for _ in range(3):
        reply = await api.acme.send("POST", "/api/v2/vehicles/status", body)
        assert (reply.status, len(reply.body["results"])) == (200, 50)
    check_refusal(await api.acme.send("POST", "/api/v2/vehicles/status", body), "key", 3, 3)


@slow_keys
async def test_pages_and_probes_have_no_rate(api: Api) -> None:
    for _ in range(20):
        assert (await api.acme.get("/livez")).status == 200


@few_failures
async def test_unknown_keys_of_one_address_are_429_after_a_few_and_before_any_look_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = api.runtime.store.directory.find_key
    directory = api.runtime.authenticator._directory

    async def count(account_id: int, key_id: str) -> object:
        asked.append(key_id)
        return await real(account_id, key_id)

    monkeypatch.setattr(directory, "find_key", count)
    for number in range(3):
        assert (await ask(api, f"{UNKNOWN}{number}")).code == (401, "Unauthorized")
    looked_up = len(asked)
    for number in range(10):
        check_refusal(await ask(api, f"{UNKNOWN}{number}"), "address", 3, 180)
    assert len(asked) == looked_up


@few_failures
async def test_whoever_guesses_keys_waits_for_each_refusal(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "PAUSE_S", REAL_PAUSE_S)
    for number in range(3):
        await ask(api, f"{UNKNOWN}{number}")
    begun_s = asyncio.get_running_loop().time()
    check_refusal(await ask(api, UNKNOWN), "address", 3, 180)
    assert asyncio.get_running_loop().time() - begun_s >= 0.2


@few_failures
async def test_another_address_may_try_on(api: Api) -> None:
    for number in range(5):
        last = await ask(api, f"{UNKNOWN}{number}")
    assert last.status == 429
    async with run_second_app(api.runtime) as app:  # which shares the buckets
        for address, status in (("192.0.2.1", 401), ("127.0.0.1", 429), ("2001:db8::1", 401)):
            call = RawCall(app, None, "GET", LIST, [("authorization", UNKNOWN)], client=(address, 4_711))
            assert await call.read_status() == status


@few_failures
async def test_a_key_that_was_valid_before_is_never_refused_for_what_its_address_sends(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.acme.get(LIST)).status == 200
    for number in range(10):
        await ask(api, f"{UNKNOWN}{number}")
    assert (await ask(api, UNKNOWN)).status == 429
    for attribute in ("BELIEVED_S", "KEPT_S"):  # so it has to be looked up for each call
        monkeypatch.setattr(f"padron.service.authentication.{attribute}", -1.0)
    monkeypatch.setattr("padron.service.authentication.LOOKUPS_MAX", 0)
    for _ in range(5):
        assert (await api.acme.get(LIST)).status == 200
    assert (await api.beta.get(LIST)).status == 200  # which this process has not seen before
    assert (await ask(api, UNKNOWN)).status == 429


@few_failures
async def test_valid_keys_of_one_address_use_nothing_up_however_many_they_are(api: Api) -> None:
    for _ in range(10):
        new = await add_key(api.runtime, api.cast.acme.account, label="key", scopes=["vehicles:read"], expires_in=None)
        assert (await api.nobody.get(LIST, Authorization=f"Bearer {new.token}")).status == 200


@few_failures
async def test_a_revoked_key_counts_like_an_unknown_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.service.authentication.BELIEVED_S", -1.0)
    monkeypatch.setattr("padron.service.authentication.RENEWED_EVERY_S", 1e9)
    new = await add_key(api.runtime, api.cast.acme.account, label="key", scopes=["vehicles:read"], expires_in=None)
    authorization = f"Bearer {new.token}"
    assert (await ask(api, authorization)).status == 404
    await revoke_key(api.runtime, new.key.key_id)
    statuses = [(await ask(api, authorization)).status for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2  # at first it is looked up because it was valid before
    assert (await api.acme.get(LIST)).status == 200


@few_failures
async def test_a_request_without_a_key_counts_nothing(api: Api) -> None:
    for _ in range(10):
        assert (await ask(api, None)).status == 401
    assert (await ask(api, UNKNOWN)).status == 401


async def fail(*_: object) -> object:
    raise PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached.")


async def test_a_failing_database_uses_up_nothing_of_an_address(
    open_store: Callable[[], Awaitable[Store]], clock: SteppedClock
) -> None:
    runtime = build_runtime(await open_store(), clock, limits=FEW_FAILURES)
    async with run_api(runtime, await make_cast(runtime)) as api:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runtime.authenticator._directory, "find_key", fail)
            for _ in range(10):
                assert (await api.acme.get(LIST)).status == 503
        assert (await api.acme.get(STATUS)).status == 404
