"""Importing a file of vehicles: its upload, its state and its report."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from padron.domain.account import Scope
from padron.domain.file_import import (
    FILE_NAME_LENGTH_MAX,
    REFUSALS_KEPT_MAX,
    UPLOAD_BYTES_MAX,
    FileImport,
    KeptRefusal,
    check_file_name,
    format_import_id,
)
from padron.domain.quoting import quote
from padron.domain.vehicle import TEXT_PATTERN
from padron.files.defusing import defuse_text
from padron.files.writers import encode_csv
from padron.http import idempotency, parameters
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.answers.streams import stream_file
from padron.http.authentication import authenticate
from padron.http.calls import CLOSE, STREAM_HELD_BYTES, Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import import_options, queries
from padron.http.shapes.imports import ImportList, ImportShape, shape_import
from padron.service.actors import name_actors
from padron.service.imports import file_imports, uploads
from padron.service.imports.uploads import ImportRequest, Upload

MEDIA_TYPES = (
    "text/csv",
    "application/csv",
    "application/vnd.ms-excel",  # browsers on Windows declare this for CSV if Excel is installed
    "text/tab-separated-values",
    "text/plain",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/x-ndjson",
    "application/octet-stream",
)

_PARAMETERS = frozenset({"keepDuplicates", "dryRun", "fileName"}) | import_options.NAMES
_REPORT_COLUMNS = ("line", "column", "detail")


async def start_import(call: Call) -> Reply | StreamReply:
    """POST /api/v2/imports."""
    uploads.check_may_import(call.principal)
    given = queries.read_query(call, _PARAMETERS)
    request = ImportRequest(
        request_id=call.request_id,
        file_name=check_file_name(given["fileName"]) if "fileName" in given else None,
        keep_duplicates=queries.parse_boolean(given, "keepDuplicates") or False,
        dry_run=queries.parse_boolean(given, "dryRun") or False,
        options=import_options.parse_reading(given),
    )
    check_media_type(call.headers.get(b"content-type"))
    idempotency.check_header(call)
    call.check_declared(UPLOAD_BYTES_MAX, STREAM_HELD_BYTES)
    upload = await uploads.begin_upload(call.runtime, call.principal, request)
    try:
        digest = hashlib.sha256(idempotency.give_head(call))
        async for data in call.stream_body(UPLOAD_BYTES_MAX):
            digest.update(data)
            await upload.add(data)
        await upload.complete()
        await authenticate(call)  # again, because the API key may be revoked during a long upload
        # Only the whole file shows whether the Idempotency-Key was sent with the same file before.
        return await idempotency.answer_once(call, lambda call: _queue(call, upload), digest.digest())
    finally:
        await upload.discard()


async def _queue(call: Call, upload: Upload) -> Reply:
    names = await name_actors(call.runtime, call.principal.account_id, [call.principal.actor])
    build_accepted = partial(_build_accepted, names=names)
    idempotency.answer_within(call, build_accepted)
    return build_accepted(await upload.queue(call.runtime))


def _build_accepted(queued: FileImport, names: Mapping[str, str]) -> Reply:
    location = place(f"/api/v2/imports/{format_import_id(queued.import_id)}")
    return build_json_reply(202, shape_import(queued, names), ((b"location", location.encode()),))


async def list_imports(call: Call) -> Reply:
    """GET /api/v2/imports."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await file_imports.list_imports(
        call.runtime, call.principal, limit=queries.parse_limit(given), cursor=given.get("cursor")
    )
    names = await name_actors(call.runtime, call.principal.account_id, [one.created_by for one in page.rows])
    body = ImportList(
        imports=[shape_import(one, names) for one in page.rows],
        next_cursor=page.next_cursor,
        more=page.more,
    )
    return build_json_reply(200, body)


async def get_import(call: Call) -> Reply:
    """GET /api/v2/imports/{importId}."""
    queries.read_query(call, frozenset())
    found = await file_imports.get_import(call.runtime, call.principal, call.path_parameters["importId"])
    names = await name_actors(call.runtime, call.principal.account_id, [found.created_by])
    return build_json_reply(200, shape_import(found, names))


async def cancel_import(call: Call) -> Reply:
    """DELETE /api/v2/imports/{importId}."""
    await file_imports.cancel_import(call.runtime, call.principal, call.path_parameters["importId"])
    return Reply(204)


async def get_report(call: Call) -> StreamReply:
    """GET /api/v2/imports/{importId}/report."""
    queries.read_query(call, frozenset())
    found = await file_imports.get_import(call.runtime, call.principal, call.path_parameters["importId"])
    pages = _encode_report(file_imports.list_refusals(call.runtime, call.principal, found))
    return await stream_file(call, pages, f"import-{format_import_id(found.import_id)}-report.csv")


