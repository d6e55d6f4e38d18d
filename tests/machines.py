"""Runs property tests on a register that all of a test's examples share, each with an account of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from padron.store import postgres, sqlite
from padron.store.base import Store
from tests.postgres import Postgres


@contextmanager
def share_register(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[asyncio.Runner, Store]]:
    """Give an empty register and the runner of its event loop, which a test that is not async itself needs."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        if kind == "sqlite":
            store: Store = runner.run(sqlite.open_store(str(tmp_path / "padron.db")))
            yield runner, store
            runner.run(store.close())
            return
        server: Postgres = request.getfixturevalue("postgres_server")
        url = runner.run(server.create_database(is_spread=kind == "spread"))
        store = runner.run(postgres.open_store(url))
        yield runner, store
        runner.run(store.close())
        runner.run(server.drop_database(url))
