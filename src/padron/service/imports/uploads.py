"""Receives a file of vehicles, part by part. Each part is a short transaction, and only one is in memory.

A last transaction turns an upload into an import. Until then nobody sees the upload. If its client
or server stops, a worker deletes its parts later.
"""

import secrets
from dataclasses import dataclass, field, replace

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import (
    FILE_KEPT,
    PART_BYTES,
    FileImport,
    ImportState,
    check_file_room,
    check_room,
    make_import_id,
)
from padron.domain.file_reading import ReadingOptions
from padron.service.imports.file_imports import clear_import
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRequest:
    """How to import a file. ``file_name`` is for people only."""

    request_id: str
    file_name: str | None = None
    keep_duplicates: bool = False
    dry_run: bool = False
    options: ReadingOptions = field(default_factory=ReadingOptions)


def check_may_import(principal: Principal) -> None:
    """Raise ``forbidden`` unless the key may register vehicles and set statuses, of many at once: a file may do all."""
    principal.check_scope(Scope.VEHICLES_WRITE)
    principal.check_scope(Scope.VEHICLES_STATUS)
    principal.check_scope(Scope.VEHICLES_BULK)


def draw_number() -> int:
    """Give random bits for an import's id."""
    return secrets.randbits(64)


async def begin_upload(
    runtime: Runtime, principal: Principal, request: ImportRequest, *, is_kept: bool = False
) -> "Upload":  # fmt: skip
    """Give an open upload. ``is_kept`` is for a file that is looked at before it is imported.

    Raises ``forbidden`` and ``import_limit_reached``.
    """
    check_may_import(principal)
    now = runtime.clock()
    new = FileImport(
        import_id=make_import_id(now, draw_number()),
        state=ImportState.UPLOADING,
        file_name=request.file_name,
        keep_duplicates=request.keep_duplicates,
        dry_run=request.dry_run,
        created_by=principal.actor,
        request_id=request.request_id,
        created_at=now,
        moved_at=now,
        options=request.options,
    )

    async def work(transaction: WriteTransaction) -> None:
        imports = transaction.imports
        open_imports = await imports.list_open()
        check_room(open_imports, runtime.limits.imports)
        if is_kept:
            check_file_room(open_imports, runtime.limits.imports)
        await imports.add_import(new)

    await runtime.store.write(principal.account_id, work)
    return Upload(runtime, principal.account_id, new.import_id)


class Upload:
    """A file that is being received."""

    def __init__(self, runtime: Runtime, account_id: int, import_id: int) -> None:
        self._runtime = runtime
        self._account_id = account_id
        self._import_id = import_id
        self._waiting = bytearray()
        self._is_whole = False

    async def add(self, data: bytes) -> None:
        """Receive the next bytes. Complete parts are durable when this returns."""
        self._waiting += data
        while len(self._waiting) >= PART_BYTES:
            part = bytes(self._waiting[:PART_BYTES])
            await self._save(part)
            del self._waiting[:PART_BYTES]

    async def complete(self) -> None:
        """Receive the rest. Raises ``bad_parameters`` for an empty file."""
        if self._waiting:
            await self._save(bytes(self._waiting))
            self._waiting.clear()

    async def queue(self, runtime: Runtime) -> FileImport:
        """Turn the upload into an import, which begins as soon as a server has a place for it.

        The runtime may hold an Idempotency-Key, because this is the request's only write.
        """
        now = runtime.clock()

        async def work(transaction: WriteTransaction) -> FileImport:
            imports = transaction.imports
            present = _check_uploading(await imports.lock_import(self._import_id))
            if present.byte_count == 0:
                raise PadronError(Code.BAD_PARAMETERS, "The body is empty. Send the file.")
            queued = replace(present, state=ImportState.QUEUED, moved_at=now)
            await imports.save_import(queued)
            return queued

        queued = await runtime.store.write(self._account_id, work)
        self._is_whole = True
        return queued

    async def keep(self, runtime: Runtime) -> FileImport:
        """Keep the file to be looked at, and give it. Raises ``bad_parameters`` for an empty one.

        The runtime may hold an Idempotency-Key, as for ``queue``.
        """
        now = runtime.clock()

        async def work(transaction: WriteTransaction) -> FileImport:
            imports = transaction.imports
            check_file_room(await imports.list_open(), runtime.limits.imports)
            present = _check_uploading(await imports.lock_import(self._import_id))
            if present.byte_count == 0:
                raise PadronError(Code.BAD_PARAMETERS, "The file is empty. Choose another one.")
            kept = replace(present, moved_at=now, kept_until=now + FILE_KEPT)
            await imports.save_import(kept)
            return kept

        kept = await runtime.store.write(self._account_id, work)
        self._is_whole = True
        return kept

    async def discard(self) -> None:
        """Remove the upload, unless it has become an import or a kept file."""
        if not self._is_whole:
            await clear_import(self._runtime, self._account_id, self._import_id)

    async def _save(self, part: bytes) -> None:
        now = self._runtime.clock()

        async def work(transaction: WriteTransaction) -> None:
            imports = transaction.imports
            present = _check_uploading(await imports.lock_import(self._import_id))
            await imports.add_part(self._import_id, present.part_count, part)
            after = replace(
                present,
                byte_count=present.byte_count + len(part),
                part_count=present.part_count + 1,
                moved_at=now,
            )
            await imports.save_import(after)

        await self._runtime.store.write(self._account_id, work)


def _check_uploading(present: FileImport | None) -> FileImport:
    if present is None or present.state is not ImportState.UPLOADING:
        raise PadronError(Code.IMPORT_ENDED, "The upload took too long and was deleted. Send the file again.")
    return present
