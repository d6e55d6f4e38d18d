"""Who people are at identity providers, in one open transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from padron.store.port import WritePort


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingSignIn:
    """A sign-in that has gone to a provider. ``wanted`` is the page that the person wanted to see."""

    provider: str
    wanted: str
    expires_at: datetime


class OpenIdTransaction:
    """Changes of identities. Whatever changes a person's memberships locks the person first, as everywhere."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def add_pending(self, state_sha256: bytes, pending: PendingSignIn, now: datetime, pending_max: int) -> bool:
        """Store a sign-in that goes to a provider, and forget those that are over. Give False for too many."""
        await self._port.fetch("delete_ended_pending_sign_ins", now)
        return bool(
            await self._port.fetch(
                "insert_pending_sign_in",
                state_sha256,
                pending.provider,
                pending.wanted,
                pending.expires_at,
                pending_max,
            )
        )

    async def take_pending(self, state_sha256: bytes) -> PendingSignIn | None:
        """Give a sign-in that comes back, and forget it, so that it cannot come back again."""
        rows = await self._port.fetch("take_pending_sign_in", state_sha256)
        if not rows:
            return None
        provider, wanted, expires_at = rows[0]
        return PendingSignIn(provider=provider, wanted=wanted, expires_at=self._port.to_instant(expires_at))

    async def find_identity(self, issuer: str, subject: str) -> str | None:
        """Give the id of the person behind an identity."""
        rows = await self._port.fetch("find_user_identity", issuer, subject)
        return cast("str", rows[0][0]) if rows else None

    async def add_identity(self, issuer: str, subject: str, user_id: str, at: datetime) -> bool:
        """Give a person another identity. Give False when somebody has it."""
        return bool(await self._port.fetch("insert_user_identity", issuer, subject, user_id, at))

    async def touch_identity(self, issuer: str, subject: str, at: datetime) -> None:
        """Note that an identity was used."""
        await self._port.fetch("touch_user_identity", issuer, subject, at)

    async def remove_identities(self, user_id: str) -> None:
        """Take all identities of a person away."""
        await self._port.fetch("delete_user_identities", user_id)

    async def list_provided(self, user_id: str, issuer: str) -> list[int]:
        """Give the accounts in which a person is because an issuer says so."""
        return [row[0] for row in await self._port.fetch("list_provided_members", user_id, issuer)]

    async def note_provided(self, account_id: int, user_id: str, issuer: str) -> None:
        """Note that a new membership comes from an issuer."""
        await self._port.fetch("insert_provided_member", account_id, user_id, issuer)
