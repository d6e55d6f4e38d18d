"""Deletes a whole account while servers run: in portions, with pauses, so that nobody else waits.

The account is disabled first. Once nobody can act for it any more, the rows of each table go, and the account itself
goes last, in the transaction that has looked whether anything is left. So a deletion that was interrupted can be run
again, and it continues where it stopped.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from padron.domain.account import Account
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.port import RowNamedError
from padron.store.removal import REMOVED_TABLES

# From the disabling of an account until nobody acts for it: two seconds of a key, and what was on its way to the store.
QUIET_AFTER = timedelta(seconds=5)
PORTION_ROWS_MIN = 10
PORTION_ROWS_MAX = 2_000
PORTION_S = 0.02  # wanted: on SQLite nobody else writes meanwhile
REST_S_MAX = 0.5
# Somebody who began before the account was disabled may still write, so all tables are looked at again. Two minutes are
# longer than any call lasts.
ROUNDS_MAX = 600
PAUSE_S = 0.2

Tell = Callable[[int], None]


async def find_account_to_delete(runtime: Runtime, name: str) -> Account:
    """Give an account by name, even one that is being deleted. Raises ``account_not_found``."""
    account = await runtime.store.directory.find_account(name)
    if account is None:
        raise PadronError(Code.ACCOUNT_NOT_FOUND, f"There is no account named {quote(name)}.")
    return account


async def await_quiet(runtime: Runtime, account: Account) -> None:
    """Disable an account, and return when no server acts for it any more."""
    began = runtime.clock()
    await runtime.store.directory.disable_account(account.account_id, began, runtime.operator)
    disabled_at = began if account.disabled_at is None else account.disabled_at
    left = QUIET_AFTER - (began - disabled_at)
    await asyncio.sleep(max(left.total_seconds(), 0.0))


async def delete_account(runtime: Runtime, account: Account, tell: Tell) -> int:
    """Delete everything of a disabled account that nobody acts for, then the account, and give the number of rows.

    ``tell`` is called with the number of rows so far. Raises ``store_unavailable`` when somebody does not stop writing.
    """
    at = runtime.clock()

    async def begin(transaction: WriteTransaction) -> bool:
        return await transaction.removal.begin(at)

    async def end(transaction: WriteTransaction) -> bool:
        return await transaction.removal.end(at)

    async def end_leases(transaction: WriteTransaction) -> float:
        return await transaction.gate_leases.mark_all()

    await runtime.store.write(account.account_id, begin)
    await asyncio.sleep(await runtime.store.write(account.account_id, end_leases))  # local gates answer until then
    pace = _Pace()
    removed = 0
    for _ in range(ROUNDS_MAX):
        with suppress(RowNamedError):  # then another round finds what somebody wrote meanwhile
            for table in REMOVED_TABLES:
                while count := await _remove_portion(runtime, account, table, pace):
                    removed += count
                    tell(removed)
            if await runtime.store.write(account.account_id, end):
                return removed
        await asyncio.sleep(PAUSE_S)
    raise PadronError(
        Code.STORE_UNAVAILABLE,
        f"Somebody still writes to the account {quote(account.name)}. Stop it, and run the command again.",
    )


class _Pace:
    """How many rows go in one transaction: as many as take about ``PORTION_S``."""

    def __init__(self) -> None:
        self.rows = PORTION_ROWS_MIN

    def learn(self, took_s: float) -> None:
        """Adapt to the time that a portion took. A slow portion counts at once, a fast one step by step."""
        if took_s > 2 * PORTION_S:
            self.rows = max(self.rows // 2, PORTION_ROWS_MIN)
        elif took_s < PORTION_S / 2:
            self.rows = min(self.rows * 2, PORTION_ROWS_MAX)


async def _remove_portion(runtime: Runtime, account: Account, table: str, pace: _Pace) -> int:
    clock = asyncio.get_running_loop().time

    async def work(transaction: WriteTransaction) -> int:
        return await transaction.removal.remove_rows(table, pace.rows)

    began_s = clock()
    count = await runtime.store.write(account.account_id, work)
    if count:  # an empty table costs nearly nothing, and nothing is learned from it
        took_s = clock() - began_s
        pace.learn(took_s)
        await asyncio.sleep(min(took_s, REST_S_MAX))  # at least half of the time belongs to the others
    return count
