"""Who asks and what they may do: scopes, principals, and the form of an API key.

A key has the form ``padron_<id>_<secret><checksum>``. The id starts with the account's number, so the store
can look for the key in that account alone. The checksum finds typing errors without asking the database.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from padron.domain.addresses import IpNetwork
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

ACCOUNT_NAME_LENGTH_MAX = 100
KEY_LABEL_LENGTH_MAX = 100
KEY_RATE_MAX = 1_000_000  # requests a second, of a key with a rate of its own
KEY_PATTERN = r"padron_[0-9]{1,18}k[0-9A-Za-z]{12}_[0-9A-Za-z]{49}"
SECRET_LENGTH = 43  # base62 digits: 256 bits
KEY_ID_RANDOM_LENGTH = 12
USER_ID_RANDOM_LENGTH = 12

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_TAG_LENGTH = 16  # hexadecimal digits
_NUMBER_LENGTH_MAX = 18  # of an account: it fits 64 bits
_match_user_id = re.compile("u[0-9A-Za-z]{12}").fullmatch
_match_key = re.compile(r"padron_(([0-9]{1,18})k[0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})").fullmatch


class Scope(StrEnum):
    """One permission of an API key."""

    VEHICLES_READ = "vehicles:read"
    VEHICLES_WRITE = "vehicles:write"
    VEHICLES_STATUS = "vehicles:status"
    VEHICLES_BULK = "vehicles:bulk"
    VEHICLES_REPAIR = "vehicles:repair"
    VEHICLES_DELETE = "vehicles:delete"
    VEHICLES_ERASE = "vehicles:erase"
    GATE_CHECK = "gate:check"
    CHANGES_READ = "changes:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    OPERATIONS_RUN = "operations:run"
    OPERATIONS_MANAGE = "operations:manage"
    ACCOUNT_MANAGE = "account:manage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The owner of vehicles. One account can neither see nor change anything of another."""

    account_id: int
    name: str
    created_at: datetime
    disabled_at: datetime | None = None  # since then its keys are refused, and nothing is done for it
    deleting_at: datetime | None = None  # since then it is being deleted, which cannot be undone


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A stored key. Only the SHA-256 digest of its secret is kept.

    ``networks`` are those that it may be used from; none means from everywhere. ``last_used_at`` and ``last_used_from``
    are noted at most once an hour.
    """

    account_id: int
    key_id: str
    label: str
    scopes: frozenset[str]
    networks: tuple[IpNetwork, ...]
    secret_sha256: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    replaced_by: str | None  # the id of the key that was made in its place
    requests_per_s: int | None = None  # its own rate, below the server's; None: the server's

    def is_usable(self, now: datetime) -> bool:
        """Say whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyName(NamedTuple):
    """Names one key in the whole register."""

    account_id: int
    key_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who is asking: an account, the actor and the scopes.

    The actor is the id of a key or of a person, or the name of a command.
    ``requests_per_s`` is a rate of the key's own, below the server's.
    """

    account_id: int
    actor: str
    scopes: frozenset[str]
    requests_per_s: int | None = None

    def check_scope(self, scope: Scope) -> None:
        """Raise ``forbidden`` unless the key or the person has this scope."""
        if scope not in self.scopes:  # a scope is its own name
            raise PadronError(Code.FORBIDDEN, f"{self._name()} does not have the scope {scope.value}.")

    def check_either_scope(self, scopes: Iterable[Scope]) -> None:
        """Raise ``forbidden`` unless the key or the person has at least one of these scopes."""
        names = [scope.value for scope in scopes]
        if self.scopes.isdisjoint(names):
            raise PadronError(Code.FORBIDDEN, f"{self._name()} has none of the scopes {', '.join(names)}.")

    def _name(self) -> str:
        return "Your role in this account" if is_user_id(self.actor) else f"The API key {self.actor}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """The parts of a key as a client sent it. The key is well-formed, but perhaps not valid."""

    account_id: int
    key_id: str
    secret: str


def parse_credential(token: str) -> Credential | None:
    """Give the parts of a bearer token, or None when its form or its checksum is wrong."""
    match = _match_key(token)
    if match is None:
        return None
    key_id, account_id, secret, checksum = match.groups()
    if checksum != _give_checksum(key_id, secret):
        return None
    return Credential(account_id=int(account_id), key_id=key_id, secret=secret)


def parse_key_id(key_id: str) -> int | None:
    """Give the account's number, with which the public id of a key begins; None for text without such a number."""
    number, _, _ = key_id.partition("k")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _NUMBER_LENGTH_MAX else None


def format_key_id(account_id: int, random_part: str) -> str:
    """Give the public id of a key: the account's number, ``k``, twelve base62 digits."""
    return f"{account_id}k{random_part}"


def format_user_id(random_part: str) -> str:
    """Give the public id of a person: ``u``, twelve base62 digits. No key's id has this form."""
    return f"u{random_part}"


def is_user_id(actor: str) -> bool:
    """Say whether an actor is a person, by the form of the id."""
    return _match_user_id(actor) is not None


def format_token(key_id: str, secret: str) -> str:
    """Give the whole key. It is shown to its owner only once."""
    return f"padron_{key_id}_{secret}{_give_checksum(key_id, secret)}"


def hash_secret(secret: str) -> bytes:
    """Give the digest to store. A fast hash is enough, because the secret has 256 random bits (OWASP ASVS 6.5.2)."""
    return hashlib.sha256(secret.encode()).digest()


def give_key_tag(key: ApiKey) -> str:
    """Give the tag of a key's present state. Every change of the key changes it; a use does not."""
    values = (key.key_id, key.label, key.networks, key.expires_at, key.revoked_at, key.replaced_by, key.requests_per_s)
    return hashlib.sha256("\n".join(map(str, values)).encode()).hexdigest()[:_TAG_LENGTH]


def encode_base62(number: int, length: int) -> str:
    """Give the last ``length`` base62 digits of a number, the highest first."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def parse_scopes(names: Iterable[str]) -> frozenset[str]:
    """Give the named scopes. Raises ``bad_parameters`` for none or for a name that does not exist."""
    chosen = frozenset(names)
    known = [scope.value for scope in Scope]
    unknown = sorted(chosen.difference(known))
    if unknown or not chosen:
        wrong = f"There is no scope {', '.join(map(quote, unknown))}" if unknown else "A key needs at least one scope"
        raise PadronError(Code.BAD_PARAMETERS, f"{wrong}: choose from {', '.join(known)}.")
    return chosen


def refuse_deleted() -> PadronError:
    """Give the error of who still wrote for an account when it was deleted."""
    return PadronError(Code.ACCOUNT_NOT_FOUND, "The account was deleted a moment ago.")


def check_name(what: str, text: str, length_max: int) -> None:
    """Raise ``bad_parameters`` unless ``text`` is 1 to ``length_max`` printable characters with no outer space."""
    if not text or text != text.strip() or not text.isprintable() or len(text) > length_max:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{what} {quote(text)} cannot be used. Use 1 to {length_max} printable characters, "
            "without a space at either end.",
        )


def _give_checksum(key_id: str, secret: str) -> str:
    return encode_base62(zlib.crc32(f"{key_id}_{secret}".encode()), _CHECKSUM_LENGTH)
