"""Changes of people and sessions, in one open transaction."""

from datetime import datetime
from typing import cast

from padron.domain.errors import Code, PadronError
from padron.domain.people import Member, Membership, Role, User
from padron.domain.quoting import quote
from padron.domain.sessions import Invitation, KeptSession, SignInEvent
from padron.store.administration import AdministrationTransaction
from padron.store.people.openid import OpenIdTransaction
from padron.store.people.passkeys import PasskeyTransaction
from padron.store.people.rows import (
    INVITATION,
    KEPT_SESSION,
    MEMBER,
    SIGN_IN,
    Credentials,
    to_credentials,
    to_member,
    to_membership,
)
from padron.store.people.views import ViewTransaction
from padron.store.port import WritePort


class PeopleTransaction:
    """Whatever changes a person or opens a session locks the person first, then accounts in the order of their ids."""

    def __init__(self, port: WritePort) -> None:
        self._port = port
        self.openid = OpenIdTransaction(port)
        self.passkeys = PasskeyTransaction(port)
        self.views = ViewTransaction(port)

    async def add_user(self, user: User) -> None:
        """Add a person. Raises ``user_exists``."""
        added = await self._port.fetch(
            "insert_user", user.user_id, user.email, user.name, user.language, user.time_zone, user.is_break_glass,
            user.created_at,
        )  # fmt: skip
        if not added:
            raise _refuse_email(user.email)

    async def lock_user(self, user_id: str) -> Credentials | None:
        """Give a person with the hash of the password, locked."""
        rows = await self._port.fetch("lock_user", user_id)
        return to_credentials(rows[0], self._port.to_instant) if rows else None

    async def save_user(self, user: User) -> None:
        """Write what can be changed of a locked person. Raises ``user_exists`` when the e-mail address is taken."""
        saved = await self._port.fetch(
            "save_user", user.user_id, user.email, user.name, user.language, user.time_zone, user.is_break_glass,
            user.disabled_at, user.erased_at, user.theme,
        )  # fmt: skip
        if not saved:
            raise _refuse_email(user.email)

    async def set_password(self, user_id: str, password_hash: str | None, at: datetime) -> None:
        """Give a locked person another password, or take it away."""
        await self._port.fetch("set_password", user_id, password_hash, None if password_hash is None else at)

    async def renew_hash(self, user_id: str, before: str, after: str) -> None:
        """Keep the same password under another hash, unless the password changed meanwhile."""
        await self._port.fetch("renew_hash", user_id, before, after)

    def administer(self, account_id: int) -> AdministrationTransaction:
        """Give the administration of an account, in this same transaction."""
        return AdministrationTransaction(self._port, account_id)

    async def lock_members(self, account_id: int) -> bool:
        """Lock an account's members. Give False when there is no such account."""
        return bool(await self._port.fetch("lock_members", account_id))

    async def count_members(self, account_id: int) -> int:
        """Give the number of an account's members."""
        ((count,),) = await self._port.fetch("count_members", account_id)
        return cast("int", count)

    async def has_other_owner(self, account_id: int, user_id: str) -> bool:
        """Say whether somebody else is an owner of the account and may sign in. Its members must be locked."""
        ((count,),) = await self._port.fetch("count_other_owners", account_id, user_id)
        return bool(count)

    async def add_member(self, member: Member) -> bool:
        """Add a member. Give False when the person is one already."""
        values = MEMBER.order(
            {
                "account_id": member.account_id,
                "user_id": member.user_id,
                "role": member.role.value,
                "added_at": member.added_at,
                "suspended_at": member.suspended_at,
            }
        )
        if not await self._port.fetch("insert_member", *values):
            return False
        await self._port.fetch("note_known_person", member.account_id, member.user_id)
        return True

    async def find_member(self, account_id: int, user_id: str) -> Member | None:
        """Give a membership, if there is one."""
        rows = await self._port.fetch("find_member", account_id, user_id)
        return to_member(rows[0], self._port.to_instant) if rows else None

    async def change_member(self, account_id: int, user_id: str, role: Role) -> None:
        """Give a member another role."""
        await self._port.fetch("change_member", account_id, user_id, role.value)

    async def suspend_member(self, account_id: int, user_id: str, at: datetime) -> None:
        """Let a member not enter the account any more, and end the sessions in which the person is in it."""
        await self._port.fetch("suspend_member", account_id, user_id, at)
        await self._port.fetch("end_sessions_in_account", user_id, account_id)

    async def resume_member(self, account_id: int, user_id: str) -> None:
        """Let a member enter the account again."""
        await self._port.fetch("suspend_member", account_id, user_id, None)

    async def remove_member(self, account_id: int, user_id: str) -> None:
        """End a membership, with the person's own views, and the sessions in which the person is in this account."""
        await self._port.fetch("delete_member", account_id, user_id)
        await self.views.forget_member(account_id, user_id)
        await self._port.fetch("end_sessions_in_account", user_id, account_id)

    async def remove_memberships(self, user_id: str) -> None:
        """End all memberships of a person."""
        await self.views.forget_person(user_id)
        await self._port.fetch("delete_memberships", user_id)

    async def list_memberships(self, user_id: str) -> list[Membership]:
        """Give a person's accounts, by name."""
        return await self._list_memberships("list_memberships", user_id)

    async def list_enabled_memberships(self, user_id: str) -> list[Membership]:
        """Give the accounts that a person can enter, by name."""
        return await self._list_memberships("list_enabled_memberships", user_id)

    async def add_session(self, token_sha256: bytes, session: KeptSession, sessions_max: int) -> None:
        """Open a session. Where an actor then has too many, those that were not used for longest end."""
        values = KEPT_SESSION.order(
            {
                "session_id": session.session_id,
                "actor": session.actor,
                "account_id": session.account_id,
                "way": session.way.value,
                "created_at": session.created_at,
                "used_at": session.used_at,
                "ends_at": session.ends_at,
                "address": session.address,
                "agent": session.agent,
            }
        )
        await self._port.fetch("end_surplus_sessions", session.actor, sessions_max - 1)
        await self._port.fetch("insert_session", token_sha256, *values)

    async def move_session(self, actor: str, session_id: str, account_id: int) -> bool:
        """Choose another account for a session. Give False when the person is not a member, or the session ended."""
        return bool(await self._port.fetch("move_session", actor, session_id, account_id))

    async def end_session(self, actor: str, session_id: str) -> bool:
        """End one session of an actor. Give False when there is no such session."""
        return bool(await self._port.fetch("end_session", actor, session_id))

    async def end_other_sessions(self, actor: str, session_id: str = "") -> int:
        """End all sessions of an actor but one, or all, and give their number."""
        return len(await self._port.fetch("end_other_sessions", actor, session_id))

    async def add_invitation(self, token_sha256: bytes, invitation: Invitation) -> None:
        """Add a link in the place of those that the person did not use, if they were for the same."""
        named = {
            "user_id": invitation.user_id,
            "purpose": invitation.purpose.value,
            "created_by": invitation.created_by,
            "created_at": invitation.created_at,
            "expires_at": invitation.expires_at,
            "used_at": invitation.used_at,
        }
        await self._port.fetch("delete_replaced_invitations", invitation.user_id, invitation.purpose.value)
        await self._port.fetch("insert_invitation", token_sha256, *INVITATION.order(named)[:-1])

    async def use_invitation(self, token_sha256: bytes, at: datetime) -> bool:
        """Use a link. Give False when it was used before or is over. The person must be locked."""
        return bool(await self._port.fetch("use_invitation", token_sha256, at))

    async def end_invitations(self, user_id: str) -> None:
        """Remove the links that a person did not use."""
        await self._port.fetch("delete_unused_invitations", user_id)

    async def remove_invitations(self, user_id: str) -> None:
        """Remove all links of a person."""
        await self._port.fetch("delete_invitations", user_id)

    async def note_sign_in(self, event: SignInEvent) -> None:
        """Record an event."""
        values = SIGN_IN.order(
            {
                "actor": event.actor,
                "account_id": event.account_id,
                "kind": event.kind.value,
                "way": None if event.way is None else event.way.value,
                "at": event.at,
                "address": event.address,
                "agent": event.agent,
            }
        )
        await self._port.fetch("insert_sign_in", *values)

    async def forget_sign_ins(self, user_id: str) -> None:
        """Take a person's addresses and browsers out of the record."""
        await self._port.fetch("forget_sign_ins", user_id)

    async def _list_memberships(self, name: str, user_id: str) -> list[Membership]:
        return [to_membership(row, self._port.to_instant) for row in await self._port.fetch(name, user_id)]


def _refuse_email(email: str | None) -> PadronError:
    return PadronError(Code.USER_EXISTS, f"Another person already has the e-mail address {quote(email or '')}.")
