"""The errors of the API, each by its ``errorDetail``.

``tools/make_client.py`` wrote this file from the API's document. Do not edit it.
"""

from __future__ import annotations

from padron_client.errors import (
    ApiError,
    Conflict,
    Gone,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Overloaded,
    PreconditionFailed,
    RequestRefused,
    ServerFailed,
)


class ActorNotFound(NotFound):
    """No author of changes in the account has this id. The answer is the same for another
    account's author.
    """


class ApiKeyEnded(Conflict):
    """The API key is revoked, expired or already replaced, so it cannot be replaced or prolonged."""


class ApiKeyLimitReached(Conflict):
    """The account already has the maximum of API keys that are neither revoked nor expired."""


class ApiKeyNotFound(NotFound):
    """The account has no API key with this id. The answer is the same for another account's key."""


class Archived(Gone):
    """The question is about a time whose changes are archived and no longer in the register. The
    detail says up to which instant. The present, and every question about a later time, is
    answered as before.
    """


class BadHost(RequestRefused):
    """A request must have exactly one Host header, with a host name or address (RFC 9112, 3.2)."""


class BadParameters(RequestRefused):
    """The VIN has a wrong form, an id is not allowed, a value is outside its limits, or the body
    is missing or malformed.
    """


class BatchRefused(Conflict):
    """With the mode all, at least one vehicle of the request was refused, so none was changed."""


class BodyTooLarge(RequestRefused):
    """The body is larger than this call allows."""


class ClaimAnswered(Conflict):
    """The claim already has a different result. The first result is kept."""


class ClaimExpired(Conflict):
    """The lease expired and the vehicle was claimed again. Only the result of the later claim
    counts.
    """


class ClaimNotFound(NotFound):
    """The operation has no claim with this id. The result was not stored."""


class ClaimWithdrawn(Conflict):
    """The vehicle was deactivated after the claim, or the run was cancelled. The result was not
    stored. Reactivating the vehicle does not restore the work.
    """


class CursorGone(Gone):
    """The cursor belongs to a state of the register that no longer exists. A backup was restored
    after the cursor was given, the cursor comes from an old version without epochs, or the
    changes that follow it are archived. A client that continued from it would miss changes.
    """


class DeliveryNotFound(NotFound):
    """The endpoint has no delivery with this number: its filter left the change out, or it is too
    old.
    """


class Forbidden(NotPermitted):
    """The API key is valid, but does not have the scope that this operation needs, or must not be
    used from the client's address.
    """


class GateLeaseNotFound(NotFound):
    """The account has no such lease: it was not renewed or not acknowledged in time, or it was
    ended.
    """


class HeadersTooLarge(RequestRefused):
    """The request has more than 64 headers, or more than 16 KB of them."""


class IdempotencyAnswerLost(Conflict):
    """The first request with this Idempotency-Key took effect, at least in part, but the server
    ended before it kept the answer. Nothing was done a second time.
    """


class IdempotencyKeyInUse(Conflict):
    """The first request with this Idempotency-Key has not been answered yet."""


class IdempotencyKeyReused(RequestRefused):
    """The Idempotency-Key was already sent in the last 24 hours, with a different method, path,
    query or body.
    """


class ImportEnded(Conflict):
    """The import is done or has failed, so it can no longer be cancelled. Or an upload took too
    long and was deleted.
    """


class ImportLimitReached(Conflict):
    """The account already has the maximum of open imports."""


class ImportNotFound(NotFound):
    """The account has no import with this id, or the import ended more than 30 days ago. The
    answer is the same for another account's import.
    """


class InternalError(ServerFailed):
    """The server failed with an internal error. The request may or may not have taken effect."""


class LastOwner(Conflict):
    """The person is the last owner of the account who may sign in. Without an owner, nobody could
    add one.
    """


class MultipleVehiclesFound(Conflict):
    """Several current vehicles match: legacy data was imported with duplicates, or VIN and plate
    belong to different vehicles.
    """


class NoDuplicates(Conflict):
    """The account has only one current vehicle with this VIN. Perhaps somebody already resolved
    the duplicates.
    """


