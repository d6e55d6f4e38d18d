"""An access token of an identity provider: its form (RFC 9068, or a plain JWT), and what it must say. Knows no key.

What a token says counts only after its signature was checked. The checks of this module come before that, because they
are cheap and because they choose the key.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.providers import PLAIN_TOKEN_TYPE, Algorithm, Provider

TOKEN_LENGTH_MAX = 8_192
KID_LENGTH_MAX = 256
SUBJECT_LENGTH_MAX = 255  # OpenID Connect Core, 2
SECONDS_MAX = 253_402_300_799  # the end of the year 9999

# Each of these headers would let the token itself say how it is checked, or asks for what this server does not know.
_REFUSED_HEADERS = ("crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc")
# Only an identity token or a logout token has these claims. Both are JWTs of the same issuer, and no access tokens.
_FOREIGN_CLAIMS = ("nonce", "at_hash", "c_hash", "s_hash", "events")

_match_base64 = re.compile("[0-9A-Za-z_-]+").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """The parts of a token. Nothing of it is checked but its form."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signed: bytes  # what the signature is about
    signature: bytes

    @property
    def issuer(self) -> str:
        """The issuer that the token names; empty if it names none."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedKey:
    """The key and the algorithm that a token names. ``kid`` is only ever compared."""

    kid: str | None
    algorithm: Algorithm


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenInstants:
    """When a token was issued, and when it expires."""

    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenHolder:
    """Who a token is about, and until when it is valid."""

    subject: str
    expires_at: datetime


class TokenRefusedError(PadronError):
    """A refusal of an access token, and what is wrong with it."""

    def __init__(self, fault: str, *, is_expired: bool = False) -> None:
        super().__init__(Code.INVALID_TOKEN, f"The access token is not valid: {fault}.")
        self.fault = fault
        self.is_expired = is_expired


def looks_like_token(text: str) -> bool:
    """Say whether a credential is an access token rather than an API key, which has no dot."""
    return "." in text


def read_token(text: str) -> AccessToken:
    """Give the parts of a token. Raises ``invalid_token`` for a wrong form."""
    if len(text) > TOKEN_LENGTH_MAX:
        raise refuse_token(f"it has more than {TOKEN_LENGTH_MAX} characters")
    pieces = text.split(".")
    if len(pieces) != 3:  # noqa: PLR2004 - header, claims, signature
        raise refuse_token("it does not have the three parts of a signed JWT")
    header, claims, signature = pieces
    return AccessToken(
        header=_read_object("header", header),
        claims=_read_object("claims", claims),
        signed=f"{header}.{claims}".encode(),
        signature=_decode("signature", signature),
    )


def check_header(token: AccessToken, algorithms: frozenset[Algorithm], token_types: frozenset[str]) -> WantedKey:
    """Give the key that a token names. Raises ``invalid_token`` unless its header is one that is allowed."""
    header = token.header
    for name in _REFUSED_HEADERS:
        if name in header:
            raise refuse_token(f"its header has {name}")
    kind = _give_type(header)
    if kind not in token_types or ("typ" in header) != bool(kind):
        raise refuse_token(f"its header typ is not {_join(sorted(filter(None, token_types)))}")
    named = header.get("alg")
    algorithm = next((one for one in algorithms if one.value == named), None)
    if algorithm is None:
        raise refuse_token(f"its algorithm is not {_join(sorted(algorithms))}")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= KID_LENGTH_MAX):
        raise refuse_token(f"its header kid is not a text of 1 to {KID_LENGTH_MAX} characters")
    return WantedKey(kid=kid, algorithm=algorithm)


def check_claims(token: AccessToken, provider: Provider, now: datetime) -> TokenHolder:
    """Give the holder of a token of this provider. Raises ``invalid_token`` unless its claims are good now."""
    claims = token.claims
    if token.issuer != provider.issuer:
        raise refuse_token("its issuer is another one")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if provider.audiences.isdisjoint(one for one in audiences if isinstance(one, str)):
        raise refuse_token(f"its audience is not {_join(sorted(provider.audiences))}")
    if "cnf" in claims:
        raise refuse_token("it is bound to a key of its holder (cnf), which this server cannot check")
    if _give_type(token.header) == PLAIN_TOKEN_TYPE:
        for name in _FOREIGN_CLAIMS:
            if name in claims:
                raise refuse_token(f"it has {name}, so it is not an access token")
    instants = check_instants(claims, provider.leeway_s, provider.lifetime_s_max, now)
    read_text(claims, "sub")
    return TokenHolder(subject=read_text(claims, provider.actor_claim), expires_at=instants.expires_at)


def refuse_token(fault: str) -> "TokenRefusedError":
    """Give the refusal of a token. ``fault`` completes the sentence and repeats nothing of the token."""
    return TokenRefusedError(fault)


def check_instants(claims: Mapping[str, object], leeway_s: int, lifetime_s_max: int, now: datetime) -> TokenInstants:
    """Give when a token was issued and when it expires. Raises ``invalid_token`` unless now is between."""
    now_s = now.timestamp()
    expires_s, issued_s = _read_seconds(claims, "exp"), _read_seconds(claims, "iat")
    if now_s >= expires_s + leeway_s:
        raise TokenRefusedError(f"it expired at {_show(expires_s)}", is_expired=True)
    if issued_s > now_s + leeway_s:
        raise refuse_token(f"it is issued in the future (iat); the server's time is {_show(now_s)}")
    if "nbf" in claims and _read_seconds(claims, "nbf") > now_s + leeway_s:
        raise refuse_token(f"it is not valid yet (nbf); the server's time is {_show(now_s)}")
    if not 0 < expires_s - issued_s <= lifetime_s_max:
        raise refuse_token(f"it is not issued for at most {lifetime_s_max} seconds (from iat to exp)")
    return TokenInstants(
        issued_at=datetime.fromtimestamp(issued_s, UTC), expires_at=datetime.fromtimestamp(expires_s, UTC)
    )


def read_text(claims: Mapping[str, object], name: str) -> str:
    """Give a claim that is a text of bounded length. Raises ``invalid_token``."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= SUBJECT_LENGTH_MAX:
        raise refuse_token(f"its claim {name} is not a text of 1 to {SUBJECT_LENGTH_MAX} characters")
    return value


