"""Every status with every status: what a request does to a vehicle, and what it leaves alone."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import padron
from padron.domain.change import (
    Change,
    ChangeType,
    NoRevisionNamedError,
    StatusRequest,
    build_status_change,
    check_revision,
    decide,
    get_only,
)
from padron.domain.errors import Code, PadronError
from padron.domain.status import (
    SETTABLE_IDS,
    SETTABLE_STATUSES,
    STATUS_TEXTS,
    VehicleStatus,
    is_operational,
    parse_settable_status,
    word_ids,
)
from padron.domain.tags import format_tag
from padron.domain.vehicle import give_vin
from padron.domain.vin import Vin
from padron.domain.webhook import EventType, parse_filter
from tests.cast import HUMMER, JEEP, NOON, after, make_vehicle
from tests.tables import each_row

SETTABLE = [status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED]


def ask(status: VehicleStatus, revisions: frozenset[str] | None = None) -> StatusRequest:
    return StatusRequest(vin=HUMMER, status=status, reason=None, revisions=revisions, by="Acme", request_id="r-1")


@each_row("now", SETTABLE)
def test_a_request_changes_the_vehicle_unless_it_has_that_status_already(now: VehicleStatus) -> None:
    vehicle = replace(make_vehicle(), status=now)
    for to in SETTABLE:
        assert decide([vehicle], ask(to)) == (None if now is to else vehicle), to


@each_row("now", SETTABLE)
def test_a_given_status_says_since_when_by_whom_and_why_and_keeps_the_rest(now: VehicleStatus) -> None:
    before = replace(make_vehicle(vehicle_id=7, slot=2), status=now, revision=3)
    for to in SETTABLE:
        change = build_status_change(before, to, at=after(9), by="the key", request_id="r-9", reason="because")
        changed = replace(
            before,
            status=to,
            status_since=after(9),
            status_by="the key",
            status_reason="because",
            revision=4,
            updated_at=after(9),
        )
        assert change == Change(
            type=ChangeType.STATUS_CHANGED,
            vehicle=changed,
            at=after(9),
            by="the key",
            request_id="r-9",
            from_status=now,
            reason="because",
        )


def list_builders(source: str) -> set[str]:
    """Give the functions of a module that may make a status change: those that make one of no type that they name."""
    found: set[str] = set()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            made = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == "Change"]
            types = {keyword.value for call in made for keyword in call.keywords if keyword.arg == "type"}
            named = {ast.unparse(one).rpartition(".")[2] for one in types}
            if len(types) < len(made) or named - {"REGISTERED", "INFO_CHANGED", "ERASED"}:
                found.add(function.name)
    return found


def test_one_function_makes_every_status_change() -> None:
    room = Path(padron.__file__).parent
    sources = {str(path.relative_to(room)): path.read_text("utf-8") for path in room.rglob("*.py")}
    makers = {
        (path, name)
        for path, source in sources.items()
        if "Change(" in source  # the others make none, and reading them takes long
        for name in list_builders(source)
    }
    assert makers == {("domain/change.py", "build_status_change")}


@pytest.mark.parametrize(
    "made",
    [
        "Change(type=ChangeType.STATUS_CHANGED, vehicle=after)",
        "change.Change(type=kind, vehicle=after)",
        "Change(**values)",
    ],
)
def test_a_status_change_made_elsewhere_is_noticed(made: str) -> None:
    assert list_builders(f"def undo():\n    return [{made}]") == {"undo"}
    assert list_builders("def edit():\n    return Change(type=ChangeType.INFO_CHANGED, vehicle=after)") == set()


@each_row("status", SETTABLE)
def test_no_vehicle_is_not_found_whatever_is_asked(status: VehicleStatus) -> None:
    with pytest.raises(PadronError, match=HUMMER) as caught:
        decide([], ask(status))
    assert caught.value.code is Code.VEHICLE_NOT_FOUND


@each_row("status", SETTABLE)
@each_row("count", [2, 3])
def test_several_vehicles_are_a_conflict_even_when_all_have_the_status_already(
    status: VehicleStatus, count: int
) -> None:
    several = [replace(make_vehicle(slot=slot), status=status) for slot in range(count)]
    with pytest.raises(PadronError, match=f"{count} current vehicles") as caught:
        decide(several, ask(status))
    assert caught.value.code is Code.MULTIPLE_VEHICLES_FOUND


@each_row("status", SETTABLE)
def test_a_vehicle_that_is_out_of_operation_is_current_all_the_same_and_can_come_back(status: VehicleStatus) -> None:
    vehicle = replace(make_vehicle(), status=status)
    assert get_only([vehicle], HUMMER) is vehicle


def test_a_request_that_names_no_revision_although_it_demands_one_is_told_apart() -> None:
    with pytest.raises(NoRevisionNamedError) as caught:
        decide([make_vehicle()], ask(VehicleStatus.SOLD, frozenset()))
    assert caught.value.code is Code.REVISION_MISMATCH
    assert "revision" in caught.value.detail
    with pytest.raises(PadronError) as other:
        decide([make_vehicle()], ask(VehicleStatus.SOLD, frozenset({"x"})))
    assert not isinstance(other.value, NoRevisionNamedError)


def test_a_revision_that_was_not_asked_for_is_refused_and_named() -> None:
    with pytest.raises(PadronError, match="at revision 1, but the request names other") as caught:
        decide([make_vehicle()], ask(VehicleStatus.SOLD, frozenset({"x", "y"})))
    assert caught.value.code is Code.REVISION_MISMATCH


def test_a_wrong_revision_is_refused_even_when_nothing_would_change() -> None:
    with pytest.raises(PadronError) as caught:
        decide(
            [make_vehicle()], ask(VehicleStatus.ACTIVE, frozenset({format_tag(replace(make_vehicle(), revision=2))}))
        )
    assert caught.value.code is Code.REVISION_MISMATCH


def test_no_revision_at_all_matches_no_vehicle() -> None:
    with pytest.raises(PadronError):
        check_revision(make_vehicle(), frozenset())


def test_a_revision_among_those_asked_for_is_let_through() -> None:
    vehicle = make_vehicle()
    assert decide([vehicle], ask(VehicleStatus.SOLD, frozenset({format_tag(vehicle), "x"}))) is vehicle


@each_row("status", VehicleStatus)
def test_only_active_is_operational(status: VehicleStatus) -> None:
    assert is_operational(status) == (status.value == 1)


@each_row("number", [0, 1, 3, 4, 5, 6, 7, 8, 9])
def test_each_id_but_2_can_be_set(number: int) -> None:
    assert parse_settable_status(number).value == number


@given(st.integers().filter(lambda number: number not in SETTABLE_STATUSES))
def test_no_other_id_can_be_set(number: int) -> None:
    with pytest.raises(PadronError, match=str(number)) as caught:
        parse_settable_status(number)
    assert caught.value.code is Code.BAD_PARAMETERS


def test_the_refusal_of_id_2_says_whose_it_is() -> None:
    with pytest.raises(PadronError, match=r"Info Changed.*by the system alone"):
        parse_settable_status(2)


@each_row(
    "ids, words",
    [([0], "0"), ([0, 1], "0 or 1"), ([0, 1, 3], "0, 1 or 3"), ([9, 3, 4, 5], "3 to 5 or 9"), ([1, 3, 4], "1, 3 or 4")],
)
def test_ids_are_listed_in_words(ids: list[int], words: str) -> None:
    assert word_ids(ids) == words


def test_the_refusals_name_the_ids_that_can_be_set() -> None:
    assert SETTABLE_IDS == "0, 1 or 3 to 9"
    with pytest.raises(PadronError, match=SETTABLE_IDS):
        parse_settable_status(2)
    with pytest.raises(PadronError, match=SETTABLE_IDS):
        parse_filter([EventType.VEHICLE_STATUS_CHANGED], [2], [])


def test_the_statuses_have_the_documented_ids_and_names_in_both_languages() -> None:
    assert [(status.value, text.name, text.nombre) for status, text in STATUS_TEXTS.items()] == [
        (0, "Inactive", "Inactivo"),
        (1, "Active", "Activo"),
        (2, "Info Changed", "Información cambiada"),
        (3, "Stolen", "Robado"),
        (4, "In the Shop", "En taller"),
        (5, "To Replace", "Por reemplazar"),
        (6, "For Sale", "En venta"),
        (7, "Impounded", "En corralón"),
        (8, "Sold", "Vendido"),
        (9, "Total Loss", "Pérdida total"),
    ]


@pytest.mark.parametrize("vin", [HUMMER, JEEP])
def test_a_change_of_core_data_raises_the_revision_and_leaves_the_status_alone(vin: Vin) -> None:
    before = replace(make_vehicle(), status=VehicleStatus.STOLEN, status_since=NOON, status_reason="gone")
    changed = give_vin(before, vin, at=after(5))
    assert changed == replace(before, vin=vin, revision=2, updated_at=after(5))
