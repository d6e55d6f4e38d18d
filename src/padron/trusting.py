"""Joins the file of identity providers, the fetches of their documents, and the check of access tokens."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from padron.config import Settings, SettingsError
from padron.delivery.documents import ProviderDocuments
from padron.domain.providers import NO_PROVIDERS, Providers
from padron.hangups import HANGUPS
from padron.provider_files import read_providers
from padron.service.runtime import Runtime

_log = logging.getLogger("padron.providers")


def load_providers(settings: Settings) -> Providers:
    """Give the providers of the settings. Raises ``SettingsError``."""
    return read_providers(Path(settings.providers)) if settings.providers else NO_PROVIDERS


@asynccontextmanager
async def trust(settings: Settings, runtime: Runtime) -> AsyncIterator[None]:
    """Take access tokens of the configured providers during the block, and read the file again at SIGHUP."""
    if not settings.providers:
        yield
        return
    tokens, source = runtime.authenticator.access_tokens, ProviderDocuments()
    changes: set[asyncio.Task[None]] = set()

    def change() -> None:
        try:
            providers = load_providers(settings)
        except SettingsError as error:
            _log.error("The identity providers stay as they were: %s", error)
            return
        task = asyncio.create_task(tokens.use(providers, source))
        changes.add(task)
        task.add_done_callback(changes.discard)
        _log.info("Read the identity providers again: %s", _list_names(providers))

    await tokens.use(load_providers(settings), source)
    with HANGUPS.heard_by(change):
        yield
    for task in [*changes]:
        await task


def _list_names(providers: Providers) -> str:
    return ", ".join(provider.name for provider in providers.listed)
