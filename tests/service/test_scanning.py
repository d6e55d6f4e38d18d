"""Reading pictures: the vehicles behind the VINs, and the places for it."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from padron.domain.account import Scope
from padron.domain.barcode import Symbology
from padron.domain.errors import Code, PadronError
from padron.domain.vin import parse_vin
from padron.service.runtime import Runtime
from padron.service.scanning import places
from padron.service.scanning.places import ACCOUNT_MAX, AT_ONCE_MAX, ScanPlaces
from padron.service.scanning.scanning import find_texts, scan_picture
from padron.service.vehicles.registration import Registration, put_vehicle
from tests.barcodes import draw_barcode, encode_picture, lay_out, make_photo
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, Cast, make_member


@pytest.mark.long("postgres")
async def test_a_picture_gives_the_vehicles_of_the_own_account_alone(runtime: Runtime, cast: Cast) -> None:
    await put_vehicle(
        runtime, cast.acme.principal, Registration(vin=HUMMER, edits={}, request_id="r-1")
    )  # fmt: skip
    await put_vehicle(runtime, cast.beta.principal, Registration(vin=JEEP, edits={}, request_id="r-2"))
    label = lay_out(
        draw_barcode(f"I{HUMMER}"),
        draw_barcode("33 PSI", Symbology.CODE_128),
        draw_barcode(JEEP, Symbology.DATA_MATRIX, 6),
    )
    scanned = await scan_picture(runtime, cast.acme.principal, encode_picture(label))
    assert scanned.barcode_count == 3
    found = {one.vin: one for one in scanned.vins}
    assert {vin: one.symbology for vin, one in found.items()} == {
        HUMMER: Symbology.CODE_39,
        JEEP: Symbology.DATA_MATRIX,
    }
    assert [vehicle.vin for vehicle in found[HUMMER].vehicles] == [HUMMER]
    assert found[JEEP].vehicles == []


@pytest.mark.long("postgres")
async def test_texts_of_a_browser_are_looked_up_once_each(runtime: Runtime, cast: Cast) -> None:
    await put_vehicle(runtime, cast.acme.principal, Registration(vin=HUMMER, edits={}, request_id="r-1"))
    found = await find_texts(runtime, cast.acme.principal, [f"I{HUMMER}", "x", UNKNOWN_VIN.lower(), HUMMER])
    assert [(one.vin, len(one.vehicles)) for one in found] == [(HUMMER, 1), (parse_vin(UNKNOWN_VIN), 0)]
    assert await find_texts(runtime, cast.acme.principal, ["x"]) == []


@pytest.mark.long("postgres")
async def test_scanning_needs_the_scope_that_reads_vehicles(runtime: Runtime, cast: Cast) -> None:
    scopes = [scope.value for scope in Scope if scope is not Scope.VEHICLES_READ]
    writer = (await make_member(runtime, cast.acme.account, "writer", scopes)).principal
    for asked in (scan_picture(runtime, writer, make_photo()), find_texts(runtime, writer, [HUMMER])):
        with pytest.raises(PadronError) as refused:
            await asked
        assert refused.value.code is Code.FORBIDDEN


async def hold(taken: ScanPlaces, account_id: int, inside: list[int], end: asyncio.Event) -> None:
    async with taken.take(account_id):
        inside.append(account_id)
        await end.wait()
        inside.remove(account_id)


async def test_few_pictures_are_read_at_once_and_one_of_each_account() -> None:
    taken, inside, end = ScanPlaces(), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for account_id in (1, 1, 1, 2, 3):
            group.create_task(hold(taken, account_id, inside, end))
        await asyncio.sleep(0.01)
        assert inside == [1, 2]
        assert len(inside) == AT_ONCE_MAX
        end.set()
    assert inside == []


async def test_an_account_with_too_many_pictures_is_refused_and_others_are_not() -> None:
    taken, inside, end = ScanPlaces(), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(ACCOUNT_MAX):
            group.create_task(hold(taken, 1, inside, end))
        await asyncio.sleep(0.01)
        with pytest.raises(PadronError) as refused:
            await hold(taken, 1, inside, end)
        assert refused.value.code is Code.OVERLOADED
        async with taken.take(2):
            end.set()
    async with AsyncExitStack() as stack:  # all places are free again
        for account_id in range(AT_ONCE_MAX):
            await stack.enter_async_context(taken.take(account_id))


async def test_who_waits_too_long_is_refused_and_leaves_no_place_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "WAIT_S_MAX", 0.02)
    taken, inside, end = ScanPlaces(), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for account_id in range(AT_ONCE_MAX):
            group.create_task(hold(taken, account_id, inside, end))
        await asyncio.sleep(0.01)
        for account_id in (0, 9):
            with pytest.raises(PadronError, match="Try again in a moment") as refused:
                await hold(taken, account_id, inside, end)
            assert refused.value.code is Code.OVERLOADED
        end.set()
    async with taken.take(0), taken.take(9):
        pass
