"""Registering a vehicle, and editing its data. Who restores a former version gets its values into the same form.

The form carries the tag of the vehicle as it was seen. If somebody else changed it meanwhile, the form asks again, with
the fields that nobody touched as they are now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.pages.data.typed import GROUPS, TypedData, find_faults, parse_edits
from padron.console.pages.data.versions import get_former
from padron.console.pages.vehicle import read_vin
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import ChangeType, HistoryEntry
from padron.domain.errors import Code, PadronError
from padron.domain.tags import format_tag, parse_tag
from padron.domain.vehicle import FIELDS_BY_NAME, VehicleVersion
from padron.domain.vin import Vin, parse_vin
from padron.mounting import MountedReply
from padron.service.vehicles.reading import get_vehicle, list_history
from padron.service.vehicles.registration import Registration, WriteCondition, put_vehicle
from padron.service.vehicles.vins import give_check_digit

NEWER_ROWS = 10
ANYWAY = "anyway"  # the value of the field ``step`` for a VIN whose check digit is wrong

_EDIT = "/console/vehicles/{vin}/data"
_NEW = "/console/register"
_BAD_REQUEST = 400
_CONFLICT = 409
_VIN_LENGTH_SHOWN = 40
_NOTHING = TypedData(values={}, was={})
_TAKEN = {
    Code.PLATE_IN_USE: ("plate", "data.plate_in_use"),
    Code.REVISION_MISMATCH: ("vin", "data.known"),
    Code.MULTIPLE_VEHICLES_FOUND: ("vin", "data.known"),
    Code.VEHICLE_LIMIT_REACHED: ("vin", "data.full"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a form says beside its fields: what is wrong with them, where they come from, and what others did."""

    faults: Mapping[str, str] = field(default_factory=dict)
    restored: VehicleVersion | None = None
    newer: Sequence[HistoryEntry] | None = None  # what others did since the form was made; None: nothing
    names: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    is_doubted: bool = False
    known: str = ""  # the VIN, if a vehicle has it


_NOTHING_TOLD = Told()


