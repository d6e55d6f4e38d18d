"""Duplicates: the VINs that several vehicles have, these vehicles side by side, and making one vehicle of them.

The form carries the tags of all vehicles as they were seen. If one of them changes meanwhile, nothing is done unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Fields, Pair, tidy_text
from padron.console.naming import name_actors
from padron.console.pages.vehicle import read_vin
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import REASON_LENGTH_MAX, parse_reason
from padron.domain.duplicates import STATUS_FIELD, DuplicateGroup, Repair, Repaired, find_differences
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS
from padron.domain.vin import Vin
from padron.mounting import MountedReply
from padron.service.vehicles.duplicates import list_duplicates, repair_duplicates

ROWS = 50
SIDE_BY_SIDE = 12  # vehicles of one VIN that a page compares

_LIST = "/console/duplicates"
_ONE = "/console/duplicates/{vin}"
_BAD_REQUEST = 400
_TAKE, _TAG = "take.", "tag."  # begin the names of fields; a vehicle's field or a vehicle's id follows
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.REVISION_MISMATCH, Code.PLATE_IN_USE})
_NUMBER_LENGTH_MAX = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedRepair:
    """The form as it was typed: which vehicle is kept, where each value comes from, and why."""

    keep: str
    take: Mapping[str, str]
    tags: Mapping[str, str]
    reason: str

    @classmethod
    def read(cls, fields: Fields) -> "TypedRepair":
        """Give what a form holds."""
        given = fields.as_mapping()
        return cls(
            keep=fields.get("keep"),
            take={name.removeprefix(_TAKE): text for name, text in given.items() if name.startswith(_TAKE) and text},
            tags={name.removeprefix(_TAG): text for name, text in given.items() if name.startswith(_TAG)},
            reason=fields.get("reason"),
        )

    def list_pairs(self) -> list[Pair]:
        """Give the fields again, for the form that confirms."""
        return [
            Pair("keep", self.keep),
            Pair("reason", self.reason),
            *(Pair(_TAKE + name, text) for name, text in self.take.items()),
            *(Pair(_TAG + name, text) for name, text in self.tags.items()),
        ]


async def show_duplicates(visit: PageVisit) -> MountedReply:
    """GET /console/duplicates."""
    cursor = visit.query.get("cursor") or None
    page = await list_duplicates(visit.runtime, visit.principal, None, ROWS, cursor)
    return show(
        visit,
        "duplicates.html",
        rows=page.rows,
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        differing={group.vin: list_differing(group) for group in page.rows},
    )


async def show_group(visit: PageVisit) -> MountedReply:
    """GET /console/duplicates/{vin}."""
    return await _show_group(visit, read_vin(visit), TypedRepair.read(visit.query))


async def show_group_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return await _show_group(visit, read_vin(visit), TypedRepair.read(visit.form), note="sign_in.typed_again")


async def resolve(visit: PageVisit) -> MountedReply:
    """POST /console/duplicates/{vin}: show what will be left, or do it once it is confirmed."""
    vin, typed = read_vin(visit), TypedRepair.read(visit.form)
    is_confirmed = visit.form.is_confirmed
    try:
        if visit.form.is_sent_back:
            return await _show_group(visit, vin, typed)
        repair = parse_repair(visit, vin, typed)
        done = await repair_duplicates(visit.runtime, visit.principal, repair, dry_run=not is_confirmed)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_group(visit, vin, typed, problem=error)
    if is_confirmed:
        return redirect(visit, f"/console/vehicles/{vin}" if visit.may(Scope.VEHICLES_READ) else _LIST)
    return _show_preview(visit, done, repair, typed)


def parse_repair(visit: PageVisit, vin: Vin, typed: TypedRepair) -> Repair:
    """Give the repair that a form means. Raises ``bad_parameters``."""
    keep = parse_number(visit, typed.keep)
    taken = {name: parse_number(visit, text) for name, text in typed.take.items()}
    return Repair(
        vin=vin,
        keep=keep,
        request_id=visit.request_id,
        by=visit.principal.actor,
        revisions={parse_number(visit, name): text for name, text in typed.tags.items()},
        take={name: source for name, source in taken.items() if source != keep},
        reason=parse_reason(tidy_text(typed.reason)),
    )


def parse_number(visit: PageVisit, text: str) -> int:
    """Give a vehicle's number. Raises ``bad_parameters``."""
    if not (text.isascii() and text.isdecimal()) or len(text) > _NUMBER_LENGTH_MAX:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("twins.choose"))
    return int(text)


def list_differing(group: DuplicateGroup) -> list[str]:
    """Give the names of the values that differ, the status apart."""
    return [name for name in find_differences(group.versions) if name != STATUS_FIELD]


async def _show_group(
    visit: PageVisit, vin: Vin, typed: TypedRepair, *, problem: PadronError | None = None, note: str = ""
) -> MountedReply:
    page = await list_duplicates(visit.runtime, visit.principal, vin, 1, None)
    if not page.rows:
        raise PadronError(Code.NO_DUPLICATES, f"The account has at most one current vehicle with the VIN {vin}.")
    group = page.rows[0]
    versions = group.versions[:SIDE_BY_SIDE]
    differences = find_differences(group.versions)
    return show(
        visit,
        "duplicate.html",
        status=_BAD_REQUEST if problem else 200,
        vin=vin,
        count=group.count,
        versions=versions,
        tags={version.vehicle.vehicle_id: format_tag(version.vehicle) for version in group.versions},
        differences=differences,
        same=[field.name for field in FIELDS if field.name not in differences and field.name in versions[0].details],
        status_field=STATUS_FIELD,
        names=await name_actors(visit, {version.vehicle.status_by for version in versions}),
        typed=typed,
        reason_max=REASON_LENGTH_MAX,
        problem=problem,
        note=note,
    )


def _show_preview(visit: PageVisit, done: Repaired, repair: Repair, typed: TypedRepair) -> MountedReply:
    return show(
        visit,
        "duplicate-preview.html",
        done=done,
        repair=repair,
        pairs=typed.list_pairs(),
        fields=[field.name for field in FIELDS if field.name in done.details],
        former_status=VehicleStatus.INFO_CHANGED,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_duplicates, scope=Scope.VEHICLES_REPAIR),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_group, scope=Scope.VEHICLES_REPAIR),
    ConsoleRoute(method="POST", path=_ONE, endpoint=resolve, scope=Scope.VEHICLES_REPAIR, show_again=show_group_again),
)
