"""Clears away what is over, in all accounts, from time to time: Idempotency-Keys, imports, and refusals of the gate."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from padron.domain.errors import PadronError
from padron.service.accounts import list_accounts
from padron.service.idempotency import delete_expired
from padron.service.imports.file_imports import clear_account
from padron.service.runtime import Runtime

CLEAR_EVERY_S = 600.0

_log = logging.getLogger("padron.clearing")


@asynccontextmanager
async def run_clearing(runtime: Runtime) -> AsyncIterator[None]:
    """Clear away what is over as long as the block runs."""
    task = asyncio.create_task(_clear(runtime), name="padron-clearing")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _clear(runtime: Runtime) -> None:
    while True:
        await asyncio.sleep(CLEAR_EVERY_S)
        try:
            for account in await list_accounts(runtime):
                await delete_expired(runtime, account.account_id)
                await clear_account(runtime, account.account_id)
                await runtime.refusals.delete_old(account.account_id, runtime.clock())
        except PadronError as error:
            _log.warning("what is over waits to be cleared away: %s", error.detail)
        except Exception:  # noqa: BLE001 - nobody waits for this task
            _log.exception("what is over waits to be cleared away")
