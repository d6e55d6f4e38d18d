"""An identity provider of the tests: its keys, its documents, and tokens that it signs or that somebody forges.

It signs with the cryptography library alone, so that what we read with another one is not our own writing.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from padron.domain.providers import (
    ACCESS_TOKEN_TYPE,
    DEFAULT_ALGORITHMS,
    AccountChoice,
    ClaimCondition,
    Grant,
    Provider,
    Providers,
    give_forms,
)
from padron.service.tokens import key_sets  # noqa: F401 - a server, too, loads its library before it serves
from padron.service.tokens.sources import CodeRequest, SourceAnswer, SourceError
from tests.cast import NOON

ISSUER = "https://id.example/fleet"
RESOURCE = "https://padron.example"
METADATA = f"{ISSUER}/.well-known/openid-configuration"
KEY_SET = "https://keys.example/jwks?v=1"
SUBJECT = "deploy-bot"
NOW_S = int(NOON.timestamp())

Json = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_json(value: object) -> str:
    return encode(json.dumps(value).encode())


def encode_number(number: int, size: int | None = None) -> str:
    return encode(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


@cache
def make_rsa(bits: int = 2_048, number: int = 0) -> rsa.RSAPrivateKey:
    """Give a key. They are made once for each process, because that takes long."""
    del number
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@cache
def make_ec(name: str = "P-256") -> ec.EllipticCurvePrivateKey:
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.generate_private_key(curves[name])


@cache
def make_ed25519() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


# Before the tests, because it takes long.
make_rsa()
make_rsa(2_048, 1)


def describe(key: PrivateKey, **members: object) -> Json:
    """Give the public part of a key as an entry of a key set."""
    public = key.public_key()
    match public:
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            shown: Json = {"kty": "RSA", "n": encode_number(numbers.n), "e": encode_number(numbers.e)}
        case ec.EllipticCurvePublicKey():
            size = (public.curve.key_size + 7) // 8
            point = public.public_numbers()
            name = {256: "P-256", 384: "P-384", 521: "P-521"}[public.curve.key_size]
            shown = {"kty": "EC", "crv": name, "x": encode_number(point.x, size), "y": encode_number(point.y, size)}
        case _:
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            shown = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
    return {**shown, "use": "sig", **members}


def sign(data: bytes, key: PrivateKey, algorithm: str) -> bytes:
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(algorithm[-3:])
    match key:
        case rsa.RSAPrivateKey():
            assert digest is not None
            if algorithm.startswith("PS"):
                pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
                return key.sign(data, pss, digest)
            return key.sign(data, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePrivateKey():
            assert digest is not None
            r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
            size = (key.curve.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        case _:
            return key.sign(data)


def sign_with_secret(header: Mapping[str, object], claims: Mapping[str, object], secret: bytes) -> str:
    """Forge a token with a shared secret, such as the public key that everybody knows."""
    signed = f"{encode_json({**header, 'alg': 'HS256'})}.{encode_json(claims)}"
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def make_claims(**changes: object) -> Json:
    """Give the claims of a good token. A claim that is changed to None is missing."""
    claims: Json = {
        "iss": ISSUER, "aud": RESOURCE, "sub": SUBJECT, "client_id": SUBJECT, "jti": "a1",
        "iat": NOW_S - 60, "exp": NOW_S + 600, "groups": ["fleet", "drivers"], "scope": "openid vehicles:read",
    } | changes  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def make_header(**changes: object) -> Json:
    header: Json = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa"} | changes
    return {name: value for name, value in header.items() if value is not None}


@dataclass
class Issuer:
    """The provider. It answers as the port of the outside does, and can be slow, wrong or away."""

    documents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: str = ""

    def __post_init__(self) -> None:
        self.publish(
            describe(make_rsa(), kid="rsa"),
            describe(make_ec(), kid="ec"),
            describe(make_ed25519(), kid="ed"),
        )

    def publish(self, *keys: Json) -> None:
        """Publish these keys, and no others."""
        self.documents[METADATA] = json.dumps({"issuer": ISSUER, "jwks_uri": KEY_SET}).encode()
        self.documents[KEY_SET] = json.dumps({"keys": keys}).encode()

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.fault or url not in self.documents:
            raise SourceError(self.fault or "not found")
        return self.documents[url]

    async def post(self, request: CodeRequest) -> SourceAnswer:
        raise SourceError(f"nobody asked for {request.url}")

    def issue(self, claims: Json | None = None, header: Json | None = None, key: PrivateKey | None = None) -> str:
        """Sign a token, whatever it says."""
        header = make_header() if header is None else header
        return sign_text(
            json.dumps(header), json.dumps(make_claims() if claims is None else claims),
            key or make_rsa(), str(header.get("alg")),
        )  # fmt: skip


def sign_text(header: str, claims: str, key: PrivateKey | None = None, algorithm: str = "RS256") -> str:
    """Sign texts that may not even be JSON."""
    signed = f"{encode(header.encode())}.{encode(claims.encode())}"
    return f"{signed}.{encode(sign(signed.encode(), key or make_rsa(), algorithm))}"


def make_grant(account: str = "Acme", *scopes: str, scopes_from: str = "", **when: object) -> Grant:
    return Grant(
        conditions=tuple(ClaimCondition(claim=claim, values=give_forms(value)) for claim, value in when.items()),
        account=AccountChoice(name=account),
        scopes=frozenset(scopes or ("vehicles:read", "vehicles:status")),
        scopes_from=scopes_from,
    )


def make_provider(*grants: Grant, **changes: Any) -> Provider:  # noqa: ANN401 - any field
    provider = Provider(
        name="ci",
        issuer=ISSUER,
        audiences=frozenset({RESOURCE}),
        algorithms=DEFAULT_ALGORITHMS,
        token_types=frozenset({ACCESS_TOKEN_TYPE}),
        actor_claim="sub",
        leeway_s=30,
        lifetime_s_max=7_200,
        grants=grants or (make_grant(groups="fleet"),),
    )
    return replace(provider, **changes)


def make_providers(*providers: Provider) -> Providers:
    return Providers(resource=RESOURCE, listed=providers or (make_provider(),))
