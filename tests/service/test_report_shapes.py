"""What a report shows of a total with more reasons than are told apart; and cells of a CSV."""

import csv
import io

from padron.domain.status import VehicleStatus
from padron.domain.time_in_status import Cell, TotalTime
from padron.service.reports.csv_lines import format_csv
from padron.service.reports.shapes import OTHER_REASONS, format_csv_total, shape_total_time
from tests.tables import each_row

SHOP, ACTIVE, SOLD = VehicleStatus.IN_THE_SHOP, VehicleStatus.ACTIVE, VehicleStatus.SOLD
TOTAL = TotalTime(
    vehicle_count=3, cells={Cell(ACTIVE, None): 100, Cell(SHOP, "a"): 20}, others={SHOP: 5, SOLD: 7, ACTIVE: 1}
)


def test_the_time_of_further_reasons_is_in_every_sum() -> None:
    shape = shape_total_time(TOTAL)
    assert {one.vehicle_status_id: one.seconds for one in shape.statuses} == {1: 101, 4: 25, 8: 7}
    assert [one.vehicle_status_id for one in shape.statuses] == [1, 4, 8]
    assert (shape.seconds, shape.downtime.seconds, shape.downtime.other_reasons_seconds) == (133, 32, 12)
    assert [(one.reason, one.seconds) for one in shape.downtime.reasons] == [("a", 20)]
    rows = list(csv.reader(io.StringIO(format_csv_total(TOTAL), newline="")))
    assert sum(int(row[6]) for row in rows) == 133
    assert sorted(row[2] for row in rows if row[5] == OTHER_REASONS) == ["1", "4", "8"]


@each_row("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(sign: str) -> None:
    line = format_csv([["a", f"{sign}1+1", f"a{sign}"]])
    assert next(csv.reader(io.StringIO(line, newline=""))) == ["a", f"'{sign}1+1", f"a{sign}"]