async def _encode_report(pages: AsyncIterator[list[KeptRefusal]]) -> AsyncIterator[bytes]:
    yield encode_csv([_REPORT_COLUMNS])
    async for page in pages:
        yield encode_csv([(one.line, defuse_text(one.column or ""), defuse_text(one.detail)) for one in page])


def check_media_type(content_type: bytes | None) -> None:
    """Raise a refusal unless the body is declared as a file."""
    media_type = (content_type or b"application/octet-stream").decode("latin-1").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        detail = f"The body is declared as {quote(media_type)}. Send the file itself, as {', '.join(MEDIA_TYPES)}."
        raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, detail, CLOSE)


_IMPORTS = "/api/v2/imports"
_IMPORT = f"{_IMPORTS}/{{importId}}"
_IMPORT_ID = Parameter(
    name="importId", place="path", required=True, description="The import's id, as given when the file was sent.",
    schema={"type": "string", "pattern": "^[0-7][0-9a-f]{15}$"},
)  # fmt: skip
_FIND_PROBLEMS = (problems.BAD_PARAMETERS, problems.IMPORT_NOT_FOUND)

ROUTES: tuple[Route, ...] = (
    Route(
        name="startImport", method="POST", path=_IMPORTS, tag="Imports",
        summary="Import a file of vehicles",
        description="The body is the file itself, at most "
        f"{UPLOAD_BYTES_MAX // 1_000_000:,} MB: CSV, XLSX or JSON Lines. The form is detected from the content. When "
        "the file has arrived, the answer is 202, and the import runs in the background, even if this server stops. "
        "Follow it at its address. The imports of an account run one after the other. A wrong row is refused alone, "
        "and the report has all its faults. If you export a file, edit it and import it, only the edited values "
        "change. With dryRun nothing is changed.",
        endpoint=start_import, scope=Scope.VEHICLES_WRITE,
        further_scopes=(Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK), media_types=MEDIA_TYPES, is_streamed=True,
        parameters=(
            Parameter(name="keepDuplicates", place="query", schema={"type": "boolean", "default": False},
                      description="Register one more vehicle for a VIN that is in use (for legacy data)."),
            Parameter(name="dryRun", place="query", schema={"type": "boolean", "default": False},
                      description="Check each row in the same way, but change nothing."),
            Parameter(name="fileName", place="query", description="The name of the file, for people.",
                      schema={"type": "string", "minLength": 1, "maxLength": FILE_NAME_LENGTH_MAX,
                              "pattern": TEXT_PATTERN}),
            *import_options.PARAMETERS,
        ),
        answers={202: Success(description="The file has arrived, and its import is queued.", body=ImportShape,
                             headers={"Location": "The import's address."})},
        problems=(
            problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
            problems.IMPORT_LIMIT_REACHED, problems.IMPORT_ENDED, problems.REQUEST_TIMEOUT,
        ),
    ),
    Route(
        name="listImports", method="GET", path=_IMPORTS, tag="Imports", summary="List imports",
        description="The account's imports, newest first. An import is kept for 30 days after it ended.",
        endpoint=list_imports, scope=Scope.VEHICLES_WRITE,
        parameters=(parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=ImportList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getImport", method="GET", path=_IMPORT, tag="Imports", summary="Read how an import stands",
        description="Gives the state `queued`, `running`, `done`, `failed` (detail says why) or `cancelled`, and the "
        "results of the rows so far. Its changes can be undone by its requestId, within the limits of an undo.",
        endpoint=get_import, scope=Scope.VEHICLES_WRITE, parameters=(_IMPORT_ID,),
        answers={200: Success(description="The import.", body=ImportShape)},
        problems=_FIND_PROBLEMS,
    ),
    Route(
        name="getImportReport", method="GET", path=f"{_IMPORT}/report", tag="Imports",
        summary="Read which lines an import refused",
        description="CSV with the columns line, column and detail, in the order of the file. Each fault has a row, so "
        f"a line can appear several times. The report has the first {REFUSALS_KEPT_MAX:,} faults. The import's counts "
        "have the number of refused lines.",
        endpoint=get_report, scope=Scope.VEHICLES_WRITE, parameters=(_IMPORT_ID,),
        answers={200: Success(description="The refused lines.", media_type="text/csv")},
        problems=_FIND_PROBLEMS,
    ),
    Route(
        name="cancelImport", method="DELETE", path=_IMPORT, tag="Imports", summary="Cancel an import",
        description="Stops the import. Rows that are already imported stay. Cancelling again is also 204.",
        endpoint=cancel_import, scope=Scope.VEHICLES_WRITE, further_scopes=(Scope.VEHICLES_BULK,),
        parameters=(_IMPORT_ID,),
        answers={204: Success(description="It is cancelled.")},
        problems=(problems.IMPORT_NOT_FOUND, problems.IMPORT_ENDED),
    ),
)  # fmt: skip
