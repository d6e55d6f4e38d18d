"""Imports: sending a file, and what came of each import: progress, what was refused and its correction, and undo."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.console.declarations import ConsoleRoute
from padron.console.naming import name_actors
from padron.console.pages.import_faults import GROUPS_SHOWN, group_faults, read_corrections
from padron.console.replies import redirect, send_csv, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import (
    FILE_NAME_LENGTH_MAX,
    FileImport,
    ImportState,
    KeptRefusal,
    check_file_name,
    format_import_id,
)
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.undo import LeftReason
from padron.files.columns import COLUMNS, STATUS_COLUMN
from padron.files.defusing import defuse_text
from padron.files.writers import encode_csv
from padron.mounting import MountedReply
from padron.service.imports import file_imports
from padron.service.imports.kept_files import KeptFileRequest, get_file, import_kept_file
from padron.service.imports.uploads import ImportRequest, begin_upload
from padron.service.people.sessions import read_session
from padron.service.statuses.undo import UndoneVehicle, undo_request

LIST_ROWS = 25

_BAD_REQUEST = 400
_CONFLICT = 409
_PATH = "/console/imports"
_EXPLAINED = frozenset({
    Code.BAD_PARAMETERS, Code.IMPORT_NOT_FOUND, Code.IMPORT_LIMIT_REACHED, Code.IMPORT_ENDED, Code.REQUEST_TOO_LARGE,
    Code.REQUEST_NOT_FOUND, Code.ARCHIVED,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoSums:
    """What an undo of an import did: how many vehicles it brought back, and how many it left, by the reason."""

    undone_count: int
    left: Sequence[tuple[LeftReason, int]]


async def show_imports(visit: PageVisit) -> MountedReply:
    """GET /console/imports."""
    return await _show_list(visit)


async def send_file(visit: PageVisit) -> MountedReply:
    """POST /console/imports: keep a file, and lead to what it looks like."""
    upload = visit.upload
    if upload is None or not upload.file_name:
        return await _show_list(visit, "imports.no_file")
    try:
        request = ImportRequest(request_id=visit.request_id, file_name=_give_file_name(upload.file_name), dry_run=True)
        taken = await begin_upload(visit.runtime, visit.principal, request, is_kept=True)
        try:
            async for piece in upload.read_file():
                await taken.add(piece)
            await taken.complete()
            if visit.token is not None:  # a large file takes long: who sent it may have been signed out meanwhile
                await read_session(visit.runtime, visit.token, visit.visitor)
            kept = await taken.keep(visit.runtime)
        finally:
            await taken.discard()
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_list(visit, "imports.not_sent", error.detail)
    return redirect(visit, f"{_PATH}/file/{format_import_id(kept.import_id)}")


async def show_import(visit: PageVisit) -> MountedReply:
    """GET /console/imports/{import}."""
    return await _show_one(visit)


async def act(visit: PageVisit) -> MountedReply:
    """POST /console/imports/{import}: correct, import, cancel or undo."""
    found = await file_imports.get_import(visit.runtime, visit.principal, visit.parameters["import"])
    try:
        match visit.form.get("step"):
            case "check":
                return await _run(visit, found, dry_run=True)
            case "import":
                return await _run(visit, found, dry_run=False)
            case "cancel":
                await file_imports.cancel_import(visit.runtime, visit.principal, visit.parameters["import"])
                return redirect(visit, f"{_PATH}/{format_import_id(found.import_id)}")
            case "undo":
                outcomes = await undo_request(visit.runtime, visit.principal, found.request_id, visit.request_id, None)
                return await _show_one(visit, undo=_sum_undo(outcomes))
            case _:
                return await _show_one(visit, note="sign_in.typed_again")
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_one(visit, problem="imports.refused", detail=error.detail)


async def show_again(visit: PageVisit) -> MountedReply:
    """Give the page with the corrections as they were typed before the session ended."""
    return await _show_one(visit, note="sign_in.typed_again")


async def get_report(visit: PageVisit) -> MountedReply:
    """GET /console/imports/{import}/report: all faults as CSV, without formulas."""
    found = await file_imports.get_import(visit.runtime, visit.principal, visit.parameters["import"])
    pages = [
        encode_csv([(one.line, defuse_text(one.column or ""), defuse_text(one.detail)) for one in page])
        async for page in file_imports.list_refusals(visit.runtime, visit.principal, found)
    ]
    body = b"".join([encode_csv([("line", "column", "detail")]), *pages])
    return send_csv(visit, body, f"import-{format_import_id(found.import_id)}-report.csv")


async def _run(visit: PageVisit, found: FileImport, *, dry_run: bool) -> MountedReply:
    """Check or import the file of an import again, with the corrections of the form."""
    groups = group_faults(await _list_first(visit, found))
    corrections = read_corrections(visit.form, groups, found.options.corrections)
    request = KeptFileRequest(
        request_id=visit.request_id,
        keep_duplicates=found.keep_duplicates,
        dry_run=dry_run,
        options=replace(found.options, corrections=corrections),
    )
    file_id = "" if found.source_id is None else format_import_id(found.source_id)
    queued = await import_kept_file(visit.runtime, visit.principal, file_id, request)
    return redirect(visit, f"{_PATH}/{format_import_id(queued.import_id)}")


async def _show_list(visit: PageVisit, problem: str = "", detail: str = "") -> MountedReply:
    page = await file_imports.list_imports(
        visit.runtime, visit.principal, limit=LIST_ROWS, cursor=visit.query.get("cursor") or None
    )
    return show(
        visit,
        "imports.html",
        status=_BAD_REQUEST if problem else 200,
        rows=page.rows,
        next_cursor=page.next_cursor,
        names=await name_actors(visit, {one.created_by for one in page.rows}),
        states=ImportState,
        import_id=format_import_id,
        may_import=visit.may(Scope.VEHICLES_WRITE, Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK),
        problem=problem,
        detail=detail,
    )


async def _show_one(
    visit: PageVisit, *, problem: str = "", detail: str = "", note: str = "", undo: UndoSums | None = None
) -> MountedReply:
    found = await file_imports.get_import(visit.runtime, visit.principal, visit.parameters["import"])
    refusals = await _list_first(visit, found)
    groups = group_faults(refusals)
    return show(
        visit,
        "import.html",
        status=_CONFLICT if problem else 200,
        found=found,
        own_id=format_import_id(found.import_id),
        file_id=await _find_file(visit, found),
        states=ImportState,
        groups=groups[:GROUPS_SHOWN],
        has_more=len(groups) > GROUPS_SHOWN or found.refusals_kept > len(refusals),
        status_column=STATUS_COLUMN,
        statuses=list(SETTABLE_STATUSES.values()),
        columns=COLUMNS,
        typed=visit.form,
        names=await name_actors(visit, {found.created_by}),
        may_change=visit.may(Scope.VEHICLES_WRITE, Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK),
        problem=problem,
        detail=detail,
        note=note,
        undo=undo,
    )


async def _list_first(visit: PageVisit, found: FileImport) -> Sequence[KeptRefusal]:
    async for page in file_imports.list_refusals(visit.runtime, visit.principal, found):
        return page
    return ()


async def _find_file(visit: PageVisit, found: FileImport) -> str:
    """Give the id of the import's file, if it is still kept and the visitor may import it; empty otherwise."""
    if found.source_id is None or not visit.may(Scope.VEHICLES_BULK, Scope.VEHICLES_STATUS):
        return ""
    try:
        kept = await get_file(visit.runtime, visit.principal, format_import_id(found.source_id))
    except PadronError as error:
        if error.code is not Code.IMPORT_NOT_FOUND:
            raise
        return ""
    return format_import_id(kept.import_id)


def _sum_undo(outcomes: Sequence[UndoneVehicle]) -> UndoSums:
    left = Counter(one.left for one in outcomes if one.left is not None)
    return UndoSums(undone_count=sum(one.after is not None for one in outcomes), left=left.most_common())


def _give_file_name(name: str) -> str:
    """Give the name to show. A folder before it, as some browsers send it, is nobody's business."""
    shown = name.replace("\\", "/").rpartition("/")[2]
    return check_file_name("".join(one for one in shown if one.isprintable())[-FILE_NAME_LENGTH_MAX:] or "-")


_ONE = f"{_PATH}/{{import}}"

ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_imports, scope=Scope.VEHICLES_WRITE),
    ConsoleRoute(
        method="POST",
        path=_PATH,
        endpoint=send_file,
        scope=Scope.VEHICLES_BULK,
        takes_file=True,
        show_again=show_imports,
    ),
    ConsoleRoute(method="GET", path=f"{_ONE}/report", endpoint=get_report, scope=Scope.VEHICLES_WRITE),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_import, scope=Scope.VEHICLES_WRITE),
    ConsoleRoute(method="POST", path=_ONE, endpoint=act, scope=Scope.VEHICLES_BULK, show_again=show_again),
)
