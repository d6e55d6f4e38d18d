"""Turns rows into the records of people and sessions, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from padron.domain.people import AccountMember, Member, Membership, Role, User
from padron.domain.sessions import (
    FoundSession,
    Invitation,
    InvitationPurpose,
    KeptSession,
    KeySession,
    NumberedSignIn,
    SignInEvent,
    SignInKind,
    SignInWay,
    UserSession,
)
from padron.store.port import Columns, Row, ToInstant, give_or_none

_KEY_NAMES = ("label", "scopes", "networks")  # what a session of a key takes from the key

USER = Columns(
    "user_id", "email", "name", "language", "time_zone", "theme", "is_break_glass", "created_at", "disabled_at",
    "erased_at", "password_changed_at",
)  # fmt: skip
CREDENTIALS = Columns(*USER.names, "password_hash")
MEMBER = Columns("account_id", "user_id", "role", "added_at", "suspended_at")
ACCOUNT_MEMBER = Columns(*USER.names, "role", "added_at", "suspended_at", "is_shared")
MEMBERSHIP = Columns("account_id", "account_name", "role", "suspended_at")
KEPT_SESSION = Columns(
    "session_id", "actor", "account_id", "way", "created_at", "used_at", "ends_at", "address", "agent"
)  # fmt: skip
FOUND_SESSION = Columns(*KEPT_SESSION.names, *USER.names, *_KEY_NAMES, *MEMBERSHIP.names)
INVITATION = Columns("user_id", "purpose", "created_by", "created_at", "expires_at", "used_at")
SIGN_IN = Columns("actor", "account_id", "kind", "way", "at", "address", "agent")
NUMBERED_SIGN_IN = Columns("number", *SIGN_IN.names)

_KEPT = slice(0, len(KEPT_SESSION.names))
_USER = slice(_KEPT.stop, _KEPT.stop + len(USER.names))
_KEY = slice(_USER.stop, _USER.stop + len(_KEY_NAMES))
_MEMBERSHIP = slice(_KEY.stop, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A user with the hash of the password; None without one. Only the check of a password may see it."""

    user: User
    password_hash: str | None


def to_user(row: Row, to_instant: ToInstant) -> User:
    """Give the user of a row."""
    named = USER.name(row)
    return User(
        user_id=named["user_id"],
        email=named["email"],
        name=named["name"],
        language=named["language"],
        time_zone=named["time_zone"],
        theme=named["theme"],
        is_break_glass=bool(named["is_break_glass"]),
        created_at=to_instant(named["created_at"]),
        disabled_at=give_or_none(to_instant, named["disabled_at"]),
        erased_at=give_or_none(to_instant, named["erased_at"]),
        password_changed_at=give_or_none(to_instant, named["password_changed_at"]),
    )


def to_credentials(row: Row, to_instant: ToInstant) -> Credentials:
    """Give the user and the hash of a row."""
    return Credentials(user=to_user(row[:-1], to_instant), password_hash=row[-1])


def to_member(row: Row, to_instant: ToInstant) -> Member:
    """Give the member of a row."""
    named = MEMBER.name(row)
    return Member(
        account_id=named["account_id"],
        user_id=named["user_id"],
        role=Role(named["role"]),
        added_at=to_instant(named["added_at"]),
        suspended_at=give_or_none(to_instant, named["suspended_at"]),
    )


def to_account_member(row: Row, to_instant: ToInstant) -> AccountMember:
    """Give the member with the user of a row."""
    role, added_at, suspended_at, is_shared = row[len(USER.names) :]
    return AccountMember(
        user=to_user(row[: len(USER.names)], to_instant),
        role=Role(role),
        added_at=to_instant(added_at),
        suspended_at=give_or_none(to_instant, suspended_at),
        is_shared=bool(is_shared),
    )


def to_membership(row: Row, to_instant: ToInstant) -> Membership:
    """Give the membership of a row."""
    account_id, account_name, role, suspended_at = row
    return Membership(
        account_id=account_id,
        account_name=account_name,
        role=Role(role),
        suspended_at=give_or_none(to_instant, suspended_at),
    )


def to_kept_session(row: Row, to_instant: ToInstant) -> KeptSession:
    """Give the session of a row."""
    named = KEPT_SESSION.name(row)
    return KeptSession(
        session_id=named["session_id"],
        actor=named["actor"],
        account_id=named["account_id"],
        way=SignInWay(named["way"]),
        created_at=to_instant(named["created_at"]),
        used_at=to_instant(named["used_at"]),
        ends_at=to_instant(named["ends_at"]),
        address=named["address"],
        agent=named["agent"],
    )


def to_found_session(rows: Sequence[Row], to_instant: ToInstant) -> FoundSession | None:
    """Give the session of the rows that ``find_session`` gives; None without a row or without the chosen account."""
    if not rows:
        return None
    kept = to_kept_session(rows[0][_KEPT], to_instant)
    if rows[0][_USER][0] is None:
        label, scopes, networks = rows[0][_KEY]
        _, account_name, *_ = rows[0][_MEMBERSHIP]
        key = KeySession(
            account_name=account_name,
            label=label,
            scopes=frozenset(scopes.split()),
            networks=tuple(map(ip_network, networks.split())),
        )
        return FoundSession(kept=kept, holder=key)
    memberships = tuple(to_membership(row[_MEMBERSHIP], to_instant) for row in rows)
    if kept.account_id not in {membership.account_id for membership in memberships}:
        return None
    return FoundSession(
        kept=kept, holder=UserSession(user=to_user(rows[0][_USER], to_instant), memberships=memberships)
    )


def to_invitation(row: Row, to_instant: ToInstant) -> Invitation:
    """Give the invitation of a row."""
    named = INVITATION.name(row)
    return Invitation(
        user_id=named["user_id"],
        purpose=InvitationPurpose(named["purpose"]),
        created_by=named["created_by"],
        created_at=to_instant(named["created_at"]),
        expires_at=to_instant(named["expires_at"]),
        used_at=give_or_none(to_instant, named["used_at"]),
    )


def to_sign_in(row: Row, to_instant: ToInstant) -> NumberedSignIn:
    """Give the event of a row."""
    named = NUMBERED_SIGN_IN.name(row)
    way = named["way"]
    event = SignInEvent(
        actor=named["actor"],
        account_id=named["account_id"],
        kind=SignInKind(named["kind"]),
        way=None if way is None else SignInWay(way),
        at=to_instant(named["at"]),
        address=named["address"],
        agent=named["agent"],
    )
    return NumberedSignIn(number=named["number"], event=event)
