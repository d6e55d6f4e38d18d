"""Passkeys, and the challenges that browsers sign, in one open transaction."""

from datetime import datetime

from padron.domain.passkeys import CHALLENGES_MAX, NETWORK_CHALLENGES_MAX, Challenge, Passkey
from padron.store.port import Columns, Row, ToInstant, WritePort, give_or_none

PASSKEY = Columns("credential_id", "user_id", "host", "public_key", "sign_count", "name", "added_at", "used_at")


class PasskeyTransaction:
    """Changes of passkeys. Whatever adds, uses or removes one locks the person first, as everywhere."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def add_challenge(self, challenge: Challenge, network: str, now: datetime, expires_at: datetime) -> bool:
        """Store what a browser is asked to sign, and forget what is over. Give False for too many."""
        await self._port.fetch("delete_ended_passkey_challenges", now)
        return bool(
            await self._port.fetch(
                "insert_passkey_challenge",
                challenge.sha256,
                network,
                expires_at,
                NETWORK_CHALLENGES_MAX,
                CHALLENGES_MAX,
            )
        )

    async def take_challenge(self, challenge: Challenge, now: datetime) -> bool:
        """Forget a challenge, so that nobody uses it again. Give False for one that was used or is over."""
        rows = await self._port.fetch("take_passkey_challenge", challenge.sha256)
        return bool(rows) and now < self._port.to_instant(rows[0][0])

    async def add(self, passkey: Passkey) -> bool:
        """Add a passkey. Give False when the register knows its credential."""
        values = PASSKEY.order({name: getattr(passkey, name) for name in PASSKEY.names})
        return bool(await self._port.fetch("insert_passkey", *values))

    async def find(self, credential_id: bytes) -> Passkey | None:
        """Give a passkey."""
        rows = await self._port.fetch("find_passkey", credential_id)
        return to_passkey(rows[0], self._port.to_instant) if rows else None

    async def list_of(self, user_id: str) -> list[Passkey]:
        """Give a person's passkeys, the oldest first."""
        return [to_passkey(row, self._port.to_instant) for row in await self._port.fetch("list_passkeys", user_id)]

    async def touch(self, credential_id: bytes, sign_count: int, at: datetime) -> None:
        """Note that a passkey was used."""
        await self._port.fetch("touch_passkey", credential_id, sign_count, at)

    async def remove(self, user_id: str, credential_id: bytes) -> bool:
        """Take a passkey of a person away. Give False when the person does not have it."""
        return bool(await self._port.fetch("delete_passkey", credential_id, user_id))

    async def remove_all(self, user_id: str) -> int:
        """Take all passkeys of a person away, and give their number."""
        return len(await self._port.fetch("delete_passkeys", user_id))

    async def list_issuers(self, user_id: str) -> list[str]:
        """Give the providers at which a person has an identity."""
        return [row[0] for row in await self._port.fetch("list_identity_issuers", user_id)]

    async def hold_session(self, user_id: str, session_id: str) -> bool:
        """Keep a session from being ended until the end of the transaction. Give False when it was ended."""
        return bool(await self._port.fetch("hold_session", user_id, session_id))


def to_passkey(row: Row, to_instant: ToInstant) -> Passkey:
    """Give the passkey of a row."""
    named = PASSKEY.name(row)
    return Passkey(
        credential_id=bytes(named["credential_id"]),
        user_id=named["user_id"],
        host=named["host"],
        public_key=bytes(named["public_key"]),
        sign_count=named["sign_count"],
        name=named["name"],
        added_at=to_instant(named["added_at"]),
        used_at=give_or_none(to_instant, named["used_at"]),
    )
