"""Whether the server is alive and ready."""

from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.shapes.vehicles import HealthShape
from padron.service.register import check_register, is_replica_fresh

_OK = HealthShape(status="ok")


async def live(_: Call) -> Reply:
    """GET /livez: the process answers. It does not ask the database."""
    return build_json_reply(200, _OK)


async def ready(call: Call) -> Reply:
    """GET /readyz: the database answers, with this program's schema."""
    await check_register(call.runtime)
    is_fresh = is_replica_fresh(call.runtime)
    if is_fresh is None:
        return build_json_reply(200, _OK)
    return build_json_reply(200, HealthShape(status="ok", replica="fresh" if is_fresh else "behind"))


ROUTES: tuple[Route, ...] = (
    Route(
        name="getLiveness", method="GET", path="/livez", tag="System", public=True,
        summary="Does the process live?", description="200 while the server's event loop runs. No key is needed.",
        endpoint=live, answers={200: Success(description="It does.", body=HealthShape)},
    ),
    Route(
        name="getReadiness", method="GET", path="/readyz", tag="System", public=True,
        summary="Can it serve?",
        description="200 when the database answers and has this program's schema. No key is needed. If there is a "
        "replica, `replica` says whether it answers reads. If it does not, the primary answers them.",
        endpoint=ready, answers={200: Success(description="It can.", body=HealthShape)},
        problems=(problems.STORE_UNAVAILABLE,),
    ),
)  # fmt: skip
