"""Who an author of changes is."""

from padron.domain.actors import ACTOR_ID_PATTERN
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.http.shapes.actors import ActorShape, shape_actor
from padron.service import actors


async def get_actor(call: Call) -> Reply:
    """GET /api/v2/actors/{actorId}."""
    queries.read_query(call, frozenset())
    found = await actors.get_actor(call.runtime, call.principal, call.path_parameters["actorId"])
    return build_json_reply(200, shape_actor(found))


ROUTES: tuple[Route, ...] = (
    Route(
        name="getActor", method="GET", path="/api/v2/actors/{actorId}", tag="Feed",
        summary="Read who made a change",
        description="Gives the author whose id is in `by`, `changedBy` or `createdBy`. The kind is `person`, `key` (an "
        "API key of the account), `token` (an access token of a provider), or `commandLine` (the operator's `padron`, "
        "with the system user if it is known). The name is the present one, as in `byName`. A person who left the "
        "account keeps the name. A person who was erased is `erased person`.",
        endpoint=get_actor, either_scope=actors.EITHER_SCOPE,
        parameters=(
            Parameter(name="actorId", place="path", required=True, description="The author's id.",
                      schema={"type": "string", "pattern": ACTOR_ID_PATTERN}),
        ),
        answers={200: Success(description="The author.", body=ActorShape)},
        problems=(problems.BAD_PARAMETERS, problems.ACTOR_NOT_FOUND),
    ),
)  # fmt: skip
