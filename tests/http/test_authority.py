"""A key that is revoked gets nothing after two seconds, whatever its request was waiting for meanwhile.

All the program's times are a tenth of the real ones here, except in one test, which holds to what is promised.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.types import ASGIApp

from padron.domain.account import Principal, Scope
from padron.http import calls
from padron.service import authentication
from padron.service.accounts import add_key, revoke_key
from padron.service.reports import time_in_status
from padron.service.vehicles import export
from tests.barcodes import make_photo
from tests.cast import HUMMER, Member, make_member, make_vin
from tests.conftest import SteppedClock
from tests.http.api import STATUS, Api
from tests.http.operations_api import CLAIMS, claim, declare, start
from tests.http.raw import RawCall
from tests.http.test_changes import CHANGES, run_second_app

REVOKED_S = 2.0  # what is promised
AT_THE_REAL_PACE = pytest.mark.parametrize("pace", [1.0], indirect=True, ids=["real"])
PERIOD = "from=2026-03-01T12:00:00Z&to={now}"


@pytest.fixture(autouse=True)
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """How long the program's times and the test's are, as a share of the real ones."""
    share = float(getattr(request, "param", 0.1))
    monkeypatch.setattr(authentication, "BELIEVED_S", share * authentication.BELIEVED_S)
    monkeypatch.setattr(authentication, "RENEWED_EVERY_S", share * authentication.RENEWED_EVERY_S)
    monkeypatch.setattr(calls, "CONFIRMED_S", share * calls.CONFIRMED_S)
    return share


@pytest.fixture
async def app(api: Api) -> AsyncIterator[ASGIApp]:
    await api.acme.register(HUMMER)
    async with run_second_app(api.runtime) as app:
        yield app


@pytest.fixture
async def leaver(api: Api) -> Member:
    """A key of Acme's that may do everything, until it is revoked."""
    return await make_member(api.runtime, api.cast.acme.account, "leaver", [scope.value for scope in Scope])


async def revoke(api: Api, member: Member, pace: float) -> None:
    """Revoke the key of a request that has begun, and wait until it must not be believed any more."""
    await asyncio.sleep(0.1)
    await revoke_key(api.runtime, member.principal.actor)
    await asyncio.sleep(REVOKED_S * pace)


@AT_THE_REAL_PACE
def test_the_times_that_a_key_is_believed_are_shorter_together_than_what_is_promised() -> None:
    assert authentication.BELIEVED_S + calls.CONFIRMED_S < REVOKED_S


