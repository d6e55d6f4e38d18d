"""Reading: one's own vehicles, as they are, in pages."""

from collections.abc import Awaitable, Callable

import pytest

from padron.domain.account import Principal
from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.service.changes.feed import list_latest
from padron.service.runtime import Runtime
from padron.service.statuses.single import set_status
from padron.service.vehicles.reading import get_status, get_vehicle, list_history, list_vehicles
from tests.cast import HUMMER, JEEP, Cast, make_vin, registered, save

Read = Callable[[Runtime, Principal], Awaitable[object]]


async def read_history(runtime: Runtime, principal: Principal) -> object:
    return await list_history(runtime, principal, HUMMER, limit=5, cursor=None)


async def read_vehicle(runtime: Runtime, principal: Principal) -> object:
    return await get_vehicle(runtime, principal, HUMMER)


async def read_status(runtime: Runtime, principal: Principal) -> object:
    return await get_status(runtime, principal, HUMMER)


async def read_list(runtime: Runtime, principal: Principal) -> object:
    return await list_vehicles(runtime, principal, VehicleQuery(filters={}), None)


def request(status: VehicleStatus) -> StatusRequest:
    return StatusRequest(vin=HUMMER, status=status, reason="why", revisions=None, by="key", request_id="r-9")


OF_ONE: list[Read] = [read_history, read_vehicle, read_status]


async def fail(read: Read, runtime: Runtime, principal: Principal) -> PadronError:
    """Read what must be refused, and give the refusal."""
    with pytest.raises(PadronError) as caught:
        await read(runtime, principal)
    return caught.value


@pytest.mark.long("postgres")
async def test_a_key_that_may_not_read_is_refused(runtime: Runtime, cast: Cast) -> None:
    writer = Principal(account_id=cast.acme.account.account_id, actor="w", scopes=frozenset({"vehicles:write"}))
    for read in (*OF_ONE, read_list):
        assert (await fail(read, runtime, writer)).code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_another_accounts_vehicle_and_none_are_refused_in_the_same_words(runtime: Runtime, cast: Cast) -> None:
    before = [await fail(read, runtime, cast.beta.principal) for read in OF_ONE]
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER))
    after = [await fail(read, runtime, cast.beta.principal) for read in OF_ONE]
    assert {refusal.code for refusal in (*before, *after)} == {Code.VEHICLE_NOT_FOUND}
    assert [refusal.detail for refusal in before] == [refusal.detail for refusal in after]


async def test_several_current_vehicles_are_a_conflict(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER), registered(HUMMER, slot=1))
    for read in OF_ONE:
        assert (await fail(read, runtime, cast.gamma.principal)).code is Code.MULTIPLE_VEHICLES_FOUND


async def test_a_status_that_was_set_is_read_back_with_who_and_why(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER, doors=4))
    changed = await set_status(runtime, cast.acme.principal, request(VehicleStatus.SOLD))
    assert await get_status(runtime, cast.gamma.principal, HUMMER) == changed
    assert (changed.status, changed.status_by, changed.status_reason) == (VehicleStatus.SOLD, "key", "why")
    version = await get_vehicle(runtime, cast.gamma.principal, HUMMER)
    assert (version.vehicle, version.details) == (changed, {"doors": 4})


@pytest.mark.long("postgres")
async def test_a_key_that_only_reads_sets_no_status(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER))
    with pytest.raises(PadronError) as caught:
        await set_status(runtime, cast.gamma.principal, request(VehicleStatus.SOLD))
    assert caught.value.code is Code.FORBIDDEN
    assert (await get_status(runtime, cast.gamma.principal, HUMMER)).status is VehicleStatus.ACTIVE


@pytest.mark.long("postgres")
async def test_the_same_status_again_gives_the_vehicle_as_it_was(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER))
    first = await set_status(runtime, cast.acme.principal, request(VehicleStatus.SOLD))
    assert await set_status(runtime, cast.acme.principal, request(VehicleStatus.SOLD)) == first
    page = await list_history(runtime, cast.acme.principal, HUMMER, limit=9, cursor=None)
    assert len(page.rows) == 2


async def test_pages_of_a_list_join_to_the_whole(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.account.account_id
    await save(runtime.store, acme, *(registered(make_vin(number), doors=number % 2) for number in range(7)))
    await save(runtime.store, cast.beta.account.account_id, registered(JEEP, doors=1))
    for limit in (1, 2, 3, 7):
        query = VehicleQuery(filters={}, sort="doors", descending=True, limit=limit)
        vins: list[str] = []
        cursor = None
        for _ in range(9):
            answer = await list_vehicles(runtime, cast.acme.principal, query, cursor)
            vins += [version.vehicle.vin for version in answer.page.rows]
            cursor = answer.page.next_cursor
            if cursor is None:
                break
        assert vins == [make_vin(number) for number in (5, 3, 1, 6, 4, 2, 0)], limit


@pytest.mark.long("postgres")
async def test_the_latest_changes_begin_with_the_last_one(runtime: Runtime, cast: Cast) -> None:
    newest_first = [make_vin(number) for number in range(5)]
    await save(runtime.store, cast.acme.account.account_id, *map(registered, reversed(newest_first)))
    for limit in (1, 4, 5, 6):
        latest = await list_latest(runtime, cast.acme.principal, limit)
        assert [entry.vin for entry in latest] == newest_first[:limit]