class NothingToBringBack(Conflict):
    """The request has the member until, but the vehicle already has this status, so there is no
    earlier status to restore.
    """


class OperationNotFound(NotFound):
    """The account has declared no operation with this name."""


class PathNotFound(NotFound):
    """The server has nothing at this path."""


class PlannedChangeEnded(Conflict):
    """The planned change is no longer pending: it was executed, cancelled or refused, or it has
    lapsed.
    """


class PlannedChangeNotFound(NotFound):
    """The account has no planned change with this id. The answer is the same for another account's
    planned change.
    """


class PlateInUse(Conflict):
    """Another current vehicle of the account has this plate."""


class ProviderUnavailable(ServerFailed):
    """The request carries an access token, and the keys of its identity provider cannot be
    fetched. Nothing was done. API keys still work.
    """


class RateExceeded(Overloaded):
    """The API key sent more requests than its rate allows, or the client's address sent too many
    keys that are not valid. The fields RateLimit and RateLimit-Policy say which limit it was.
    """


class RequestNotFound(NotFound):
    """No request with this id changed anything in the account."""


class RequestTimeout(RequestRefused):
    """The request did not arrive in time."""


class RequestTooLarge(Conflict):
    """The request made more changes than one call can undo. Nothing was changed."""


class RevisionMismatch(PreconditionFailed):
    """If-Match, If-None-Match or a revision in the body does not match the present state of the
    vehicle or API key, or belongs to another one. A plain number, the earlier form of a
    revision, never matches.
    """


class RunEnded(Conflict):
    """The run is finished: none of its work is open, so there is nothing to cancel."""


class RunLimitReached(Conflict):
    """The account already has the maximum of runs by filter in the state queueing, or of vehicles
    in runs with queued work. The detail says which.
    """


class RunNotFound(NotFound):
    """The operation has no run with this id."""


class ScanningUnavailable(ServerFailed):
    """This server cannot read pictures, because the packages for it are not installed."""


class SelectionChanged(Conflict):
    """Vehicles of the selection have changed since they were shown, or the digest is not the
    selection's. Nothing was changed. The member `changed` names the vehicles, and `digest`
    names the selection as it is now.
    """


class SelectionEnded(Conflict):
    """The selection was applied already, or is being applied. A selection is applied once."""


class SelectionLimitReached(Conflict):
    """The selection would have too many vehicles, or the account already has the maximum of
    selections.
    """


class SelectionNotFound(NotFound):
    """The account has no selection with this id, or the selection has expired. The answer is the
    same for another account's selection.
    """


class ServerFull(ServerFailed):
    """The server already holds as many bytes of requests as it may, or already checks as many
    passwords as it may. It refused this request at once, so the request had no effect.
    """


class StoreUnavailable(ServerFailed):
    """The database cannot be reached or cannot write. The request was not confirmed, but in rare
    cases it took effect.
    """


class StrictGatesOff(Conflict):
    """The deactivations of this account do not wait for leases, so a lease would promise nothing."""


class TargetTooLong(RequestRefused):
    """Path and query together are longer than 2,048 bytes."""


class TooManyGateLeases(Overloaded):
    """The account has the maximum of leases of local gates."""


class TooManyRequests(Overloaded):
    """More requests are waiting than the server can answer in time."""


class Unauthorized(NotAuthenticated):
    """The request carries no API key, or one that is unknown, revoked or expired, or whose account
    is disabled. Or it carries an access token of an identity provider that is not valid; the
    detail says why.
    """


class UnsupportedMediaType(RequestRefused):
    """The header Content-Type does not declare JSON in UTF-8, or, for an import, a form of file
    that can be imported. Or the header Content-Encoding declares a compressed body.
    """


class UserExists(Conflict):
    """The register already knows somebody with this e-mail address. An account's owner can only
    add people whom no account has yet.
    """


class UserNotFound(NotFound):
    """The account has no member with this id. The answer is the same for another account's member."""


class VehicleLimitReached(Conflict):
    """The account already has the maximum of current vehicles. The vehicle was not registered.
    Registered vehicles can still be updated.
    """


