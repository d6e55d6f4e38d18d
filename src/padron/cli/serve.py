"""``padron serve``: checks the settings and the database. Then uvicorn runs the application until a signal ends it."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import uvicorn
from cyclopts import Parameter
from uvicorn.config import STARTUP_FAILURE

from padron.cli import reloading
from padron.cli.certificates import CertificateFiles
from padron.cli.holding import hold_file
from padron.cli.logs import build_log_config
from padron.cli.loops import LOOP
from padron.cli.open_files import raise_file_limit
from padron.cli.options import ServerOptions
from padron.cli.outputs import UsageError
from padron.cli.processes import NumberedProcesses
from padron.config import LogForm, Settings, give_environment
from padron.domain.errors import Code, PadronError
from padron.network_settings import PORT_MAX
from padron.service.administration.secrets import check_secrets
from padron.service.register import check_register
from padron.wiring import check_backup_folder, check_extras, use_runtime

APP = "padron.wiring:make_app"
BACKLOG = 2_048
KEEP_ALIVE_S = 15
UNSENT_BYTES = 131_072  # of a connection that the system keeps, before the program keeps the rest
_TCP_NOTSENT_LOWAT = 25  # of Linux; the socket module has no name for it before Python 3.12
GRACE_S = 7  # for running requests after the signal to end; with the other work, the end takes less than ten seconds
WORKERS_MAX = 64

_DEFAULTS = ServerOptions()
_log = logging.getLogger("padron.serve")


def serve(
    *, workers: int = 1, demo: Annotated[bool, Parameter(negative="")] = False, options: ServerOptions = _DEFAULTS
) -> int:
    """Run the server until SIGTERM or Ctrl-C. Then it finishes the running requests within ten seconds.

    SIGHUP reads the certificate again. Open connections stay.

    Parameters
    ----------
    workers
        The number of server processes. More than one needs PostgreSQL.

    demo
        Create an account "demo" with a sample fleet, unless it exists, and print a call to try.
    """
    settings = options.read()
    _check_workers(workers, settings)
    check_extras(settings)
    files = CertificateFiles(certificate=settings.tls_cert, key=settings.tls_key) if settings.tls_cert else None
    loaded = None if files is None else files.load()
    raise_file_limit()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server can hear it
    # uvicorn raises the signal again that ended it. SIGTERM is the normal way to stop, so it must not be a failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with hold_file(settings), _bind(settings.host, settings.port) as listener:
        _check_metrics_ports(settings, workers)
        address = _give_address(settings, listener.getsockname()[1])
        check_backup_folder(settings)
        greeting = asyncio.run(_prepare(settings, address, demo=demo))
        # The processes of the application call the factory, which reads the settings from the environment.
        os.environ.update(give_environment(settings))
        config = _build_config(settings, workers)

        def announce() -> None:
            _log.info("Listening on %s, %d process%s", address, workers, "" if workers == 1 else "es")
            if greeting is not None:
                print(greeting, flush=True)

        if loaded is not None:
            reloading.warn_of_dates(loaded)
        try:
            if workers == 1:
                return _run_alone(config, listener, announce)
            return _run_workers(config, listener, announce, settings.log, files)
        finally:
            _log.info("Stopped")


class _Server(uvicorn.Server):
    """Announces when it accepts connections."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.config.is_ssl:
            reloading.hear_hangup(reloading.say_nothing_to_reload)
        await super().startup(sockets)
        if self.started:
            self._announce()


