"""An identity provider of the tests with which people sign in. It keeps to the rules, or breaks one of them.

It stands where the network would be. Real providers are in ``tests/e2e/test_openid.py``.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from padron.domain.openid import Callback
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.providers import Grant, OpenIdClient, Provider, Providers
from padron.service.tokens.sources import CodeRequest, SourceAnswer, SourceError
from tests.issuers import (
    ISSUER,
    KEY_SET,
    METADATA,
    NOW_S,
    RESOURCE,
    Issuer,
    Json,
    make_grant,
    make_header,
    make_provider,
)

CLIENT_ID = "padron-console"
CLIENT_SECRET = "secret of the client: ü is not in it"
AUTHORIZE = f"{ISSUER}/authorize"
TOKEN = f"{ISSUER}/token"
REDIRECT = f"{RESOURCE}/console/openid/corp/callback"
CLIENT = OpenIdClient(
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    title="Corporate login",
    scopes=("openid", "profile", "email"),
    links_by_email=False,
)
ANA: Json = {
    "sub": "248289", "name": "Ana Ruiz", "email": "ana@corp.example", "email_verified": True, "groups": ["workshop"],
}  # fmt: skip


def make_role_grant(role: str, account: str = "Acme", **when: object) -> Grant:
    grant = make_grant(account, scopes_from="", **when)
    chosen = Role(role)
    return replace(grant, role=chosen, scopes=frozenset(scope.value for scope in ROLE_SCOPES[chosen]))


EDITORS = make_role_grant("editor", groups="workshop")
OWNERS = make_role_grant("owner", groups="owners")


def make_sign_in_provider(*grants: Grant, client: OpenIdClient = CLIENT, **changes: Any) -> Provider:  # noqa: ANN401
    return make_provider(*(grants or (EDITORS, OWNERS)), name="corp", client=client, audiences=frozenset(), **changes)


def make_sign_in_providers(*providers: Provider, allows_passwords: bool = True) -> Providers:
    listed = providers or (make_sign_in_provider(),)
    return Providers(resource=RESOURCE, listed=listed, allows_passwords=allows_passwords)


@dataclass
class SignInIssuer(Issuer):
    """The provider. ``claims`` is who signs in, and ``changes`` is what its identity token says besides or instead."""

    claims: Json = field(default_factory=lambda: dict(ANA))
    changes: Json = field(default_factory=dict)
    header: Json = field(default_factory=lambda: make_header(typ=None))
    metadata: Json = field(default_factory=dict)
    answer: SourceAnswer | None = None  # instead of a token
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[CodeRequest] = field(default_factory=list)
    post_fault: str = ""

    def publish(self, *keys: Json) -> None:
        super().publish(*keys)
        self.describe()

    def describe(self, **changes: object) -> None:
        """Publish metadata."""
        places: Json = {"authorization_endpoint": AUTHORIZE, "token_endpoint": TOKEN, **changes}
        known: Json = {"issuer": ISSUER, "jwks_uri": KEY_SET}
        known |= {name: value for name, value in places.items() if value is not None}
        self.documents[METADATA] = json.dumps(known).encode()

    def visit(self, url: str, **changes: str) -> Callback:
        """Let somebody sign in at the address that a browser was sent to, and give what goes back."""
        asked = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return Callback(**{"code": code, "state": asked["state"], **changes})

    async def post(self, request: CodeRequest) -> SourceAnswer:
        """Exchange a code, once, for who has the client's secret and the verifier."""
        self.requests.append(request)
        if self.post_fault:
            raise SourceError(self.post_fault)
        if self.answer is not None:
            return self.answer
        asked = self.codes.pop(request.form["code"], None)
        if asked is None or request.form["redirect_uri"] != asked["redirect_uri"]:
            return SourceAnswer(status=400, body=b'{"error": "invalid_grant"}')
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked["code_challenge_method"] != "S256" or asked["code_challenge"] != challenge:
            return SourceAnswer(status=400, body=b'{"error": "invalid_grant"}')
        if request.secret != CLIENT_SECRET and request.form.get("client_secret") != CLIENT_SECRET:
            return SourceAnswer(status=401, body=b'{"error": "invalid_client"}')
        claims = {
            "iss": ISSUER, "aud": CLIENT_ID, "iat": NOW_S - 1, "exp": NOW_S + 300, "nonce": asked["nonce"],
            **self.claims, **self.changes,
        }  # fmt: skip
        token = self.issue({name: value for name, value in claims.items() if value is not None}, self.header)
        return SourceAnswer(status=200, body=json.dumps({"id_token": token, "token_type": "Bearer"}).encode())
