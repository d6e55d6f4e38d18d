"""What much reading and large bodies may take: bounded for each account and for all, and given back at the end."""

import asyncio
import json

import pytest
from starlette.types import ASGIApp

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.http.places import UNCOUNTED_BYTES, Kind, Places, Seat
from tests.cast import HUMMER, Member, make_vin, wait_until
from tests.conftest import Select
from tests.http.api import LIST, Api, Client
from tests.http.raw import RawCall
from tests.http.test_changes import run_second_app
from tests.http.test_reports import REPORT

pytestmark = pytest.mark.long("postgres")

PERIOD = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:01Z"
PAST = f"{LIST}?asOf=2026-03-01T12:00:00Z"
EXPORTS = {"list": f"{LIST}.csv", "report": f"{REPORT}?{PERIOD}&format=csv"}
IMPORT = [("content-type", "text/csv")]


def hold_export(app: ASGIApp, member: Member, target: str) -> RawCall:
    """Begin an export whose client reads nothing."""
    call = RawCall(app, member, "GET", target)
    call.is_reading.clear()
    return call


async def is_refused(client: Client, target: str) -> bool:
    reply = await client.get(target)
    if reply.status == 200:
        return False
    assert reply.code == (429, "TooManyRequests")
    assert int(reply.headers["retry-after"]) >= 1
    return "under way in this server, the maximum" in reply.detail


@pytest.mark.parametrize("limits", [Limits(exports=2)], ids=["two"])
async def test_an_accounts_exports_at_once_are_bounded_and_others_go_on(api: Api) -> None:
    await api.acme.register()
    async with run_second_app(api.runtime) as app:
        held = [hold_export(app, api.cast.acme, target) for target in EXPORTS.values()]
        refused = RawCall(app, api.cast.acme, "GET", EXPORTS["list"])
        assert (await refused.read_problem())[:2] == (429, "TooManyRequests")
        other = RawCall(app, api.cast.beta, "GET", EXPORTS["list"])
        assert await other.read_status() == 200
        for target in (LIST, PAST):
            assert await RawCall(app, api.cast.acme, "GET", target).read_status() == 200
        for call in held:
            await call.hang_up()

        async def goes_on() -> bool:
            return await RawCall(app, api.cast.acme, "GET", EXPORTS["list"]).read_status() == 200

        await wait_until(goes_on)


@pytest.mark.parametrize("limits", [Limits(scans=2)], ids=["two"])
@pytest.mark.parametrize("target", [PAST, f"{REPORT}?{PERIOD}"], ids=["list", "report"])
async def test_an_accounts_reports_of_the_past_at_once_are_bounded(api: Api, target: str) -> None:
    await api.acme.register()
    replies = await asyncio.gather(*(api.acme.get(target) for _ in range(10)), api.beta.get(target), api.acme.get(LIST))
    assert [reply.status for reply in replies[10:]] == [200, 200]
    assert [reply.status for reply in replies[:10]].count(200) >= 2
    assert {reply.code for reply in replies[:10] if reply.status != 200} == {(429, "TooManyRequests")}
    assert not await is_refused(api.acme, target)


def make_bulk(size: int) -> str:
    """Give the body of a bulk call with at least this many bytes."""
    body = {"vehicles": [{"vin": make_vin(number), "vehicleStatusId": 3} for number in range(100)]}
    return json.dumps(body) + " " * (size - len(json.dumps(body)))


@pytest.mark.parametrize("limits", [Limits(body_bytes=20_000, total_body_bytes=50_000)], ids=["little"])
async def test_a_body_that_an_account_has_no_memory_for_is_429_before_it_is_read(api: Api) -> None:
    reply = await api.acme.send("POST", "/api/v2/vehicles/status", make_bulk(20_001))
    assert reply.code == (429, "TooManyRequests")
    assert "bytes of bodies" in reply.detail
    assert (await api.acme.send("POST", "/api/v2/vehicles/status", make_bulk(20_000))).status == 200


@pytest.mark.parametrize("limits", [Limits(total_body_bytes=20_000)], ids=["little"])
@pytest.mark.parametrize("declares", [True, False])
async def test_a_body_that_the_server_has_no_memory_for_is_503_and_shorter_ones_are_answered(
    api: Api, *, declares: bool
) -> None:
    await api.acme.register()
    async with run_second_app(api.runtime) as app:
        held = RawCall(app, api.cast.beta, "POST", "/api/v2/vehicles/status", body=None)
        held.send_body(make_bulk(15_000), more=True)
        await asyncio.sleep(0.05)
        body = make_bulk(10_000)
        headers = [("content-length", str(len(body)))] if declares else []
        more = RawCall(app, api.cast.acme, "POST", "/api/v2/vehicles/status", headers, body=None)
        if not declares:
            more.send_body(body)
        assert (await more.read_problem())[:2] == (503, "ServerFull")
        assert int((await more.read_headers())["retry-after"]) >= 1
        status = json.dumps({"vehicleStatusId": 3})
        short = RawCall(app, api.cast.acme, "PATCH", f"{LIST}/{HUMMER}/status", body=status)
        assert await short.read_status() == 204
        held.send_body("")
        assert await held.read_status() == 200
        again = RawCall(app, api.cast.acme, "POST", "/api/v2/vehicles/status", body=make_bulk(10_000))
        assert await again.read_status() == 200


