"""People, their sessions and the record of sign-ins, as the server reads and changes them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from padron.domain.passkeys import Passkey
from padron.domain.people import AccountMember, Membership, User
from padron.domain.sessions import FoundSession, Invitation, KeptSession, NumberedSignIn, SignInKind, Visitor
from padron.store.people.passkeys import to_passkey
from padron.store.people.rows import (
    Credentials,
    to_account_member,
    to_credentials,
    to_found_session,
    to_invitation,
    to_kept_session,
    to_membership,
    to_sign_in,
    to_user,
)
from padron.store.people.transaction import PeopleTransaction
from padron.store.people.views import ViewBoard
from padron.store.port import BoardPort, Row, WritePort

_SIGNED_IN = SignInKind.SIGNED_IN.value

T = TypeVar("T")


class People:
    """The people of the register. They belong to the server, like accounts and keys."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port
        self.views = ViewBoard(port)

    async def write(self, work: Callable[[PeopleTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction, with the promises of ``Store.write``."""

        async def run(port: WritePort) -> T:
            return await work(PeopleTransaction(port))

        return await self._port.write(run)

    async def find_user(self, user_id: str) -> User | None:
        """Give a person by the id."""
        rows = await self._port.read_point("find_user", user_id)
        return to_user(rows[0], self._port.to_instant) if rows else None

    async def find_credentials(self, email: str) -> Credentials | None:
        """Give the person with an e-mail address, with the hash of the password."""
        rows = await self._port.read_point("find_user_by_email", email)
        return to_credentials(rows[0], self._port.to_instant) if rows else None

    async def list_users(self, after: str, limit: int) -> list[User]:
        """Give people whose id is higher than another one, by id."""
        rows = await self._port.read_page("list_users", after, limit)
        return [to_user(row, self._port.to_instant) for row in rows]

    async def list_memberships(self, user_id: str) -> list[Membership]:
        """Give a person's accounts, by name, disabled ones included."""
        rows = await self._port.read_point("list_memberships", user_id)
        return [to_membership(row, self._port.to_instant) for row in rows]

    async def list_members(self, account_id: int) -> list[AccountMember]:
        """Give an account's members, by e-mail address."""
        rows = await self._port.read_page("list_members", account_id)
        return [to_account_member(row, self._port.to_instant) for row in rows]

    async def find_session(self, token_sha256: bytes, now: datetime, used_since: datetime) -> FoundSession | None:
        """Give a live session with whom it belongs to, in one statement. It must have been used since an instant."""
        rows = await self._port.read_point("find_session", token_sha256, now, used_since)
        return to_found_session(rows, self._port.to_instant)

    async def touch_session(self, token_sha256: bytes, at: datetime, visitor: Visitor) -> None:
        """Note when, and from where, a session was last used."""
        await self._run("touch_session", token_sha256, at, visitor.address, visitor.give_agent())

    async def list_sessions(self, actor: str, now: datetime, used_since: datetime) -> list[KeptSession]:
        """Give the live sessions of an actor, the one that was used last first."""
        rows = await self._port.read_point("list_sessions", actor, now, used_since)
        return [to_kept_session(row, self._port.to_instant) for row in rows]

    async def count_sessions(self, now: datetime, used_since: datetime, limit: int) -> int:
        """Give the number of live sessions of everybody, at most ``limit``."""
        ((count,),) = await self._port.read_page("count_sessions", now, used_since, limit)
        return int(count)

    async def find_invitation(self, token_sha256: bytes) -> Invitation | None:
        """Give an invitation, used and expired ones included."""
        rows = await self._port.read_point("find_invitation", token_sha256)
        return to_invitation(rows[0], self._port.to_instant) if rows else None

    async def find_passkey(self, credential_id: bytes) -> Passkey | None:
        """Give a passkey."""
        rows = await self._port.read_point("find_passkey", credential_id)
        return to_passkey(rows[0], self._port.to_instant) if rows else None

    async def list_passkeys(self, user_id: str) -> list[Passkey]:
        """Give a person's passkeys, the oldest first."""
        rows = await self._port.read_point("list_passkeys", user_id)
        return [to_passkey(row, self._port.to_instant) for row in rows]

    async def list_identity_issuers(self, user_id: str) -> list[str]:
        """Give the providers at which a person has an identity."""
        return [row[0] for row in await self._port.read_point("list_identity_issuers", user_id)]

    async def list_sign_ins_of_actor(self, actor: str, before: int, limit: int) -> list[NumberedSignIn]:
        """Give an actor's events before a number, the last one first."""
        rows = await self._port.read_page("list_sign_ins_of_actor", actor, before, limit)
        return [to_sign_in(row, self._port.to_instant) for row in rows]

    async def list_sign_in_addresses(self, actor: str, event_count: int) -> list[str]:
        """Give the addresses from which an actor signed in, as far as so many of the actor's last events say."""
        return [row[0] for row in await self._port.read_page("list_sign_in_addresses", actor, event_count, _SIGNED_IN)]

    async def list_sign_ins_of_account(self, account_id: int, before: int, limit: int) -> list[NumberedSignIn]:
        """Give an account's events before a number, the last one first."""
        rows = await self._port.read_page("list_sign_ins_of_account", account_id, before, limit)
        return [to_sign_in(row, self._port.to_instant) for row in rows]

    async def delete_ended_sessions(self, now: datetime, limit: int) -> int:
        """Delete a portion of the sessions that have ended, and give their number."""
        return len(await self._run("delete_ended_sessions", now, limit))

    async def delete_ended_invitations(self, now: datetime, limit: int) -> int:
        """Delete a portion of the links that are over, and give their number."""
        return len(await self._run("delete_ended_invitations", now, limit))

    async def delete_old_sign_ins(self, before: datetime, limit: int) -> int:
        """Delete a portion of the events before an instant, and give their number."""
        return len(await self._run("delete_old_sign_ins", before, limit))

    async def delete_surplus_sign_ins(self, kept: int, limit: int) -> int:
        """Delete a portion of the attempts by unknown people, but for the last ones, and give their number."""
        return len(await self._run("delete_surplus_sign_ins", kept, limit))

    async def _run(self, name: str, *parameters: object) -> Sequence[Row]:
        async def work(port: WritePort) -> Sequence[Row]:
            return await port.fetch(name, *parameters)

        return await self._port.write(work)
