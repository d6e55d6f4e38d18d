"""Every error of the API, and one table from codes to HTTP. ``errors.py`` makes answers of them."""

from padron.domain.errors import Code
from padron.http.answers.account_problems import API_KEY_ENDED, API_KEY_LIMIT_REACHED, API_KEY_NOT_FOUND
from padron.http.answers.gate_problems import GATE_PROBLEMS
from padron.http.answers.people_problems import (
    INVITATION_ENDED,
    LAST_OWNER,
    SESSION_ENDED,
    SIGN_IN_REFUSED,
    USER_EXISTS,
    USER_NOT_FOUND,
)
from padron.http.answers.problem import Problem
from padron.http.answers.provider_problems import PROVIDER_UNAVAILABLE
from padron.http.answers.scanning_problems import SCANNING_UNAVAILABLE
from padron.http.answers.selection_problems import SELECTION_PROBLEMS
from padron.http.answers.view_problems import VIEW_PROBLEMS

BAD_PARAMETERS = Problem(
    slug="bad-parameters", status=400, title="Bad parameters", error_type="badRequest",
    error_detail="BadParameters",
    meaning="The VIN has a wrong form, an id is not allowed, a value is outside its limits, or the body is missing "
    "or malformed.",
    remedy="Read the detail, which says what is wrong and where. The same request will always be refused.",
)  # fmt: skip
UNAUTHORIZED = Problem(
    slug="unauthorized", status=401, title="Not authenticated", error_type="unauthorized",
    error_detail="Unauthorized",
    meaning="The request carries no API key, or one that is unknown, revoked or expired, or whose account is disabled. "
    "Or it carries an access token of an identity provider that is not valid; the detail says why.",
    remedy="Send the header Authorization: Bearer, followed by a valid API key or access token.",
)  # fmt: skip
FORBIDDEN = Problem(
    slug="forbidden", status=403, title="Not permitted", error_type="forbidden", error_detail="Forbidden",
    meaning="The API key is valid, but does not have the scope that this operation needs, or must not be used from the "
    "client's address.",
    remedy="Ask an operator for a key with the scope, or with the network, that the detail names.",
)  # fmt: skip
ACTOR_NOT_FOUND = Problem(
    slug="actor-not-found", status=404, title="Author not found", error_type="notFound", error_detail="ActorNotFound",
    meaning="No author of changes in the account has this id. The answer is the same for another account's author.",
    remedy="Use the id in `by`, `changedBy` or `createdBy` of an answer.",
)  # fmt: skip
VEHICLE_NOT_FOUND = Problem(
    slug="vehicle-not-found", status=404, title="Vehicle not found", error_type="notFound",
    error_detail="VehicleNotFound",
    meaning="The account has no current vehicle with this VIN. The answer is the same for another account's vehicle.",
    remedy="Check the VIN, or register the vehicle first.",
)  # fmt: skip
MULTIPLE_VEHICLES_FOUND = Problem(
    slug="multiple-vehicles-found", status=409, title="Several vehicles found", error_type="conflict",
    error_detail="MultipleVehiclesFound",
    meaning="Several current vehicles match: legacy data was imported with duplicates, or VIN and plate belong to "
    "different vehicles.",
    remedy="Resolve the duplicates (GET /api/v2/duplicates), or correct the VIN or the plate. Then repeat the request.",
)  # fmt: skip
NO_DUPLICATES = Problem(
    slug="no-duplicates", status=409, title="No duplicates", error_type="conflict", error_detail="NoDuplicates",
    meaning="The account has only one current vehicle with this VIN. Perhaps somebody already resolved the duplicates.",
    remedy="Read the vehicle. Calls by its VIN work.",
)  # fmt: skip
PLATE_IN_USE = Problem(
    slug="plate-in-use", status=409, title="Plate in use", error_type="conflict", error_detail="PlateInUse",
    meaning="Another current vehicle of the account has this plate.",
    remedy="Correct the plate, or change the other vehicle's plate first.",
)  # fmt: skip
REVISION_MISMATCH = Problem(
    slug="revision-mismatch", status=412, title="Revision mismatch", error_type="preconditionFailed",
    error_detail="RevisionMismatch",
    meaning="If-Match, If-None-Match or a revision in the body does not match the present state of the vehicle or "
    "API key, or belongs to another one. A plain number, the earlier form of a revision, never matches.",
    remedy="Read it again, decide, and send its present ETag or revision.",
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
    meaning="The account already has the maximum of runs by filter in the state queueing, or of vehicles in runs with "
    "queued work. The detail says which.",
    remedy="Wait until a run by filter is in the state open (GET /api/v2/operations/{name}/runs/{runId}), or let "
    "workers claim work. Then repeat the request.",
)  # fmt: skip
RUN_ENDED = Problem(
    slug="run-ended", status=409, title="Run ended", error_type="conflict", error_detail="RunEnded",
    meaning="The run is finished: none of its work is open, so there is nothing to cancel.",
    remedy="Nothing needs to be done. Read the results with GET /api/v2/operations/{name}/runs/{runId}/results.",
)  # fmt: skip
VEHICLE_LIMIT_REACHED = Problem(
    slug="vehicle-limit-reached", status=409, title="Too many vehicles", error_type="conflict",
    error_detail="VehicleLimitReached",
    meaning="The account already has the maximum of current vehicles. The vehicle was not registered. Registered "
    "vehicles can still be updated.",
    remedy="Ask the operator for a higher limit.",
)  # fmt: skip
CLAIM_NOT_FOUND = Problem(
    slug="claim-not-found", status=404, title="Claim not found", error_type="notFound", error_detail="ClaimNotFound",
    meaning="The operation has no claim with this id. The result was not stored.",
    remedy="Use the claimId that the answer to POST /api/v2/operations/{name}/claims gave.",
)  # fmt: skip
CLAIM_WITHDRAWN = Problem(
    slug="claim-withdrawn", status=409, title="Claim withdrawn", error_type="conflict", error_detail="ClaimWithdrawn",
    meaning="The vehicle was deactivated after the claim, or the run was cancelled. The result was not stored. "
    "Reactivating the vehicle does not restore the work.",
    remedy="Discard the result and do not touch the vehicle. When it is Active again, a new run can include it.",
)  # fmt: skip
CLAIM_EXPIRED = Problem(
    slug="claim-expired", status=409, title="Claim expired", error_type="conflict", error_detail="ClaimExpired",
    meaning="The lease expired and the vehicle was claimed again. Only the result of the later claim counts.",
    remedy="Discard the result. Answer sooner, claim fewer vehicles at once, or declare a longer lease.",
)  # fmt: skip
CLAIM_ANSWERED = Problem(
    slug="claim-answered", status=409, title="Claim answered before", error_type="conflict",
    error_detail="ClaimAnswered",
    meaning="The claim already has a different result. The first result is kept.",
    remedy="Discard the result. To repeat a request safely, send exactly the same outcome and result.",
)  # fmt: skip
IMPORT_NOT_FOUND = Problem(
    slug="import-not-found", status=404, title="Import not found", error_type="notFound", error_detail="ImportNotFound",
    meaning="The account has no import with this id, or the import ended more than 30 days ago. The answer is the same "
    "for another account's import.",
    remedy="Use the importId that the answer to POST /api/v2/imports gave.",
)  # fmt: skip
IMPORT_ENDED = Problem(
    slug="import-ended", status=409, title="Import ended", error_type="conflict", error_detail="ImportEnded",
    meaning="The import is done or has failed, so it can no longer be cancelled. Or an upload took too long and was "
    "deleted.",
    remedy="Undo the changes of the import by its requestId, or send the file again.",
)  # fmt: skip
IMPORT_LIMIT_REACHED = Problem(
    slug="import-limit-reached", status=409, title="Too many imports", error_type="conflict",
    error_detail="ImportLimitReached",
    meaning="The account already has the maximum of open imports.",
    remedy="Wait until one of them ends, or cancel one.",
)  # fmt: skip
WEBHOOK_NOT_FOUND = Problem(
    slug="webhook-not-found", status=404, title="Webhook endpoint not found", error_type="notFound",
    error_detail="WebhookNotFound",
    meaning="The account has no webhook endpoint with this id. The answer is the same for another account's endpoint.",
    remedy="List the endpoints with GET /api/v2/webhooks.",
)  # fmt: skip
WEBHOOK_LIMIT_REACHED = Problem(
    slug="webhook-limit-reached", status=409, title="Too many webhook endpoints", error_type="conflict",
    error_detail="WebhookLimitReached",
    meaning="The account already has the maximum of webhook endpoints.",
    remedy="Delete an endpoint that is no longer used.",
)  # fmt: skip
DELIVERY_NOT_FOUND = Problem(
    slug="delivery-not-found", status=404, title="Delivery not found", error_type="notFound",
    error_detail="DeliveryNotFound",
    meaning="The endpoint has no delivery with this number: its filter left the change out, or it is too old.",
    remedy="List its deliveries. Use a replay to send old changes again.",
)  # fmt: skip
PLAN_NOT_FOUND = Problem(
    slug="planned-change-not-found", status=404, title="Planned change not found", error_type="notFound",
    error_detail="PlannedChangeNotFound",
    meaning="The account has no planned change with this id. The answer is the same for another account's planned "
    "change.",
    remedy="List the planned changes with GET /api/v2/planned-changes.",
)  # fmt: skip
PLAN_ENDED = Problem(
    slug="planned-change-ended", status=409, title="Planned change ended before", error_type="conflict",
    error_detail="PlannedChangeEnded",
    meaning="The planned change is no longer pending: it was executed, cancelled or refused, or it has lapsed.",
    remedy="Read it to see its result. If it changed the status, set another one, or undo the change.",
)  # fmt: skip
NOTHING_TO_BRING_BACK = Problem(
    slug="nothing-to-bring-back", status=409, title="Nothing to bring back", error_type="conflict",
    error_detail="NothingToBringBack",
    meaning="The request has the member until, but the vehicle already has this status, so there is no earlier status "
    "to restore.",
    remedy="Plan the next status with effectiveAt.",
)  # fmt: skip
PATH_NOT_FOUND = Problem(
    slug="path-not-found", status=404, title="No such address", error_type="notFound", error_detail="PathNotFound",
    meaning="The server has nothing at this path.",
    remedy="See /docs for all addresses.",
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
    meaning="The request did not arrive in time.",
    remedy="Send the request again, in one piece.",
)  # fmt: skip
BODY_TOO_LARGE = Problem(
    slug="body-too-large", status=413, title="Body too large", error_type="payloadTooLarge",
    error_detail="BodyTooLarge",
    meaning="The body is larger than this call allows.",
    remedy="Send at most the number of bytes in the detail.",
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
    meaning="The header Content-Type does not declare JSON in UTF-8, or, for an import, a form of file that can be "
    "imported. Or the header Content-Encoding declares a compressed body.",
    remedy="Send JSON with Content-Type: application/json, or without this header. For an import, send the file as the "
    "detail says. Do not compress the body.",
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
MALFORMED_REQUEST = Problem(
    slug="malformed-request", status=400, title="Malformed request", error_type="badRequest",
    error_detail="MalformedRequest",
    meaning="The request is not HTTP/1.1 as RFC 9112 defines it, or two servers could understand it differently. The "
    "detail says what is wrong.",
    remedy="Correct the client, or the proxy between it and the server.",
)  # fmt: skip
CURSOR_GONE = Problem(
    slug="cursor-gone", status=410, title="Cursor gone", error_type="gone", error_detail="CursorGone",
    meaning="The cursor belongs to a state of the register that no longer exists. A backup was restored after the "
    "cursor was given, the cursor comes from an old version without epochs, or the changes that follow it are "
    "archived. A client that continued from it would miss changes.",
    remedy="Start again without the cursor. A follower of the feed loads its list from the first page (such as "
    "GET /api/v2/vehicles?operational=true) and replaces its copy. Then it follows the feed from that page's cursor.",
)  # fmt: skip
ARCHIVED = Problem(
    slug="archived", status=410, title="Archived", error_type="gone", error_detail="Archived",
    meaning="The question is about a time whose changes are archived and no longer in the register. The detail says up "
    "to which instant. The present, and every question about a later time, is answered as before.",
    remedy="Ask about a later time. The operator can answer questions about the archived time with `padron archive`.",
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
    meaning="The request made more changes than one call can undo. Nothing was changed.",
    remedy="Correct the vehicles with an import, or with bulk calls.",
)  # fmt: skip
BATCH_REFUSED = Problem(
    slug="batch-refused", status=409, title="Nothing was changed", error_type="conflict",
    error_detail="BatchRefused",
    meaning="With the mode all, at least one vehicle of the request was refused, so none was changed.",
    remedy="The member results names each refused vehicle. Correct or remove these, and send the request again.",
)  # fmt: skip
KEY_IN_USE = Problem(
    slug="idempotency-key-in-use", status=409, title="Still under way", error_type="conflict",
    error_detail="IdempotencyKeyInUse",
    meaning="The first request with this Idempotency-Key has not been answered yet.",
    remedy="Wait a second and send the same request again. When the first request is done, you get its answer.",
)  # fmt: skip
ANSWER_LOST = Problem(
    slug="idempotency-answer-lost", status=409, title="Answer not kept", error_type="conflict",
    error_detail="IdempotencyAnswerLost",
    meaning="The first request with this Idempotency-Key took effect, at least in part, but the server ended before "
    "it kept the answer. Nothing was done a second time.",
    remedy="Read the current state. If something is missing, send a request with a new key.",
)  # fmt: skip
KEY_REUSED = Problem(
    slug="idempotency-key-reused", status=422, title="Key used for another request", error_type="unprocessableContent",
    error_detail="IdempotencyKeyReused",
    meaning="The Idempotency-Key was already sent in the last 24 hours, with a different method, path, query or body.",
    remedy="Make a new key for each new request, such as a UUID. Use the same key only to repeat the same request.",
)  # fmt: skip
OVERLOADED = Problem(
    slug="overloaded", status=429, title="Too many requests", error_type="tooManyRequests",
    error_detail="TooManyRequests",
    meaning="More requests are waiting than the server can answer in time.",
    remedy="Wait for the seconds in Retry-After, then repeat the request.",
)  # fmt: skip
RATE_EXCEEDED = Problem(
    slug="rate-exceeded", status=429, title="Too many requests in a short time", error_type="tooManyRequests",
    error_detail="RateExceeded",
    meaning="The API key sent more requests than its rate allows, or the client's address sent too many keys that are "
    "not valid. The fields RateLimit and RateLimit-Policy say which limit it was.",
    remedy="Wait for the seconds in Retry-After, then repeat the request. Send requests more slowly from then on.",
)  # fmt: skip
INTERNAL_ERROR = Problem(
    slug="internal-error", status=500, title="Internal error", error_type="internalError",
    error_detail="InternalError",
    meaning="The server failed with an internal error. The request may or may not have taken effect.",
    remedy="Give the request id to the operator, who finds the error in the server's log.",
)  # fmt: skip
SERVER_FULL = Problem(
    slug="server-full", status=503, title="Server full", error_type="serviceUnavailable", error_detail="ServerFull",
    meaning="The server already holds as many bytes of requests as it may, or already checks as many passwords as it "
    "may. It refused this request at once, so the request had no effect.",
    remedy="Wait for the seconds in Retry-After, then repeat the request.",
)  # fmt: skip
STORE_UNAVAILABLE = Problem(
    slug="store-unavailable", status=503, title="Database not available", error_type="serviceUnavailable",
    error_detail="StoreUnavailable",
    meaning="The database cannot be reached or cannot write. The request was not confirmed, but in rare cases it "
    "took effect.",
    remedy="Wait for the seconds in Retry-After, then repeat the request. Setting the same status again is harmless.",
)  # fmt: skip

PROBLEMS: dict[Code, Problem] = {
    Code.BAD_PARAMETERS: BAD_PARAMETERS,
    Code.UNAUTHORIZED: UNAUTHORIZED,
    Code.INVALID_TOKEN: UNAUTHORIZED,
    Code.FORBIDDEN: FORBIDDEN,
    Code.ACTOR_NOT_FOUND: ACTOR_NOT_FOUND,
    Code.VEHICLE_NOT_FOUND: VEHICLE_NOT_FOUND,
    Code.MULTIPLE_VEHICLES_FOUND: MULTIPLE_VEHICLES_FOUND,
    Code.NO_DUPLICATES: NO_DUPLICATES,
    Code.PLATE_IN_USE: PLATE_IN_USE,
    Code.VEHICLE_LIMIT_REACHED: VEHICLE_LIMIT_REACHED,
    Code.KEY_LIMIT_REACHED: API_KEY_LIMIT_REACHED,
    Code.REVISION_MISMATCH: REVISION_MISMATCH,
    Code.OPERATION_NOT_FOUND: OPERATION_NOT_FOUND,
    Code.RUN_NOT_FOUND: RUN_NOT_FOUND,
    Code.RUN_ENDED: RUN_ENDED,
    Code.CLAIM_NOT_FOUND: CLAIM_NOT_FOUND,
    Code.CLAIM_WITHDRAWN: CLAIM_WITHDRAWN,
    Code.CLAIM_EXPIRED: CLAIM_EXPIRED,
    Code.CLAIM_ANSWERED: CLAIM_ANSWERED,
    Code.CURSOR_GONE: CURSOR_GONE,
    Code.ARCHIVED: ARCHIVED,
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
    Code.KEY_NOT_FOUND: API_KEY_NOT_FOUND,
    Code.KEY_ENDED: API_KEY_ENDED,
    Code.WEBHOOK_NOT_FOUND: WEBHOOK_NOT_FOUND,
    Code.WEBHOOK_LIMIT_REACHED: WEBHOOK_LIMIT_REACHED,
    Code.DELIVERY_NOT_FOUND: DELIVERY_NOT_FOUND,
    Code.PLAN_NOT_FOUND: PLAN_NOT_FOUND,
    Code.PLAN_ENDED: PLAN_ENDED,
    Code.NOTHING_TO_BRING_BACK: NOTHING_TO_BRING_BACK,
    Code.USER_NOT_FOUND: USER_NOT_FOUND,
    Code.USER_EXISTS: USER_EXISTS,
    Code.LAST_OWNER: LAST_OWNER,
    Code.SIGN_IN_REFUSED: SIGN_IN_REFUSED,
    Code.SESSION_ENDED: SESSION_ENDED,
    Code.INVITATION_ENDED: INVITATION_ENDED,
    Code.STORE_UNAVAILABLE: STORE_UNAVAILABLE,
    Code.PROVIDER_UNAVAILABLE: PROVIDER_UNAVAILABLE,
    Code.SCANNING_UNAVAILABLE: SCANNING_UNAVAILABLE,
    Code.SCHEMA_MISMATCH: STORE_UNAVAILABLE,
    Code.SECRET_KEY_MISSING: STORE_UNAVAILABLE,
    Code.OVERLOADED: OVERLOADED,
    Code.RATE_EXCEEDED: RATE_EXCEEDED,
    Code.SERVER_FULL: SERVER_FULL,
    **SELECTION_PROBLEMS,
    **VIEW_PROBLEMS,
    **GATE_PROBLEMS,
}

ALL_PROBLEMS: tuple[Problem, ...] = (
    BAD_PARAMETERS, BAD_HOST, MALFORMED_REQUEST, UNAUTHORIZED, FORBIDDEN, VEHICLE_NOT_FOUND,
    OPERATION_NOT_FOUND, RUN_NOT_FOUND, CLAIM_NOT_FOUND, PATH_NOT_FOUND, METHOD_NOT_ALLOWED, REQUEST_TIMEOUT,
    MULTIPLE_VEHICLES_FOUND, NO_DUPLICATES, PLATE_IN_USE, ACTOR_NOT_FOUND,
    VEHICLE_LIMIT_REACHED, CLAIM_WITHDRAWN, CLAIM_EXPIRED, CLAIM_ANSWERED, REVISION_MISMATCH,
    BODY_TOO_LARGE, TARGET_TOO_LONG, WEBHOOK_NOT_FOUND, WEBHOOK_LIMIT_REACHED, DELIVERY_NOT_FOUND,
    IMPORT_NOT_FOUND, IMPORT_ENDED, IMPORT_LIMIT_REACHED, RUN_LIMIT_REACHED, RUN_ENDED,
    PLAN_NOT_FOUND, PLAN_ENDED, NOTHING_TO_BRING_BACK,
    API_KEY_NOT_FOUND, API_KEY_ENDED, API_KEY_LIMIT_REACHED,
    CURSOR_GONE, ARCHIVED, REQUEST_NOT_FOUND, REQUEST_TOO_LARGE, BATCH_REFUSED, KEY_IN_USE, ANSWER_LOST, KEY_REUSED,
    USER_NOT_FOUND, USER_EXISTS, LAST_OWNER, SIGN_IN_REFUSED, SESSION_ENDED, INVITATION_ENDED,
    UNSUPPORTED_MEDIA_TYPE, OVERLOADED, RATE_EXCEEDED, HEADERS_TOO_LARGE, INTERNAL_ERROR, STORE_UNAVAILABLE,
    SERVER_FULL, PROVIDER_UNAVAILABLE, SCANNING_UNAVAILABLE, *SELECTION_PROBLEMS.values(), *VIEW_PROBLEMS.values(),
    *GATE_PROBLEMS.values(),
)  # fmt: skip
