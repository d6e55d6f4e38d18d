"""What happens to servers, proxies and gates while the race runs."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.e2e.local_gates.backups import Backup
from tests.e2e.local_gates.proxy import BadProxy
from tests.e2e.local_gates.race import LEASE_S, Asker, Owners, read_clock
from tests.e2e.program import Server, run_server
from tests.effort import roll

_STOPPED_S = (0.3, 2.5)
_CALM_S = (0.1, 1.0)


@dataclass
class Mishaps:
    """Lets one thing after another happen.

    Gates ask one server by way of the proxy, and that is the one to which things happen. Where the engine lets several
    servers share a register, owners also use another one, which never hears from a gate.
    """

    url: str
    folder: Path
    backup: Backup
    has_second: bool
    owners: Owners
    askers: Sequence[Asker]
    proxy: BadProxy
    stack: AsyncExitStack
    servers: list[Server] = field(default_factory=list)
    second: Server | None = None
    counts: dict[str, int] = field(default_factory=dict)

    async def start_all(self) -> None:
        """Start the servers, again or for the first time."""
        if self.has_second:
            self.second = await self.stack.enter_async_context(run_server(self.url, self.folder))
        await self.start_server()

    async def start_server(self) -> None:
        """Start the server that gates ask, again or for the first time."""
        server = await self.stack.enter_async_context(run_server(self.url, self.folder))
        self.servers.append(server)
        self.proxy.target = server.port
        self.owners.ports = [server.port] if self.second is None else [server.port, self.second.port]

    async def stop_all(self) -> None:
        await self.servers[-1].stop()
        if self.second is not None:
            await self.second.stop()

    async def run(self, rounds: int) -> None:
        """Let each kind happen so often, in an order of chance."""
        rng = roll(1_000)
        kinds: list[Callable[[], Awaitable[None]]] = [
            self.restart,
            self.kill,
            self.cut,
            self.stall,
            self.keep_streams,
            self.stop_server,
            self.stop_asker,
            self.restore,
        ]
        for _ in range(rounds):
            for kind in rng.sample(kinds, len(kinds)):
                await asyncio.sleep(rng.uniform(*_CALM_S))
                self._seconds = rng.uniform(*_STOPPED_S)
                await kind()
                self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
        self.owners.has_ended = True

    async def restart(self) -> None:
        await self.servers[-1].stop()
        await self.start_server()

    async def kill(self) -> None:
        self.servers[-1].end()
        await self.start_server()

    async def cut(self) -> None:
        for _ in range(5):
            self.proxy.cut()
            await asyncio.sleep(0.05)

    async def stall(self) -> None:
        self.proxy.is_stalled = True
        await asyncio.sleep(self._seconds)
        self.proxy.is_stalled = False

    async def keep_streams(self) -> None:
        self.proxy.keeps_streams = True
        await asyncio.sleep(self._seconds)
        self.proxy.keeps_streams = False

    async def stop_server(self) -> None:
        server = psutil.Process(self.servers[-1].pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._seconds)
        for process in processes:
            process.send_signal(signal.SIGCONT)

    async def stop_asker(self) -> None:
        asker = roll(len(self.counts)).choice(self.askers)
        asker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._seconds)
        asker.send_signal(signal.SIGCONT)

    async def restore(self) -> None:
        """Copy the register, let it go on, and then put the copy in its place: what came after is lost."""
        out_then = await self._copy()
        await asyncio.sleep(self._seconds)
        await self.owners.pause()
        await self.stop_all()
        for vin, spans in self.owners.exclusions.items():
            if spans.is_open and vin not in out_then:
                spans.ended.append(read_clock())
        # A backup does not have the leases given since. Whoever restores one waits until these have ended.
        await asyncio.sleep(LEASE_S)
        await self.backup.restore()
        await self.start_all()
        for vin, spans in self.owners.exclusions.items():
            if not spans.is_open and vin in out_then:
                spans.begun.append(read_clock())
        self.owners.go_on()

    async def _copy(self) -> set[str]:
        """Copy the register while its servers are stopped, and give the vehicles that are out then."""
        await self.owners.pause()
        await self.stop_all()
        await self.backup.make()
        out = {vin for vin, spans in self.owners.exclusions.items() if spans.is_open}
        await self.start_all()
        self.owners.go_on()
        return out
