"""The socket on which the server listens: one that systemd hands over, or one of its own."""

import os
import socket
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass

from padron.cli.outputs import UsageError
from padron.config import Settings
from padron.domain.errors import Code, PadronError

UNSENT_BYTES = 131_072  # of a connection that the system keeps, before the program keeps the rest

_TCP_NOTSENT_LOWAT = 25  # of Linux; the socket module has no name for it before Python 3.12
_FIRST_HANDED = 3  # the number of the first socket that systemd hands over
_NAMES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """The bound socket, its host as the log shows it, and whether systemd made it."""

    socket: socket.socket
    host: str
    is_handed_over: bool

    @property
    def port(self) -> int:
        """Give the port of the socket."""
        port: int = self.socket.getsockname()[1]
        return port


@contextmanager
def open_listener(settings: Settings, environment: MutableMapping[str, str]) -> Iterator[Listener]:
    """Give systemd's socket if there is one, and otherwise bind the address of the settings.

    Raises ``store_unavailable`` for an address that cannot be used, and ``UsageError`` for a wrong socket of systemd.
    """
    handed = _take_handed(environment)
    with bind(settings.host, settings.port) if handed is None else handed as opened:
        if sys.platform == "linux":
            # Its connections inherit it. What a client does not take then waits in the program, which bounds it.
            opened.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        host = settings.host if handed is None else opened.getsockname()[0]
        yield Listener(socket=opened, host=host, is_handed_over=handed is not None)


def _take_handed(environment: MutableMapping[str, str]) -> socket.socket | None:
    """Give the socket that systemd hands to this process, or None. Remove systemd's variables."""
    pid, count, _ = (environment.pop(name, "") for name in _NAMES)
    if pid != str(os.getpid()) or count in {"", "0"}:
        return None
    if count != "1":
        raise UsageError(f"systemd hands over {count} sockets. padron takes one: leave one ListenStream in the unit.")
    handed = socket.socket(fileno=_FIRST_HANDED)
    handed.set_inheritable(False)
    is_tcp = handed.family in {socket.AF_INET, socket.AF_INET6} and handed.type == socket.SOCK_STREAM
    if not is_tcp or not handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise UsageError(
            "systemd hands over a socket that is not a listening one of TCP. Write ListenStream with a port, such as "
            "ListenStream=127.0.0.1:8080, and Accept=no."
        )
    return handed


def bind(host: str, port: int) -> socket.socket:
    """Bind a port, before anything is made for it. Raises ``store_unavailable`` with a clear message."""
    where = f"{host} port {port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The server cannot listen on {where}: this address does not exist."
        ) from error
    family, kind, protocol, _, address = found[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The server cannot listen on {where}: {os.strerror(error.errno or 0)}."
        ) from error
    return opened
