"""All usable keys of the register, in memory, but only while somebody floods the server with invalid ones.

An address that sent too many invalid keys may try no other one. Its valid keys must not suffer for this: such as those
of other clients behind the same proxy. So a key is compared with this list before it is refused. The list is read at
most twice a minute, whatever is sent.
"""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from padron.domain.account import hash_secret, parse_credential
from padron.domain.errors import PadronError
from padron.store.directory import Directory

LISTED_MAX = 20_000  # the keys that were used last
LISTED_EVERY_S = 30.0


class UsableKeys:
    """The digests of the secrets of usable keys, by the key's id."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._secrets: dict[str, bytes] = {}
        self._listed_at_s: float | None = None
        self._listing: asyncio.Task[None] | None = None

    async def has(self, token: str, now_s: float) -> bool:
        """Say whether a token was usable when the keys were listed last. A caller must still look it up."""
        credential = parse_credential(token)
        if credential is None:
            return False
        await self._list(now_s)
        secret_sha256 = self._secrets.get(credential.key_id)
        return secret_sha256 is not None and hmac.compare_digest(secret_sha256, hash_secret(credential.secret))

    async def close(self) -> None:
        """Wait for a list that is being read."""
        if self._listing is not None:
            await asyncio.wait([self._listing])

    async def _list(self, now_s: float) -> None:
        if self._listing is None and (self._listed_at_s is None or now_s - self._listed_at_s > LISTED_EVERY_S):
            self._listed_at_s = now_s
            self._listing = asyncio.create_task(self._read(), name="padron-usable-keys")
        if self._listing is not None:
            await asyncio.wait([self._listing])

    async def _read(self) -> None:
        try:
            with suppress(PadronError):  # the list from before is better than none
                self._secrets = await self._directory.list_usable_secrets(self._clock(), LISTED_MAX)
        finally:
            self._listing = None
