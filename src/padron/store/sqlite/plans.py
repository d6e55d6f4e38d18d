"""Planned changes in SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

import apsw

from padron.store.plans import PlanReads, PlanWork, add_descending
from padron.store.sqlite.connections import ReadConnections, Row
from padron.store.sqlite.rows import from_instant, to_instant_or_none, to_vehicle
from padron.store.sqlite.transaction import SQL as QUERIES
from padron.store.statements import load_statements

SQL = {**QUERIES, **add_descending(load_statements("padron.store.sqlite", "plans.sql"))}


def open_plans(connection: apsw.Connection, account_id: int) -> PlanWork:
    """Give the work on an account's plans within the open transaction of the write connection."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return connection.execute(SQL[name], _bind(parameters)).fetchall()

    async def run_rows(name: str, rows: list[tuple[object, ...]]) -> list[Row]:
        return connection.executemany(SQL[name], [(account_id, *_bind(row)) for row in rows]).fetchall()

    return PlanWork(fetch, run_rows, account_id, to_instant_or_none, to_vehicle)


def open_plan_reads(connections: ReadConnections, account_id: int) -> PlanReads:
    """Give a reader of one account's plans."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return await connections.read_page(SQL[name], _bind(parameters))

    return PlanReads(fetch, account_id, to_instant_or_none)


class SqlitePlanBoard:
    """What is due, in all accounts."""

    def __init__(self, connections: ReadConnections) -> None:
        self._connections = connections

    async def find_next_instant(self) -> datetime | None:
        rows = await self._connections.read_point(SQL["find_next_instant"], ())
        return to_instant_or_none(rows[0][0]) if rows else None

    async def list_due_accounts(self, now: datetime) -> list[int]:
        rows: Sequence[Row] = await self._connections.read_page(SQL["list_due_accounts"], _bind((now,)))
        return [account_id for (account_id,) in rows]


def _bind(parameters: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(
        from_instant(value) if isinstance(value, datetime) else json.dumps(value) if isinstance(value, list) else value
        for value in parameters
    )
