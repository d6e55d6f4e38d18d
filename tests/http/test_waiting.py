"""Requests that wait: they have places of their own, bounded for each account, and give them back however they end."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from starlette.types import ASGIApp

from padron.domain.limits import Limits
from padron.http import calls
from tests.cast import HUMMER, JEEP, Member, wait_until
from tests.http.api import LIST, STATUS, Api
from tests.http.operations_api import CLAIMS, declare
from tests.http.raw import RawCall
from tests.http.test_changes import CHANGES, run_second_app

pytestmark = pytest.mark.long("postgres")

Start = Callable[[ASGIApp, Member], RawCall]

TOO_MANY = 429
PERIOD = "from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:01Z"
IMPORT = [("content-type", "text/csv")]
STREAM = [("accept", "text/event-stream")]


def poll(app: ASGIApp, member: Member) -> RawCall:
    return RawCall(app, member, "GET", f"{CHANGES}?wait=30&type=vehicle.info_changed")


def claim(app: ASGIApp, member: Member) -> RawCall:
    return RawCall(app, member, "POST", CLAIMS, body='{"wait": 20}')


def follow(app: ASGIApp, member: Member) -> RawCall:
    return RawCall(app, member, "GET", CHANGES, STREAM)


def patch_slowly(app: ASGIApp, member: Member) -> RawCall:
    call = RawCall(app, member, "PATCH", STATUS, body=None)
    call.send_body('{"vehicleStatusId"', more=True)
    return call


def patch_without_any_body(app: ASGIApp, member: Member) -> RawCall:
    return RawCall(app, member, "PATCH", STATUS, body=None)


def upload(app: ASGIApp, member: Member) -> RawCall:
    call = RawCall(app, member, "POST", "/api/v2/imports", IMPORT, body=None)
    call.send_body("vin,plate\n", more=True)
    return call


def read_slowly(target: str) -> Start:
    def start(app: ASGIApp, member: Member) -> RawCall:
        call = RawCall(app, member, "GET", target)
        call.is_reading.clear()
        return call

    return start


KINDS: dict[str, Start] = {
    "poll": poll,
    "claim": claim,
    "events": follow,
    "slow body": patch_slowly,
    "no body": patch_without_any_body,
    "upload": upload,
    "slow reader of the list": read_slowly("/api/v2/vehicles.csv"),
    "slow reader of a report": read_slowly(f"/api/v2/reports/time-in-status?{PERIOD}&format=csv"),
}
every_kind = pytest.mark.parametrize("start", list(KINDS.values()), ids=list(KINDS))


@pytest.fixture
def limits() -> Limits:
    return Limits(waiting=2, calls=2)


@pytest.fixture
async def app(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ASGIApp]:
    """An application in which an account may have two requests that wait, and two calls."""
    monkeypatch.setattr(calls, "BODY_SLOW_S", 0.01)
    for client, plate in ((api.acme, "ACME001"), (api.beta, "BETA001")):
        await client.register(HUMMER, plate=plate)
        await declare(client)
    async with run_second_app(api.runtime) as app:
        yield app


async def wait_for_refusal(app: ASGIApp, member: Member, start: Start) -> None:
    """See that one more is refused. Those before it may be about to be counted still."""

    async def is_refused() -> bool:
        call = start(app, member)
        await asyncio.sleep(0.05)
        call.is_reading.set()
        await asyncio.wait([call.task], timeout=0.1)
        if not call.task.done() or await call.read_status() != TOO_MANY:
            await call.hang_up()
            return False
        assert int((await call.read_headers())["retry-after"]) >= 1
        _, name, detail = await call.read_problem()
        assert name == "TooManyRequests"
        return "requests that wait" in detail

    await wait_until(is_refused)


async def check_calls(app: ASGIApp, member: Member, status: int) -> None:
    """See that calls of an account are answered."""
    for _ in range(3):
        call = RawCall(app, member, "PATCH", STATUS, body=json.dumps({"vehicleStatusId": status}))
        assert await call.read_status() == 204
        call = RawCall(app, member, "GET", CHANGES)
        assert await call.read_status() == 200


@every_kind
async def test_one_more_than_may_wait_is_429_and_takes_nothing_from_calls_and_other_accounts(
    api: Api, app: ASGIApp, start: Start
) -> None:
    waiting = [start(app, api.cast.acme) for _ in range(2)]
    await wait_for_refusal(app, api.cast.acme, start)
    await check_calls(app, api.cast.acme, 3)
    await check_calls(app, api.cast.beta, 4)
    others = [start(app, api.cast.beta), poll(app, api.cast.beta)]
    await asyncio.sleep(0.1)
    answered = [call for call in [*others, *waiting] if call.is_answered]
    assert TOO_MANY not in [await call.read_status() for call in answered]
    for call in [*others, *waiting]:
        await call.hang_up()


async def hang_up(waiting: Sequence[RawCall]) -> None:
    for call in waiting:
        await call.hang_up()


async def cancel(waiting: Sequence[RawCall]) -> None:
    for call in waiting:
        call.is_reading.set()
        call.task.cancel()
    await asyncio.wait([call.task for call in waiting])


async def spoil(waiting: Sequence[RawCall]) -> None:
    """Send a body that ends and is no JSON, or more than may come; what takes no body hangs up."""
    for call in waiting:
        call.send_body('"\x00' * 20_000)
        await asyncio.sleep(0)
        await call.hang_up()


# Every kind ends in one way and "slow body" in all in the short run.
ENDS = [
    pytest.param(
        start, end, id=f"{kind}-{end.__name__}", marks=() if end is ways[0] or kind == "slow body" else pytest.mark.long
    )
    for (kind, start), ways in zip(
        KINDS.items(), itertools.cycle([(hang_up, cancel, spoil), (cancel, hang_up, spoil)]), strict=False
    )
    for end in ways
]


@pytest.mark.parametrize("start, end", ENDS)
async def test_places_are_given_back_however_a_request_ends(
    api: Api, app: ASGIApp, start: Start, end: Callable[[Sequence[RawCall]], asyncio.Future[None]]
) -> None:
    for _ in range(3):
        waiting = [start(app, api.cast.acme) for _ in range(2)]
        await wait_for_refusal(app, api.cast.acme, start)
        await end(waiting)
    await check_calls(app, api.cast.acme, 5)


async def test_all_kinds_share_the_places_of_an_account(api: Api, app: ASGIApp) -> None:
    waiting = [poll(app, api.cast.acme), follow(app, api.cast.acme)]
    for start in (poll, claim, follow, patch_slowly, upload):
        await wait_for_refusal(app, api.cast.acme, start)
    for call in waiting:
        await call.hang_up()


@pytest.mark.parametrize("limits", [Limits(waiting=2, calls=2, total_waiting=3)], ids=["three"])
async def test_the_places_of_the_server_are_bounded_for_all_together(api: Api, app: ASGIApp) -> None:
    waiting = [poll(app, member) for member in (api.cast.acme, api.cast.acme, api.cast.beta)]
    await asyncio.sleep(0.1)
    refused = poll(app, api.cast.beta)
    assert (await refused.read_problem())[:2] == (429, "TooManyRequests")
    await check_calls(app, api.cast.beta, 6)
    for call in waiting:
        await call.hang_up()


async def test_a_slow_body_that_ends_in_time_is_answered_as_any(api: Api, app: ASGIApp) -> None:
    call = patch_slowly(app, api.cast.acme)
    await asyncio.sleep(0.1)
    call.send_body(": 7}")
    assert await call.read_status() == 204
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 7


async def test_a_poll_that_need_not_wait_takes_no_place_of_those_who_do(api: Api, app: ASGIApp) -> None:
    waiting = [poll(app, api.cast.acme) for _ in range(2)]
    await wait_for_refusal(app, api.cast.acme, poll)
    assert await RawCall(app, api.cast.acme, "GET", CHANGES).read_status() == 200
    assert await RawCall(app, api.cast.acme, "POST", CLAIMS, body="{}").read_status() == 200
    for call in waiting:
        await call.hang_up()


@pytest.mark.parametrize("has_key", [True, False])
async def test_an_answer_before_the_end_of_a_body_ends_the_connection(api: Api, app: ASGIApp, has_key: bool) -> None:  # noqa: FBT001
    """Else whoever has no key could hold any number of connections with bodies that never end."""
    member = api.cast.acme if has_key else None
    target = "/api/v2/vehicles/x/status"
    for more in (True, False):
        call = RawCall(app, member, "PATCH", target, body=None)
        call.send_body("{}", more=more)
        assert await call.read_status() == (400 if has_key else 401)
        assert ("connection" in await call.read_headers()) is more
    silent = RawCall(app, member, "PATCH", target, body=None)
    assert (await silent.read_headers())["connection"] == "close"
    bodyless = RawCall(app, member, "GET", f"{LIST}/{JEEP}")
    assert "connection" not in await bodyless.read_headers()
