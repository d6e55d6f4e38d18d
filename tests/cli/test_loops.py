"""The loop of a serving process lets a connection count before its TLS, and outlives SIGHUP."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import uvloop

from padron.cli import loops
from padron.cli.certificates import CertificateFiles
from padron.cli.loops import make_loop
from tests.cast import wait_until
from tests.certificates import Authority


def run(work: Callable[[], object]) -> None:
    with asyncio.Runner(loop_factory=loops.ServingLoop) as runner:
        runner.run(work())  # type: ignore[arg-type]


def test_with_tls_each_connection_shakes_hands_itself_in_the_time_of_the_loop(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("server")
    context = CertificateFiles(certificate=str(pair.certificate), key=str(pair.key)).load().context
    shaken: list[tuple[object, ...]] = []

    class Secured(asyncio.Protocol):
        def shake_hands(self, *given: object) -> asyncio.BaseProtocol:
            shaken.append(given)
            return asyncio.Protocol()

    async def work() -> None:
        server = await asyncio.get_running_loop().create_server(Secured, "127.0.0.1", 0, ssl=context)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

            async def is_shaken() -> bool:
                return bool(shaken)

            await wait_until(is_shaken)
            writer.close()

    run(work)
    assert shaken == [(context, loops.HANDSHAKE_S_MAX, loops.GOODBYE_S_MAX)]


def test_without_tls_the_loop_listens_as_any(tmp_path: Path) -> None:
    del tmp_path

    async def work() -> None:
        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.close()

    run(work)


def test_a_process_that_nobody_prepared_for_sighup_is_not_ended_by_it() -> None:
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        make_loop().close()
        signal.raise_signal(signal.SIGHUP)
        heard: list[int] = []
        signal.signal(signal.SIGHUP, lambda number, _: heard.append(number))
        make_loop().close()
        signal.raise_signal(signal.SIGHUP)
        assert heard == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)
