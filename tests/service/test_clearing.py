"""What is over goes by itself, in every account, while a server runs."""

import asyncio
from datetime import timedelta

from padron.domain import file_import, idempotency
from padron.service.idempotency import claim_key
from padron.service.imports.uploads import ImportRequest, begin_upload
from padron.service.runtime import Runtime
from padron.workers.base import run_workers
from padron.workers.clearing import ClearingWorker
from tests.cast import Cast
from tests.conftest import Select, SteppedClock


async def test_keys_and_uploads_that_are_over_go_in_every_account(
    runtime: Runtime, cast: Cast, clock: SteppedClock, select: Select
) -> None:
    for member in (cast.acme, cast.beta):
        await claim_key(runtime, member.principal, "k", b"fingerprint")
        await begin_upload(runtime, member.principal, ImportRequest(request_id="r"))
    clock.now += max(idempotency.KEPT_FOR, file_import.UPLOAD_KEPT) + timedelta(minutes=1)
    async with run_workers([ClearingWorker(runtime, every_s=0.01)]), asyncio.timeout(10):
        while await select("SELECT 1 FROM idempotency_keys UNION ALL SELECT 1 FROM imports"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
