"""The record of what was administered in an account: who did what to what, and when. It never has a secret.

Whoever acts is a ``Doer``. Nobody gives a right that they do not have themselves, except the command line.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from padron.domain import actors
from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError

ACTS_KEPT_MAX = 100_000  # of one account; the oldest are deleted first


Detail = str | int | list[str] | None


class ActType(StrEnum):
    """What was done, as a past fact."""

    ACCOUNT_ADDED = "accountAdded"
    ACCOUNT_RENAMED = "accountRenamed"
    ACCOUNT_DISABLED = "accountDisabled"
    ACCOUNT_ENABLED = "accountEnabled"
    KEY_ADDED = "keyAdded"
    KEY_CHANGED = "keyChanged"
    KEY_ROTATED = "keyRotated"
    KEY_REVOKED = "keyRevoked"
    MEMBER_ADDED = "memberAdded"
    MEMBER_CHANGED = "memberChanged"
    MEMBER_REMOVED = "memberRemoved"
    MEMBER_SUSPENDED = "memberSuspended"
    MEMBER_RESUMED = "memberResumed"
    STRICT_GATES_SWITCHED = "strictGatesSwitched"
    LINK_MADE = "linkMade"


@dataclass(frozen=True, kw_only=True, slots=True)
class Doer:
    """Who administers: the actor, the request, and the scopes. Without scopes it is the command line, which may all."""

    actor: str
    request_id: str | None = None
    scopes: frozenset[str] | None = None

    @classmethod
    def of(cls, principal: Principal, request_id: str) -> "Doer":
        """Give whoever sent a request."""
        return cls(actor=principal.actor, request_id=request_id, scopes=principal.scopes)

    def check_covers(self, scopes: Collection[str], what: str) -> None:
        """Raise ``forbidden`` unless the doer has all these scopes. ``what`` begins the sentence about them."""
        if self.scopes is None:
            return
        lacking = sorted(set(scopes) - self.scopes)
        if lacking:
            raise PadronError(
                Code.FORBIDDEN,
                f"{what} {', '.join(lacking)}, which {self.actor} does not have. Nobody can give more than they have.",
            )


COMMAND_LINE = Doer(actor=actors.COMMAND_LINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What was done to what: a key, a member or the account, by its id. The details are for people."""

    type: ActType
    subject: str
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """A recorded deed. ``number`` counts the account's acts from 1."""

    number: int
    deed: Deed
    at: datetime
    by: str
    request_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """An account, and how much it has of what is limited. Keys that have ended do not count."""

    account_id: int
    name: str
    created_at: datetime
    vehicle_count: int
    key_count: int
    webhook_count: int
    operation_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPlace:
    """The last key of a page."""

    created_at: datetime
    key_id: str


FIRST_KEY = KeyPlace(created_at=datetime(1970, 1, 1, tzinfo=UTC), key_id="")  # before all keys
