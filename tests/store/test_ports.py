"""What the engines' ports do beyond running a statement."""

from pathlib import Path

import pytest

from padron.domain.vin import Vin
from padron.store import sqlite
from padron.store.sqlite.port import POINT_ASKED_MAX
from tests.cast import NOON, make_vin


@pytest.mark.parametrize("asked_count", [POINT_ASKED_MAX, POINT_ASKED_MAX + 1])
async def test_sqlite_looks_many_vehicles_up_on_a_thread_and_few_on_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked_count: int
) -> None:
    store = await sqlite.open_store(str(tmp_path / "padron.db"))
    account = (await store.directory.add_account("Acme", NOON)).account_id
    paged: list[str] = []
    read_page = store._connections.read_page

    async def note(statement: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        paged.append(statement)
        return await read_page(statement, parameters)

    monkeypatch.setattr(store._connections, "read_page", note)
    asked: list[Vin] = [make_vin(number) for number in range(asked_count)]
    assert (await store.read(account).gate.load_gate(asked)).vehicles == []
    assert len(paged) == (asked_count > POINT_ASKED_MAX)
    await store.close()
