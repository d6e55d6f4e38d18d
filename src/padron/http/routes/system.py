"""Whether the server is alive and ready."""

from padron.domain.trouble import Trouble, TroubleCode
from padron.http.answers import problems
from padron.http.answers.errors import build_problem_reply
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.shapes.health import HealthShape, TroubleShape
from padron.service.register import find_readiness

_OK = HealthShape(status="ok")
_CODES = ", ".join(f"`{code}`" for code in TroubleCode if Trouble(code=code).is_fatal)


async def live(_: Call) -> Reply:
    """GET /livez: the process answers. It does not ask the database."""
    return build_json_reply(200, _OK)


async def ready(call: Call) -> Reply:
    """GET /readyz: the database answers, with this program's schema, and nothing is wrong with it."""
    found = await find_readiness(call.runtime)
    shown = [TroubleShape(code=trouble.code.value, detail=trouble.sentence) for trouble in found.troubles]
    if not found.is_ready:
        extension = {"troubles": shown}
        return build_problem_reply(problems.STORE_UNAVAILABLE, shown[0].detail, call.request_id, extension=extension)
    shape = HealthShape(status="ok")
    if found.is_replica_fresh is not None:
        shape.replica = "fresh" if found.is_replica_fresh else "behind"
    if found.is_being_checked is not None:
        shape.integrity = "checking" if found.is_being_checked else "checked"
    if shown:
        shape.warnings = shown
    return build_json_reply(200, shape)


ROUTES: tuple[Route, ...] = (
    Route(
        name="getLiveness", method="GET", path="/livez", tag="System", public=True,
        summary="Does the process live?", description="200 while the server's event loop runs. No key is needed.",
        endpoint=live, answers={200: Success(description="It does.", body=HealthShape)},
    ),
    Route(
        name="getReadiness", method="GET", path="/readyz", tag="System", public=True,
        summary="Can it serve?",
        description="200 when the database answers, takes writes and has this program's schema. No key is needed. "
        "Otherwise 503, and the member `troubles` of the problem lists what is wrong: each has a `code` for programs "
        f"and a `detail` for people. The codes are {_CODES}. A server on a SQLite file checks it after each start and "
        "once a day: `integrity` says how far this is. If there is a replica, `replica` says whether it answers reads. "
        "If it does not, the primary answers them, and `warnings` says so, as it does when a continuous backup fails.",
        endpoint=ready, answers={200: Success(description="It can.", body=HealthShape)},
        problems=(problems.STORE_UNAVAILABLE,),
    ),
)  # fmt: skip
