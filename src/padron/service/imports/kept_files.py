"""Files that are uploaded to be looked at before they are imported.

A kept file is an upload that no worker takes. Each check and each import of it is an import of its own, which reads the
kept file's parts. So it has a report, can be cancelled and can be undone like any other. The file stays until its time
is over, or somebody discards it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import (
    FILE_KEPT,
    MAPPINGS_KEPT_MAX,
    FileImport,
    ImportState,
    check_room,
    make_import_id,
    parse_import_id,
)
from padron.domain.file_reading import ReadingOptions
from padron.domain.quoting import quote
from padron.files.correcting import check_corrections
from padron.files.headers import parse_mapping
from padron.service.imports.file_imports import clear_import
from padron.service.imports.uploads import check_may_import, draw_number
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFileRequest:
    """How to import a kept file. With its preview's ``fingerprint``, the mapping is kept for the next such file."""

    request_id: str
    keep_duplicates: bool = False
    dry_run: bool = False
    options: ReadingOptions = field(default_factory=ReadingOptions)
    fingerprint: str | None = None


async def get_file(runtime: Runtime, principal: Principal, file_id: str) -> FileImport:
    """Give a kept file. Raises ``forbidden`` and ``import_not_found``."""
    check_may_import(principal)
    number = parse_import_id(file_id)
    found = None
    if number is not None:
        found = await runtime.store.read(principal.account_id).imports.find_kept_file(number, runtime.clock())
    if found is None:
        raise _refuse_unknown(file_id)
    return found


async def find_mapping(runtime: Runtime, principal: Principal, fingerprint: str) -> Mapping[str, str]:
    """Give how files with these names were mapped the last time; empty if never. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_WRITE)
    return await runtime.store.read(principal.account_id).imports.find_mapping(fingerprint)


async def import_kept_file(
    runtime: Runtime, principal: Principal, file_id: str, request: KeptFileRequest
) -> FileImport:  # fmt: skip
    """Queue an import of a kept file, or a check that changes nothing, and give it.

    Raises ``forbidden``, ``import_not_found``, ``import_limit_reached``, and ``bad_parameters`` for options that no
    file can have.
    """
    kept = await get_file(runtime, principal, file_id)
    parse_mapping(request.options.mapping)
    options = replace(request.options, corrections=check_corrections(request.options.corrections))
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> FileImport:
        imports = transaction.imports
        check_room(await imports.list_open(), runtime.limits.imports)
        present = await imports.lock_import(kept.import_id)
        if present is None or not _is_kept(present, now):
            raise _refuse_unknown(file_id)
        queued = _build_import(present, replace(request, options=options), principal.actor, now)
        after = replace(
            present,
            options=options,
            keep_duplicates=request.keep_duplicates,
            moved_at=now,
            kept_until=now + FILE_KEPT,
        )
        await imports.save_import(after)
        await imports.add_import(queued)
        if request.fingerprint and options.mapping:
            await imports.save_mapping(request.fingerprint, options.mapping, now, MAPPINGS_KEPT_MAX)
        return queued

    return await runtime.store.write(principal.account_id, work)


async def discard_file(runtime: Runtime, principal: Principal, file_id: str) -> None:
    """Delete a kept file. If an import still reads it, the file is deleted some minutes after that.

    Raises ``forbidden`` and ``import_not_found``.
    """
    kept = await get_file(runtime, principal, file_id)
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> bool:
        imports = transaction.imports
        open_imports = await imports.list_open()
        present = await imports.lock_import(kept.import_id)
        if present is None or not _is_kept(present, now):
            raise _refuse_unknown(file_id)
        await imports.save_import(replace(present, kept_until=now))
        return all(one.source_id != kept.import_id for one in open_imports)

    if await runtime.store.write(principal.account_id, work):
        await clear_import(runtime, principal.account_id, kept.import_id)


def _build_import(kept: FileImport, request: KeptFileRequest, by: str, now: datetime) -> FileImport:
    return FileImport(
        import_id=make_import_id(now, draw_number()),
        state=ImportState.QUEUED,
        file_name=kept.file_name,
        keep_duplicates=request.keep_duplicates,
        dry_run=request.dry_run,
        created_by=by,
        request_id=request.request_id,
        created_at=now,
        moved_at=now,
        byte_count=kept.byte_count,
        part_count=kept.part_count,
        options=request.options,
        source_id=kept.import_id,
    )


def _is_kept(present: FileImport, now: datetime) -> bool:
    return present.state is ImportState.UPLOADING and present.kept_until is not None and present.kept_until > now


def _refuse_unknown(file_id: str) -> PadronError:
    detail = f"There is no uploaded file {quote(file_id)}. A file is kept for a day: upload it again."
    return PadronError(Code.IMPORT_NOT_FOUND, detail)
