"""Deletes expired data of the whole register: kept answers, imports, selections, refusals, runs, and sessions."""

from padron.domain.keeping import find_end
from padron.service.idempotency import delete_expired
from padron.service.imports.file_imports import clear_account
from padron.service.operations.old_runs import clear_runs
from padron.service.people.clearing import clear_people
from padron.service.runtime import Runtime
from padron.service.selections.reading import clear_selections


async def clear_register(runtime: Runtime) -> None:
    """Delete expired data, account by account, in small transactions. Raises ``store_unavailable``."""
    for account in await runtime.store.directory.list_accounts():
        await delete_expired(runtime, account.account_id)
        await clear_account(runtime, account.account_id)
        await clear_selections(runtime, account.account_id)
        await runtime.refusals.delete_old(account.account_id, find_end(runtime.ages.refusals, runtime.clock()))
        await clear_runs(runtime, account.account_id)
    await clear_people(runtime)
