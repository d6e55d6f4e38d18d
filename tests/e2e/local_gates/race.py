"""Owners who change their vehicles while local gates in other processes check them, and what goes wrong meanwhile."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from padron_client.local_gate.clocks import read_clocks

from tests import effort
from tests.e2e.client import Connection, connect
from tests.e2e.exclusions import Exclusions
from tests.e2e.local_gates.asker import RECORD
from tests.e2e.program import Fleet

ROOT = Path(__file__).resolve().parents[3]
OWNERS = 8
VEHICLES_EACH = 8
INACTIVE = (0, 3, 4, 5, 6, 7, 8, 9)
MAX_AGE_S = 1.0
LEASE_S = 1.0
LONG_S = 60.0
_ASKER_S_MAX = 60.0
_RETRY_S = 0.05

read_clock = read_clocks().steady


@dataclass
class Asker:
    """A process with a local gate."""

    process: asyncio.subprocess.Process
    path: Path

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self) -> None:
        """End it and let it write the last of its answers."""
        self.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), _ASKER_S_MAX)


@asynccontextmanager
async def run_asker(
    fleet: Fleet, port: int, folder: Path, seed: int, *, strict: bool, code: str | None = None
) -> AsyncIterator[Asker]:
    """Give a process whose gate is ready. ``code`` is run instead of the ordinary program, to plant a fault."""
    path = folder / f"answers-{seed}"
    script = Path(__file__).with_name("asker.py")
    command = [str(script)] if code is None else ["-c", code]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'client' / 'src'}:{ROOT}", "PYTHONHASHSEED": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment
    )
    given = {
        "url": f"http://127.0.0.1:{port}",
        "key": fleet.token,
        "vins": fleet.vins,
        "path": str(path),
        "seed": seed,
        "strict": strict,
        "maxAge": LONG_S if strict else MAX_AGE_S,  # so only a lease's end ends the answers of a strict gate
        "leaseSeconds": LEASE_S,
        "snapshot": str(folder / f"snapshot-{seed}"),
    }
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        line = await asyncio.wait_for(process.stdout.readline(), _ASKER_S_MAX)
        assert json.loads(line)["ready"], line
        yield Asker(process, path)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class Owners:
    """Who deactivates and reactivates vehicles, directly at the server."""

    fleet: Fleet
    exclusions: dict[str, Exclusions] = field(default_factory=dict)
    changes: int = 0
    ports: list[int] = field(default_factory=list)
    is_paused: bool = False
    waiting: int = 0
    has_ended: bool = False

    async def run(self, changes: int) -> None:
        """Make so many changes, and end when the mishaps have ended, too."""
        self.exclusions = {vin: Exclusions() for vin in self.fleet.vins}
        async with asyncio.TaskGroup() as tasks:
            for number in range(OWNERS):
                tasks.create_task(self._own(number, self.fleet.vins[number::OWNERS], changes))

    async def pause(self) -> None:
        """Let nobody change anything until ``go_on``, and wait for those who are at it."""
        self.is_paused = True
        while self.waiting < OWNERS:  # noqa: ASYNC110 - eight of them say so
            await asyncio.sleep(0.005)

    def go_on(self) -> None:
        self.is_paused = False

    async def _own(self, number: int, vins: Sequence[str], changes: int) -> None:
        rng = effort.roll(number)
        while self.changes < changes or not self.has_ended:
            await self._wait_while_paused()
            if self.changes >= changes:
                await asyncio.sleep(0.05)  # the mishaps need some more, and little of it
            vin = rng.choice(vins)
            spans = self.exclusions[vin]
            if spans.is_open:
                spans.ended.append(read_clock())
                await self._set_status(rng, vin, 1)
            else:
                await self._set_status(rng, vin, rng.choice(INACTIVE))
                spans.begun.append(read_clock())

    async def _wait_while_paused(self) -> None:
        self.waiting += 1
        while self.is_paused:  # noqa: ASYNC110 - the mishaps say when
            await asyncio.sleep(0.005)
        self.waiting -= 1

    async def _set_status(self, rng: random.Random, vin: str, status: int) -> None:
        """Set a status, again and again while the server is away. Nothing counts but a 204."""
        while True:
            with suppress(OSError, EOFError, TimeoutError):
                async with connect(rng.choice(self.ports)) as connection:
                    if await self._patch(connection, vin, status) == 204:
                        self.changes += 1
                        return
            await asyncio.sleep(_RETRY_S)

    async def _patch(self, connection: Connection, vin: str, status: int) -> int:
        body = {"vehicleStatusId": status}
        target = f"/api/v2/vehicles/{vin}/status"
        return (await connection.request("PATCH", target, token=self.fleet.token, body=body)).status


@dataclass
class Judgement:
    """What the askers wrote down, judged."""

    answers: int = 0
    allowed: int = 0
    late: int = 0  # refused because of their age, or without a lease
    inside: int = 0  # of vehicles that were surely out
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def judge(owners: Owners, askers: Sequence[Asker], *, strict: bool) -> Judgement:
    """Count answers that must not be.

    A strict gate must allow no vehicle that was surely out from before the check until after it. Another gate must
    allow none that was surely out from the instant as of which the answer was right, by its own word, until the check.
    """
    found = Judgement()
    for asker in askers:
        for begin, end, right_at, place, is_allowed, is_late in RECORD.iter_unpack(_read_whole(asker.path)):
            vin = owners.fleet.vins[place]
            found.answers += 1
            found.allowed += is_allowed
            found.late += is_late
            found.inside += owners.exclusions[vin].cover(begin, end)
            if is_allowed and owners.exclusions[vin].cover(begin if strict else min(right_at, begin), end):
                found.wrong += 1
                found.examples.append(f"{asker.path.name}: {vin} at {begin:.6f}, right as of {right_at:.6f}")
    return found


def _read_whole(path: Path) -> bytes:
    """Give the records that were written as a whole."""
    data = path.read_bytes()
    return data[: len(data) // RECORD.size * RECORD.size]
