"""Seconds that add up: of a vehicle, of all vehicles, by status and by reason."""

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.status import SETTABLE_STATUSES, VehicleStatus, is_operational
from padron.domain.time_in_status import (
    REASONS_MAX,
    Cell,
    StatusTime,
    TotalTime,
    VehicleTime,
    gather_vehicle_times,
    round_cells,
    sum_by_status,
    sum_downtime,
)
from tests.cast import make_vin

ACTIVE, SHOP = VehicleStatus.ACTIVE, VehicleStatus.IN_THE_SHOP

cells = st.dictionaries(
    st.builds(Cell, st.sampled_from(list(SETTABLE_STATUSES.values())), st.none() | st.sampled_from(["a", "b", ""])),
    st.integers(1, 10**13),
    max_size=8,
)


def make_time(vehicle_id: int, status: VehicleStatus, microseconds: int, reason: str | None = None) -> StatusTime:
    return StatusTime(
        vehicle_id=vehicle_id, vin=make_vin(vehicle_id), status=status, reason=reason, microseconds=microseconds
    )


@given(cells)
def test_rounded_seconds_add_up_and_none_is_a_second_off(lengths: dict[Cell, int]) -> None:
    rounded = round_cells(lengths)
    assert sum(rounded.values()) == sum(lengths.values()) // 1_000_000
    assert rounded.keys() == lengths.keys()
    for cell, seconds in rounded.items():
        assert abs(seconds * 1_000_000 - lengths[cell]) < 1_000_000
    assert list(round_cells(dict(reversed(lengths.items()))).items()) == list(rounded.items())


def test_what_lost_most_by_rounding_down_gets_the_missing_second() -> None:
    lengths = {Cell(ACTIVE, None): 1_900_000, Cell(SHOP, "a"): 2_400_000, Cell(SHOP, "b"): 5_700_000}
    assert round_cells(lengths) == {(ACTIVE, None): 2, (SHOP, "a"): 2, (SHOP, "b"): 6}


@given(cells)
def test_statuses_and_downtime_are_sums_of_the_same_seconds(
    lengths: dict[Cell, int],
) -> None:
    by_status, downtime = sum_by_status(lengths), sum_downtime(lengths)
    assert sum(by_status.values()) == sum(lengths.values())
    assert list(by_status) == sorted(by_status)
    down = {status: seconds for status, seconds in by_status.items() if not is_operational(status)}
    assert sum(downtime.values()) == sum(down.values())
    assert list(downtime.values()) == sorted(downtime.values(), reverse=True)


def test_vehicles_that_did_not_exist_in_the_period_are_left_out() -> None:
    times = [
        make_time(1, ACTIVE, 5_000_000),
        make_time(1, VehicleStatus.INFO_CHANGED, 7_000_000, "merged"),
        make_time(2, VehicleStatus.INFO_CHANGED, 12_000_000),
        make_time(3, ACTIVE, 0),
        make_time(4, ACTIVE, 1),
    ]
    gathered = gather_vehicle_times(times)
    assert [(one.vehicle_id, one.cells) for one in gathered] == [(1, {(ACTIVE, None): 5}), (4, {(ACTIVE, None): 0})]


def test_a_total_tells_a_thousand_reasons_apart_and_loses_no_second() -> None:
    total = TotalTime()
    vehicles = [
        VehicleTime(
            vehicle_id=number, vin=make_vin(number), cells={Cell(SHOP, f"reason {number}"): 10, Cell(ACTIVE, None): 1}
        )
        for number in range(REASONS_MAX + 200)
    ]
    total.add(vehicles)
    total.add(vehicles[:1])
    assert len(total.cells) <= REASONS_MAX + 1
    assert total.cells[Cell(SHOP, "reason 0")] == 20
    assert total.vehicle_count == REASONS_MAX + 201
    assert sum(total.cells.values()) + sum(total.others.values()) == 11 * (REASONS_MAX + 201)
    assert total.others[SHOP] >= 2_000
