"""The loop of a serving process limits the time that a client may take for TLS, and outlives SIGHUP."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from padron.cli import loops
from padron.cli.certificates import CertificateFiles
from padron.cli.loops import make_loop
from tests.certificates import Authority


def run(work: Callable[[], object]) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(work())  # type: ignore[arg-type]


def test_a_client_that_never_ends_its_handshake_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "HANDSHAKE_S_MAX", 0.2)
    pair = Authority(tmp_path).issue("server")
    context = CertificateFiles(certificate=str(pair.certificate), key=str(pair.key)).load().context

    async def work() -> None:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        async with server:
            for sent in (b"", b"\x16\x03\x01\x02\x00\x01"):  # nothing, and the beginning of a greeting
                began = time.monotonic()
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(sent)
                assert await asyncio.wait_for(reader.read(), 5) == b""
                assert time.monotonic() - began > 0.1
                writer.close()

    run(work)


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
