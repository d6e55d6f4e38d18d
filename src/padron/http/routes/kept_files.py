"""Files that are looked at before they are imported: their upload, their preview, and their imports."""

import hashlib

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.file_import import (
    FILE_NAME_LENGTH_MAX,
    UPLOAD_BYTES_MAX,
    FileImport,
    check_file_name,
    format_import_id,
)
from padron.domain.vehicle import TEXT_PATTERN
from padron.http import idempotency
from padron.http.answers import problems
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.calls import BULK_BODY_BYTES_MAX, STREAM_HELD_BYTES, Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import import_options, queries
from padron.http.requests.bodies import read_json
from padron.http.routes.imports import MEDIA_TYPES, check_media_type
from padron.http.shapes.imports import ImportShape, shape_import
from padron.http.shapes.kept_files import (
    KeptFileShape,
    KeptImportBody,
    PreviewShape,
    give_reading,
    shape_kept_file,
    shape_preview,
)
from padron.service.actors import name_actors
from padron.service.imports import kept_files, uploads
from padron.service.imports.kept_files import KeptFileRequest
from padron.service.imports.previewing import preview_kept_file
from padron.service.imports.uploads import ImportRequest, Upload


async def keep_file(call: Call) -> Reply | StreamReply:
    """POST /api/v2/import-files."""
    uploads.check_may_import(call.principal)
    given = queries.read_query(call, frozenset({"fileName"}))
    request = ImportRequest(
        request_id=call.request_id,
        file_name=check_file_name(given["fileName"]) if "fileName" in given else None,
        dry_run=True,
    )
    check_media_type(call.headers.get(b"content-type"))
    idempotency.check_header(call)
    call.check_declared(UPLOAD_BYTES_MAX, STREAM_HELD_BYTES)
    upload = await uploads.begin_upload(call.runtime, call.principal, request, is_kept=True)
    try:
        digest = hashlib.sha256(idempotency.give_head(call))
        async for data in call.stream_body(UPLOAD_BYTES_MAX):
            digest.update(data)
            await upload.add(data)
        await upload.complete()
        return await idempotency.answer_once(call, lambda call: _keep(call, upload), digest.digest())
    finally:
        await upload.discard()


async def _keep(call: Call, upload: Upload) -> Reply:
    idempotency.answer_within(call, _build_kept)
    return _build_kept(await upload.keep(call.runtime))


def _build_kept(kept: FileImport) -> Reply:
    location = place(f"/api/v2/import-files/{format_import_id(kept.import_id)}/preview")
    return build_json_reply(201, shape_kept_file(kept), ((b"location", location.encode()),))


async def get_preview(call: Call) -> Reply:
    """GET /api/v2/import-files/{fileId}/preview."""
    given = queries.read_query(call, import_options.NAMES)
    options = import_options.parse_reading(given)
    preview = await preview_kept_file(call.runtime, call.principal, call.path_parameters["fileId"], options)
    return build_json_reply(200, shape_preview(preview))


async def import_file(call: Call) -> Reply:
    """POST /api/v2/import-files/{fileId}/imports."""
    body = await read_json(call, KeptImportBody, BULK_BODY_BYTES_MAX, absent=b"{}")
    request = KeptFileRequest(
        request_id=call.request_id,
        keep_duplicates=body.keep_duplicates,
        dry_run=body.dry_run,
        options=give_reading(body),
        fingerprint=None if body.fingerprint is UNSET else body.fingerprint,
    )
    names = await name_actors(call.runtime, call.principal.account_id, [call.principal.actor])

    def build_accepted(queued: FileImport) -> Reply:
        location = place(f"/api/v2/imports/{format_import_id(queued.import_id)}")
        return build_json_reply(202, shape_import(queued, names), ((b"location", location.encode()),))

    idempotency.answer_within(call, build_accepted)
    file_id = call.path_parameters["fileId"]
    return build_accepted(await kept_files.import_kept_file(call.runtime, call.principal, file_id, request))


