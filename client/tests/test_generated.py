"""What is generated is what its source gives."""

import shutil
from pathlib import Path

import pytest

from tools import make_client
from tools.client_sync import drop_async

SOURCE = '''"""A module."""

from padron_client._async.ways import sleep


async def read(source: AsyncDownload) -> bytes:
    """Read with await, as AsyncDownload says."""
    async with source:  # await
        await sleep(1)
        return b"".join([chunk async for chunk in source.chunks()])
'''
WITHOUT = '''"""A module.

``tools/make_client.py`` wrote this file from the one in ``_async``. Do not edit it.
"""

from padron_client._sync.ways import sleep


def read(source: Download) -> bytes:
    """Read with await, as AsyncDownload says."""
    with source:  # await
        sleep(1)
        return b"".join([chunk for chunk in source.chunks()])
'''


def test_nothing_is_outdated() -> None:
    assert make_client.list_outdated() == []


@pytest.mark.parametrize("name", ["models.py", "_sync/transport.py"])
def test_a_file_that_was_edited_is_named(name: str, tmp_path: Path) -> None:
    package = tmp_path / "client" / "src" / "padron_client"
    shutil.copytree(make_client.PACKAGE, package)
    path = package / name
    path.write_text(path.read_text("utf-8").replace("def ", "def  ", 1) + "\n", "utf-8")
    assert make_client.list_outdated(package) == [f"client/src/padron_client/{name} is outdated. Run: make client"]


def test_a_module_loses_its_async_and_nothing_else() -> None:
    assert drop_async(SOURCE) == WITHOUT
