"""Keys to try, and a directory that can be slow or fail, for the tests of who is believed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from padron.domain.account import ApiKey, KeyName, Scope
from padron.domain.errors import Code, PadronError
from padron.service.accounts import NewKey, add_key
from padron.service.authentication import Authenticator
from padron.service.runtime import Runtime
from padron.store.directory import Directory
from tests.cast import Cast

SCOPES = [Scope.VEHICLES_READ.value]


class SlowDirectory:
    """The directory of a real store, which waits before it looks a key up, and counts."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()
        self.find_count = 0
        self.list_count = 0
        self.renewed: list[int] = []  # how many keys each renewal asked for
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._directory, name)

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        self.find_count += 1
        self.entered.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return await self._directory.find_key(account_id, key_id)

    async def list_usable_secrets(self, now: datetime, limit: int) -> dict[str, bytes]:
        self.list_count += 1
        if self.error is not None:
            raise self.error
        return await self._directory.list_usable_secrets(now, limit)

    async def find_keys(self, keys: Sequence[KeyName]) -> list[ApiKey]:
        self.renewed.append(len(keys))
        self.entered.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return await self._directory.find_keys(keys)


async def make_key(runtime: Runtime, cast: Cast, expires_in: timedelta | None = None) -> NewKey:
    return await add_key(runtime, cast.acme.account, label="key", scopes=SCOPES, expires_in=expires_in)


def let_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Put the event loop's clock forward."""
    loop = asyncio.get_running_loop()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + seconds)


async def refuse(authenticator: Authenticator, token: str) -> PadronError:
    with pytest.raises(PadronError) as caught:
        await authenticator.authenticate(token)
    assert caught.value.code is Code.INVALID_TOKEN
    return caught.value
