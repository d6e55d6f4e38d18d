"""What the domain counts up, the schema and the SQL know: each status, and which kinds of change set one."""

import re
from collections.abc import Iterator
from pathlib import Path

from padron.domain.change import Change, ChangeType, keep_order
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.store import base
from padron.store.base import Store
from tests.cast import HUMMER, NOON, after, get_one, make_vehicle, registered, save, status_changed

FOLDER = Path(base.__file__).parent
_find_types = re.compile(r"type IN \(([^)]*)\)").findall


def list_setting_types() -> Iterator[str]:
    """Give the kinds of change after which a vehicle has its status since that change."""
    for kind in ChangeType:
        change = Change(type=kind, vehicle=make_vehicle(), at=NOON, by="Acme", request_id="r-1")
        keep_order([change], after(9))
        if change.vehicle.status_since == after(9):
            yield kind.value


async def test_each_status_that_can_be_set_fits_the_schema(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER))
    for number, status in enumerate(SETTABLE_STATUSES.values()):
        vehicle = await get_one(store, acme)
        await save(store, acme, status_changed(vehicle, status, at=after(number)))
        assert (await get_one(store, acme)).status is status
    assert [*SETTABLE_STATUSES.values()] == [one for one in VehicleStatus if one is not VehicleStatus.INFO_CHANGED]


def test_the_sql_names_each_kind_of_change_that_sets_a_status_or_each_other_one() -> None:
    files = [path for path in FOLDER.rglob("*") if path.suffix in {".sql", ".py"} and path.parent.name != "migrations"]
    lists = [(path, found) for path in files for found in _find_types(path.read_text("utf-8"))]
    assert len(lists) > 2
    for path, found in lists:
        setting = {*list_setting_types()}
        assert {word.strip(" '") for word in found.split(",")} in (setting, {*ChangeType} - setting), path
