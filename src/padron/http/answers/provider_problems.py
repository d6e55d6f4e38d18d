"""The errors of calls with access tokens."""

from padron.http.answers.problem import Problem

PROVIDER_UNAVAILABLE = Problem(
    slug="provider-unavailable", status=503, title="Identity provider not available", error_type="serviceUnavailable",
    error_detail="ProviderUnavailable",
    meaning="The request carries an access token, and the keys of its identity provider cannot be fetched. Nothing was "
    "done. API keys still work.",
    remedy="Wait for the seconds in Retry-After, then repeat the request. If this goes on, tell the operator.",
)  # fmt: skip
