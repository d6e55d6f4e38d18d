"""Removes an account from all tables, a bounded portion in each transaction."""

from datetime import datetime

from padron.store.port import WritePort

# In an order in which they can be emptied: a row that another one names goes after it. A test compares the names with
# the tables that each engine has.
REMOVED_TABLES = (
    "api_keys",
    "administration",
    "chosen_views",
    "saved_views",
    "provided_members",
    "members",
    "known_people",
    "sessions",
    "sign_ins",
    "idempotency_keys",
    "idempotency_totals",
    "planned_changes",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "import_parts",
    "import_refusals",
    "import_mappings",
    "imports",
    "selected_vehicles",
    "selection_faults",
    "selections",
    "results",
    "work",
    "refusals",
    "runs",
    "operations",
    "gate_leases",
    "gate_refusals",
    "last_change_marks",
    "last_changes",
    "changes",
    "search_texts",
    "versions",
    "identities",
    "vehicles",
)


class RemovalTransaction:
    """The removal of one account, in its open transaction."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def begin(self, at: datetime) -> bool:
        """Note that the account is being deleted. Give False when there is no such account any more."""
        return bool(await self._port.fetch("begin_removal", at))

    async def remove_rows(self, table: str, limit: int) -> int:
        """Remove at most ``limit`` rows of a table of ``REMOVED_TABLES``, and give their number.

        Raises ``RowNamedError`` when somebody has just written a row that names one of them.
        """
        return await self._port.remove(f"remove_{table}", limit)

    async def end(self, at: datetime) -> bool:
        """Remove the account itself, and note that there was one. Give False when it still has any row.

        Raises ``RowNamedError`` when somebody has just written a row of the account.
        """
        await self._port.fetch("hold_counter")
        for table in REMOVED_TABLES:
            if await self.remove_rows(table, 1):
                return False
        await self._port.fetch("remove_counter")
        await self._port.fetch("note_former_account", at)
        await self._port.remove("remove_account")
        return True
