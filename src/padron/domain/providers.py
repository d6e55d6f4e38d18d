"""The identity providers whose tokens an operator lets in, and what their tokens may do: pure rules.

A grant names claims with the values that they must have, an account, and scopes. The claims are those of a token whose
signature was checked.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from padron.domain.addresses import parse_address
from padron.domain.people import Role

URL_BYTES_MAX = 1_024
LEEWAY_S_MAX = 60
LIFETIME_S_MAX = 86_400
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the name of a media type (RFC 9068)
PLAIN_TOKEN_TYPE = "jwt"  # noqa: S105

_SUBJECT_DIGEST_LENGTH = 32  # hexadecimal digits: 128 bits

_match_safe_subject = re.compile(r"[0-9A-Za-z._@/:|+-]{1,80}").fullmatch
_match_host = re.compile(r"[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]").fullmatch
_match_path = re.compile(r"[0-9A-Za-z._~!$&'()*+,;=:@%/-]*").fullmatch


class Algorithm(StrEnum):
    """A way to sign a token with a key pair. Those with a shared secret are missing on purpose."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    EDDSA = "EdDSA"
    ED25519 = "Ed25519"  # the later name of EdDSA with this curve (RFC 9864)


DEFAULT_ALGORITHMS = frozenset({Algorithm.RS256, Algorithm.ES256, Algorithm.EDDSA})


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimCondition:
    """A claim, and the values that are good for it, in the form of ``give_forms``."""

    claim: str
    values: frozenset[str]

    def is_met(self, claims: Mapping[str, object]) -> bool:
        """Say whether the claim has one of the values, or is a list with one of them."""
        return not self.values.isdisjoint(give_forms(find_claim(claims, self.claim)))


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountChoice:
    """The name of an account: always the same, or found in a table by the value of a claim."""

    name: str = ""
    claim: str = ""
    names: Mapping[str, str] | None = None

    def choose(self, claims: Mapping[str, object]) -> str | None:
        """Give the account's name, or None if the claim names none."""
        if self.names is None:
            return self.name
        value = find_claim(claims, self.claim)
        return self.names.get(value) if isinstance(value, str) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What the tokens that meet all conditions may do.

    With ``scopes_from``, a token has only those of ``scopes`` that its claim of this name lists.
    """

    conditions: tuple[ClaimCondition, ...]
    account: AccountChoice
    scopes: frozenset[str]
    scopes_from: str = ""
    role: Role | None = None  # the scopes are those of this role, and people get it at sign-in

    def is_met(self, claims: Mapping[str, object]) -> bool:
        """Say whether the claims meet all conditions."""
        return all(condition.is_met(claims) for condition in self.conditions)

    def give_scopes(self, claims: Mapping[str, object]) -> frozenset[str]:
        """Give the scopes of a token with these claims."""
        if not self.scopes_from:
            return self.scopes
        return self.scopes.intersection(list_words(find_claim(claims, self.scopes_from)))


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenIdClient:
    """What people need to sign in with a provider: as whom this server is known there, and what it asks for.

    With ``links_by_email``, a verified e-mail address leads to the person whom the register already knows by it.
    """

    client_id: str
    client_secret: str = field(default="", repr=False)
    title: str
    scopes: tuple[str, ...]
    links_by_email: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """An identity provider, and which of its access tokens the API takes: none without ``audiences``."""

    name: str
    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[Algorithm]
    token_types: frozenset[str]  # in lower case, without "application/"
    actor_claim: str  # the claim that names the holder in the history
    leeway_s: int
    lifetime_s_max: int
    grants: tuple[Grant, ...]
    client: OpenIdClient | None = None  # None: nobody signs in with it


@dataclass(frozen=True, kw_only=True, slots=True)
class Providers:
    """All providers of a server. ``resource`` is the server's own address, as its clients know it (RFC 9728).

    Without ``allows_passwords`` only people who are marked for the case that a provider is away sign in by password.
    """

    resource: str = ""
    listed: tuple[Provider, ...] = ()
    allows_passwords: bool = True


NO_PROVIDERS = Providers()


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    """What one token may do."""

    account: str
    scopes: frozenset[str]


def find_grant(grants: Sequence[Grant], claims: Mapping[str, object]) -> Granted | None:
    """Give what a token with these claims may do, or None if no grant is met.

    The first grant that is met decides the account. Further ones of the same account add their scopes.
    """
    account: str | None = None
    scopes: set[str] = set()
    for grant in grants:
        if not grant.is_met(claims):
            continue
        chosen = grant.account.choose(claims)
        if chosen is None or account not in {None, chosen}:
            continue
        account = chosen
        scopes |= grant.give_scopes(claims)
    return None if account is None or not scopes else Granted(account=account, scopes=frozenset(scopes))


def find_roles(grants: Sequence[Grant], claims: Mapping[str, object]) -> dict[str, Role]:
    """Give the accounts that a person with these claims is a member of, with the highest role in each."""
    ranks = {role: rank for rank, role in enumerate(Role)}
    roles: dict[str, Role] = {}
    for grant in grants:
        account = grant.account.choose(claims) if grant.role is not None and grant.is_met(claims) else None
        if account is None or grant.role is None:
            continue
        before = roles.get(account)
        if before is None or ranks[grant.role] > ranks[before]:
            roles[account] = grant.role
    return roles


def find_claim(claims: Mapping[str, object], name: str) -> object:
    """Give a claim by its name, or by a JSON Pointer such as ``/realm_access/roles`` (RFC 6901); None without it."""
    if not name.startswith("/"):
        return claims.get(name)
    found: object = claims
    for part in name[1:].split("/"):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found


def give_forms(value: object) -> frozenset[str]:
    """Give texts for a value or the values of a list, by which they are compared. Types never mix: 1 is not "1"."""
    values: Iterable[object] = value if isinstance(value, list) else (value,)
    return frozenset(form for form in map(_give_form, values) if form is not None)


def list_words(value: object) -> frozenset[str]:
    """Give the words of a claim that lists names: a text with spaces between them (RFC 8693, 4.2), or a list."""
    if isinstance(value, str):
        return frozenset(value.split(" "))
    return frozenset(part for part in value if isinstance(part, str)) if isinstance(value, list) else frozenset()


def give_actor(provider: str, subject: str) -> str:
    """Give the id of a token's holder for the history: ``t:<provider>:<subject>``, at most 103 safe characters.

    A subject that is long or has other characters is named by its digest, after a ``~`` that no subject has here.
    """
    if _match_safe_subject(subject) is not None:
        return f"t:{provider}:{subject}"
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    return f"t:{provider}:~{digest[:_SUBJECT_DIGEST_LENGTH]}"


def find_url_fault(url: str, *, may_have_query: bool = False) -> str | None:
    """Say what is wrong with the address of a provider; None if it can be used.

    It must be https, or http on this very machine, and must have neither user nor fragment.
    """
    # The parser would silently drop some of the characters that no URL has.
    if len(url) > URL_BYTES_MAX or not url.isascii() or not url.isprintable():
        return f"has more than {URL_BYTES_MAX} characters, or one that no URL has"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        return "is not a URL that begins with https://"
    has_more = "@" in parts.netloc or "#" in url or ("?" in url and not may_have_query)
    if has_more or _match_host(_give_host(parts)) is None or _match_path(parts.path + parts.query) is None:
        return "has a user, a query, a fragment or an unusual character"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "must begin with https://, because it is not on this machine"
    return None


def is_loopback(host: str) -> bool:
    """Say whether a host is this very machine by its name alone."""
    address = parse_address(host)
    return host == "localhost" if address is None else address.is_loopback


def _give_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _give_form(value: object) -> str | None:
    match value:
        case bool():
            return f"bool:{value}"
        case int():
            return f"int:{value}"
        case str():
            return f"text:{value}"
        case _:
            return None
