"""Shows what a kept file looks like. Another process reads its beginning, with limits."""

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import FileImport
from padron.domain.file_preview import FilePreview
from padron.domain.file_reading import ReadingOptions
from padron.files.ahead import stream_rows_ahead
from padron.files.orders import ChildLimits, Order
from padron.service.imports.kept_files import find_mapping, get_file
from padron.service.runtime import Runtime

_PACKAGE = b"PK"  # a workbook must be read whole, because its list of parts is at the end
_PARTS_OF_TEXT = 16  # 4 MB: more than any first rows have
_LIMITS = ChildLimits(cpu_s=60, wall_s=60.0, niceness=5)


async def preview_kept_file(
    runtime: Runtime, principal: Principal, file_id: str, options: ReadingOptions
) -> FilePreview:  # fmt: skip
    """Give what a kept file looks like with these options. Without a mapping, the one of the last such file counts.

    Raises ``forbidden``, ``import_not_found``, ``overloaded``, and ``bad_parameters`` for a file that cannot be read.
    """
    kept = await get_file(runtime, principal, file_id)
    async with runtime.previews.take(principal.account_id):
        with tempfile.TemporaryDirectory(prefix="padron-preview-") as folder:
            path = Path(folder, "file")
            await _fetch_beginning(runtime, principal.account_id, kept, path)
            preview = await _preview(path, options)
            if options.mapping:
                return preview
            mapping = await find_mapping(runtime, principal, preview.fingerprint)
            with suppress(PadronError):  # an old mapping may name what is no column any more
                return await _preview(path, replace(options, mapping=mapping)) if mapping else preview
            return preview


async def _preview(path: Path, options: ReadingOptions) -> FilePreview:
    order = Order(path=str(path), is_path_told=False, options=options, is_preview=True)
    async with stream_rows_ahead(order, _LIMITS) as rows:
        return await rows.receive_preview()


async def _fetch_beginning(runtime: Runtime, account_id: int, kept: FileImport, path: Path) -> None:
    """Write the file, or of a text only its beginning."""
    reader = runtime.store.read(account_id).imports
    count, number = kept.part_count, 0
    with path.open("wb") as file:
        while number < count:
            part = await reader.load_part(kept.import_id, number)
            if part is None:
                raise PadronError(Code.IMPORT_NOT_FOUND, "The uploaded file was discarded.")
            if number == 0 and not part.startswith(_PACKAGE):
                count = min(count, _PARTS_OF_TEXT)
            await asyncio.to_thread(file.write, part)
            number += 1
