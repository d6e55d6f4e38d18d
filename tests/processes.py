"""The processes that a server starts, as the tests see them."""

from contextlib import suppress

import psutil


def list_readers(pid: int | None = None, program: str = "padron.files.reader") -> list[psutil.Process]:
    """Give the processes that read a file for a process (for this one: None) and have not ended."""
    readers = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):  # a zombie is one of these too
            if program in child.cmdline():
                readers.append(child)
    return readers


def list_workers(pid: int) -> list[psutil.Process]:
    """Give the serving processes of ``--workers``, and not the one that only tracks resources."""
    workers = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(child.cmdline()):
                workers.append(child)
    return workers
