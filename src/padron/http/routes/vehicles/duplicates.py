"""Repairing duplicates: several current vehicles with one VIN, which come from imports of legacy data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.change import parse_reason
from padron.domain.duplicates import STATUS_FIELD, DuplicateGroup, Repair, Repaired
from padron.domain.status import VehicleStatus, parse_settable_status
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS, Edits, parse_value
from padron.domain.vin import Vin, parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.idempotency import answer_within
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.requests.conditions import format_etag
from padron.http.requests.revisions import parse_revision
from padron.http.shapes.duplicates import DuplicateList, MergeBody, RepairAnswer, ResolveBody, shape_group, shape_repair
from padron.http.shapes.vehicles import name_attribute
from padron.service.actors import name_actors
from padron.service.vehicles import duplicates

LIMIT_MAX = 100

_PARAMETERS = frozenset({"vin", *queries.PAGE_PARAMETERS})


async def list_duplicates(call: Call) -> Reply:
    """GET /api/v2/duplicates."""
    given = queries.read_query(call, _PARAMETERS)
    vin = parse_vin(given["vin"]) if "vin" in given else None
    limit = queries.parse_limit(given, LIMIT_MAX)
    page = await duplicates.list_duplicates(call.runtime, call.principal, vin, limit, given.get("cursor"))
    names = await _name_authors(call, page.rows)
    shapes = [shape_group(group, names) for group in page.rows]
    return build_json_reply(200, DuplicateList(duplicates=shapes, next_cursor=page.next_cursor, more=page.more))


async def resolve_duplicates(call: Call) -> Reply:
    """POST /api/v2/duplicates/{vin}/resolve."""
    vin = parse_vin(call.path_parameters["vin"])
    body = await read_json(call, ResolveBody)
    return await _repair(call, _give_repair(call, vin, body), dry_run=body.dry_run)


async def merge_duplicates(call: Call) -> Reply:
    """POST /api/v2/duplicates/{vin}/merge."""
    vin = parse_vin(call.path_parameters["vin"])
    body = await read_json(call, MergeBody)
    return await _repair(call, _give_repair(call, vin, body), dry_run=body.dry_run)


async def _repair(call: Call, repair: Repair, *, dry_run: bool) -> Reply:
    # The answer is worded within the transaction, so the names are looked up before it.
    before = await duplicates.list_duplicates(call.runtime, call.principal, repair.vin, 1, None)
    names = await _name_authors(call, before.rows)

    def word(done: Repaired) -> Reply:
        # A dry run stores nothing, so there is no tag.
        etags = () if dry_run else ((b"etag", format_etag(format_tag(done.vehicle))),)
        return build_json_reply(200, shape_repair(done, names, call.request_id, dry_run=dry_run), etags)

    answer_within(call, word)
    return word(await duplicates.repair_duplicates(call.runtime, call.principal, repair, dry_run=dry_run))


async def _name_authors(call: Call, groups: Sequence[DuplicateGroup]) -> Mapping[str, str]:
    """Give the names of those who set the statuses of these vehicles, and of the caller."""
    authors = [version.vehicle.status_by for group in groups for version in group.versions]
    return await name_actors(call.runtime, call.principal.account_id, [call.principal.actor, *authors])


def _give_repair(call: Call, vin: Vin, body: ResolveBody) -> Repair:
    given = _read_given(body) if isinstance(body, MergeBody) else _Given(edits={})
    return Repair(
        vin=vin,
        keep=body.keep,
        request_id=call.request_id,
        by=call.principal.actor,
        revisions=_read_revisions(body),
        take=_read_taken(body) if isinstance(body, MergeBody) else {},
        edits=given.edits,
        status=given.status,
        reason=parse_reason(body.reason) if isinstance(body.reason, str) else None,
    )


def _read_revisions(body: ResolveBody) -> dict[int, str] | None:
    if not isinstance(body.revisions, dict):
        return None
    return {one: parse_revision(f"revisions.{one}", given) for one, given in body.revisions.items()}


def _read_taken(body: MergeBody) -> dict[str, int]:
    taken: object = body.take
    names = {"vehicle_status_id": STATUS_FIELD, **{name_attribute(field): field.name for field in FIELDS}}
    pairs = ((name, getattr(taken, attribute, UNSET)) for attribute, name in names.items())
    return {name: source for name, source in pairs if source is not UNSET}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Given:
    """What the vehicle that is kept is given beside what it has."""

    edits: Edits
    status: VehicleStatus | None = None


def _read_given(body: MergeBody) -> _Given:
    given: object = body.given
    values = ((field, getattr(given, name_attribute(field), UNSET)) for field in FIELDS)
    edits = {field.name: parse_value(field, value) for field, value in values if value is not UNSET}
    status_id = getattr(given, "vehicle_status_id", UNSET)
    return _Given(edits=edits, status=None if status_id is UNSET else parse_settable_status(status_id))


_ETAG = {"ETag": "The tag of the vehicle that was kept, in quotes. A dry run has none."}
_ANSWERS = {200: Success(description="The vehicle as it is now.", body=RepairAnswer, headers=_ETAG)}
_PROBLEMS = (
    problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.NO_DUPLICATES, problems.PLATE_IN_USE,
    problems.REVISION_MISMATCH, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
)  # fmt: skip
_UNDO = (
    "The others become former versions: each gets a statusChanged to 2. Then calls by the VIN work again. All changes "
    "are one request, which can be undone. With `revisions`, the answer is 412 unless the vehicles and their revisions "
    "match. Query parameters are ignored."
)

ROUTES: tuple[Route, ...] = (
    Route(
        name="listDuplicates", method="GET", path="/api/v2/duplicates", tag="Duplicates",
        summary="List VINs that several vehicles have",
        description="The VINs with several current vehicles, in order, each with these vehicles side by side and the "
        "values that differ. Duplicates can only come from legacy data. Until they are resolved, calls by such a VIN "
        "get 409 `MultipleVehiclesFound`. A page can be shorter than the limit.",
        endpoint=list_duplicates, scope=Scope.VEHICLES_REPAIR,
        parameters=(
            Parameter(name="vin", place="query", description="Only this VIN.", schema=parameters.VIN.schema),
            Parameter(
                name="limit", place="query", description="The size of the page, in VINs.",
                schema={**parameters.LIMIT.schema, "maximum": LIMIT_MAX},
            ),
            parameters.CURSOR,
        ),
        answers={200: Success(description="A page.", body=DuplicateList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="resolveDuplicates", method="POST", path="/api/v2/duplicates/{vin}/resolve", tag="Duplicates",
        summary="Keep one of several vehicles with a VIN",
        description=f"Keeps one vehicle unchanged. {_UNDO}",
        endpoint=resolve_duplicates, scope=Scope.VEHICLES_REPAIR,
        parameters=(parameters.VIN,),
        body=ResolveBody,
        body_example={
            "keep": 17, "reason": "42 was typed twice",
            "revisions": {"17": "v17r1t6448a2c1f3b40", "42": "v42r3t6448b91e7c580"},
        },
        answers=_ANSWERS, problems=_PROBLEMS,
    ),
    Route(
        name="mergeDuplicates", method="POST", path="/api/v2/duplicates/{vin}/merge", tag="Duplicates",
        summary="Make one of several vehicles with a VIN",
        description="Keeps one vehicle, with values that `take` takes from the others, and values that `set` gives. "
        f"`vehicleStatusId` can be one of them. {_UNDO}",
        endpoint=merge_duplicates, scope=Scope.VEHICLES_REPAIR,
        parameters=(parameters.VIN,),
        body=MergeBody,
        body_example={"keep": 17, "take": {"plate": 42, "vehicleStatusId": 42}, "set": {"ownerName": "Flota Norte"}},
        answers=_ANSWERS, problems=_PROBLEMS,
    ),
)  # fmt: skip