class _Parent(NumberedProcesses):
    """Remembers the signal that ended it, and takes no connections afterwards. Its processes outlive SIGHUP."""

    ended_by: signal.Signals | None = None

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], form: LogForm, files: CertificateFiles | None
    ) -> None:
        super().__init__(config, sockets, form)
        self._files = files
        self._unaware: set[int | None] = set()  # the processes that must still read the certificate again

    def handle_hup(self) -> None:
        """Let the processes read the certificate again, instead of starting others in their place.

        A new process would take over a request only after the end of the old one, and streams would break.
        """
        if self._files is None:
            reloading.say_nothing_to_reload()
        elif reloading.check_files(self._files):
            self._unaware = {process.pid for process in self.processes}

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        for process in self.processes if self._unaware else ():
            # A process that is still starting may have read the old certificate and cannot hear the signal yet.
            if process.pid in self._unaware and process.is_ready() and process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)
                self._unaware.discard(process.pid)
        self._unaware &= {process.pid for process in self.processes}

    def handle_int(self) -> None:
        self._end(signal.SIGINT)
        super().handle_int()

    def handle_term(self) -> None:
        self._end(signal.SIGTERM)
        super().handle_term()

    def _end(self, by: signal.Signals) -> None:
        self.ended_by = by
        for listener in self.sockets:
            listener.close()  # otherwise clients could still connect, and would wait for processes that are ending


def _run_alone(config: uvicorn.Config, listener: socket.socket, announce: Callable[[], None]) -> int:
    try:
        _Server(config, announce).run([listener])
    except SystemExit as end:
        if end.code == STARTUP_FAILURE:
            return 1
        raise
    return 0


def _run_workers(
    config: uvicorn.Config,
    listener: socket.socket,
    announce: Callable[[], None],
    form: LogForm,
    files: CertificateFiles | None,
) -> int:
    listener.set_inheritable(True)
    listener.listen(BACKLOG)  # from now on, connections wait for the first ready process
    parent = _Parent(config, [listener], form, files)
    announce()
    parent.run()
    if parent.ended_by is signal.SIGINT:
        raise KeyboardInterrupt
    return 0 if parent.ended_by is signal.SIGTERM else 1


def _build_config(settings: Settings, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        APP,
        factory=True,
        workers=workers,
        loop=LOOP,
        http="padron.http.edge.protocol:EdgeProtocol",
        ws="none",
        lifespan="on",
        log_config=build_log_config(settings.log),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_context_factory=(
            partial(reloading.open_tls, settings.tls_cert, settings.tls_key, workers == 1)
            if settings.tls_cert
            else None
        ),
    )


def _check_workers(workers: int, settings: Settings) -> None:
    if not 1 <= workers <= WORKERS_MAX:
        raise UsageError(f"--workers is {workers}: use 1 to {WORKERS_MAX}.")
    if workers > 1 and settings.is_sqlite:
        raise UsageError(
            f"--workers {workers} needs PostgreSQL, because a SQLite file can have only one server process."
        )


async def _prepare(settings: Settings, address: str, *, demo: bool) -> str | None:
    """Check that the database opens and has this program's schema. Give the text of ``--demo``, if asked for."""
    async with use_runtime(settings) as runtime:
        await check_register(runtime)
        await check_secrets(runtime)
        if not demo:
            return None
        from padron.cli.demo import prepare_demo  # noqa: PLC0415 - it imports the readers of files, which takes time

        return await prepare_demo(runtime, address)


@contextmanager
def _bind(host: str, port: int) -> Iterator[socket.socket]:
    """Bind the port first, so that a port in use gives a clear message."""
    where = f"{host} port {port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The server cannot listen on {where}: this address does not exist."
        ) from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":
            # Its connections inherit it. What a client does not take then waits in the program, which bounds it.
            listener.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        try:
            listener.bind(address)
        except OSError as error:
            raise PadronError(
                Code.STORE_UNAVAILABLE, f"The server cannot listen on {where}: {os.strerror(error.errno or 0)}."
            ) from error
        yield listener


def _check_metrics_ports(settings: Settings, workers: int) -> None:
    """Raise ``store_unavailable`` if a process could not serve its metrics."""
    address = settings.metrics_address
    if address is None:
        return
    ports = [address.port + number for number in range(workers)] if address.port else [0]
    if ports[-1] > PORT_MAX:
        raise UsageError(f"--metrics-listen needs {workers} ports from {address.port} on: choose a lower one.")
    for port in ports:
        with _bind(address.host, port):
            pass


def _give_address(settings: Settings, port: int) -> str:
    """Give an address to show that works on this machine, with the root path."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_cert else 'http'}://{shown}:{port}{settings.root_path}"
