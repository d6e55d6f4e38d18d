"""What is over in the register as a whole: Idempotency-Keys, imports, and refusals of the gate."""

from padron.service.idempotency import delete_expired
from padron.service.imports.file_imports import clear_account
from padron.service.runtime import Runtime


async def clear_register(runtime: Runtime) -> None:
    """Delete what is over, account by account, some in a transaction. Raises ``store_unavailable``."""
    for account in await runtime.store.directory.list_accounts():
        await delete_expired(runtime, account.account_id)
        await clear_account(runtime, account.account_id)
        await runtime.refusals.delete_old(account.account_id, runtime.clock())
