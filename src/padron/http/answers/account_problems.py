"""The errors of the administration of accounts."""

from padron.http.answers.problem import Problem

API_KEY_NOT_FOUND = Problem(
    slug="api-key-not-found", status=404, title="API key not found", error_type="notFound",
    error_detail="ApiKeyNotFound",
    meaning="The account has no API key with this id. The answer is the same for another account's key.",
    remedy="Use an id that GET /api/v2/keys gives.",
)  # fmt: skip
API_KEY_ENDED = Problem(
    slug="api-key-ended", status=409, title="API key ended", error_type="conflict", error_detail="ApiKeyEnded",
    meaning="The API key is revoked, expired or already replaced, so it cannot be replaced or prolonged.",
    remedy="Rotate the key that replaced it, or create a new one with POST /api/v2/keys.",
)  # fmt: skip
API_KEY_LIMIT_REACHED = Problem(
    slug="api-key-limit-reached", status=409, title="Too many API keys", error_type="conflict",
    error_detail="ApiKeyLimitReached",
    meaning="The account already has the maximum of API keys that are neither revoked nor expired.",
    remedy="Revoke a key that is not used, then repeat the request. To rotate a key at the maximum, use an "
    "overlapSeconds of 0.",
)  # fmt: skip
