"""Ends the nodes of a cluster and removes their files, as soon as the tests close the pipe, or are themselves ended.

The tests start it as a process of its own: what ends a worker of the tests gives it no time to end three servers.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

END_S_MAX = 20.0  # PostgreSQL kills after five seconds what does not end by itself, such as a daemon of Citus


def guard(folder: Path) -> None:
    """Wait for the end of the tests, then leave nothing of the nodes in this folder."""
    sys.stdin.read()
    postmasters = [found for file in folder.glob("*/data/postmaster.pid") if (found := find_postmaster(file))]
    processes = [one for found in postmasters for one in (found, *found.children(recursive=True))]
    for postmaster in postmasters:
        os.kill(postmaster.pid, signal.SIGQUIT)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()  # a test may have left it frozen
    _, alive = psutil.wait_procs(processes, END_S_MAX)
    for process in alive:
        process.kill()
    shutil.rmtree(folder)


def find_postmaster(file: Path) -> psutil.Process | None:
    """Give the first process of a node that has left this file; None if it does not run."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        process = psutil.Process(int(file.read_text("utf-8").split()[0]))
        if process.name() == "postgres":
            return process
    return None


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    guard(Path(sys.argv[1]))
