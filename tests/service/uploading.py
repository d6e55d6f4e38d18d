"""Files that are uploaded and taken, for tests of what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from padron.domain.account import Principal
from padron.domain.file_import import FileImport, format_import_id
from padron.service.imports import file_imports
from padron.service.imports.steps import ImportRun, take_import
from padron.service.imports.uploads import ImportRequest, begin_upload
from padron.service.runtime import Runtime
from padron.workers.base import PauseRange, run_workers
from padron.workers.imports import ImportWorker
from tests.cast import Cast, make_vin

ROWS = 20


def make_csv(rows: int = ROWS, *, bad_every: int = 0) -> bytes:
    lines = [f"{'X' if bad_every and place % bad_every == 0 else make_vin(place)},{place % 5}" for place in range(rows)]
    return ("vin,doors\n" + "\n".join(lines) + "\n").encode()


async def upload(
    runtime: Runtime, principal: Principal, data: bytes, *, keep_duplicates: bool = False, dry_run: bool = False
) -> FileImport:
    request = ImportRequest(
        request_id="the-request", file_name="fleet.csv", keep_duplicates=keep_duplicates, dry_run=dry_run
    )
    taken = await begin_upload(runtime, principal, request)
    await taken.add(data)
    await taken.complete()
    return await taken.queue(runtime)


async def look(runtime: Runtime, cast: Cast, queued: FileImport) -> FileImport:
    return await file_imports.get_import(runtime, cast.acme.principal, format_import_id(queued.import_id))


async def report(runtime: Runtime, cast: Cast, queued: FileImport) -> list[tuple[int, int, str | None]]:
    pages = file_imports.list_refusals(runtime, cast.acme.principal, queued)
    return [(one.place, one.line, one.column) async for page in pages for one in page]


async def wait_for_end(runtime: Runtime, cast: Cast, queued: FileImport) -> FileImport:
    async with asyncio.timeout(20):
        while (found := await look(runtime, cast, queued)).is_open:  # noqa: ASYNC110 - the worker has no event for us
            await asyncio.sleep(0.01)
    return found


async def take(runtime: Runtime, cast: Cast, holder: str = "me") -> ImportRun:
    run = await take_import(runtime, cast.acme.account.account_id, holder)
    assert run is not None
    return run


def stop_after(count: int) -> Callable[[], bool]:
    """Say at the look after so many transactions that the server ends; the first look comes before any part."""
    looks = iter(range(10_000))
    return lambda: next(looks) > count


@asynccontextmanager
async def run_worker(runtime: Runtime) -> AsyncIterator[ImportWorker]:
    worker = ImportWorker(runtime, poll=PauseRange(s_min=0.01, s_max=0.02))
    async with run_workers([worker]):
        yield worker
