"""What an account sees of itself, and the record of its administration."""

from padron.domain.account import Scope
from padron.domain.administration import ACTS_KEPT_MAX
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.requests import queries
from padron.http.shapes.administration import AccountShape, ActList, shape_account, shape_act
from padron.service.actors import name_actors
from padron.service.administration import own_account


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
)  # fmt: skip
