"""Planned changes of vehicles' statuses, and their results."""

import re

from padron.domain.account import Scope
from padron.domain.change import PlanRequest
from padron.domain.errors import Code, PadronError
from padron.domain.plan import PLAN_ID_PATTERN, Plan, PlanQuery, PlanState
from padron.domain.quoting import quote
from padron.domain.tags import format_tag
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.conditions import format_etag
from padron.http.shapes.plans import PlannedChangeList, PlannedChangeShape, list_authors, shape_plan
from padron.service.actors import name_actors
from padron.service.plans import listing
from padron.service.plans.planning import Planned

LOCATION = {"Location": "The address of the planned change."}
PLANNED = {"Padron-Planned-Change": "With `until`: the id of the planned change that restores the earlier status."}

_QUERY = frozenset({"vin", "state", "requestId", "sort", *queries.PAGE_PARAMETERS})
_SORTS = ("effectiveAt", "-effectiveAt")
_is_id = re.compile(PLAN_ID_PATTERN).fullmatch
_is_request_id = re.compile(parameters.REQUEST_ID_PATTERN).fullmatch


async def word_planned(call: Call, planned: Planned, request: PlanRequest) -> Reply:
    """Give the answer of a status call that planned something: 202, or 204 when the change is already in force."""
    if planned.plan is None:
        raise AssertionError(request)  # a request that is not refused always plans something
    plan_id = planned.plan.plan_id.encode()
    if request.is_for_later:
        location = (b"location", place(f"{_PATH}/").encode() + plan_id)
        return build_json_reply(202, await _word(call, planned.plan), (location,))
    etag = format_etag(format_tag(planned.vehicle))
    return Reply(204, headers=((b"etag", etag), (b"padron-planned-change", plan_id)))


async def list_plans(call: Call) -> Reply:
    """GET /api/v2/planned-changes."""
    given = queries.read_query(call, _QUERY)
    query = PlanQuery(
        vin=parse_vin(given["vin"]) if "vin" in given else None,
        state=_parse_state(given.get("state")),
        request_id=_parse_request_id(given.get("requestId")),
        descending=_parse_sort(given.get("sort")) == "-effectiveAt",
        limit=queries.parse_limit(given),
    )
    page = await listing.list_plans(call.runtime, call.principal, query, given.get("cursor"))
    names = await name_actors(call.runtime, call.principal.account_id, list_authors(page.rows))
    shapes = [shape_plan(plan, names) for plan in page.rows]
    return build_json_reply(
        200, PlannedChangeList(planned_changes=shapes, next_cursor=page.next_cursor, more=page.more)
    )


async def get_plan(call: Call) -> Reply:
    """GET /api/v2/planned-changes/{planId}."""
    plan = await listing.get_plan(call.runtime, call.principal, _parse_id(call))
    return build_json_reply(200, await _word(call, plan))


async def cancel_plan(call: Call) -> Reply:
    """DELETE /api/v2/planned-changes/{planId}."""
    await listing.cancel_plan(call.runtime, call.principal, _parse_id(call), call.request_id)
    return Reply(204)


async def _word(call: Call, plan: Plan) -> PlannedChangeShape:
    return shape_plan(plan, await name_actors(call.runtime, call.principal.account_id, list_authors([plan])))


def _parse_id(call: Call) -> str:
    text = call.path_parameters["planId"]
    if _is_id(text) is None:
        raise PadronError(Code.PLAN_NOT_FOUND, f"The account has no planned change with the id {quote(text)}.")
    return text


def _parse_state(text: str | None) -> PlanState | None:
    if text is None:
        return None
    try:
        return PlanState(text)
    except ValueError:
        known = ", ".join(PlanState)
        raise PadronError(Code.BAD_PARAMETERS, f"state is {quote(text)}: it must be one of {known}.") from None


def _parse_request_id(text: str | None) -> str | None:
    if text is not None and _is_request_id(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, f"requestId is {quote(text)}, which is not a request id.")
    return text


def _parse_sort(text: str | None) -> str:
    if text is None:
        return _SORTS[0]
    if text not in _SORTS:
        raise PadronError(Code.BAD_PARAMETERS, f"sort is {quote(text)}: it must be effectiveAt or -effectiveAt.")
    return text


_PATH = "/api/v2/planned-changes"
_ONE = f"{_PATH}/{{planId}}"
_ID = Parameter(
    name="planId", place="path", required=True, description="The planned change's id.",
    schema={"type": "string", "pattern": PLAN_ID_PATTERN},
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="listPlannedChanges", method="GET", path=_PATH, tag="Status",
        summary="List planned changes",
        description="All planned changes and their results, in the order of their instants. They are never removed. "
        "With `requestId`, as in the history: only the changes that this request planned.",
        endpoint=list_plans, scope=Scope.VEHICLES_READ,
        parameters=(
            Parameter(name="vin", place="query", description="The present VIN of the vehicle.",
                      schema=parameters.VIN.schema),
            Parameter(name="state", place="query", description="Only planned changes in this state.",
                      schema={"type": "string", "enum": [state.value for state in PlanState]}),
            Parameter(name="requestId", place="query", description="The request that planned them.",
                      schema=parameters.REQUEST_ID.schema),
            Parameter(name="sort", place="query", description="-effectiveAt begins with the latest.",
                      schema={"type": "string", "enum": list(_SORTS), "default": _SORTS[0]}),
            parameters.LIMIT, parameters.CURSOR,
        ),
        answers={200: Success(description="A page.", body=PlannedChangeList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getPlannedChange", method="GET", path=_ONE, tag="Status",
        summary="Read a planned change",
        description="Gives a planned change, in any state.",
        endpoint=get_plan, scope=Scope.VEHICLES_READ, parameters=(_ID,),
        answers={200: Success(description="The planned change.", body=PlannedChangeShape)},
        problems=(problems.PLAN_NOT_FOUND,),
    ),
    Route(
        name="cancelPlannedChange", method="DELETE", path=_ONE, tag="Status",
        summary="Cancel a planned change",
        description="Cancels a pending change. It stays in the list, with the author of the cancellation. After the "
        "answer 204 it will not happen. The answer 409 means that it had already ended.",
        endpoint=cancel_plan, scope=Scope.VEHICLES_STATUS, parameters=(_ID,),
        answers={204: Success(description="It is cancelled.")},
        problems=(problems.PLAN_NOT_FOUND, problems.PLAN_ENDED),
    ),
)  # fmt: skip
