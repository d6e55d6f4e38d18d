"""Fills databases that stay: what a former run has made is used again, with new keys.

A fleet's name says how large it is, so a run with other sizes makes fleets of its own.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from bench import fleet
from bench.fleet import Listed
from padron.config import read_settings
from padron.domain.account import Account, Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.service import accounts
from padron.service.runtime import Runtime
from padron.service.vehicles.counting import count_vehicles
from padron.wiring import migrate_database, use_runtime

KEY_LASTS = timedelta(days=1)  # an account has a limited number of keys, and each run makes one
_SCOPES = [scope.value for scope in Scope]
_LIST_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()"


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSize:
    """How many accounts a fleet has, and how many vehicles each of them."""

    name: str
    accounts: int
    each: int

    def name_account(self, place: int) -> str:
        """Give the name of one account."""
        return f"{self.name}-{self.accounts}x{self.each}-{place}"


async def prepare(url: str, sizes: list[FleetSize]) -> list[list[Listed]]:
    """Bring the schema up to date and give the fleets, with those made that are not there."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    async with use_runtime(settings) as runtime:
        fleets = [[await _provide(runtime, size, place) for place in range(size.accounts)] for size in sizes]
    await _analyze(url)
    return fleets


def add_empty_account_now(url: str, name: str) -> Listed:
    """Make an account without vehicles."""
    return asyncio.run(_add_empty_account(url, name))


async def _add_empty_account(url: str, name: str) -> Listed:
    async with use_runtime(read_settings({"PADRON_DATABASE_URL": url})) as runtime:
        account = await accounts.add_account(runtime, name)
        return {"token": await _add_key(runtime, account), "vins": []}


async def _provide(runtime: Runtime, size: FleetSize, place: int) -> Listed:
    name = size.name_account(place)
    vins = fleet.list_vins(place, size.each)
    try:
        account = await accounts.get_account(runtime, name)
    except PadronError as error:
        if error.code is not Code.ACCOUNT_NOT_FOUND:
            raise
        account = await accounts.add_account(runtime, name)
        await fleet.register_all(runtime, account, vins)
    else:
        await _check_whole(runtime, account, size)
    return {"token": await _add_key(runtime, account), "vins": vins}


async def _check_whole(runtime: Runtime, account: Account, size: FleetSize) -> None:
    principal = Principal(account_id=account.account_id, actor="bench", scopes=frozenset(Scope))
    found = (await count_vehicles(runtime, principal, VehicleQuery(filters={}))).count
    if found != size.each:
        raise SystemExit(
            f"The account {account.name} has {found:,} vehicles instead of {size.each:,}, because an earlier run was "
            f"interrupted. Delete it with `padron accounts delete {account.name}`."
        )


async def _add_key(runtime: Runtime, account: Account) -> str:
    key = await accounts.add_key(runtime, account, label="bench", scopes=_SCOPES, expires_in=KEY_LASTS)
    return key.token


async def _analyze(url: str) -> None:
    """Make the statistics that autovacuum would make some minutes later.

    Each table is named, because Citus then analyzes it on all nodes. Each has a statement of its own, because Citus
    does not analyze copied tables after others in one transaction.
    """
    connection: Any = await asyncpg.connect(url)
    try:
        for (table,) in await connection.fetch(_LIST_TABLES):
            await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()
