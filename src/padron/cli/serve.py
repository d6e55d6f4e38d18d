"""``padron serve``: checks the settings and the database. Then uvicorn runs the application until a signal ends it."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import uvicorn
from cyclopts import Parameter
from uvicorn.config import STARTUP_FAILURE

from padron.cli import reloading
from padron.cli.certificates import CertificateFiles
from padron.cli.holding import hold_file
from padron.cli.lingering import LingeringServer
from padron.cli.listening import Listener, bind, open_listener
from padron.cli.logs import build_log_config
from padron.cli.loops import LOOP
from padron.cli.notifying import Notifier, take_notifier
from padron.cli.open_files import raise_file_limit
from padron.cli.options import ServerOptions
from padron.cli.outputs import UsageError
from padron.cli.parent import Parent, run_parent
from padron.cli.watching import Watch
from padron.config import Settings, give_environment
from padron.hangups import HANGUPS
from padron.network_settings import PORT_MAX
from padron.pulse import PULSE
from padron.service.administration.secrets import check_secrets
from padron.service.register import check_register
from padron.trusting import load_providers
from padron.wiring import check_backup_folder, check_extras, check_read_database, use_runtime

APP = "padron.wiring:make_app"
BACKLOG = 2_048
KEEP_ALIVE_S = 15
GRACE_S = 7  # for running requests after the signal to end; with the other work, the end takes less than ten seconds
WORKERS_MAX = 64

Announce = Callable[[], None]

_DEFAULTS = ServerOptions()
_log = logging.getLogger("padron.serve")


def serve(
    *, workers: int = 1, demo: Annotated[bool, Parameter(negative="")] = False, options: ServerOptions = _DEFAULTS
) -> int:
    """Run the server until SIGTERM or Ctrl-C. Then it finishes the running requests within ten seconds.

    SIGHUP reads the certificate and the file of --providers again. Open connections stay.

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
    load_providers(settings)  # a bad file ends the start
    files = CertificateFiles(certificate=settings.tls_cert, key=settings.tls_key) if settings.tls_cert else None
    loaded = None if files is None else files.load()
    raise_file_limit()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server can hear it
    # uvicorn raises the signal again that ended it. SIGTERM is the normal way to stop, so it must not be a failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    notifier = take_notifier(os.environ)
    with hold_file(settings), open_listener(settings, os.environ) as listener:
        _check_metrics_ports(settings, workers)
        address = _give_address(settings, listener)
        check_backup_folder(settings)
        greeting = asyncio.run(_prepare(settings, address, demo=demo))
        # The processes of the application call the factory, which reads the settings from the environment.
        os.environ.update(give_environment(settings))
        config = _build_config(settings, workers)

        def announce() -> None:
            source = ", on systemd's socket" if listener.is_handed_over else ""
            _log.info("Listening on %s, %d process%s%s", address, workers, "" if workers == 1 else "es", source)
            if greeting is not None:
                print(greeting, flush=True)

        if loaded is not None:
            reloading.warn_of_dates(loaded)
        try:
            if workers == 1:
                return _run_alone(config, listener.socket, notifier, announce)
            listener.socket.set_inheritable(True)
            listener.socket.listen(BACKLOG)  # from now on, connections wait for the first ready process
            parent = Parent(config, listener.socket, settings.log, files, notifier, reads_more=bool(settings.providers))
            return run_parent(parent, announce)
        finally:
            _log.info("Stopped")


class _Server(LingeringServer):
    """Announces when it accepts connections, and tells systemd what it does."""

    def __init__(self, config: uvicorn.Config, notifier: Notifier, announce: Announce) -> None:
        super().__init__(config)
        self._notifier = notifier
        self._announce = announce
        self._watch = Watch(PULSE, on_fresh=notifier.feed, on_hung=None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.config.is_ssl:
            HANGUPS.add(reloading.say_nothing_to_reload)
        await super().startup(sockets)
        if self.started:
            self._announce()
            self._watch.start()
            self._notifier.say_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notifier.say_stopping()
        self._watch.stop()
        await super().shutdown(sockets)


def _run_alone(config: uvicorn.Config, listener: socket.socket, notifier: Notifier, announce: Announce) -> int:
    try:
        _Server(config, notifier, announce).run([listener])
    except SystemExit as end:
        if end.code == STARTUP_FAILURE:
            return 1
        raise
    return 0


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
        await check_read_database(settings)
        if not demo:
            return None
        from padron.cli.demo import prepare_demo  # noqa: PLC0415 - it imports the readers of files, which takes time

        return await prepare_demo(runtime, address)


def _check_metrics_ports(settings: Settings, workers: int) -> None:
    """Raise ``store_unavailable`` if a process could not serve its metrics."""
    address = settings.metrics_address
    if address is None:
        return
    ports = [address.port + number for number in range(workers)] if address.port else [0]
    if ports[-1] > PORT_MAX:
        raise UsageError(f"--metrics-listen needs {workers} ports from {address.port} on: choose a lower one.")
    for port in ports:
        bind(address.host, port).close()


def _give_address(settings: Settings, listener: Listener) -> str:
    """Give an address to show that works on this machine, with the root path."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_cert else 'http'}://{shown}:{listener.port}{settings.root_path}"
