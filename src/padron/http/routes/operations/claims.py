"""The calls for workers: claiming vehicles, and answering with results."""

import asyncio
from contextlib import nullcontext

import msgspec

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import CLAIM_LIMIT_MAX, RESULT_BYTES_MAX, RESULTS_MAX, WAIT_S_MAX, check_operation_name
from padron.domain.quoting import quote
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.errors import build_problem_reply
from padron.http.answers.problems import PROBLEMS
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import BULK_BODY_BYTES_MAX, Call, ClientGoneError
from padron.http.declarations import Route, Success
from padron.http.requests.bodies import read_json
from padron.http.shapes.operations import (
    ClaimBody,
    ClaimList,
    GivenResultBody,
    ResultAnswerList,
    ResultsBody,
    shape_answer,
    shape_claim,
)
from padron.service.operations import claims
from padron.service.operations.claims import GivenResult


async def claim_work(call: Call) -> Reply:
    """POST /api/v2/operations/{name}/claims."""
    name = call.path_parameters["name"]
    check_operation_name(name)
    body = await read_json(call, ClaimBody, absent=b"{}")
    gone = asyncio.create_task(call.wait_until_gone())
    try:
        with call.waiting() if body.wait else nullcontext():
            claimed = await claims.claim_work(
                call.runtime,
                call.principal,
                name,
                limit=body.limit,
                wait_s=body.wait,
                gone=gone,
                confirm=call.confirm,
            )
        await call.confirm()
        if gone.done() and not claimed:
            raise ClientGoneError
    finally:
        gone.cancel()
    return build_json_reply(200, ClaimList(claims=[shape_claim(work) for work in claimed]))


async def give_results(call: Call) -> Reply:
    """POST /api/v2/operations/{name}/claims/results."""
    name = call.path_parameters["name"]
    check_operation_name(name)
    body = await read_json(call, ResultsBody, BULK_BODY_BYTES_MAX)
    given = [GivenResult(claim_id=one.claim_id, outcome=one.outcome, text=_parse_result(one)) for one in body.results]
    answers = await claims.give_results(call.runtime, call.principal, name, given)
    shapes = ResultAnswerList(results=[shape_answer(answer) for answer in answers])
    refusals = [answer.refusal for answer in answers if answer.refusal is not None]
    if len(refusals) < len(answers):
        return build_json_reply(200, shapes)
    extension = {"results": shapes.results}
    first = refusals[0]
    return build_problem_reply(PROBLEMS[first.code], first.detail, call.request_id, extension=extension)


def _parse_result(given: GivenResultBody) -> str:
    if isinstance(given.result, msgspec.Raw):
        try:
            return bytes(given.result).decode()
        except UnicodeDecodeError:
            detail = f"The result of the claim {quote(given.claim_id)} is not UTF-8."
            raise PadronError(Code.BAD_PARAMETERS, detail) from None
    return "null"


_CLAIMS = "/api/v2/operations/{name}/claims"
_BODY_PROBLEMS = (
    problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="claimWork", method="POST", path=_CLAIMS, tag="Operations", summary="Claim vehicles to work on",
        description=f"Gives up to `limit` vehicles (1 to {CLAIM_LIMIT_MAX}, default 1), each with a lease: nobody else "
        "gets the vehicle for this run before `leaseUntil`. Every claimed vehicle is operational at that moment. "
        f"Without work, the call waits up to `wait` seconds (0 to {WAIT_S_MAX}, default 0) and then gives an empty "
        "list. When a lease expires, the vehicle can be claimed again until the operation's attempts are used. "
        "Query parameters are ignored.",
        endpoint=claim_work, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME,),
        body=ClaimBody, body_example={"limit": 50, "wait": 20}, body_required=False,
        answers={200: Success(description="The claimed vehicles.", body=ClaimList)},
        problems=_BODY_PROBLEMS,
    ),
    Route(
        name="giveResults", method="POST", path=f"{_CLAIMS}/results", tag="Operations",
        summary="Answer claims with results",
        description=f"Stores 1 to {RESULTS_MAX} results, each any JSON of at most {RESULT_BYTES_MAX:,} bytes. The body "
        "may have at most 1,000,000 bytes. Each result gets its own answer with its own status, in order. If no result "
        "could be stored, the answer is the first one's problem, with all answers in its member `results`. For "
        "example, a single result for a deactivated vehicle gets 409 `ClaimWithdrawn`. The same result again is 200, "
        "and is stored only once. A `failed` result with attempts left is stored, and the vehicle is queued again. A "
        "result after the end of the lease is accepted, unless somebody else claimed the vehicle.",
        endpoint=give_results, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME,),
        body=ResultsBody,
        body_example={
            "results": [
                {"claimId": "0d2a8f5b9c000001-42-1", "outcome": "succeeded", "result": {"fines": []}},
            ]
        },
        answers={200: Success(description="At least one result is stored.", body=ResultAnswerList)},
        problems=(
            *_BODY_PROBLEMS, problems.CLAIM_NOT_FOUND, problems.CLAIM_WITHDRAWN, problems.CLAIM_EXPIRED,
            problems.CLAIM_ANSWERED,
        ),
    ),
)  # fmt: skip