class VehicleNotFound(NotFound):
    """The account has no current vehicle with this VIN. The answer is the same for another
    account's vehicle.
    """


class ViewExists(Conflict):
    """Another view has this name. Letter case does not count."""


class ViewLimitReached(Conflict):
    """The account shares the maximum of views already, or the person keeps the maximum."""


class ViewNotFound(NotFound):
    """The account has no shared view with this id. The answer is the same for what somebody else
    keeps for themselves, and for another account's view.
    """


class WebhookLimitReached(Conflict):
    """The account already has the maximum of webhook endpoints."""


class WebhookNotFound(NotFound):
    """The account has no webhook endpoint with this id. The answer is the same for another
    account's endpoint.
    """


BY_DETAIL: dict[str, type[ApiError]] = {
    "ActorNotFound": ActorNotFound,
    "ApiKeyEnded": ApiKeyEnded,
    "ApiKeyLimitReached": ApiKeyLimitReached,
    "ApiKeyNotFound": ApiKeyNotFound,
    "Archived": Archived,
    "BadHost": BadHost,
    "BadParameters": BadParameters,
    "BatchRefused": BatchRefused,
    "BodyTooLarge": BodyTooLarge,
    "ClaimAnswered": ClaimAnswered,
    "ClaimExpired": ClaimExpired,
    "ClaimNotFound": ClaimNotFound,
    "ClaimWithdrawn": ClaimWithdrawn,
    "CursorGone": CursorGone,
    "DeliveryNotFound": DeliveryNotFound,
    "Forbidden": Forbidden,
    "GateLeaseNotFound": GateLeaseNotFound,
    "HeadersTooLarge": HeadersTooLarge,
    "IdempotencyAnswerLost": IdempotencyAnswerLost,
    "IdempotencyKeyInUse": IdempotencyKeyInUse,
    "IdempotencyKeyReused": IdempotencyKeyReused,
    "ImportEnded": ImportEnded,
    "ImportLimitReached": ImportLimitReached,
    "ImportNotFound": ImportNotFound,
    "InternalError": InternalError,
    "LastOwner": LastOwner,
    "MultipleVehiclesFound": MultipleVehiclesFound,
    "NoDuplicates": NoDuplicates,
    "NothingToBringBack": NothingToBringBack,
    "OperationNotFound": OperationNotFound,
    "PathNotFound": PathNotFound,
    "PlannedChangeEnded": PlannedChangeEnded,
    "PlannedChangeNotFound": PlannedChangeNotFound,
    "PlateInUse": PlateInUse,
    "ProviderUnavailable": ProviderUnavailable,
    "RateExceeded": RateExceeded,
    "RequestNotFound": RequestNotFound,
    "RequestTimeout": RequestTimeout,
    "RequestTooLarge": RequestTooLarge,
    "RevisionMismatch": RevisionMismatch,
    "RunEnded": RunEnded,
    "RunLimitReached": RunLimitReached,
    "RunNotFound": RunNotFound,
    "ScanningUnavailable": ScanningUnavailable,
    "SelectionChanged": SelectionChanged,
    "SelectionEnded": SelectionEnded,
    "SelectionLimitReached": SelectionLimitReached,
    "SelectionNotFound": SelectionNotFound,
    "ServerFull": ServerFull,
    "StoreUnavailable": StoreUnavailable,
    "StrictGatesOff": StrictGatesOff,
    "TargetTooLong": TargetTooLong,
    "TooManyGateLeases": TooManyGateLeases,
    "TooManyRequests": TooManyRequests,
    "Unauthorized": Unauthorized,
    "UnsupportedMediaType": UnsupportedMediaType,
    "UserExists": UserExists,
    "UserNotFound": UserNotFound,
    "VehicleLimitReached": VehicleLimitReached,
    "VehicleNotFound": VehicleNotFound,
    "ViewExists": ViewExists,
    "ViewLimitReached": ViewLimitReached,
    "ViewNotFound": ViewNotFound,
    "WebhookLimitReached": WebhookLimitReached,
    "WebhookNotFound": WebhookNotFound,
}
