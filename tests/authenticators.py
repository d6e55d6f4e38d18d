"""A device of the tests that makes passkeys and signs with them, and the lies that one could tell.

It writes CBOR and signs by itself, so that what we read with a library is not that library's own writing.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

PRESENT, VERIFIED, WITH_CREDENTIAL = 1, 4, 64  # flags of what a device says
ALGORITHMS = ("ES256", "EdDSA", "RS256")
SECRET_BITS = 2_048

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Plain = int | bytes | str | list[bytes] | Mapping[Any, Any]


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def write_cbor(value: Plain) -> bytes:
    """Give a number, bytes, a text, a list or a map in CBOR (RFC 8949)."""
    match value:
        case int():
            return _write_head(0, value) if value >= 0 else _write_head(1, -1 - value)
        case bytes():
            return _write_head(2, len(value)) + value
        case str():
            return _write_head(3, len(value.encode())) + value.encode()
        case list():
            return _write_head(4, len(value)) + b"".join(map(write_cbor, value))
        case _:
            pairs = b"".join(write_cbor(key) + write_cbor(one) for key, one in value.items())
            return _write_head(5, len(value)) + pairs


def _write_head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = 1 if number < 2**8 else 2 if number < 2**16 else 4
    return bytes([kind << 5 | {1: 24, 2: 25, 4: 26}[size]]) + number.to_bytes(size, "big")


@cache
def make_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, SECRET_BITS)


def make_certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A maker")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=begin,
        not_valid_after=begin + timedelta(days=36_500),
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True, kw_only=True)
class Lies:
    """What an answer says instead of what is true."""

    origin: str | None = None
    host: str | None = None
    challenge: bytes | None = None
    flags: int = PRESENT | VERIFIED
    count: int | None = None
    user_handle: bytes | None = None
    is_anonymous: bool = False  # it names no person
    kind: str | None = None
    cross_origin: bool = False
    statement: str = "none"
    algorithm_number: int | None = None
    credential_id: bytes | None = None
    signature: bytes | None = None


HONEST = Lies()


@dataclass(kw_only=True)
class Device:
    """One passkey on one device. It counts, unless ``counts`` is False."""

    origin: str = "https://padron.test"
    algorithm: str = "ES256"
    counts: bool = True
    count: int = 0
    user_handle: bytes = b""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def __post_init__(self) -> None:
        self.key: PrivateKey
        if self.algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
        elif self.algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
        else:
            self.key = make_rsa_key()

    def make(self, options_text: str, lies: Lies = HONEST) -> str:
        """Make the passkey that the server asks for, and give the browser's answer."""
        options = json.loads(options_text)
        self.user_handle = decode(options["user"]["id"])
        public = {**self._give_public_key()}
        if lies.algorithm_number is not None:
            public[3] = lies.algorithm_number
        data = self._say(options["rp"]["id"], lies, WITH_CREDENTIAL)
        data += bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + write_cbor(public)
        client = self._write_client_data("webauthn.create", options["challenge"], lies)
        statement = self._vouch(lies.statement, data, hashlib.sha256(client).digest())
        made = write_cbor({"fmt": lies.statement, "attStmt": statement, "authData": data})
        return self._answer({"clientDataJSON": encode(client), "attestationObject": encode(made)}, lies)

    def sign(self, options_text: str, lies: Lies = HONEST) -> str:
        """Sign what the server asks for, and give the browser's answer."""
        options = json.loads(options_text)
        data = self._say(options["rpId"], lies, 0)
        client = self._write_client_data("webauthn.get", options["challenge"], lies)
        signature = lies.signature or self._sign(data + hashlib.sha256(client).digest())
        given = {"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature)}
        if not lies.is_anonymous:
            given["userHandle"] = encode(lies.user_handle or self.user_handle)
        return self._answer(given, lies)

    def _vouch(self, form: str, data: bytes, client_sha256: bytes) -> Mapping[str, Plain]:
        """Give a valid statement of a maker, which is this device itself. Only of ES256."""
        if form == "packed":
            return {"alg": -7, "sig": self._sign(data + client_sha256)}
        if form != "fido-u2f":
            return {}
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        said = b"\0" + data[:32] + client_sha256 + self.credential_id + point
        return {"sig": self._sign(said), "x5c": [make_certificate(self.key)]}

    def _say(self, host: str, lies: Lies, more: int) -> bytes:
        self.count += self.counts
        count = self.count if lies.count is None else lies.count
        digest = hashlib.sha256((lies.host or host).encode()).digest()
        return digest + bytes([lies.flags | more]) + count.to_bytes(4, "big")

    def _write_client_data(self, kind: str, challenge: str, lies: Lies) -> bytes:
        said = {
            "type": lies.kind or kind,
            "challenge": challenge if lies.challenge is None else encode(lies.challenge),
            "origin": lies.origin or self.origin,
            "crossOrigin": lies.cross_origin,
        }
        return json.dumps(said).encode()

    def _answer(self, response: Mapping[str, str], lies: Lies) -> str:
        name = encode(lies.credential_id or self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": response,
            }
        )

    def _sign(self, message: bytes) -> bytes:
        match self.key:
            case ec.EllipticCurvePrivateKey():
                return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                return self.key.sign(message)
            case _:
                return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def _give_public_key(self) -> Mapping[int, int | bytes]:
        """Give the key as COSE_Key (RFC 9053)."""
        match self.key:
            case ec.EllipticCurvePrivateKey():
                numbers = self.key.public_key().public_numbers()
                return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
            case ed25519.Ed25519PrivateKey():
                raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                return {1: 1, 3: -8, -1: 6, -2: raw}
            case _:
                public = self.key.public_key().public_numbers()
                return {1: 3, 3: -257, -1: public.n.to_bytes(SECRET_BITS // 8, "big"), -2: b"\x01\x00\x01"}
