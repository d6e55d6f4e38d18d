"""Declaring operations and listing them."""

from padron.domain.account import Scope
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.operation import check_operation_name
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.requests.bodies import read_json
from padron.http.requests.queries import read_query
from padron.http.shapes.operations import OperationBody, OperationList, OperationShape, shape_operation
from padron.service.operations import declaring


async def put_operation(call: Call) -> Reply:
    """PUT /api/v2/operations/{name}."""
    name = call.path_parameters["name"]
    check_operation_name(name)
    body = await read_json(call, OperationBody)
    declared = await declaring.put_operation(
        call.runtime,
        call.principal,
        name,
        description=body.description,
        lease_s=body.lease_seconds,
        attempts=body.attempts,
    )
    return build_json_reply(201 if declared.created else 200, shape_operation(declared.operation))


async def list_operations(call: Call) -> Reply:
    """GET /api/v2/operations."""
    read_query(call, frozenset())
    found = await declaring.list_operations(call.runtime, call.principal)
    return build_json_reply(200, OperationList(operations=[shape_operation(one) for one in found]))


ROUTES: tuple[Route, ...] = (
    Route(
        name="putOperation", method="PUT", path="/api/v2/operations/{name}", tag="Operations",
        summary="Declare an operation",
        description="Declares a kind of work that workers do on vehicles, or changes it. Later claims get the new "
        f"lease. The same declaration again changes nothing. An account has at most "
        f"{DEFAULT_LIMITS.operations} operations, unless the operator has set another limit.",
        endpoint=put_operation, scope=Scope.OPERATIONS_MANAGE,
        parameters=(parameters.OPERATION_NAME,),
        body=OperationBody,
        body_example={"description": "Ask the city for open fines", "leaseSeconds": 60, "attempts": 3},
        answers={
            200: Success(description="Changed, or nothing to change.", body=OperationShape),
            201: Success(description="Declared.", body=OperationShape),
        },
        problems=(problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE),
    ),
    Route(
        name="listOperations", method="GET", path="/api/v2/operations", tag="Operations",
        summary="List the operations", description="All operations of the account, by name.",
        endpoint=list_operations, scope=Scope.OPERATIONS_RUN,
        answers={200: Success(description="The operations.", body=OperationList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
