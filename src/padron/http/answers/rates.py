"""The fields that tell a client about a rate limit, in the form of draft-ietf-httpapi-ratelimit-headers-11.

Both are structured fields (RFC 9651). ``RateLimit-Policy`` names the limit, with its quota and the seconds in which the
whole quota comes back. ``RateLimit`` says how much is left, and in how many seconds there is more. Only refusals carry
them: on each answer they would cost more than the limit itself.
"""

from padron.domain.idempotency import Headers
from padron.domain.rates import RateExceededError


def give_rate_headers(error: RateExceededError) -> Headers:
    """Give the headers of a refusal by a rate limit."""
    rate = error.rate
    name = rate.name.encode()
    return (
        (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (name, rate.burst, rate.window_s)),
        (b"ratelimit", b'"%s";r=0;t=%d' % (name, error.wait_s)),
        (b"retry-after", b"%d" % error.wait_s),
    )
