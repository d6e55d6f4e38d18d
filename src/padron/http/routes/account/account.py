"""What an account sees of itself, and the record of its administration."""

from padron.domain.account import Scope
from padron.domain.administration import ACTS_KEPT_MAX
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.administration import (
    AccountShape,
    ActList,
    StrictGatesBody,
    StrictGatesShape,
    shape_account,
    shape_act,
)
from padron.service.actors import name_actors
from padron.service.administration import own_account
from padron.service.operations import gate_leases


async def get_account(call: Call) -> Reply:
    """GET /api/v2/account."""
    queries.read_query(call, frozenset())
    overview = await own_account.get_overview(call.runtime, call.principal)
    return build_json_reply(200, shape_account(overview, call.runtime.limits))


async def list_events(call: Call) -> Reply:
    """GET /api/v2/account/events."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await own_account.list_acts(
        call.runtime, call.principal, limit=queries.parse_limit(given), cursor=given.get("cursor")
    )
    names = await name_actors(call.runtime, call.principal.account_id, [act.by for act in page.rows])
    shapes = [shape_act(act, names) for act in page.rows]
    return build_json_reply(200, ActList(events=shapes, next_cursor=page.next_cursor, more=page.more))


async def get_strict_gates(call: Call) -> Reply:
    """GET /api/v2/account/strict-gates."""
    queries.read_query(call, frozenset())
    state = await gate_leases.get_own_state(call.runtime, call.principal)
    return build_json_reply(200, StrictGatesShape(strict_gates=state))


async def set_strict_gates(call: Call) -> Reply:
    """PUT /api/v2/account/strict-gates."""
    body = await read_json(call, StrictGatesBody)
    state = await gate_leases.switch_own(call.runtime, call.principal, call.request_id, is_on=body.strict_gates)
    return build_json_reply(200, StrictGatesShape(strict_gates=state))


_ACCOUNT = "/api/v2/account"
_TAG = "Administration"

ROUTES: tuple[Route, ...] = (
    Route(
        name="getAccount", method="GET", path=_ACCOUNT, tag=_TAG, summary="Read the account",
        description="The account of the key, how much it has, and the limits in force.",
        endpoint=get_account, scope=Scope.ACCOUNT_MANAGE,
        answers={200: Success(description="The account.", body=AccountShape)}, problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="listAccountEvents", method="GET", path=f"{_ACCOUNT}/events", tag=_TAG,
        summary="Read who administered what",
        description="Every act of administration in the account, newest first, also those of the operator's command "
        f"line. The last {ACTS_KEPT_MAX:,} are kept.",
        endpoint=list_events, scope=Scope.ACCOUNT_MANAGE, parameters=(parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=ActList)}, problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getStrictGates", method="GET", path=f"{_ACCOUNT}/strict-gates", tag=_TAG,
        summary="Read whether deactivations wait for local gates",
        description="Whether the account's deactivations wait for the leases of local gates.",
        endpoint=get_strict_gates, scope=Scope.ACCOUNT_MANAGE,
        answers={200: Success(description="The state.", body=StrictGatesShape)}, problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="setStrictGates", method="PUT", path=f"{_ACCOUNT}/strict-gates", tag=_TAG,
        summary="Let deactivations wait for local gates, or not",
        description="With strict gates, an answer that a vehicle is deactivated waits for each local gate with a "
        "lease: until the gate has applied the change, at most the seconds of the lease. Turning them off ends all "
        "leases first, so the answer takes as long as the longest one.",
        endpoint=set_strict_gates, scope=Scope.ACCOUNT_MANAGE, body=StrictGatesBody, body_example={"strictGates": True},
        answers={200: Success(description="The state from now on.", body=StrictGatesShape)},
        problems=(problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE),
    ),
)  # fmt: skip
