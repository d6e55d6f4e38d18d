"""An order for a start of the program, as it is sent to the warm process (``forker.py``).

As a program of its own, this is a cheap ``padron`` for the scripts of a test: it orders what its arguments say, lends
its streams, and ends as that ends. It imports little, because it runs for each command.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

ADDRESS = "orders"  # the socket, in a folder of its own

_SIGNAL = 128  # and the signal's number: how a shell tells which signal ended a program


def send_order(
    path: str,
    words: Sequence[str],
    *,
    module: str = "padron",
    folder: str,
    environment: Mapping[str, str],
    streams: Sequence[int],
    periods: Mapping[str, float] | None = None,
) -> socket.socket:
    """Order a start. On the connection come two lines: the process's id, and its exit status when it has ended.

    A fourth stream is systemd's socket. ``periods`` are constants that are shorter for a test, by their full names.
    """
    order = {
        "module": module, "words": words, "folder": folder, "environment": dict(environment),
        "periods": dict(periods or {}),
    }  # fmt: skip
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
        socket.send_fds(connection, [b" "], streams)
        connection.sendall(json.dumps(order).encode())
        connection.shutdown(socket.SHUT_WR)
    except BaseException:
        connection.close()
        raise
    return connection


def main() -> None:
    """Run the program with the arguments behind the first, which is the warm process's address."""
    path, *words = sys.argv[1:]
    connection = send_order(path, words, folder=os.getcwd(), environment=os.environ, streams=(0, 1, 2))  # noqa: PTH109
    with connection, connection.makefile() as lines:
        pid = int(lines.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        status = int(lines.readline())
    sys.exit(status if status >= 0 else _SIGNAL - status)


if __name__ == "__main__":
    main()
