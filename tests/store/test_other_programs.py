"""What becomes of a SQLite register that a program without the extension for checksums has read."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from padron.domain.trouble import TroubledError
from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from tests.cast import make_vin
from tests.store.test_soundness import write_log


@pytest.fixture
def engine() -> str:
    return "sqlite"


async def test_another_program_may_read_after_a_killed_server_if_it_cannot_write(
    store: SqliteStore, acme: int, database: str, tmp_path: Path
) -> None:
    """Python's own module has no extension. Whoever closes a file last copies the log into it, as it ends."""
    path, spoiled = await write_log(store, tmp_path, database, acme), tmp_path / "spoiled.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{spoiled}{suffix}")
    read_by_another_program(path, "ro")
    again = await sqlite.open_store(str(path))
    assert await again.load_last_changes([acme]) == {acme: 5}
    await again.close()

    read_by_another_program(spoiled, "rw")
    again = await sqlite.open_store(str(spoiled))
    with pytest.raises(TroubledError) as refusal:
        await again.read(acme).list_versions_by_vin(make_vin(1))
    await again.close()
    assert "padron register checksums --renew" in str(refusal.value)
    assert sqlite.write_checksums(str(spoiled), renew=True) is True
    again = await sqlite.open_store(str(spoiled))
    assert await again.load_last_changes([acme]) == {acme: 5}
    await again.close()


def read_by_another_program(path: Path, mode: str) -> None:
    """Read the file as the `sqlite3` shell does with or without ``mode=ro``."""
    file = sqlite3.connect(f"file:{path}?mode={mode}", uri=True)
    try:
        assert file.execute("SELECT count(*) FROM accounts").fetchall() != [(0,)]
    finally:
        file.close()
