"""The public keys of one issuer (RFC 7517), and the check of a signature. Only this module knows the library for them.

A key is used only for algorithms that the operator allowed and that fit its type. The token's ``kid`` is only a
name in a dictionary. Only the members that make a public key are given to the library.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from padron.domain.access_token import AccessToken, WantedKey
from padron.domain.providers import Algorithm
from padron.service.tokens.sources import SourceError

KEYS_MAX = 64
RSA_BITS_MIN = 2_048
RSA_BITS_MAX = 8_192  # a larger one would take milliseconds for each token
RSA_EXPONENT_MAX = 2**32

_PUBLIC_MEMBERS = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA = frozenset(one for one in Algorithm if one.value[:2] in {"RS", "PS"})
_BY_CURVE = {
    "P-256": frozenset({Algorithm.ES256}),
    "P-384": frozenset({Algorithm.ES384}),
    "Ed25519": frozenset({Algorithm.EDDSA, Algorithm.ED25519}),
}
# The library warns at each use of the old name, which most providers still write.
_LIBRARY_NAMES = {Algorithm.EDDSA: "Ed25519"}

PublicKey = RSAKey | ECKey | OKPKey


class KeySet:
    """The keys of an issuer, by name and algorithm."""

    def __init__(self, keys: Mapping[WantedKey, PublicKey]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        """Give the number of keys, counted once for each algorithm that they may be used with."""
        return len(self._keys)

    def find(self, wanted: WantedKey) -> PublicKey | None:
        """Give the key that a token names. A token without a name needs a set with only one key for its algorithm."""
        if wanted.kid is not None:
            return self._keys.get(wanted)
        fitting = [key for one, key in self._keys.items() if one.algorithm is wanted.algorithm]
        return fitting[0] if len(fitting) == 1 else None


def verify(token: AccessToken, key: PublicKey, algorithm: Algorithm) -> bool:
    """Say whether the signature of a token is that of a key. It takes up to a millisecond."""
    model = JWSRegistry.algorithms[_LIBRARY_NAMES.get(algorithm, algorithm.value)]
    try:
        return model.verify(token.signed, token.signature, key)
    except (JoseError, ValueError):
        return False


def parse_key_set(content: bytes, algorithms: Iterable[Algorithm]) -> KeySet:
    """Give the usable keys of a document. Raises ``SourceError`` if it is no key set or has no usable key."""
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError("its key set is not JSON") from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise SourceError("its key set has no list of keys")
    allowed = frozenset(algorithms)
    keys: dict[WantedKey, PublicKey] = {}
    for one in listed[:KEYS_MAX]:
        if isinstance(one, dict):
            _add_key(keys, one, allowed)
    if not keys:
        raise SourceError("its key set has no public key for the configured algorithms")
    return KeySet(keys)


def _add_key(keys: dict[WantedKey, PublicKey], entry: Mapping[str, object], allowed: frozenset[Algorithm]) -> None:
    if not _is_for_signatures(entry):
        return
    key = _build_key(entry)
    kid = entry.get("kid")
    if key is None or not (kid is None or isinstance(kid, str)):
        return
    named = entry.get("alg")
    for algorithm in _list_fitting(key) & allowed:
        if named in {None, algorithm.value}:
            keys.setdefault(WantedKey(kid=kid, algorithm=algorithm), key)


def _is_for_signatures(entry: Mapping[str, object]) -> bool:
    """Say whether a key may check signatures. One that is published with its private part may be anybody's."""
    operations = entry.get("key_ops")
    is_meant = operations is None or (isinstance(operations, list) and "verify" in operations)
    return is_meant and entry.get("use") in {None, "sig"} and _PRIVATE_MEMBERS.isdisjoint(entry)


def _build_key(entry: Mapping[str, object]) -> PublicKey | None:
    kind = entry.get("kty")
    members = _PUBLIC_MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None or not all(isinstance(entry.get(name), str) for name in members):
        return None
    public = {name: cast("str", entry[name]) for name in members}
    if not (_is_good_modulus(public["n"]) if kind == "RSA" else public["crv"] in _BY_CURVE):
        return None
    try:
        key = JWKRegistry.import_key({**public})
    except (JoseError, ValueError):
        return None
    if isinstance(key, RSAKey):
        numbers = key.public_key.public_numbers()
        is_good = numbers.e % 2 == 1 and 3 <= numbers.e < RSA_EXPONENT_MAX  # noqa: PLR2004 - the smallest one
        return key if is_good else None
    return key if isinstance(key, ECKey | OKPKey) else None


def _is_good_modulus(text: str) -> bool:
    """Say whether a modulus has the right size, before the library looks at it and warns of a small one."""
    try:
        modulus = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
    except ValueError:
        return False
    return RSA_BITS_MIN <= int.from_bytes(modulus, "big").bit_length() <= RSA_BITS_MAX


def _list_fitting(key: PublicKey) -> frozenset[Algorithm]:
    return _RSA if isinstance(key, RSAKey) else _BY_CURVE.get(key.curve_name, frozenset())
