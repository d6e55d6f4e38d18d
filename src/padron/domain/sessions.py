"""Sessions of people, the links that open one, and the record of who signed in.

Only the SHA-256 digest of a token is stored. That is enough, because a token has 256 random bits.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from padron.domain.addresses import IpNetwork
from padron.domain.people import Membership, User

IDLE_MAX = timedelta(hours=12)
LASTS_MAX = timedelta(days=7)
NOTED_EVERY = timedelta(minutes=1)  # the last use of a session is stored with this precision
SESSIONS_MAX = 20  # of one person, or of one key; the one that was not used for longest ends
INVITATION_LASTS = timedelta(days=3)
SIGN_IN_LINK_LASTS = timedelta(minutes=10)
AGENT_LENGTH_MAX = 200
SIGN_INS_KEPT = timedelta(days=90)

SESSION_PREFIX = "padron_session_"
INVITATION_PREFIX = "padron_invitation_"

_match_session = re.compile(SESSION_PREFIX + "[0-9A-Za-z]{43}").fullmatch
_match_invitation = re.compile(INVITATION_PREFIX + "[0-9A-Za-z]{43}").fullmatch


class SignInWay(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way, not a secret
    API_KEY = "key"
    PASSKEY = "passkey"
    OPENID = "openid"
    LINK = "link"  # an invitation, a reset or a one-time link


class SignInKind(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    SIGNED_OUT = "signed_out"
    ACCOUNT_CHOSEN = "account_chosen"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an event, not a secret
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_DOUBTED = "passkey_doubted"  # refused, because its device counted backwards: there may be a copy


class InvitationPurpose(StrEnum):
    """What a link is for. Each works once."""

    INVITE = "invite"
    RESET = "reset"
    SIGN_IN = "sign-in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Where a request of a browser came from. ``agent`` is what the browser says of itself."""

    address: str
    agent: str

    def give_agent(self) -> str:
        """Give the browser's words in the form that is kept: printable and bounded."""
        return "".join(one if one.isprintable() else " " for one in self.agent[:AGENT_LENGTH_MAX])


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSession:
    """A session as it is stored. ``actor`` is the id of a person or of a key."""

    session_id: str
    actor: str
    account_id: int
    way: SignInWay
    created_at: datetime
    used_at: datetime
    ends_at: datetime
    address: str
    agent: str

    def find_end(self) -> datetime:
        """Give the instant at which the session ends if it is not used any more."""
        return min(self.ends_at, self.used_at + IDLE_MAX)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySession:
    """What a session of a key takes from the key, each time that it is read."""

    account_name: str
    label: str
    scopes: frozenset[str]
    networks: tuple[IpNetwork, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserSession:
    """What a session of a person takes from the person, each time that it is read. The chosen account is among them."""

    user: User
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSession:
    """A live session with whom it belongs to."""

    kept: KeptSession
    holder: UserSession | KeySession


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """A link for one person. ``created_by`` is an actor."""

    user_id: str
    purpose: InvitationPurpose
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInEvent:
    """One event. ``actor`` is None for a person whom the register does not know; what was typed is not kept.

    ``account_id`` is the account that was entered, and None where nothing was entered.
    """

    actor: str | None
    account_id: int | None
    kind: SignInKind
    way: SignInWay | None
    at: datetime
    address: str
    agent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedSignIn:
    """An event with its number. Later ones have higher numbers."""

    number: int
    event: SignInEvent


def digest_session_token(token: str) -> bytes | None:
    """Give the digest under which a session is stored, or None for a text that is no token of a session."""
    return hashlib.sha256(token.encode()).digest() if _match_session(token) else None


def digest_invitation_token(token: str) -> bytes | None:
    """Give the digest under which an invitation is stored, or None for a text that is no token of one."""
    return hashlib.sha256(token.encode()).digest() if _match_invitation(token) else None


def derive_csrf_token(token: str) -> str:
    """Give the text that a form of this session carries. Nobody can derive it without the session's token."""
    return hmac.new(token.encode(), b"padron csrf", hashlib.sha256).hexdigest()
