"""The gate: may this operation touch these vehicles now? And the list of its refusals."""

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.gate import OPERATION_LENGTH_MAX, VINS_MAX, RefusalQuery
from padron.domain.vehicle import TEXT_PATTERN
from padron.domain.vin import Vin, parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import BULK_BODY_BYTES_MAX, Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.requests.conditions import format_etag, is_unchanged
from padron.http.shapes.changes import (
    GateBody,
    GateList,
    GateSingle,
    RefusalList,
    shape_refusal,
    shape_single,
    shape_verdict,
)
from padron.service.actors import name_actors
from padron.service.operations import gate

_SINGLE_PARAMETERS = frozenset({"operation"})
_REFUSAL_PARAMETERS = frozenset({"operation", "vin", "from", "to", *queries.PAGE_PARAMETERS})


async def check_vehicles(call: Call) -> Reply:
    """POST /api/v2/gate."""
    body = await read_json(call, GateBody, BULK_BODY_BYTES_MAX)
    if not 1 <= len(body.vins) <= VINS_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"vins has {len(body.vins)} members: it must have 1 to {VINS_MAX}.")
    vins = [_parse_member(index, text) for index, text in enumerate(body.vins)]
    answer = await gate.check_vehicles(call.runtime, call.principal, body.operation, vins)
    shape = GateList(results=[shape_verdict(verdict) for verdict in answer.verdicts], cursor=answer.cursor)
    return build_json_reply(200, shape)


async def check_vehicle(call: Call) -> Reply:
    """GET /api/v2/gate/{vin}."""
    vin = parse_vin(call.path_parameters["vin"])
    operation = queries.read_query(call, _SINGLE_PARAMETERS).get("operation")
    if operation is None:
        raise PadronError(Code.BAD_PARAMETERS, "The parameter operation is missing: say which operation asks.")
    answer = await gate.check_vehicle(call.runtime, call.principal, operation, vin)
    (verdict,) = answer.verdicts
    # The cursor is not part of the tag, because it moves with every change of the account.
    tag = verdict.tag
    etag = (b"etag", format_etag(tag))
    if is_unchanged(call, tag):
        return Reply(304, headers=(etag,))
    return build_json_reply(200, shape_single(verdict, answer.cursor), (etag,))


async def list_refusals(call: Call) -> Reply:
    """GET /api/v2/gate/refusals."""
    given = queries.read_query(call, _REFUSAL_PARAMETERS)
    query = RefusalQuery(
        operation=given.get("operation"),
        vin=parse_vin(given["vin"]) if "vin" in given else None,
        from_at=queries.parse_instant(given, "from"),
        to_at=queries.parse_instant(given, "to"),
        limit=queries.parse_limit(given),
    )
    page = await gate.list_refusals(call.runtime, call.principal, query, given.get("cursor"))
    authors = [refusal.actor for refusal in page.rows]
    names = await name_actors(call.runtime, call.principal.account_id, authors)
    shapes = [shape_refusal(refusal, names) for refusal in page.rows]
    return build_json_reply(200, RefusalList(refusals=shapes, next_cursor=page.next_cursor, more=page.more))


def _parse_member(index: int, text: str) -> Vin:
    try:
        return parse_vin(text)
    except PadronError as error:
        raise PadronError(error.code, f"vins[{index}]: {error.detail}") from None


_OPERATION = Parameter(
    name="operation", place="query", required=True, description="The operation that wants to touch the vehicle.",
    schema={"type": "string", "minLength": 1, "maxLength": OPERATION_LENGTH_MAX, "pattern": TEXT_PATTERN},
)  # fmt: skip
_IF_NONE_MATCH = Parameter(
    name="If-None-Match", place="header",
    description="Answer 304 if the verdict of this ETag is still valid (weak comparison). A list is allowed too.",
    schema={"type": "string", "pattern": r'^(\*|"(allowed|notActive|unknown|several)-[0-9A-Za-z]{1,54}")$'},
)  # fmt: skip
_ETAG = {"ETag": "Names the verdict and the vehicles that it is based on. It is not an ETag of the vehicle."}

ROUTES: tuple[Route, ...] = (
    Route(
        name="checkVehicles", method="POST", path="/api/v2/gate", tag="Gate",
        summary="Ask whether an operation may touch vehicles",
        description="Gives a verdict for each VIN, in order. Only a current vehicle that is Active is allowed. The "
        "verdict is always fresh: after a deactivation was answered with 204, no server answers a later question with "
        "allowed. Refusals are recorded.",
        endpoint=check_vehicles, scope=Scope.GATE_CHECK,
        body=GateBody, body_example={"operation": "dispatch", "vins": ["3LNHL2GC1BR262548"]},
        answers={200: Success(description="The verdicts.", body=GateList)},
        problems=(problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE),
    ),
    Route(
        name="listGateRefusals", method="GET", path="/api/v2/gate/refusals", tag="Gate",
        summary="List what the gate refused",
        description="One row for each hour, vehicle, operation and key, with a count, newest hour first. A refusal is "
        "in the list at most two seconds later.",
        endpoint=list_refusals, scope=Scope.GATE_CHECK,
        parameters=(
            Parameter(name="operation", place="query", description="The operation.", schema=_OPERATION.schema),
            Parameter(name="vin", place="query", description="The VIN.", schema=parameters.VIN.schema),
            Parameter(name="from", place="query", description="Hours from this instant on.", schema=parameters.INSTANT),
            Parameter(name="to", place="query", description="Hours before this instant.", schema=parameters.INSTANT),
            parameters.LIMIT, parameters.CURSOR,
        ),
        answers={200: Success(description="A page.", body=RefusalList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="checkVehicle", method="GET", path="/api/v2/gate/{vin}", tag="Gate",
        summary="Ask whether an operation may touch a vehicle",
        description="The verdict on one vehicle. Ask again with If-None-Match: 304 means that it is still valid.",
        endpoint=check_vehicle, is_brief=True, scope=Scope.GATE_CHECK,
        parameters=(parameters.VIN, _OPERATION, _IF_NONE_MATCH),
        answers={
            200: Success(description="The verdict.", body=GateSingle, headers=_ETAG),
            304: Success(description="The verdict of this ETag is still valid.", headers=_ETAG),
        },
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
