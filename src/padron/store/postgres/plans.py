"""Planned changes in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import asyncpg

from padron.store.plans import PlanReads, PlanWork, add_descending
from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.connections import Connections
from padron.store.postgres.rows import to_vehicle
from padron.store.postgres.transaction import SQL as QUERIES
from padron.store.statements import load_statements

SQL = {**QUERIES, **add_descending(load_statements("padron.store.postgres", "plans.sql"))}


def open_plans(connection: asyncpg.Connection, account_id: int) -> PlanWork:
    """Give the work on an account's plans within an open transaction."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await connection.fetch(SQL[name], *parameters)

    async def run_rows(name: str, rows: list[tuple[object, ...]]) -> Sequence[asyncpg.Record]:
        """One round trip: the rows go as one array for each column."""
        if not rows:
            return []
        return await connection.fetch(SQL[name], account_id, *map(list, zip(*rows, strict=True)))

    return PlanWork(fetch, run_rows, account_id, _leave, to_vehicle)


def open_plan_reads(pages: Connections, account_id: int) -> PlanReads:
    """Give a reader of one account's plans."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await pages.fetch(SQL[name], parameters, PAGE_S_MAX)

    return PlanReads(fetch, account_id, _leave)


class PostgresPlanBoard:
    """What is due, in all accounts."""

    def __init__(self, points: Connections) -> None:
        self._points = points

    async def find_next_instant(self) -> datetime | None:
        rows = await self._points.fetch(SQL["find_next_instant"], ())
        return cast("datetime", rows[0][0]) if rows else None

    async def list_due_accounts(self, now: datetime) -> list[int]:
        return [row[0] for row in await self._points.fetch(SQL["list_due_accounts"], (now,))]


def _leave(at: datetime | None) -> datetime | None:
    return at