async def discard_file(call: Call) -> Reply:
    """DELETE /api/v2/import-files/{fileId}."""
    await kept_files.discard_file(call.runtime, call.principal, call.path_parameters["fileId"])
    return Reply(204)


_FILES = "/api/v2/import-files"
_FILE = f"{_FILES}/{{fileId}}"
_FILE_ID = Parameter(
    name="fileId", place="path", required=True, description="The file's id, as given when it was sent.",
    schema={"type": "string", "pattern": "^[0-7][0-9a-f]{15}$"},
)  # fmt: skip
_FURTHER = (Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK)

ROUTES: tuple[Route, ...] = (
    Route(
        name="keepFile", method="POST", path=_FILES, tag="Imports", summary="Send a file to look at before its import",
        description="The body is the file itself, as for startImport. Nothing is imported yet. The file is kept for "
        "24 hours after it was last used. Look at its preview, check it with dryRun, correct what was refused, and "
        "import it, without sending it again.",
        endpoint=keep_file, scope=Scope.VEHICLES_WRITE, further_scopes=_FURTHER, media_types=MEDIA_TYPES,
        is_streamed=True,
        parameters=(
            Parameter(name="fileName", place="query", description="The name of the file, for people.",
                      schema={"type": "string", "minLength": 1, "maxLength": FILE_NAME_LENGTH_MAX,
                              "pattern": TEXT_PATTERN}),
        ),
        answers={201: Success(description="The file is kept.", body=KeptFileShape,
                             headers={"Location": "The address of its preview."})},
        problems=(
            problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
            problems.IMPORT_LIMIT_REACHED, problems.IMPORT_ENDED, problems.REQUEST_TIMEOUT,
        ),
    ),
    Route(
        name="getFilePreview", method="GET", path=f"{_FILE}/preview", tag="Imports",
        summary="See what a file looks like",
        description="Gives the sheets of a workbook, the row with the column names, what each column seems to be, and "
        "the first 20 rows. The options are those of an import. Without a mapping, the one counts that an earlier "
        "import kept for these names.",
        endpoint=get_preview, scope=Scope.VEHICLES_WRITE, further_scopes=_FURTHER,
        parameters=(_FILE_ID, *import_options.PARAMETERS),
        answers={200: Success(description="The beginning of the file.", body=PreviewShape)},
        problems=(problems.BAD_PARAMETERS, problems.IMPORT_NOT_FOUND),
    ),
    Route(
        name="importFile", method="POST", path=f"{_FILE}/imports", tag="Imports", summary="Import a file that was sent",
        description="Imports the file, or with dryRun only checks it. The answer is 202, and the import is like any "
        "other: it has a report and can be undone. `corrections` replace single cells of the file.",
        endpoint=import_file, scope=Scope.VEHICLES_WRITE, further_scopes=_FURTHER, parameters=(_FILE_ID,),
        body=KeptImportBody, body_required=False,
        body_example={
            "dryRun": True,
            "mapping": {"Chasis": "vin", "Kilometraje": "-"},
            "corrections": [{"line": 7, "column": "doors", "value": "4"}],
        },
        answers={202: Success(description="The import is queued.", body=ImportShape,
                             headers={"Location": "The import's address."})},
        problems=(
            problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
            problems.IMPORT_NOT_FOUND, problems.IMPORT_LIMIT_REACHED,
        ),
    ),
    Route(
        name="discardFile", method="DELETE", path=_FILE, tag="Imports", summary="Discard a file that was sent",
        description="Deletes the file. Its imports remain. An import that still reads it goes on.",
        endpoint=discard_file, scope=Scope.VEHICLES_WRITE, further_scopes=_FURTHER, parameters=(_FILE_ID,),
        answers={204: Success(description="It is deleted.")},
        problems=(problems.IMPORT_NOT_FOUND,),
    ),
)  # fmt: skip
