"""Any fleet, written in any form that a file may have, imports to the same register."""

import csv
import io
import random
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padron.domain.account import Principal
from padron.domain.file_import import ImportCounts
from padron.domain.query import VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS
from padron.domain.vehicle import FIELDS, Field
from padron.domain.vin import Vin
from padron.files.columns import ALIASES
from padron.files.defusing import defuse_text
from padron.files.rows import open_rows
from padron.service.accounts import add_account
from padron.service.imports.importing import ImportSummary, import_vehicles
from padron.service.runtime import Runtime
from tests import effort
from tests.cast import Cast, make_vin
from tests.files.workbooks import write_workbook

Fleet = Mapping[Vin, tuple[int, Mapping[str, str | int]]]  # status and values of each vehicle

FORMS = ["utf-8", "utf-8-sig", "latin-1", "utf-16", "xlsx"]
_names = count(1)

# What Latin-1 can say, but for its second quarter: with it, some texts are UTF-8 of other texts as well.
_SECOND_QUARTER = [chr(code) for code in range(0xA0, 0xC0)]
_SIGNS = st.characters(codec="latin-1", exclude_categories=["Cc"], exclude_characters=_SECOND_QUARTER)
_TEXTS = st.text(_SIGNS, min_size=1, max_size=12)


def give_values(field: Field) -> st.SearchStrategy[str | int]:
    """Give values of a field. Plates are given apart: two vehicles cannot share one."""
    if not field.is_text:
        return st.integers(0, field.number_max)
    return _TEXTS


VEHICLES = st.tuples(
    st.sampled_from(list(SETTABLE_STATUSES)),
    st.fixed_dictionaries({}, optional={one.name: give_values(one) for one in FIELDS if one.name != "plate"}),
    st.booleans(),
)


@st.composite
def give_fleets(draw: st.DrawFn) -> Fleet:
    """Give up to six vehicles."""
    fleet: dict[Vin, tuple[int, Mapping[str, str | int]]] = {}
    for number, (status, values, has_plate) in enumerate(draw(st.lists(VEHICLES, min_size=1, max_size=6))):
        fleet[make_vin(number)] = (status, {**values, "plate": f"PLA{number:03d}"} if has_plate else values)
    return fleet


def write_fleet(path: Path, fleet: Fleet, form: str, chance: random.Random) -> None:
    """Write the fleet with its columns in any order, in either language, statuses by id or by name."""
    columns = ["vin", "vehicleStatusId", *(field.name for field in FIELDS)]
    chance.shuffle(columns)
    is_spanish = chance.random() < 0.5
    header = [chance.choice(ALIASES[column].spanish) if is_spanish else column for column in columns]
    rows: list[list[object]] = [list(header)]
    for vin, (status, values) in fleet.items():
        text = STATUS_TEXTS[SETTABLE_STATUSES[status]]
        cells = {"vin": vin, "vehicleStatusId": chance.choice([str(status), text.name, text.nombre]), **values}
        rows.append([give_cell(cells.get(column, ""), form) for column in columns])
    if form == "xlsx":
        write_workbook(path, rows)
        return
    file = io.StringIO(newline="")
    delimiter, end = chance.choice(",;\t"), chance.choice(["\n", "\r\n"])
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(rows)
    path.write_bytes(file.getvalue().encode(form))


def give_cell(value: str | int, form: str) -> object:
    if isinstance(value, int):
        return value if form == "xlsx" else str(value)
    return defuse_text(value) or None


async def import_file(runtime: Runtime, principal: Principal, path: Path) -> ImportSummary:
    with open_rows(path) as rows:
        return await import_vehicles(runtime, principal, list(rows), request_id="r", chunk_rows=2)


async def read_fleet(runtime: Runtime, account_id: int) -> Fleet:
    found = await runtime.store.read(account_id).list_vehicles(VehicleQuery(filters={}, limit=500))
    versions = [version for version, _ in found]
    return {one.vehicle.vin: (one.vehicle.status.value, one.details) for one in versions}


# The register stays: each example has an account of its own.
@settings(
    max_examples=effort.FILE_FORMS, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(fleet=give_fleets(), form=st.sampled_from(FORMS), seed=st.integers(0, 2**32))
@pytest.mark.long("postgres")
async def test_any_form_of_a_file_imports_to_the_same_register(
    runtime: Runtime, cast: Cast, tmp_path: Path, fleet: Fleet, form: str, seed: int
) -> None:
    account = await add_account(runtime, f"Fleet {next(_names)}")
    principal = Principal(account_id=account.account_id, actor="test", scopes=cast.acme.principal.scopes)
    path = tmp_path / "fleet"
    write_fleet(path, fleet, form, random.Random(seed))
    first = await import_file(runtime, principal, path)
    assert first == ImportSummary(counts=ImportCounts(read=len(fleet), registered=len(fleet)))
    assert await read_fleet(runtime, account.account_id) == fleet
    assert (await import_file(runtime, principal, path)).counts.unchanged == len(fleet)
