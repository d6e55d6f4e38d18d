"""The accounts that grants name, looked up by name and believed for as long as a key is.

So an account that is disabled, deleted or renamed refuses tokens within two seconds on every server.
"""

import asyncio

from padron.domain.account import Account
from padron.service.recent import Recent
from padron.store.directory import Directory

ACCOUNT_BELIEVED_S = 1.5
NAMES_KEPT = 1_000


class NamedAccounts:
    """The accounts that were looked up a moment ago."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._found: Recent[str, _LookedUp] = Recent(NAMES_KEPT)
        self._lookups: dict[str, asyncio.Task[Account | None]] = {}

    def give_known(self, name: str, now_s: float) -> int | None:
        """Give the id of an account that may act and was looked up a moment ago, else None."""
        found = self._found.get(name)
        if found is None or now_s - found.at_s > ACCOUNT_BELIEVED_S:
            return None
        return found.account_id

    async def find(self, name: str, now_s: float) -> int | None:
        """Give the id of an account that may act; None if it does not exist or is disabled."""
        found = self._found.get(name)
        if found is not None and now_s - found.at_s <= ACCOUNT_BELIEVED_S:
            return found.account_id
        task = self._lookups.get(name)
        if task is None:
            task = self._lookups[name] = asyncio.create_task(self._directory.find_account(name))
            task.add_done_callback(lambda _: self._lookups.pop(name, None))
        account = await asyncio.shield(task)  # if one caller hangs up, the others still need it
        may_act = account is not None and account.disabled_at is None and account.deleting_at is None
        account_id = account.account_id if account is not None and may_act else None
        self._found.set(name, _LookedUp(account_id, now_s))
        return account_id

    async def close(self) -> None:
        """Wait for look-ups."""
        if self._lookups:
            await asyncio.wait([*self._lookups.values()])


class _LookedUp:
    """The result of a look-up, and when it began."""

    __slots__ = ("account_id", "at_s")

    def __init__(self, account_id: int | None, at_s: float) -> None:
        self.account_id = account_id
        self.at_s = at_s
