"""Export, edit, import: what was edited changes, and nothing else; for any fleet, any edit, and each form."""

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padron.domain.account import Principal, Scope
from padron.domain.language import Language
from padron.domain.query import VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import FIELDS, VehicleVersion
from padron.files.columns import find_column
from padron.files.defusing import defuse_text
from padron.files.export_rows import EXPORT_COLUMNS, PLAIN, Wording
from padron.files.rows import open_rows
from padron.files.writers import Form, open_writer
from padron.service.accounts import add_account
from padron.service.imports.importing import ImportSummary, import_vehicles
from padron.service.runtime import Runtime, build_runtime
from padron.service.vehicles.export import export_vehicles
from padron.store import postgres, sqlite
from padron.wiring import read_clock
from tests import effort
from tests.cast import make_vin, registered, save

# Whatever a register may hold: no control characters and no halves of surrogate pairs, but line ends in observations.
characters = st.characters(exclude_categories=("Cs", "Cc"))
odd_texts = st.sampled_from(
    ["=1+1", "'=1", "''-", "-", "@x", "+52", "'", "''", '"', ",", ";", " ", " a ", "1E5", "007", "true", "_x0041_",
     "\ufffe", "\u2028", "null", "NULL", "{", "N/A", "0", "1.0", "2026-01-01", "<&>", "\ufeff",
     "a;=cmd", "a,-b", ";", "a;'=1", 'a;"=1;b', '="00712"', '="', "'=\"1\"", "\uff1d1", "\uff0d", "sep=;", "|",
     "a|=b", "''=;'-"]
)  # fmt: skip
mean_texts = st.text(alphabet="'\"=+-@;,|\uff1d a", min_size=1, max_size=8)
lines = st.lists(characters.map(str) | st.sampled_from(["\n", "\n=1", "'\n", "\n\n"]), min_size=1).map("".join)
texts = mean_texts | st.text(characters, min_size=1, max_size=12) | odd_texts


def _give_values(name: str) -> st.SearchStrategy[Any]:
    field = next(field for field in FIELDS if field.name == name)
    if field.has_lines:
        return texts | lines
    return texts if field.is_text else st.integers(0, field.number_max)


