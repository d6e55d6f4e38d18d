"""The program as an operator runs it: processes of their own, ended by their ids, and the commands beside them.

Every server listens on a port that the system chose and tells it in its log, so two tests cannot meet on one.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psutil

from padron.config import read_settings
from padron.domain.account import Scope
from padron.domain.vehicle import Details
from padron.service.accounts import add_account, add_key
from padron.wiring import migrate_database, use_runtime
from tests.cast import make_vin, registered, save
from tests.e2e.client import connect
from tests.starting import Outcome, Program, run_program, start_program

START_S_MAX = 20
STOP_S_MAX = 10

_find_port = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)").search
_find_metrics_ports = re.compile(r"Metrics of this process are on http://127\.0\.0\.1:(\d+)/metrics").findall
_numbers = count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """An account with its vehicles and a key that may do everything."""

    account_id: int
    name: str
    key_id: str
    token: str
    vins: tuple[str, ...]


async def make_fleets(url: str, *, accounts: int = 3, vehicles: int = 6, details: Details | None = None) -> list[Fleet]:
    """Fill an empty register. All accounts have the same VINs, so that what gets into a wrong one is seen."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    fleets = []
    async with use_runtime(settings) as runtime:
        for number in range(1, accounts + 1):
            account = await add_account(runtime, f"Fleet {number}")
            scopes = [scope.value for scope in Scope]
            new = await add_key(runtime, account, label="load", scopes=scopes, expires_in=None)
            vins = tuple(make_vin(place) for place in range(vehicles))
            at = datetime.now(UTC)
            await save(runtime.store, account.account_id, *(registered(vin, at=at, details=details) for vin in vins))
            fleets.append(
                Fleet(
                    account_id=account.account_id,
                    name=account.name,
                    key_id=new.key.key_id,
                    token=new.token,
                    vins=vins,
                )
            )
    return fleets


class Server:
    """A ``padron serve`` that was started."""

    def __init__(self, program: Program, log: Path) -> None:
        self._program = program
        self._log = log
        self.port = 0

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def has_ended(self) -> bool:
        return self._program.poll() is not None

    def read_log(self) -> str:
        return self._log.read_text("utf-8")

    def list_metrics_ports(self) -> list[int]:
        """Give the port of each process that serves metrics."""
        return [int(port) for port in _find_metrics_ports(self.read_log())]

    def kill(self) -> None:
        """End it as a crash would: nothing of its own runs any more."""
        self._program.kill()
        self._program.wait(STOP_S_MAX)

    def ask_to_stop(self) -> None:
        self._program.send_signal(signal.SIGTERM)

    async def wait(self, seconds_max: float = STOP_S_MAX) -> int:
        """Give its exit status."""
        return await asyncio.to_thread(self._program.wait, seconds_max)

    async def stop(self) -> int:
        self.ask_to_stop()
        return await self.wait()

    def end(self) -> None:
        """Leave nothing of it behind, however the test went."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.kill()

    async def wait_until_listening(self) -> None:
        async with asyncio.timeout(START_S_MAX):
            while (found := _find_port(self.read_log())) is None:
                assert not self.has_ended, self.read_log()
                await asyncio.sleep(0.005)
            self.port = int(found[1])

    async def wait_until_ready(self) -> None:
        await self.wait_until_listening()
        async with asyncio.timeout(START_S_MAX):
            while not await self._is_ready():
                assert not self.has_ended, self.read_log()
                await asyncio.sleep(0.005)

    async def _is_ready(self) -> bool:
        with suppress(OSError, EOFError):
            async with connect(self.port) as connection:
                return (await connection.request("GET", "/readyz")).status == 200
        return False


@asynccontextmanager
async def run_server(
    url: str,
    folder: Path,
    *,
    workers: int = 1,
    webhook_allow: str = "",
    read_url: str = "",
    limits: str = "",
    forwarded_allow: str = "",
    options: Sequence[str] = (),
    is_sound: bool = True,
    secret_file: str = "",
    backup_to: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Server]:
    """Give a server that is ready; one that is not sound only listens. At the end it is gone."""
    log = folder / f"server-{next(_numbers)}.log"
    command = ["serve", "--database-url", url, "--port", "0", "--workers", str(workers), *options]
    variables = {
        "PADRON_WEBHOOK_ALLOW": webhook_allow,
        "PADRON_READ_DATABASE_URL": read_url,
        "PADRON_LIMITS": limits,
        "PADRON_FORWARDED_ALLOW": forwarded_allow,
        "PADRON_SECRET_FILE": secret_file,
        "PADRON_BACKUP_TO": "" if backup_to is None else str(backup_to),
    }
    variables |= environment or {}
    with log.open("wb") as stderr, Path(os.devnull).open("wb") as stdout:
        program = start_program(*command, stdout=stdout, stderr=stderr, variables=variables)
    server = Server(program, log)
    try:
        await (server.wait_until_ready() if is_sound else server.wait_until_listening())
        yield server
    finally:
        server.end()


async def run_command(url: str, *arguments: str, limits: str = "") -> Outcome:
    """Run a command on the register and give how it ended."""
    variables = {"PADRON_LIMITS": limits}  # empty counts as unset
    return await asyncio.to_thread(run_program, *arguments, "--database-url", url, variables=variables)