async def test_a_long_poll_of_a_revoked_key_is_401_and_told_nothing(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    cursor = (await api.acme.get(CHANGES)).body["nextCursor"]
    polling = RawCall(app, leaver, "GET", f"{CHANGES}?wait=30&after={cursor}")
    await revoke(api, leaver, pace)
    assert not polling.is_answered
    await api.acme.patch_status(HUMMER, 3)
    assert (await polling.read_problem())[:2] == (401, "Unauthorized")
    assert HUMMER.encode() not in polling.content


@pytest.mark.long("postgres")
async def test_a_waiting_claim_of_a_revoked_key_is_handed_nothing(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    await declare(api.acme)
    waiting = RawCall(app, leaver, "POST", CLAIMS, body='{"wait": 20}')
    await revoke(api, leaver, pace)
    assert not waiting.is_answered
    await start(api.acme)
    assert (await waiting.read_problem())[:2] == (401, "Unauthorized")
    assert [one["vin"] for one in await claim(api.acme)] == [HUMMER]


@pytest.mark.long("postgres")
@AT_THE_REAL_PACE
async def test_a_status_whose_body_comes_after_the_revocation_is_not_set(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    slow = RawCall(app, leaver, "PATCH", STATUS, body=None)
    slow.send_body('{"vehicleStatusId"', more=True)
    await revoke(api, leaver, pace)
    slow.send_body(": 8}")
    assert (await slow.read_problem())[:2] == (401, "Unauthorized")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_an_upload_of_a_revoked_key_ends_with_the_next_piece(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    upload = RawCall(app, leaver, "POST", "/api/v2/imports", [("content-type", "text/csv")], body=None)
    upload.send_body("vin,plate\n", more=True)
    await revoke(api, leaver, pace)
    upload.send_body(f"{make_vin(1)},PLATE1\n", more=True)
    assert (await upload.read_problem())[:2] == (401, "Unauthorized")


@pytest.mark.long("postgres")
async def test_a_picture_that_was_read_for_a_revoked_key_says_nothing(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    async with api.runtime.scans.take(api.acme.account_id):
        waiting = RawCall(app, leaver, "POST", "/api/v2/vins/scan", [("content-type", "image/png")], make_photo())
        await revoke(api, leaver, pace)
        assert not waiting.is_answered
    assert (await waiting.read_problem())[:2] == (401, "Unauthorized")
    assert HUMMER.encode() not in waiting.content


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "target", ["/api/v2/vehicles.csv", f"/api/v2/reports/time-in-status?{PERIOD}&format=csv"], ids=["list", "report"]
)
async def test_a_file_breaks_off_for_a_client_whose_key_was_revoked_while_it_read(
    api: Api, app: ASGIApp, leaver: Member, pace: float, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets no portion more than what it had taken, and the answer does not look complete."""
    monkeypatch.setattr(export, "PAGE_BESIDE_CALLS", 1)
    monkeypatch.setattr(time_in_status, "BATCH_VEHICLES", 1)
    for number in range(5):
        await api.acme.put_vehicle(make_vin(number))
    target = target.format(now=(await api.acme.get_vehicle(make_vin(4)))["createdAt"])
    reading = RawCall(app, leaver, "GET", target)
    reading.stops_once_reading = True
    await revoke(api, leaver, pace)
    taken = len(reading.content)
    assert taken > 0
    reading.is_reading.set()
    async with asyncio.timeout(10):
        await reading.task
    assert len(reading.content) == taken
    assert not reading.is_complete
    whole = RawCall(app, api.cast.acme, "GET", target)
    await whole.task
    assert whole.is_complete
    assert len(whole.content) > taken


@pytest.mark.long("postgres")
async def test_a_stream_of_events_tells_a_revoked_key_nothing(
    api: Api, app: ASGIApp, leaver: Member, pace: float
) -> None:
    cursor = (await api.acme.get(CHANGES)).body["nextCursor"]
    stream = RawCall(app, leaver, "GET", f"{CHANGES}?after={cursor}", [("accept", "text/event-stream")])
    assert await stream.read_status() == 200
    await revoke(api, leaver, pace)
    await api.acme.patch_status(HUMMER, 3)
    async with asyncio.timeout(10):
        await stream.task
    assert HUMMER.encode() not in stream.content
    assert b"not valid" in stream.content


async def test_a_key_that_expires_while_its_request_waits_counts_as_revoked(
    api: Api, app: ASGIApp, clock: SteppedClock
) -> None:
    acme = api.cast.acme
    new = await add_key(
        api.runtime, acme.account, label="hour", scopes=[Scope.VEHICLES_STATUS.value], expires_in=timedelta(hours=1)
    )
    for late in (False, True):
        slow = RawCall(app, replace(acme, token=new.token), "PATCH", STATUS, body=None)
        await asyncio.sleep(calls.CONFIRMED_S + 0.1)
        clock.now += timedelta(hours=2 if late else 0)
        slow.send_body('{"vehicleStatusId": 8}')
        assert await slow.read_status() == (401 if late else 204)


@pytest.mark.long("postgres")
async def test_a_call_whose_body_comes_with_its_headers_looks_at_its_key_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status call is the hot path: a second look is for those who waited."""
    looks = 0
    authenticate = api.runtime.authenticator.authenticate

    async def count(token: str, address: str) -> Principal:
        nonlocal looks
        looks += 1
        return await authenticate(token, address)

    await api.acme.register(HUMMER)
    monkeypatch.setattr(api.runtime.authenticator, "authenticate", count)
    assert (await api.acme.patch_status(HUMMER, 3)).status == 204
    assert looks == 1
