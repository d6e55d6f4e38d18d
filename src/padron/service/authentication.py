"""Turns a bearer token into a principal.

A key that was looked up is believed for one second, no longer: a key that is added, revoked or expired elsewhere
counts within two.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from padron.domain.account import ApiKey, Principal, hash_secret, parse_credential
from padron.domain.errors import Code, PadronError
from padron.store.base import Directory

BELIEVED_S = 1.0
ENTRIES_MAX = 10_000
LAST_USE_STEP = timedelta(hours=1)  # how coarse the last use of a key is kept


@dataclass(slots=True, eq=False)
class _Entry:
    looked_up_at_s: float
    lookup: asyncio.Task[tuple[ApiKey, Principal]]


class Authenticator:
    """Knows the keys that were used in the last second, by the digest of the whole token."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._entries: dict[bytes, _Entry] = {}
        self._touches: set[asyncio.Task[None]] = set()

    async def authenticate(self, token: str) -> Principal:
        """Give the principal of a token. Raises ``invalid_token``, the same for every way of being invalid."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        loop = asyncio.get_running_loop()
        entry = self._entries.get(digest)
        if entry is None or loop.time() - entry.looked_up_at_s > BELIEVED_S:
            if len(self._entries) >= ENTRIES_MAX:
                self._entries.clear()
            entry = _Entry(loop.time(), loop.create_task(self._look_up(token)))
            self._entries[digest] = entry
        try:
            # Shielded: one caller that hangs up must not take the look-up from the others.
            key, principal = entry.lookup.result() if entry.lookup.done() else await asyncio.shield(entry.lookup)
        except Exception:
            if self._entries.get(digest) is entry:
                del self._entries[digest]
            raise
        if not key.is_usable(self._clock()):
            raise _give_invalid()
        return principal

    async def close(self) -> None:
        """Wait for notes of last use that are being written."""
        for task in [*self._touches, *(entry.lookup for entry in self._entries.values())]:
            with suppress(Exception):
                await task

    async def _look_up(self, token: str) -> tuple[ApiKey, Principal]:
        credential = parse_credential(token)
        if credential is None:
            raise _give_invalid()
        key = await self._directory.find_key(credential.account_id, credential.key_id)
        digest = hash_secret(credential.secret)
        if key is None or not hmac.compare_digest(key.secret_sha256, digest):
            raise _give_invalid()
        now = self._clock()
        if key.is_usable(now) and (key.last_used_at is None or now - key.last_used_at > LAST_USE_STEP):
            task = asyncio.create_task(self._touch(key, now))
            self._touches.add(task)
            task.add_done_callback(self._touches.discard)
        return key, Principal(account_id=key.account_id, actor=key.key_id, scopes=key.scopes)

    async def _touch(self, key: ApiKey, now: datetime) -> None:
        with suppress(PadronError):  # the last use is a convenience: it must not fail a call
            await self._directory.touch_key(key.account_id, key.key_id, now)


def _give_invalid() -> PadronError:
    return PadronError(Code.INVALID_TOKEN, "The API key is not valid: it is unknown, revoked or expired.")