async def show_form(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles/{vin}/data. With ``at``, the fields have the values of that time."""
    version = await get_vehicle(visit.runtime, visit.principal, read_vin(visit))
    typed = TypedData.of(version.details, format_tag(version.vehicle))
    at = visit.query.get("at")
    if not at:
        return _show_form(visit, version, typed)
    former = await get_former(visit, version, at)
    return _show_form(visit, version, typed.restore(former.details), Told(restored=former))


async def show_form_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    version = await get_vehicle(visit.runtime, visit.principal, read_vin(visit))
    typed = TypedData.read(visit.form).follow(version.details, format_tag(version.vehicle))
    return _show_form(visit, version, typed, Told(note="sign_in.typed_again"))


async def edit(visit: PageVisit) -> MountedReply:
    """POST /console/vehicles/{vin}/data."""
    vin, typed = read_vin(visit), TypedData.read(visit.form)
    version = await get_vehicle(visit.runtime, visit.principal, vin)
    faults = find_faults(visit, typed)
    if faults:
        return _show_form(visit, version, typed, Told(faults=faults))
    asked = Registration(
        vin=vin,
        edits=parse_edits(typed),
        request_id=visit.request_id,
        condition=WriteCondition.MUST_EXIST,
        revisions=frozenset({typed.revision}),
    )
    try:
        after = (await put_vehicle(visit.runtime, visit.principal, asked)).version
    except PadronError as error:
        if error.code is Code.PLATE_IN_USE:
            faults = {"plate": str(visit.wording.say("data.plate_in_use"))}
            return _show_form(visit, version, typed, Told(faults=faults))
        if error.code is not Code.REVISION_MISMATCH:
            raise
        return await _show_conflict(visit, vin, typed)
    is_same = format_tag(after.vehicle) == typed.revision
    return redirect(visit, f"/console/vehicles/{vin}", [Pair("done", "same_data" if is_same else visit.request_id)])


async def show_new(visit: PageVisit) -> MountedReply:
    """GET /console/register. The address may name the VIN."""
    return _show_new(visit, visit.query.get("vin")[:_VIN_LENGTH_SHOWN], _NOTHING)


async def show_new_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return _show_new(visit, visit.form.get("vin"), TypedData.read(visit.form), Told(note="sign_in.typed_again"))


async def register(visit: PageVisit) -> MountedReply:
    """POST /console/register. A VIN whose check digit is wrong is taken once somebody says so."""
    typed, text = TypedData.read(visit.form), visit.form.get("vin").strip()
    faults = find_faults(visit, typed)
    try:
        vin = parse_vin(text)
    except PadronError:
        return _show_new(visit, text, typed, Told(faults=faults | {"vin": str(visit.wording.say("data.bad_vin"))}))
    if not faults and visit.form.get("step") != ANYWAY:
        faults = find_doubt(visit, vin)
        if faults:
            return _show_new(visit, text, typed, Told(faults=faults, is_doubted=True))
    if faults:
        return _show_new(visit, text, typed, Told(faults=faults))
    asked = Registration(
        vin=vin, edits=parse_edits(typed), request_id=visit.request_id, condition=WriteCondition.MUST_NOT_EXIST
    )
    try:
        await put_vehicle(visit.runtime, visit.principal, asked)
    except PadronError as error:
        if error.code not in _TAKEN:
            raise
        place, key = _TAKEN[error.code]
        known = vin if place == "vin" and error.code is not Code.VEHICLE_LIMIT_REACHED else ""
        return _show_new(visit, text, typed, Told(faults={place: str(visit.wording.say(key))}, known=known))
    return redirect(visit, f"/console/vehicles/{vin}", [Pair("done", visit.request_id)])


def find_doubt(visit: PageVisit, vin: Vin) -> dict[str, str]:
    """Say, as a fault, that the check digit is wrong where the law requires one. The register takes such a VIN."""
    digit = give_check_digit(vin)
    if digit.warning is None:
        return {}
    return {"vin": str(visit.wording.say("data.digit", given=digit.given, expected=digit.expected))}


async def _show_conflict(visit: PageVisit, vin: Vin, typed: TypedData) -> MountedReply:
    """Show what somebody else did since the form was made, and the form on top of it."""
    version = await get_vehicle(visit.runtime, visit.principal, vin)
    history = await list_history(visit.runtime, visit.principal, vin, limit=NEWER_ROWS, cursor=None)
    fresh = typed.follow(version.details, format_tag(version.vehicle))
    seen = parse_tag(typed.revision)
    newer = [entry for entry in history.rows if seen is None or seen.is_before(entry.at)]
    names = await name_actors(visit, {entry.by for entry in newer})
    return _show_form(visit, version, fresh, Told(newer=newer, names=names))


def _show_form(visit: PageVisit, version: VehicleVersion, typed: TypedData, told: Told = _NOTHING_TOLD) -> MountedReply:
    return show(
        visit,
        "data-form.html",
        status=_CONFLICT if told.newer is not None else _BAD_REQUEST if told.faults else 200,
        vehicle=version.vehicle,
        typed=typed,
        groups=GROUPS,
        fields=FIELDS_BY_NAME,
        faults=told.faults,
        restored=told.restored,
        newer=told.newer,
        names=told.names,
        changes=ChangeType,
        note=told.note,
    )


def _show_new(visit: PageVisit, vin: str, typed: TypedData, told: Told = _NOTHING_TOLD) -> MountedReply:
    return show(
        visit,
        "data-new.html",
        status=_BAD_REQUEST if told.faults else 200,
        vin=vin,
        typed=typed,
        groups=GROUPS,
        fields=FIELDS_BY_NAME,
        faults=told.faults,
        is_doubted=told.is_doubted,
        known=told.known if visit.may(Scope.VEHICLES_READ) else "",
        note=told.note,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_EDIT, endpoint=show_form, scope=Scope.VEHICLES_WRITE),
    ConsoleRoute(method="POST", path=_EDIT, endpoint=edit, scope=Scope.VEHICLES_WRITE, show_again=show_form_again),
    ConsoleRoute(method="GET", path=_NEW, endpoint=show_new, scope=Scope.VEHICLES_WRITE),
    ConsoleRoute(method="POST", path=_NEW, endpoint=register, scope=Scope.VEHICLES_WRITE, show_again=show_new_again),
)
