"""Uploads that are cut off, limits, and what is cleared away when it is over."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain import file_import
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import ImportState, format_import_id
from padron.domain.limits import DEFAULT_LIMITS
from padron.service.imports import file_imports
from padron.service.imports.steps import end_import, import_file
from padron.service.imports.uploads import ImportRequest, begin_upload
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import Select, SteppedClock
from tests.service.uploading import ROWS, look, make_csv, take, upload


@pytest.mark.long("postgres")
async def test_only_so_many_are_open_and_an_upload_counts(runtime: Runtime, cast: Cast) -> None:
    request = ImportRequest(request_id="r")
    opened = [await begin_upload(runtime, cast.acme.principal, request) for _ in range(DEFAULT_LIMITS.imports)]
    with pytest.raises(PadronError) as refusal:
        await begin_upload(runtime, cast.acme.principal, request)
    assert refusal.value.code is Code.IMPORT_LIMIT_REACHED
    await begin_upload(runtime, cast.beta.principal, request)
    await opened[0].discard()
    await begin_upload(runtime, cast.acme.principal, request)


async def test_an_upload_is_no_import_and_goes_when_nobody_sends_on(
    runtime: Runtime, cast: Cast, clock: SteppedClock, select: Select
) -> None:
    halved = await begin_upload(runtime, cast.acme.principal, ImportRequest(request_id="r"))
    await halved.add(b"x" * file_import.PART_BYTES)
    page = await file_imports.list_imports(runtime, cast.acme.principal, limit=10, cursor=None)
    assert page.rows == []
    await file_imports.clear_account(runtime, cast.acme.account.account_id)
    assert await select("SELECT count(*) FROM import_parts") == [(1,)]
    clock.now += file_import.UPLOAD_KEPT + timedelta(seconds=5)
    await file_imports.clear_account(runtime, cast.beta.account.account_id)
    assert await select("SELECT count(*) FROM import_parts") == [(1,)]
    await file_imports.clear_account(runtime, cast.acme.account.account_id)
    assert await select("SELECT count(*) FROM import_parts") == [(0,)]
    assert await select("SELECT count(*) FROM imports") == [(0,)]
    with pytest.raises(PadronError) as refusal:
        await halved.add(b"x" * file_import.PART_BYTES)
    assert refusal.value.code is Code.IMPORT_ENDED


@pytest.mark.long("postgres")
async def test_thirty_days_after_its_end_an_import_is_forgotten(
    runtime: Runtime, cast: Cast, clock: SteppedClock, select: Select
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv(bad_every=2))
    run = await take(runtime, cast)
    await import_file(runtime, run, lambda: False)
    await end_import(runtime, run, ImportState.DONE)
    clock.now += file_import.KEPT - timedelta(minutes=1)
    await file_imports.clear_account(runtime, cast.acme.account.account_id)
    assert (await look(runtime, cast, queued)).counts.read == ROWS
    clock.now += timedelta(minutes=2)
    await file_imports.clear_account(runtime, cast.acme.account.account_id)
    assert await select("SELECT count(*) FROM imports") == [(0,)]
    assert await select("SELECT count(*) FROM import_refusals") == [(0,)]
    assert await runtime.store.read(cast.acme.account.account_id).find_last_change() == 10


async def test_pages_of_imports_are_newest_first_and_another_accounts_are_none(runtime: Runtime, cast: Cast) -> None:
    made = [await upload(runtime, cast.acme.principal, make_csv(1)) for _ in range(3)]
    await upload(runtime, cast.beta.principal, make_csv(1))
    first = await file_imports.list_imports(runtime, cast.acme.principal, limit=2, cursor=None)
    rest = await file_imports.list_imports(runtime, cast.acme.principal, limit=2, cursor=first.next_cursor)
    found = [one.import_id for one in (*first.rows, *rest.rows)]
    assert found == [one.import_id for one in reversed(made)]
    assert rest.next_cursor is None
    for principal, import_id in (
        (cast.beta.principal, format_import_id(made[0].import_id)),
        (cast.acme.principal, "x"),
    ):
        with pytest.raises(PadronError) as refusal:
            await file_imports.get_import(runtime, principal, import_id)
        assert refusal.value.code is Code.IMPORT_NOT_FOUND


@pytest.mark.parametrize("missing", ["vehicles:write", "vehicles:status", "vehicles:bulk"])
@pytest.mark.long("postgres")
async def test_a_file_needs_all_three_scopes(runtime: Runtime, cast: Cast, missing: str) -> None:
    half = replace(cast.acme.principal, scopes=cast.acme.principal.scopes - {missing})
    with pytest.raises(PadronError) as refusal:
        await begin_upload(runtime, half, ImportRequest(request_id="r"))
    assert refusal.value.code is Code.FORBIDDEN
    if missing == "vehicles:write":
        for work in (
            file_imports.list_imports(runtime, half, limit=1, cursor=None),
            file_imports.get_import(runtime, half, "1"),
            file_imports.cancel_import(runtime, half, "1"),
        ):
            with suppress(StopAsyncIteration), pytest.raises(PadronError) as refusal:
                await work
            assert refusal.value.code is Code.FORBIDDEN