values = st.fixed_dictionaries(
    {}, optional={field.name: _give_values(field.name) for field in FIELDS if field.name != "plate"}
)
statuses = st.sampled_from(list(SETTABLE_STATUSES.values()))


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What somebody does to one line: cells set, cells cleared, another status."""

    changed: dict[str, Any]
    cleared: set[str]
    status: VehicleStatus | None


edits = st.builds(
    Edit,
    changed=values,
    cleared=st.sets(st.sampled_from([field.name for field in FIELDS]), max_size=3),
    status=st.none() | statuses,
)
fleets = st.lists(st.tuples(values, statuses, st.booleans(), st.none() | edits), min_size=1, max_size=5)


# What a file's form is, no engine knows.
FORMS = [Form.CSV, *(pytest.param(one, marks=pytest.mark.long("postgres")) for one in Form if one is not Form.CSV)]


class Register:
    """A register whose every account is one example."""

    def __init__(self, runner: asyncio.Runner, runtime: Runtime, folder: Path) -> None:
        self.run: Callable[[Any], Any] = runner.run
        self._runtime = runtime
        self._folder = folder
        self._number = 0

    async def begin(self, fleet: list[Any]) -> Principal:
        self._number += 1
        account = await add_account(self._runtime, f"Account {self._number}")
        changes = []
        for place, (details, status, has_plate, _) in enumerate(fleet):
            plate = {"plate": f"00{place}ABC"} if has_plate else {}
            changes.append(registered(make_vin(place), status=status, details={**details, **plate}))
        await save(self._runtime.store, account.account_id, *changes)
        scopes = frozenset(scope.value for scope in Scope)
        return Principal(account_id=account.account_id, actor="editor", scopes=scopes)

    async def read(self, principal: Principal) -> list[VehicleVersion]:
        pages = export_vehicles(self._runtime, principal, VehicleQuery(filters={}))
        return [version async for page in pages for version in page]

    async def count_changes(self, principal: Principal) -> int:
        return await self._runtime.store.read(principal.account_id).find_last_change()

    async def load(self, principal: Principal, data: bytes) -> ImportSummary:
        file = self._folder / "file"
        file.write_bytes(data)
        refusals: list[Any] = []
        with open_rows(file) as rows:
            summary = await import_vehicles(
                self._runtime,
                principal,
                list(rows),
                request_id="r",
                language=rows.header.language,
                on_step=lambda step: refusals.extend(step.refusals),
            )
        assert refusals == []
        return summary


@pytest.fixture
def register(engine: str, database: str, tmp_path: Path) -> Iterator[Register]:
    with asyncio.Runner() as runner:

        async def open_runtime() -> Runtime:
            store = await (sqlite.open_store(database) if engine == "sqlite" else postgres.open_store(database))
            return build_runtime(store, read_clock)

        runtime = runner.run(open_runtime())
        yield Register(runner, runtime, tmp_path)
        runner.run(runtime.close())


wordings = st.builds(Wording, language=st.sampled_from(Language), names_statuses=st.booleans())


def write(form: Form, versions: list[VehicleVersion], wording: Wording = PLAIN) -> bytes:
    raw = io.BytesIO()
    with open_writer(form, raw, mark=True, wording=wording) as writer:
        writer.write(versions)
    return raw.getvalue()


def edit_csv(data: bytes, edited: dict[int, Edit]) -> bytes:
    """Edit as a person does who sees cells: with readers and writers that are not ours."""
    names, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    header = list(EXPORT_COLUMNS)
    assert [find_column(name) for name in names] == header
    for place, edit in edited.items():
        for name, value in edit.changed.items():
            # Who wants a text that begins like a formula types the ' that the export shows before such a text.
            rows[place][header.index(name)] = defuse_text(str(value))
        for name in edit.cleared:
            rows[place][header.index(name)] = ""
        if edit.status is not None:
            rows[place][header.index("vehicleStatusId")] = str(edit.status.value)
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([names, *rows])
    return out.getvalue().encode()


def edit_json(data: bytes, edited: dict[int, Edit]) -> bytes:
    lines = [json.loads(line) for line in data.splitlines()]
    for place, edit in edited.items():
        lines[place] |= edit.changed | dict.fromkeys(edit.cleared, "")
        if edit.status is not None:
            lines[place]["vehicleStatusId"] = edit.status.value
    return "\n".join(json.dumps(line) for line in lines).encode()


def apply(version: VehicleVersion, edit: Edit) -> VehicleVersion:
    details = {**version.details, **edit.changed}
    for name in edit.cleared:
        details.pop(name, None)
    status = version.vehicle.status if edit.status is None else edit.status
    return replace(version, details=details, vehicle=replace(version.vehicle, status=status))


def edit_file(form: Form, data: bytes, before: list[VehicleVersion], edited: dict[int, Edit]) -> bytes:
    match form:
        case Form.CSV:
            return edit_csv(data, edited)
        case Form.JSONL:
            return edit_json(data, edited)
        case Form.XLSX:
            return write(
                form, [apply(one, edited[place]) if place in edited else one for place, one in enumerate(before)]
            )


def show(version: VehicleVersion) -> tuple[str, VehicleStatus, dict[str, Any]]:
    return version.vehicle.vin, version.vehicle.status, dict(version.details)


@pytest.mark.campaign
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "form", [pytest.param(one, marks=pytest.mark.long if one is Form.JSONL else ()) for one in Form]
)
@pytest.mark.long("postgres")
def test_what_was_edited_changes_and_nothing_else(register: Register, engine: str, form: Form) -> None:
    @settings(
        max_examples=effort.ROUND_TRIPS[engine],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
    @given(fleet=fleets, wording=wordings)
    def try_fleet(fleet: list[Any], wording: Wording) -> None:
        principal = register.run(register.begin(fleet))
        before = register.run(register.read(principal))
        data = write(form, before, wording)

        summary = register.run(register.load(principal, data))
        assert (summary.counts.unchanged, summary.counts.read) == (len(fleet), len(fleet))
        assert register.run(register.count_changes(principal)) == len(fleet)
        assert register.run(register.read(principal)) == before

        edited = {place: edit for place, (_, _, _, edit) in enumerate(fleet) if edit is not None}
        expected = [apply(one, edited[place]) if place in edited else one for place, one in enumerate(before)]
        register.run(register.load(principal, edit_file(form, data, before, edited)))
        after = register.run(register.read(principal))
        assert [show(one) for one in after] == [show(one) for one in expected]
        different = sum(
            (dict(one.details) != dict(other.details)) + (one.vehicle.status is not other.vehicle.status)
            for one, other in zip(before, expected, strict=True)
        )
        assert register.run(register.count_changes(principal)) == len(fleet) + different
        for one, other in zip(before, after, strict=True):
            if show(one) == show(other):
                assert one == other  # not even its revision

    try_fleet()


@pytest.mark.long("postgres")
@pytest.mark.parametrize("form", Form)
def test_nobodys_later_change_is_overwritten_by_an_older_export(register: Register, form: Form) -> None:
    fleet = [({"doors": 2}, VehicleStatus.ACTIVE, True, None), ({"doors": 3}, VehicleStatus.ACTIVE, True, None)]
    principal = register.run(register.begin(fleet))
    before = register.run(register.read(principal))
    stale = write(form, before)
    mine = {0: Edit(changed={"doors": 9}, cleared=set(), status=None)}
    register.run(register.load(principal, edit_file(form, stale, before, mine)))
    with pytest.raises(AssertionError, match="revision"):
        register.run(register.load(principal, stale))
    assert [one.details["doors"] for one in register.run(register.read(principal))] == [9, 3]
