"""What a sent file looks like, and what its columns are: guessed first, and corrected by a person."""

from collections.abc import Mapping, Sequence

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Fields
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import FileImport, format_import_id
from padron.domain.file_preview import Confidence, FilePreview
from padron.domain.file_reading import HEADER_ROW_MAX, SHEET_LENGTH_MAX, ReadingOptions
from padron.files.columns import COLUMNS, REVISION_COLUMN, STATUS_COLUMN, VIN_COLUMN
from padron.mounting import MountedReply
from padron.service.imports.kept_files import KeptFileRequest, discard_file, get_file, import_kept_file
from padron.service.imports.previewing import preview_kept_file

LEFT_OUT = "-"
SAMPLES = 3  # cells that show what a column has

_BAD_REQUEST = 400
_PATH = "/console/imports/file/{file}"
_FIRST = (VIN_COLUMN, "plate", STATUS_COLUMN)  # what people look for first
CHOICES = (*_FIRST, *(name for name in COLUMNS if name not in (*_FIRST, REVISION_COLUMN)), REVISION_COLUMN)
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.IMPORT_LIMIT_REACHED})


async def show_columns(visit: PageVisit) -> MountedReply:
    """GET /console/imports/file/{file}. The address may name a sheet and the row with the names."""
    kept = await get_file(visit.runtime, visit.principal, visit.parameters["file"])
    options = _read_place(visit.query)
    if "sheet" not in visit.query and "headerRow" not in visit.query and kept.options.mapping:
        options = kept.options  # somebody comes back from a check
    return await _show(visit, kept, options)


async def choose(visit: PageVisit) -> MountedReply:
    """POST /console/imports/file/{file}: check the file as the columns say, or discard it."""
    file_id = visit.parameters["file"]
    kept = await get_file(visit.runtime, visit.principal, file_id)
    if visit.form.get("step") == "discard":
        await discard_file(visit.runtime, visit.principal, file_id)
        return redirect(visit, "/console/imports")
    options = _read_choices(visit.form)
    if visit.form.get("step") != "check":
        return await _show(visit, kept, options, note="sign_in.typed_again")
    problem = _find_problem(options.mapping)
    if problem:
        return await _show(visit, kept, options, problem=problem)
    request = KeptFileRequest(
        request_id=visit.request_id,
        keep_duplicates="keepDuplicates" in visit.form,
        dry_run=True,
        options=options,
        fingerprint=visit.form.get("fingerprint")[:64] or None,
    )
    try:
        queued = await import_kept_file(visit.runtime, visit.principal, file_id, request)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show(visit, kept, options, problem="imports.refused", detail=error.detail)
    return redirect(visit, f"/console/imports/{format_import_id(queued.import_id)}")


async def show_again(visit: PageVisit) -> MountedReply:
    """Give the columns as they were chosen before the session ended."""
    kept = await get_file(visit.runtime, visit.principal, visit.parameters["file"])
    return await _show(visit, kept, _read_choices(visit.form), note="sign_in.typed_again")


def _read_place(fields: Fields) -> ReadingOptions:
    """Give where the table begins. What is no number of a row is as good as nothing: the row is then searched for."""
    row = fields.get("headerRow")
    number = int(row) if row.isascii() and row.isdigit() and len(row) <= len(str(HEADER_ROW_MAX)) else 0
    return ReadingOptions(
        sheet=fields.get("sheet")[:SHEET_LENGTH_MAX] or None,
        header_row=number if 1 <= number <= HEADER_ROW_MAX else None,
    )


def _read_choices(form: Fields) -> ReadingOptions:
    """Give what the form says. Two columns with the same name have one meaning: the first that is not left out."""
    place = _read_place(form)
    mapping: dict[str, str] = {}
    for name, target in zip(_list_values(form, "name"), _list_values(form, "to"), strict=False):
        if mapping.get(name, LEFT_OUT) == LEFT_OUT:
            mapping[name] = target if target in COLUMNS else LEFT_OUT
    return ReadingOptions(
        mapping=mapping,
        sheet=place.sheet,
        header_row=place.header_row,
        ignore_unknown=True,
        normalize="normalize" in form,
    )


def _list_values(form: Fields, name: str) -> list[str]:
    return [pair.value for pair in form if pair.name == name]


def _find_problem(mapping: Mapping[str, str]) -> str:
    targets = [target for target in mapping.values() if target != LEFT_OUT]
    if VIN_COLUMN not in targets:
        return "columns.no_vin"
    return "columns.twice" if len(targets) > len(set(targets)) else ""


async def _show(
    visit: PageVisit,
    kept: FileImport,
    options: ReadingOptions,
    *,
    problem: str = "",
    detail: str = "",
    note: str = "",
) -> MountedReply:
    preview: FilePreview | None = None
    try:
        preview = await preview_kept_file(visit.runtime, visit.principal, format_import_id(kept.import_id), options)
    except PadronError as error:
        if error.code is not Code.BAD_PARAMETERS:
            raise
        problem, detail = problem or "columns.unreadable", detail or error.detail
    return show(
        visit,
        "import-columns.html",
        status=_BAD_REQUEST if problem and visit.request.method == "POST" else 200,
        kept=kept,
        file_id=format_import_id(kept.import_id),
        preview=preview,
        samples=_give_samples(preview),
        options=options,
        is_normal=options.normalize or visit.request.method == "GET",
        choices=CHOICES,
        left_out=LEFT_OUT,
        confidences=Confidence,
        problem=problem,
        detail=detail,
        note=note,
    )


def _give_samples(preview: FilePreview | None) -> Sequence[Sequence[str]]:
    """Give the first cells of each column that are not empty."""
    if preview is None:
        return ()
    return [
        list(dict.fromkeys(row.cells[place] for row in preview.rows if row.cells[place]))[:SAMPLES]
        for place in range(len(preview.columns))
    ]


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_columns, scope=Scope.VEHICLES_BULK),
    ConsoleRoute(method="POST", path=_PATH, endpoint=choose, scope=Scope.VEHICLES_BULK, show_again=show_again),
)