@pytest.mark.parametrize("limits", [Limits(total_body_bytes=20_000)], ids=["little"])
@pytest.mark.parametrize("declares", [True, False])
async def test_an_upload_that_the_server_has_no_memory_for_leaves_nothing_behind(
    api: Api, select: Select, *, declares: bool
) -> None:
    content = "vin\n" + "1HGCM82633A004352\n" * 10_000
    headers = [*IMPORT, ("content-length", str(len(content)))] if declares else IMPORT
    async with run_second_app(api.runtime) as app:
        call = RawCall(app, api.cast.acme, "POST", "/api/v2/imports", headers, body=content)
        assert (await call.read_problem())[:2] == (503, "ServerFull")
    assert await select("SELECT count(*) FROM imports") == [(0,)]


@pytest.mark.parametrize("limits", [Limits(total_body_bytes=20_000)], ids=["little"])
async def test_bodies_that_arrive_side_by_side_are_all_answered_if_there_was_memory_for_them(api: Api) -> None:
    body = make_bulk(9_000)
    async with run_second_app(api.runtime) as app:
        headers = [("content-length", str(len(body)))]
        path = "/api/v2/vehicles/status"
        asked = [RawCall(app, api.cast.acme, "POST", path, headers, body=None) for _ in range(5)]
        refused = asked[2:]
        for call in refused:
            assert (await call.read_problem())[:2] == (503, "ServerFull")
        for part in range(0, len(body), 1_000):
            for call in asked[:2]:
                call.send_body(body[part : part + 1_000], more=part + 1_000 < len(body))
        assert [await call.read_status() for call in asked[:2]] == [200, 200]


LIMITS = Limits(calls=3, waiting=2, exports=2, scans=1, body_bytes=5_000, total_body_bytes=8_000)


def test_a_request_gives_back_all_that_it_took_however_often_it_leaves() -> None:
    places = Places(LIMITS)
    for kind in Kind:
        for _ in range(5):
            seat = Seat(places)
            seat.take(1)
            seat.begin(kind)
            seat.begin(kind)
            seat.hold_bytes(2_000)
            seat.wait()
            seat.hold_bytes(4_000)
            seat.hold_bytes(3_000)
            assert places.body_byte_count == 4_000
            seat.leave()
            seat.leave()
    assert not places.calls
    assert not places.waiting
    assert not places.body_bytes
    assert not any(places.running.values())
    assert (places.call_count, places.waiting_count, places.body_byte_count) == (0, 0, 0)


def test_a_refused_place_takes_nothing() -> None:
    places = Places(LIMITS)
    first, second = Seat(places), Seat(places)
    first.take(1)
    second.take(2)
    first.hold_bytes(5_000)
    with pytest.raises(PadronError) as caught:
        second.hold_bytes(3_001)
    assert caught.value.code is Code.SERVER_FULL
    with pytest.raises(PadronError) as caught:
        first.hold_bytes(5_001)
    assert caught.value.code is Code.OVERLOADED
    assert places.body_byte_count == 5_000
    second.hold_bytes(3_000)
    second.hold_bytes(UNCOUNTED_BYTES)
    assert places.body_byte_count == 8_000


def test_small_bodies_and_requests_without_an_account_are_not_counted() -> None:
    places = Places(LIMITS)
    nobody, somebody = Seat(places), Seat(places)
    nobody.hold_bytes(1_000_000)
    nobody.begin(Kind.SCAN)
    somebody.take(1)
    somebody.hold_bytes(UNCOUNTED_BYTES)
    assert places.body_byte_count == 0
    assert not places.running[Kind.SCAN]


def test_a_request_whose_body_has_arrived_needs_a_place_and_one_that_waited_goes_on() -> None:
    places = Places(LIMITS)
    seats = [Seat(places) for _ in range(3)]
    for seat in seats:
        seat.take(1)
        seat.arrive()
    assert (places.call_count, places.arriving_count) == (0, 3)
    late = Seat(places)
    late.take(1)
    with pytest.raises(PadronError):
        late.arrive()
    late.wait()
    assert (places.call_count, places.arriving_count, places.waiting_count) == (0, 3, 1)
    others = [Seat(places) for _ in range(3)]
    for seat in others:
        seat.take(1)
    with pytest.raises(PadronError) as caught:
        seats[0].work()
    assert caught.value.code is Code.OVERLOADED
    late.work()
    assert places.call_count == 4
    for seat in (*seats, late, *others):
        seat.leave()
    assert not any((places.calls, places.arriving, places.waiting))
    assert (places.call_count, places.arriving_count, places.waiting_count) == (0, 0, 0)