def _read_seconds(claims: Mapping[str, object], name: str) -> float:
    """Give an instant in seconds since 1970. JSON has no infinity and no NaN here, but numbers of any size."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
        raise refuse_token(f"its claim {name} is not an instant in seconds")
    return float(value)


def _give_type(header: Mapping[str, object]) -> str:
    kind = header.get("typ")
    return kind.lower().removeprefix("application/") if isinstance(kind, str) and kind.isascii() else ""


def _read_object(part: str, text: str) -> dict[str, object]:
    try:
        found: object = json.loads(
            _decode(part, text).decode(), object_pairs_hook=_join_members, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise refuse_token(f"its {part} is not JSON") from None
    if not isinstance(found, dict):
        raise refuse_token(f"its {part} is not a JSON object")
    return found


def _decode(part: str, text: str) -> bytes:
    """Give the bytes of a part. There is only one text for the same bytes: without padding, and no bit too many."""
    if _match_base64(text) is None:
        raise refuse_token(f"its {part} is not base64url")
    try:
        decoded = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
    except binascii.Error:
        raise refuse_token(f"its {part} is not base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode():
        raise refuse_token(f"its {part} is not base64url")
    return decoded


def _join_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    joined = dict(pairs)
    if len(joined) != len(pairs):
        raise ValueError  # two readers could take two different values
    return joined


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _join(names: list[str]) -> str:
    return " or ".join(names)


def _show(seconds: float) -> str:
    return format_instant(datetime.fromtimestamp(int(seconds), UTC))
