"""Every error that the API answers: one table from a code to HTTP, and the form of RFC 9457."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from padron.domain.errors import Code
from padron.domain.idempotency import Headers
from padron.http.answers.replies import Reply

RETRY_AFTER_S = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One kind of error: where its page is, its status, and the names that the contract gives it."""

    slug: str
    status: int
    title: str
    error_type: str
    error_detail: str
    meaning: str
    remedy: str

    @property
    def type(self) -> str:
        """The relative reference to its page."""
        return f"/errors/{self.slug}"


class ProblemError(Exception):
    """A refusal that only HTTP knows, such as a body that is too large."""

    def __init__(self, problem: Problem, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = headers


BAD_PARAMETERS = Problem(
    slug="bad-parameters", status=400, title="Bad parameters", error_type="badRequest",
    error_detail="BadParameters",
    meaning="The VIN has a bad form, an id is not allowed, a value is out of its limits, or the body is missing "
    "or malformed.",
    remedy="Read the detail: it names what is wrong and where. The same request will always be refused.",
)  # fmt: skip
UNAUTHORIZED = Problem(
    slug="unauthorized", status=401, title="Not authenticated", error_type="unauthorized",
    error_detail="Unauthorized",
    meaning="The request carries no API key, or one that is unknown, revoked or expired.",
    remedy="Send the header Authorization: Bearer, followed by a valid API key.",
)  # fmt: skip
FORBIDDEN = Problem(
    slug="forbidden", status=403, title="Not permitted", error_type="forbidden", error_detail="Forbidden",
    meaning="The API key is valid, but does not carry the scope that this operation needs.",
    remedy="Ask an operator for a key with the scope that the detail names.",
)  # fmt: skip
VEHICLE_NOT_FOUND = Problem(
    slug="vehicle-not-found", status=404, title="Vehicle not found", error_type="notFound",
    error_detail="VehicleNotFound",
    meaning="The account has no current vehicle with this VIN. Another account's vehicle looks exactly the same.",
    remedy="Check the VIN, or register the vehicle first.",
)  # fmt: skip
MULTIPLE_VEHICLES_FOUND = Problem(
    slug="multiple-vehicles-found", status=409, title="Several vehicles found", error_type="conflict",
    error_detail="MultipleVehiclesFound",
    meaning="Several current vehicles fit: legacy data was imported with duplicates, or VIN and plate belong to "
    "different vehicles.",
    remedy="Resolve the duplicates (GET /api/v2/duplicates), or correct the VIN or the plate; then repeat the request.",
)  # fmt: skip
NO_DUPLICATES = Problem(
    slug="no-duplicates", status=409, title="No duplicates", error_type="conflict", error_detail="NoDuplicates",
    meaning="The account has only one current vehicle with this VIN: there is nothing to resolve, or somebody has.",
    remedy="Read the vehicle: calls by its VIN work.",
)  # fmt: skip
PLATE_IN_USE = Problem(
    slug="plate-in-use", status=409, title="Plate in use", error_type="conflict", error_detail="PlateInUse",
    meaning="Another current vehicle of the account bears this plate.",
    remedy="Correct the plate, or change the other vehicle's plate first.",
)  # fmt: skip
REVISION_MISMATCH = Problem(
    slug="revision-mismatch", status=412, title="Revision mismatch", error_type="preconditionFailed",
    error_detail="RevisionMismatch",
    meaning="If-Match, If-None-Match or a revision in the body names another state of the vehicle than the present "
    "one, or another vehicle. A plain number, as revisions were before they were tags, always does.",
    remedy="Read the vehicle again, decide, and send its present ETag or revision.",
)  # fmt: skip
OPERATION_NOT_FOUND = Problem(
    slug="operation-not-found", status=404, title="Operation not found", error_type="notFound",
    error_detail="OperationNotFound",
    meaning="The account has declared no operation with this name.",
    remedy="Check the name, or declare the operation with PUT /api/v2/operations/{name}.",
)  # fmt: skip
RUN_NOT_FOUND = Problem(
    slug="run-not-found", status=404, title="Run not found", error_type="notFound", error_detail="RunNotFound",
    meaning="The operation has no run with this id.",
    remedy="Use the runId that the answer to POST /api/v2/operations/{name}/runs gave.",
)  # fmt: skip
RUN_LIMIT_REACHED = Problem(
    slug="run-limit-reached", status=409, title="Too many runs", error_type="conflict",
    error_detail="RunLimitReached",
    meaning="The account has as many runs by filter whose vehicles are still being queued as it may have at once.",
    remedy="Wait until one of them has the state `open` (GET /api/v2/operations/{name}/runs/{runId}), then repeat it.",
)  # fmt: skip
CLAIM_NOT_FOUND = Problem(
    slug="claim-not-found", status=404, title="Claim not found", error_type="notFound", error_detail="ClaimNotFound",
    meaning="The operation has no claim with this id. Nothing is stored.",
    remedy="Use the claimId that the answer to POST /api/v2/operations/{name}/claims gave.",
)  # fmt: skip
CLAIM_WITHDRAWN = Problem(
    slug="claim-withdrawn", status=409, title="Claim withdrawn", error_type="conflict", error_detail="ClaimWithdrawn",
    meaning="The vehicle was deactivated after it was claimed, which withdrew the work. The result is not stored, "
    "and reactivating the vehicle does not bring the work back.",
    remedy="Drop the result and leave the vehicle alone. Once it is Active again, a new run may include it.",
)  # fmt: skip
CLAIM_EXPIRED = Problem(
    slug="claim-expired", status=409, title="Claim expired", error_type="conflict", error_detail="ClaimExpired",
    meaning="The lease ran out and the vehicle was handed out again: the result of the later claim counts.",
    remedy="Drop the result. Answer sooner, claim fewer vehicles at once, or declare a longer lease.",
)  # fmt: skip
CLAIM_ANSWERED = Problem(
    slug="claim-answered", status=409, title="Claim answered before", error_type="conflict",
    error_detail="ClaimAnswered",
    meaning="The claim has a result already, and it is another one. The first stays.",
    remedy="Drop the result. To repeat a request safely, send the very same outcome and result.",
)  # fmt: skip
IMPORT_NOT_FOUND = Problem(
    slug="import-not-found", status=404, title="Import not found", error_type="notFound", error_detail="ImportNotFound",
    meaning="The account has no import with this id, or it ended more than 30 days ago. Another account's import looks "
    "exactly the same.",
    remedy="Use the importId that the answer to POST /api/v2/imports gave.",
)  # fmt: skip
IMPORT_ENDED = Problem(
    slug="import-ended", status=409, title="Import ended", error_type="conflict", error_detail="ImportEnded",
    meaning="The import is done or has failed, so it cannot be cancelled any more; or an upload took so long that it "
    "was cleared away.",
    remedy="Undo what it changed by its requestId; or send the file again.",
)  # fmt: skip
IMPORT_LIMIT_REACHED = Problem(
    slug="import-limit-reached", status=409, title="Too many imports", error_type="conflict",
    error_detail="ImportLimitReached",
    meaning="The account has as many imports that have not ended as it may have at once.",
    remedy="Wait for one of them to end, or cancel one.",
)  # fmt: skip
WEBHOOK_NOT_FOUND = Problem(
    slug="webhook-not-found", status=404, title="Webhook endpoint not found", error_type="notFound",
    error_detail="WebhookNotFound",
    meaning="The account has no webhook endpoint with this id. Another account's endpoint looks exactly the same.",
    remedy="List the endpoints with GET /api/v2/webhooks.",
)  # fmt: skip
WEBHOOK_LIMIT_REACHED = Problem(
    slug="webhook-limit-reached", status=409, title="Too many webhook endpoints", error_type="conflict",
    error_detail="WebhookLimitReached",
    meaning="The account has as many webhook endpoints as may be.",
    remedy="Delete one that is not used any more.",
)  # fmt: skip
DELIVERY_NOT_FOUND = Problem(
    slug="delivery-not-found", status=404, title="Delivery not found", error_type="notFound",
    error_detail="DeliveryNotFound",
    meaning="The endpoint has no delivery of this number: the change was not for it, or it is too long ago.",
    remedy="List its deliveries; what is too long ago can be sent again with a replay.",
)  # fmt: skip
PLAN_NOT_FOUND = Problem(
    slug="planned-change-not-found", status=404, title="Planned change not found", error_type="notFound",
    error_detail="PlannedChangeNotFound",
    meaning="The account has no planned change with this id. Another account's looks exactly the same.",
    remedy="List them with GET /api/v2/planned-changes.",
)  # fmt: skip
PLAN_ENDED = Problem(
    slug="planned-change-ended", status=409, title="Planned change ended before", error_type="conflict",
    error_detail="PlannedChangeEnded",
    meaning="The planned change is not pending any more: it was executed, cancelled, or has become void.",
    remedy="Read it to see what became of it. What it changed can be set anew, or taken back with an undo.",
)  # fmt: skip
NOTHING_TO_BRING_BACK = Problem(
    slug="nothing-to-bring-back", status=409, title="Nothing to bring back", error_type="conflict",
    error_detail="NothingToBringBack",
    meaning="A status was to end at an instant, but the vehicle had it already, so that there is none before it.",
    remedy="Plan the status that the vehicle is to have then, with effectiveAt; cancel a return that comes too early.",
)  # fmt: skip
PATH_NOT_FOUND = Problem(
    slug="path-not-found", status=404, title="No such address", error_type="notFound", error_detail="PathNotFound",
    meaning="The server has nothing at this path.",
    remedy="See /docs for the addresses that there are.",
)  # fmt: skip
METHOD_NOT_ALLOWED = Problem(
    slug="method-not-allowed", status=405, title="Method not allowed", error_type="methodNotAllowed",
    error_detail="MethodNotAllowed",
    meaning="The path exists, but not with this method.",
    remedy="Use one of the methods in the header Allow.",
)  # fmt: skip
REQUEST_TIMEOUT = Problem(
    slug="request-timeout", status=408, title="Request too slow", error_type="requestTimeout",
    error_detail="RequestTimeout",
    meaning="The body of the request did not arrive in time.",
    remedy="Send the request again, in one piece.",
)  # fmt: skip
BODY_TOO_LARGE = Problem(
    slug="body-too-large", status=413, title="Body too large", error_type="payloadTooLarge",
    error_detail="BodyTooLarge",
    meaning="The body is larger than this call may be.",
    remedy="Send no more than the detail allows.",
)  # fmt: skip
TARGET_TOO_LONG = Problem(
    slug="target-too-long", status=414, title="Address too long", error_type="uriTooLong",
    error_detail="TargetTooLong",
    meaning="Path and query together are longer than 2,048 bytes.",
    remedy="Use fewer or shorter query parameters.",
)  # fmt: skip
UNSUPPORTED_MEDIA_TYPE = Problem(
    slug="unsupported-media-type", status=415, title="Unsupported media type", error_type="unsupportedMediaType",
    error_detail="UnsupportedMediaType",
    meaning="The header Content-Type declares something other than JSON in UTF-8, or, where a file is expected, than a "
    "form of file that can be imported; or the header Content-Encoding declares a compressed body.",
    remedy="Send JSON, with Content-Type: application/json or without that header; or the file, as the detail says. "
    "Send either uncompressed.",
)  # fmt: skip
HEADERS_TOO_LARGE = Problem(
    slug="headers-too-large", status=431, title="Headers too large", error_type="headersTooLarge",
    error_detail="HeadersTooLarge",
    meaning="The request has more than 64 headers, or more than 16 KB of them.",
    remedy="Send fewer or shorter headers.",
)  # fmt: skip
BAD_HOST = Problem(
    slug="bad-host", status=400, title="Bad Host header", error_type="badRequest", error_detail="BadHost",
    meaning="A request must have exactly one Host header, with a host name or address (RFC 9112, 3.2).",
    remedy="Send one valid Host header.",
)  # fmt: skip
CURSOR_GONE = Problem(
    slug="cursor-gone", status=410, title="Cursor gone", error_type="gone", error_detail="CursorGone",
    meaning="The cursor belongs to a state of the register that no longer exists: a backup was restored since, or the "
    "cursor is older than cursors with an epoch. What it stood after may have been lost or replaced, so that to go on "
    "from it would miss changes.",
    remedy="Start again without the cursor. A follower of the feed loads its list from the first page (such as "
    "GET /api/v2/vehicles?operational=true), replaces its copy by that, and follows the feed from that page's cursor.",
)  # fmt: skip
REQUEST_NOT_FOUND = Problem(
    slug="request-not-found", status=404, title="Request not found", error_type="notFound",
    error_detail="RequestNotFound",
    meaning="No request with this id changed anything in the account.",
    remedy="Use the X-Request-Id of the answer, or the requestId in the vehicle's history.",
)  # fmt: skip
REQUEST_TOO_LARGE = Problem(
    slug="request-too-large", status=409, title="Request changed too much", error_type="conflict",
    error_detail="RequestTooLarge",
    meaning="The request made more changes than one call takes back. Nothing was changed.",
    remedy="Set the vehicles right with an import, or with bulk calls.",
)  # fmt: skip
BATCH_REFUSED = Problem(
    slug="batch-refused", status=409, title="Nothing was changed", error_type="conflict",
    error_detail="BatchRefused",
    meaning="With mode all, at least one vehicle of the request was refused, so none was changed.",
    remedy="Read results, which names each refused vehicle; correct or leave out those, and send the request again.",
)  # fmt: skip
KEY_IN_USE = Problem(
    slug="idempotency-key-in-use", status=409, title="Still under way", error_type="conflict",
    error_detail="IdempotencyKeyInUse",
    meaning="The first request with this Idempotency-Key has not been answered yet.",
    remedy="Wait a second and send the same request again: once the first is done, its answer is given.",
)  # fmt: skip
ANSWER_LOST = Problem(
    slug="idempotency-answer-lost", status=409, title="Answer not kept", error_type="conflict",
    error_detail="IdempotencyAnswerLost",
    meaning="The first request with this Idempotency-Key took effect, at least in part, but the server ended before "
    "its answer was kept. Nothing is done again.",
    remedy="Look at what there is. What is still to be done needs a request with a new key.",
)  # fmt: skip
KEY_REUSED = Problem(
    slug="idempotency-key-reused", status=422, title="Key used for another request", error_type="unprocessableContent",
    error_detail="IdempotencyKeyReused",
    meaning="The Idempotency-Key was sent within the last 24 hours with another method, path, query or body.",
    remedy="Make a new key for each new request, such as a UUID, and keep it for repeats of that request alone.",
)  # fmt: skip
OVERLOADED = Problem(
    slug="overloaded", status=429, title="Too many requests", error_type="tooManyRequests",
    error_detail="TooManyRequests",
    meaning="More requests are waiting than the server can answer in good time.",
    remedy="Wait as long as Retry-After says, then repeat the request.",
)  # fmt: skip
INTERNAL_ERROR = Problem(
    slug="internal-error", status=500, title="Internal error", error_type="internalError",
    error_detail="InternalError",
    meaning="The server met an error of its own. Nothing is known about whether the request took effect.",
    remedy="Tell the operator the request id; the server's log has the rest.",
)  # fmt: skip
STORE_UNAVAILABLE = Problem(
    slug="store-unavailable", status=503, title="Database not available", error_type="serviceUnavailable",
    error_detail="StoreUnavailable",
    meaning="The database cannot be reached or cannot write. The request was not confirmed; in rare cases it "
    "took effect all the same.",
    remedy="Wait as long as Retry-After says, then repeat the request: setting the same status again is harmless.",
)  # fmt: skip

PROBLEMS: dict[Code, Problem] = {
    Code.BAD_PARAMETERS: BAD_PARAMETERS,
    Code.UNAUTHORIZED: UNAUTHORIZED,
    Code.INVALID_TOKEN: UNAUTHORIZED,
    Code.FORBIDDEN: FORBIDDEN,
    Code.VEHICLE_NOT_FOUND: VEHICLE_NOT_FOUND,
    Code.MULTIPLE_VEHICLES_FOUND: MULTIPLE_VEHICLES_FOUND,
    Code.NO_DUPLICATES: NO_DUPLICATES,
    Code.PLATE_IN_USE: PLATE_IN_USE,
    Code.REVISION_MISMATCH: REVISION_MISMATCH,
    Code.OPERATION_NOT_FOUND: OPERATION_NOT_FOUND,
    Code.RUN_NOT_FOUND: RUN_NOT_FOUND,
    Code.CLAIM_NOT_FOUND: CLAIM_NOT_FOUND,
    Code.CLAIM_WITHDRAWN: CLAIM_WITHDRAWN,
    Code.CLAIM_EXPIRED: CLAIM_EXPIRED,
    Code.CLAIM_ANSWERED: CLAIM_ANSWERED,
    Code.CURSOR_GONE: CURSOR_GONE,
    Code.REQUEST_NOT_FOUND: REQUEST_NOT_FOUND,
    Code.REQUEST_TOO_LARGE: REQUEST_TOO_LARGE,
    Code.BATCH_REFUSED: BATCH_REFUSED,
    Code.KEY_IN_USE: KEY_IN_USE,
    Code.ANSWER_LOST: ANSWER_LOST,
    Code.KEY_REUSED: KEY_REUSED,
    Code.IMPORT_NOT_FOUND: IMPORT_NOT_FOUND,
    Code.IMPORT_ENDED: IMPORT_ENDED,
    Code.IMPORT_LIMIT_REACHED: IMPORT_LIMIT_REACHED,
    Code.RUN_LIMIT_REACHED: RUN_LIMIT_REACHED,
    Code.ACCOUNT_NOT_FOUND: BAD_PARAMETERS,
    Code.ACCOUNT_EXISTS: BAD_PARAMETERS,
    Code.KEY_NOT_FOUND: BAD_PARAMETERS,
    Code.WEBHOOK_NOT_FOUND: WEBHOOK_NOT_FOUND,
    Code.WEBHOOK_LIMIT_REACHED: WEBHOOK_LIMIT_REACHED,
    Code.DELIVERY_NOT_FOUND: DELIVERY_NOT_FOUND,
    Code.PLAN_NOT_FOUND: PLAN_NOT_FOUND,
    Code.PLAN_ENDED: PLAN_ENDED,
    Code.NOTHING_TO_BRING_BACK: NOTHING_TO_BRING_BACK,
    Code.STORE_UNAVAILABLE: STORE_UNAVAILABLE,
    Code.SCHEMA_MISMATCH: STORE_UNAVAILABLE,
    Code.OVERLOADED: OVERLOADED,
}

ALL_PROBLEMS: tuple[Problem, ...] = (
    BAD_PARAMETERS, BAD_HOST, UNAUTHORIZED, FORBIDDEN, VEHICLE_NOT_FOUND, OPERATION_NOT_FOUND, RUN_NOT_FOUND,
    CLAIM_NOT_FOUND, PATH_NOT_FOUND, METHOD_NOT_ALLOWED, REQUEST_TIMEOUT, MULTIPLE_VEHICLES_FOUND, NO_DUPLICATES,
    PLATE_IN_USE, CLAIM_WITHDRAWN, CLAIM_EXPIRED, CLAIM_ANSWERED, REVISION_MISMATCH, BODY_TOO_LARGE, TARGET_TOO_LONG,
    WEBHOOK_NOT_FOUND, WEBHOOK_LIMIT_REACHED, DELIVERY_NOT_FOUND,
    IMPORT_NOT_FOUND, IMPORT_ENDED, IMPORT_LIMIT_REACHED, RUN_LIMIT_REACHED,
    PLAN_NOT_FOUND, PLAN_ENDED, NOTHING_TO_BRING_BACK,
    CURSOR_GONE, REQUEST_NOT_FOUND, REQUEST_TOO_LARGE, BATCH_REFUSED, KEY_IN_USE, ANSWER_LOST, KEY_REUSED,
    UNSUPPORTED_MEDIA_TYPE, OVERLOADED, HEADERS_TOO_LARGE, INTERNAL_ERROR, STORE_UNAVAILABLE,
)  # fmt: skip

_CODE_HEADERS: dict[Code, tuple[tuple[bytes, bytes], ...]] = {
    Code.UNAUTHORIZED: ((b"www-authenticate", b"Bearer"),),
    Code.INVALID_TOKEN: ((b"www-authenticate", b'Bearer error="invalid_token"'),),
    Code.KEY_IN_USE: ((b"retry-after", b"%d" % RETRY_AFTER_S),),
}


def give_code_headers(code: Code) -> Headers:
    """Give the headers that an error of this code carries beside those of its problem."""
    return _CODE_HEADERS.get(code, ())


def build_problem_reply(
    problem: Problem,
    detail: str,
    request_id: str,
    headers: Headers = (),
    *,
    extension: Mapping[str, object] | None = None,
) -> Reply:
    """Give the answer for an error: the shape of RFC 9457, the contract's two names, and an extension's members."""
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": request_id,
        "errorType": problem.error_type,
        "errorDetail": problem.error_detail,
        **(extension or {}),
    }
    if problem.status in {429, 503}:
        headers = (*headers, (b"retry-after", b"%d" % RETRY_AFTER_S))
    return Reply(
        problem.status,
        msgspec.json.encode(body),
        ((b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers),
    )
