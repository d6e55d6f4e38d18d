"""What differs between vehicles with one VIN, and what a choice among them means, whatever stores them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.change import Change
from padron.domain.duplicates import STATUS_FIELD, Repair, check_choices, decide_repair, find_differences
from padron.domain.errors import PadronError
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import FIELDS, Details, Vehicle, VehicleVersion
from tests.cast import HUMMER, NOON, after, make_vehicle, retired

NAMES = [field.name for field in FIELDS]
statuses = st.sampled_from(list(SETTABLE_STATUSES.values()))
details = st.dictionaries(st.sampled_from(["ownerName", "doors", "plate"]), st.sampled_from(["PLATE1", "PLATE2", 3]))
groups = st.lists(st.tuples(statuses, details), min_size=2, max_size=5)


def make_group(records: list[tuple[VehicleStatus, Details]]) -> list[VehicleVersion]:
    return [
        VehicleVersion(
            vehicle=replace(make_vehicle(vehicle_id=10 + place, slot=place), status=status),
            details=own,
            began=1,
            valid_from=NOON,
            valid_to=None,
        )
        for place, (status, own) in enumerate(records)
    ]


@given(records=groups)
def test_the_differences_and_what_is_the_same_make_up_every_vehicle(
    records: list[tuple[VehicleStatus, Details]],
) -> None:
    versions = make_group(records)
    differences = find_differences(versions)
    assert all(len(set(values)) > 1 for values in differences.values())
    for place, (status, own) in enumerate(records):
        expected = {STATUS_FIELD: status.value, **own}
        for name in (STATUS_FIELD, *NAMES):
            values = differences.get(name)
            first = {STATUS_FIELD: records[0][0].value, **records[0][1]}.get(name)
            assert expected.get(name) == (first if values is None else values[place])


@given(
    records=groups,
    place=st.integers(0, 4),
    taken=st.dictionaries(st.sampled_from(["doors", STATUS_FIELD]), st.integers(0, 4)),
)
def test_a_repair_retires_all_but_one_and_changes_the_rest_only_as_chosen(
    records: list[tuple[VehicleStatus, Details]], place: int, taken: dict[str, int]
) -> None:
    versions = make_group(records)
    ids = [version.vehicle.vehicle_id for version in versions]
    keep = place % len(ids)
    take = {name: ids[source % len(ids)] for name, source in taken.items()}
    repair = Repair(vin=HUMMER, keep=ids[keep], request_id="r", by="Acme", take=take)
    found = [version.vehicle for version in versions]
    known = {version.vehicle.vehicle_id: version.details for version in versions}
    done = decide_repair(found[::-1], known, repair, after(1))
    leaving = [change for change in done.changes if change.retires]
    assert [change.vehicle.vehicle_id for change in leaving] == [one for one in ids if one != ids[keep]]
    assert done.changes[: len(leaving)] == leaving
    assert all(change.deactivates is (change.from_status is VehicleStatus.ACTIVE) for change in leaving)
    wanted = {"doors": known[take["doors"]].get("doors")} if "doors" in take else {}
    after_all = {**known[ids[keep]], **wanted}
    assert done.details == {name: value for name, value in after_all.items() if value is not None}
    source = take.get(STATUS_FIELD, ids[keep])
    assert done.vehicle.status is records[ids.index(source)][0]
    assert done.vehicle.revision == 1 + len(done.changes) - len(leaving)


def test_a_field_that_there_is_not_or_that_is_chosen_twice_is_refused() -> None:
    check_choices({"doors": 1, STATUS_FIELD: 1}, {"plate": "AAA111"}, None)
    for take, edits, status in (
        ({"vin": 1}, {}, None),
        ({"doors": 1}, {"doors": None}, None),
        ({STATUS_FIELD: 1}, {}, VehicleStatus.SOLD),
    ):
        with pytest.raises(PadronError):
            check_choices(take, edits, status)


def test_only_a_slot_below_0_makes_a_status_change_a_retirement() -> None:
    vehicle: Vehicle = make_vehicle(vehicle_id=7)
    change: Change = retired(vehicle)
    assert change.retires
    assert not change.restores
    change.vehicle = replace(change.vehicle, slot=1)
    assert not change.retires
