"""What came of the check of an access token, for the operator. Who sent the token learns the exact fault."""

from enum import StrEnum


class TokenOutcome(StrEnum):
    """The outcome of one check. A token that is believed from an earlier check is not checked."""

    ACCEPTED = "accepted"
    MALFORMED = "malformed"
    ISSUER = "issuer"  # no configured provider issued it
    HEADER = "header"  # its type, its algorithm or what else its header has
    CLAIMS = "claims"  # its audience, its times or another claim
    EXPIRED = "expired"
    KEY = "key"  # its provider has no such key
    SIGNATURE = "signature"
    NO_GRANT = "no_grant"  # it is valid, and the configuration grants it nothing
    UNAVAILABLE = "unavailable"  # the provider's keys cannot be had
