"""Rows of an export that come back: what is edited, and what is too old to be."""

import pytest

from padron.domain.change import ChangeType
from padron.domain.status import VehicleStatus
from padron.domain.tags import format_tag
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, Cast, get_one
from tests.service.importing import Cells, count, list_types, read_all, run


async def read_revision(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> str:
    return format_tag(await get_one(runtime.store, cast.acme.account.account_id, vin))


async def test_a_row_of_an_export_shows_the_whole_vehicle_so_an_empty_cell_removes(
    runtime: Runtime, cast: Cast
) -> None:
    vehicle = {"vin": HUMMER, "plate": "ABC123", "doors": "4", "brandName": "Hummer", "vehicleStatusId": "4"}
    await run(runtime, cast, [vehicle])
    revision = await read_revision(runtime, cast)
    edited = {"vin": HUMMER, "plate": "", "doors": "2", "vehicleStatusId": "", "revision": revision}
    assert count(await run(runtime, cast, [edited])) == {"updated": 1}
    # brandName has no column in the file, and the status is kept.
    assert await read_all(runtime, cast) == [(0, VehicleStatus.IN_THE_SHOP, {"doors": 2, "brandName": "Hummer"})]


@pytest.mark.long("postgres")
async def test_an_export_that_was_not_edited_changes_nothing(runtime: Runtime, cast: Cast) -> None:
    vehicle = {"vin": HUMMER, "plate": "ABC123", "ownerName": "", "vehicleStatusId": "4"}
    await run(runtime, cast, [vehicle])
    edited = {**vehicle, "revision": await read_revision(runtime, cast)}
    assert count(await run(runtime, cast, [edited])) == {"unchanged": 1}
    assert await list_types(runtime, cast) == [ChangeType.REGISTERED]


@pytest.mark.parametrize(
    "edit",
    [{"ownerName": "Otro"}, {"brandName": ""}, {"vehicleStatusId": "8"}, {"doors": "5", "brandName": "Jeep"}],
)
@pytest.mark.long("postgres")
async def test_an_old_row_of_an_export_overwrites_nobodys_later_change(
    runtime: Runtime, cast: Cast, edit: Cells
) -> None:
    exported = {"vin": HUMMER, "doors": "4", "brandName": "Hummer", "ownerName": "", "vehicleStatusId": "1"}
    await run(runtime, cast, [exported])
    revision = await read_revision(runtime, cast)
    await run(runtime, cast, [{"vin": HUMMER, "doors": "5"}])
    imported = await run(runtime, cast, [{**exported, **edit, "revision": revision}])
    assert count(imported) == {"refused": 1}
    (refusal,) = imported.refusals
    assert (refusal.line, refusal.column) == (2, "revision")
    assert "is at revision 2, not 1. Export the vehicle again" in refusal.detail
    assert (await read_all(runtime, cast))[0][2] == {"doors": 5, "brandName": "Hummer"}


@pytest.mark.long("postgres")
async def test_an_old_row_that_says_what_is_so_already_is_unchanged(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    revision = await read_revision(runtime, cast)
    await run(runtime, cast, [{"vin": HUMMER, "doors": "5", "vehicleStatusId": "3"}])
    again = {"vin": HUMMER, "doors": "5", "vehicleStatusId": "Robado", "revision": revision}
    assert count(await run(runtime, cast, [again])) == {"unchanged": 1}


@pytest.mark.long("postgres")
async def test_an_edit_can_be_run_again_after_an_interruption(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    edited = {"vin": HUMMER, "doors": "5", "vehicleStatusId": "3", "revision": await read_revision(runtime, cast)}
    assert count(await run(runtime, cast, [edited])) == {"updated": 1}
    assert count(await run(runtime, cast, [edited])) == {"unchanged": 1}


@pytest.mark.parametrize("revision", ["0", "-1", "1.5", "x", "9" * 40, "v1r1", "V1r1t1", "v0r1t1", "v1r1t1g"])
@pytest.mark.long("postgres")
async def test_a_revision_that_no_export_wrote_is_refused(runtime: Runtime, cast: Cast, revision: str) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, "revision": revision}])
    assert [(one.line, one.column) for one in imported.refusals] == [(2, "revision")]


async def test_an_exported_row_whose_vehicle_is_not_there_is_refused(runtime: Runtime, cast: Cast) -> None:
    imported = await run(runtime, cast, [{"vin": HUMMER, "revision": "v1r1t1"}, {"vin": JEEP, "revision": " "}])
    assert count(imported) == {"registered": 1, "refused": 1}
    assert (imported.refusals[0].column, await read_all(runtime, cast)) == ("vin", [])
    assert "no vehicle" in imported.refusals[0].detail


@pytest.mark.long("postgres")
async def test_who_keeps_duplicates_edits_no_export(runtime: Runtime, cast: Cast) -> None:
    await run(runtime, cast, [{"vin": HUMMER, "doors": "4"}])
    rows = [{"vin": HUMMER, "doors": "4", "revision": "7"}, {"vin": HUMMER, "doors": "", "revision": "1"}]
    assert count(await run(runtime, cast, rows, keep_duplicates=True)) == {"unchanged": 1, "kept_duplicates": 1}
