"""Signing in with an identity provider: the secrets of one sign-in, the answer of the provider, and its identity token.

The parts of a sign-in belong together by secrets that are derived from one, which only the browser keeps. So nobody can
finish a sign-in in another browser, and what is stored does not help who reads it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from padron.domain.access_token import (
    AccessToken,
    WantedKey,
    check_header,
    check_instants,
    read_text,
    refuse_token,
)
from padron.domain.people import EMAIL_LENGTH_MAX, USER_NAME_LENGTH_MAX
from padron.domain.providers import PLAIN_TOKEN_TYPE, OpenIdClient, Provider

PENDING_LASTS = timedelta(minutes=10)
PENDING_MAX = 10_000  # in the whole register
ISSUED_BEFORE_MAX = timedelta(minutes=10)  # an identity token is new when it arrives
CODE_LENGTH_MAX = 2_048
CALLBACK = "/console/openid/{provider}/callback"

_ID_TOKEN_TYPES = frozenset({"", PLAIN_TOKEN_TYPE})
_LIFETIME_S_MAX = 604_800  # of an identity token, which is used at once
_match_secret = re.compile("[0-9A-Za-z_-]{43}").fullmatch

# What a provider may answer instead of a code (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
_ERRORS: Mapping[str, str] = {
    "access_denied": "the provider says that you may not sign in here, or you cancelled",
    "login_required": "the provider wants you to sign in there first",
    "interaction_required": "the provider has a question to you first",
    "consent_required": "you did not agree to what is passed on",
    "account_selection_required": "the provider wants you to choose an account first",
    "temporarily_unavailable": "the provider is overloaded. Try again later",
    "server_error": "the provider has failed. Try again later",
    "unauthorized_client": "the provider does not know this server well enough. Tell the operator",
    "invalid_request": "the provider does not understand this server. Tell the operator",
    "invalid_scope": "the provider does not know the configured scopes. Tell the operator",
    "unsupported_response_type": "the provider does not support this way to sign in. Tell the operator",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInSecrets:
    """The secrets of one sign-in. ``browser`` is kept in a cookie, and ``state`` goes through the provider."""

    browser: str
    state: str

    @property
    def verifier(self) -> str:
        """What proves to the provider that the code is ours (RFC 7636)."""
        return self._derive("verifier")

    @property
    def nonce(self) -> str:
        """What the identity token must repeat."""
        return self._derive("nonce")

    @property
    def state_sha256(self) -> bytes:
        """The name of the sign-in in the database. Another browser's secret leads to another one."""
        return hashlib.sha256(f"{self.state} {self._derive('browser')}".encode()).digest()

    @property
    def are_well_formed(self) -> bool:
        """Say whether both have the form of ours."""
        return _match_secret(self.browser) is not None and _match_secret(self.state) is not None

    def _derive(self, purpose: str) -> str:
        digest = hmac.new(self.browser.encode(), f"{purpose} {self.state}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Callback:
    """What came back through the browser. Each member is empty if it was not there, or not exactly once."""

    code: str = ""
    state: str = ""
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who somebody is at a provider. ``email`` is None unless the provider verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str


def give_departure_url(authorization_url: str, client: OpenIdClient, secrets: SignInSecrets, redirect_url: str) -> str:
    """Give the provider's address to which a browser goes to sign in."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secrets.verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_url,
            "scope": " ".join(client.scopes),
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    return f"{authorization_url}{'&' if '?' in authorization_url else '?'}{query}"


def find_callback_fault(callback: Callback, provider: Provider, *, names_itself: bool) -> str | None:
    """Say what is wrong with an answer of a provider; None for an answer with a code.

    An answer that names an issuer must name this provider (RFC 9207). ``names_itself`` says that it always does.
    """
    if (callback.issuer or names_itself) and callback.issuer != provider.issuer:
        return "the answer comes from another provider"
    if callback.error:
        return _ERRORS.get(callback.error, "the provider gave an error that this server does not know")
    if not 0 < len(callback.code) <= CODE_LENGTH_MAX:
        return "the answer of the provider has no code"
    return None


def check_id_header(token: AccessToken, provider: Provider) -> WantedKey:
    """Give the key that an identity token names. Raises ``invalid_token``."""
    return check_header(token, provider.algorithms, _ID_TOKEN_TYPES)


def check_id_token(token: AccessToken, provider: Provider, client: OpenIdClient, nonce: str, now: datetime) -> Identity:
    """Give who signed in. Raises ``invalid_token`` unless the claims belong to this sign-in (OpenID Core, 3.1.3.7)."""
    claims = token.claims
    if token.issuer != provider.issuer:
        raise refuse_token("its issuer is another one")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client.client_id not in audiences:
        raise refuse_token("it is for another client")
    party = claims.get("azp")
    if (party is not None or len(audiences) > 1) and party != client.client_id:
        raise refuse_token("it was issued to another client (azp)")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), nonce.encode()):
        raise refuse_token("it belongs to another sign-in (nonce)")
    instants = check_instants(claims, provider.leeway_s, _LIFETIME_S_MAX, now)
    if now - instants.issued_at > ISSUED_BEFORE_MAX + timedelta(seconds=provider.leeway_s):
        raise refuse_token("it was issued too long ago")
    return Identity(
        issuer=provider.issuer,
        subject=read_text(claims, "sub"),
        email=_find_email(claims),
        name=_find_name(claims),
    )


def _find_email(claims: Mapping[str, object]) -> str | None:
    """Give the e-mail address if the provider says that it verified it: with true itself, not with a text."""
    email = claims.get("email")
    is_verified = claims.get("email_verified") is True
    return email if is_verified and isinstance(email, str) and 0 < len(email) <= EMAIL_LENGTH_MAX else None


def _find_name(claims: Mapping[str, object]) -> str:
    """Give a name that can be shown: the first of the usual claims, without what cannot be printed."""
    for name in ("name", "preferred_username", "email", "sub"):
        shown = _clean(claims.get(name))
        if shown:
            return shown
    return "?"


def _clean(value: object) -> str:
    text = value[: USER_NAME_LENGTH_MAX * 2] if isinstance(value, str) else ""
    return "".join(one if one.isprintable() else " " for one in text).strip()[:USER_NAME_LENGTH_MAX].strip()


def take_once(values: Sequence[str]) -> str:
    """Give the only value of a parameter; empty for none, or for several."""
    return values[0] if len(values) == 1 else ""
