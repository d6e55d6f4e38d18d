"""Forks the processes of ``--workers`` from their parent, which was forked from the warm process (``forker.py``).

The standard library would start Python anew for each, and nearly all of that time goes to imports. The new process gets
what a started one gets: the same open files and no other, the same message from its parent, and no signal handlers.
"""

import atexit
import gc
import os
import signal
import traceback
from collections.abc import Sequence
from multiprocessing import resource_tracker, spawn, util
from typing import Any, NoReturn

_FORK_OPTION = "--multiprocessing-fork"  # with which the standard library starts a process
_STREAMS_MAX = 2
_Word = Any  # of a command
_start = util.spawnv_passfds


def fork_workers() -> None:
    """From now on, let this process fork its processes."""
    util.spawnv_passfds = _start_or_fork


def _start_or_fork(path: bytes, args: Sequence[_Word], passfds: Sequence[int]) -> int:
    if _FORK_OPTION not in args:
        return _start(path, args, passfds)  # it tracks resources, and lives as long as all the others
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = _run(str(args[-2]), {*passfds})
        except BaseException:  # noqa: BLE001 - as Python does at the end of a process
            traceback.print_exc()
        _end(status)
    return pid


def _run(code: str, files: set[int]) -> int:
    """Do what ``spawn_main`` does in a started process. The code is the call of it, with its arguments."""
    gc.freeze()  # what the parent had stays, so that nothing of it closes a file of the same number
    signal.set_wakeup_fd(-1)
    for one in signal.valid_signals():
        if callable(signal.getsignal(one)):
            signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    last = _STREAMS_MAX
    for number in sorted({*files, os.sysconf("SC_OPEN_MAX")}):
        os.closerange(last + 1, number)
        last = number
    told = dict(argument.split("=") for argument in code.partition("(")[2].rstrip(")").split(", "))
    resource_tracker._resource_tracker._fd = int(told["tracker_fd"])  # type: ignore[attr-defined]
    pipe = int(told["pipe_handle"])
    return spawn._main(pipe, os.dup(pipe))


def _end(status: int) -> NoReturn:
    """End without the parent's code, which is still on the stack."""
    try:
        atexit._run_exitfuncs()
    finally:
        os._exit(status)
