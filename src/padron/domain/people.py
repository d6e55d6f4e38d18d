"""The people of the register: who they are, and what a role lets them do.

Nothing checks a role. A role is a fixed set of scopes, and every use case checks a scope.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

EMAIL_LENGTH_MAX = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
USER_NAME_LENGTH_MAX = 100

# Every part is bounded, so that a match takes linear time.
_match_email = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
).fullmatch
_LOCAL_LENGTH_MAX = 64


class Role(StrEnum):
    """What a member does in an account, from the least to the most."""

    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"
    OWNER = "owner"


_VIEWER = frozenset({Scope.VEHICLES_READ, Scope.CHANGES_READ, Scope.GATE_CHECK})
_EDITOR = _VIEWER | {Scope.VEHICLES_WRITE, Scope.VEHICLES_STATUS}
_MANAGER = _EDITOR | {
    Scope.VEHICLES_BULK, Scope.VEHICLES_REPAIR, Scope.OPERATIONS_RUN, Scope.OPERATIONS_MANAGE, Scope.WEBHOOKS_MANAGE,
}  # fmt: skip
_OWNER = _MANAGER | {Scope.VEHICLES_DELETE, Scope.VEHICLES_ERASE, Scope.ACCOUNT_MANAGE}

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {Role.VIEWER: _VIEWER, Role.EDITOR: _EDITOR, Role.MANAGER: _MANAGER, Role.OWNER: _OWNER}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person. ``email`` and ``name`` are None once the person was erased; the id stays in the history.

    ``is_break_glass`` marks somebody who may sign in with a password where all others use a provider.
    """

    user_id: str
    email: str | None
    name: str | None
    language: str | None
    time_zone: str | None
    theme: str | None
    is_break_glass: bool
    created_at: datetime
    disabled_at: datetime | None
    erased_at: datetime | None
    password_changed_at: datetime | None  # None: there is no password

    @property
    def is_active(self) -> bool:
        """Say whether the person may sign in at all."""
        return self.disabled_at is None and self.erased_at is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person in an account. Who is suspended is still a member, and cannot enter the account."""

    account_id: int
    user_id: str
    role: Role
    added_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """The same, as the person sees it: the account by its name."""

    account_id: int
    account_name: str
    role: Role
    suspended_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A user with the accounts, by name."""

    user: User
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountMember:
    """A member with the user, as an account's owner sees both."""

    user: User
    role: Role
    added_at: datetime
    suspended_at: datetime | None
    is_shared: bool  # the person is a member of another account too


def parse_email(text: str) -> str:
    """Give an e-mail address in the form in which it is kept and compared: without outer spaces, in small letters.

    Raises ``bad_parameters``. Only ASCII is taken, and before the case is folded: some letters beyond ASCII fold to
    ASCII ones, so that two addresses would become one.
    """
    trimmed = text.strip(" ")
    if not trimmed.isascii():
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The e-mail address {quote(text)} has a character that is not ASCII. Write the domain in its xn-- form; "
            "another part before the @ is not supported.",
        )
    email = trimmed.lower()
    if len(email) > EMAIL_LENGTH_MAX or not _match_email(email) or email.index("@") > _LOCAL_LENGTH_MAX:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The e-mail address {quote(text)} cannot be used. It needs the form name@example.com, with at most "
            f"{EMAIL_LENGTH_MAX} characters.",
        )
    return email


def parse_role(text: str) -> Role:
    """Give the role with this name. Raises ``bad_parameters``."""
    try:
        return Role(text)
    except ValueError:
        raise PadronError(
            Code.BAD_PARAMETERS, f"There is no role {quote(text)}: choose from {', '.join(Role)}."
        ) from None
