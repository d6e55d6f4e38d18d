"""The processes that a server starts, as the tests see them."""

from contextlib import suppress

import psutil


def list_readers(pid: int | None = None) -> list[psutil.Process]:
    """Give the processes that read a file for a process (for this one: None) and have not ended."""
    readers = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):  # a zombie is one of these too
            if "padron.files.reader" in child.cmdline():
                readers.append(child)
    return readers
