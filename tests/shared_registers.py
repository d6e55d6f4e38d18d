"""Registers that the tests of one module share. An account's tests cannot see another's, so each test has its own.

Opening and closing a register costs more than what most tests then ask of it. Tests that share one get new accounts
instead, in a register that is already full of other accounts' vehicles with the same VINs and plates.
"""

import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from padron.domain.limits import DEFAULT_LIMITS, Limits
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests.databases import STRAY_COUNTS
from tests.postgres import Postgres

# A test that asks for one of these looks at its register as a whole, or runs or changes what serves it.
_OF_ONE_REGISTER = {
    "app", "database", "disk_folder", "monkeypatch", "open_store", "replica", "runtime", "select", "store", "worker",
}  # fmt: skip


def shares_register(test: pytest.Function, limits: Limits) -> bool:
    """Say whether a test of the API shares its module's registers."""
    is_own = test.get_closest_marker("own_register") is not None or limits is not DEFAULT_LIMITS
    return not is_own and _OF_ONE_REGISTER.isdisjoint(test.fixturenames) and "api" in test.fixturenames


def list_strays(path: str) -> list[tuple[Any, ...]]:
    """Give the accounts of a SQLite file whose count of vehicles is wrong."""
    with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as file:
        return list(file.execute(STRAY_COUNTS))


@dataclass(frozen=True, kw_only=True)
class SharedRegister:
    """A register that a module's tests share, and its path or URL."""

    store: Store
    database: str


class SharedRegisters:
    """The registers of one module: one of each kind of database, opened for the first test that asks for it."""

    def __init__(self, folder: Path, template: Path, give_server: Callable[[], Postgres]) -> None:
        self._folder = folder
        self._template = template
        self._give_server = give_server
        self._closing = AsyncExitStack()
        self._lent: dict[str, SharedRegister] = {}

    async def lend(self, kind: str) -> SharedRegister:
        """Give the register that all tests of the module use, which stays open until the last is over."""
        if kind not in self._lent:
            register = self._lent[kind] = await self.open(kind)
            self._closing.push_async_callback(register.store.close)
        return self._lent[kind]

    async def open(self, kind: str) -> SharedRegister:
        """Open an empty register. Who asked for it closes its store."""
        if kind == "sqlite":
            path = str(shutil.copy(self._template, self._folder / "padron.db"))
            self._closing.callback(check_file, path)
            return SharedRegister(store=sqlite.SqliteStore(path), database=path)
        server = self._give_server()
        url = await server.create_database(is_spread=kind == "spread")
        self._closing.push_async_callback(server.drop_database, url)
        return SharedRegister(store=await postgres.open_store(url), database=url)

    async def close(self) -> None:
        """Be done with all of them. Fails when one has come to contradict itself."""
        await self._closing.aclose()


def check_file(path: str) -> None:
    """Check that a SQLite file does not contradict itself."""
    assert list_strays(path) == []
