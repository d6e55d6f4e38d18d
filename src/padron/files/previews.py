"""Reads the beginning of a file, in whatever form, as rows of cells. Nothing in it needs to be right yet."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.domain.file_preview import CELL_SHOWN_MAX, COLUMNS_MAX, ROWS_MAX, FilePreview, PreviewRow
from padron.domain.file_reading import HEADER_ROWS_MAX, Header, ReadingOptions
from padron.files.columns import VIN_COLUMN, ImportRow, find_language, fold_name
from padron.files.guessing import fingerprint_names, guess_columns
from padron.files.headers import HeaderSearch, Table, parse_mapping
from padron.files.json_rows import LINE_BYTES_MAX, begins_json
from padron.files.rows import open_rows

_ALL_COLUMNS: list[str | None] = [str(place) for place in range(COLUMNS_MAX)]


class _NoNamesError(Exception):
    """No row names the VIN. ``row`` comes closest."""

    def __init__(self, row: int) -> None:
        super().__init__()
        self.row = row


class PreviewSearch(HeaderSearch):
    """Takes the first row that names the VIN, or the row that was asked for, whatever its other names are."""

    takes_first_sheet = True

    def __init__(self, options: ReadingOptions) -> None:
        super().__init__(options)
        self._asked = options.header_row
        self._mapping = parse_mapping(options.mapping)
        self._scores: list[tuple[int, int, int]] = []
        self.names: list[str] = []
        self.before: list[PreviewRow] = []
        self.sheets: tuple[str, ...] = ()

    @property
    def begins_at(self) -> int:
        """The first row: the rows before the names are shown as well."""
        return 0

    def note_sheets(self, names: Sequence[str]) -> None:
        """Remember the sheets of the workbook."""
        self.sheets = tuple(names)

    def take(self, row: int, names: Sequence[str]) -> Table | None:
        """Give the table if this row is the one. Otherwise remember the row."""
        cut = list(names[:COLUMNS_MAX])
        if self._asked is None or row <= self._asked:
            self.before = [*self.before[-ROWS_MAX + 1 :], _show(row, cut)]
        if self._asked is not None and row < self._asked:
            return None
        if self._asked is None and not self._names_vin(cut):
            self._scores.append((self.count_known(cut), sum(bool(name.strip()) for name in cut), -row))
            if len(self._scores) == HEADER_ROWS_MAX:
                raise self.refuse()
            return None
        self.names = cut
        return Table(header=Header(row=row, language=find_language(cut)), columns=_ALL_COLUMNS)

    def refuse(self) -> PadronError:
        """Give the error for a file without the row. Raises the row that comes closest, if there is one."""
        if self._asked is None and self._scores:
            raise _NoNamesError(-max(self._scores)[2])
        return super().refuse()

    def _names_vin(self, names: Sequence[str]) -> bool:
        folded = [fold_name(name) for name in names]
        return any(self._mapping.get(name) == VIN_COLUMN for name in folded) or self.count_vins(folded) > 0


def preview_file(path: Path, options: ReadingOptions, *, is_path_told: bool = True) -> FilePreview:
    """Give the beginning of a file. Raises ``bad_parameters`` when it is not a table at all."""
    with path.open("rb") as raw:
        is_json = begins_json(raw.read(16))
    if is_json:
        return _preview_json(path, options)
    try:
        return _preview_table(path, options, is_path_told=is_path_told)
    except _NoNamesError as closest:
        again = ReadingOptions(
            mapping=options.mapping, sheet=options.sheet, header_row=closest.row, normalize=options.normalize
        )
        return _preview_table(path, again, is_path_told=is_path_told)


def _preview_table(path: Path, options: ReadingOptions, *, is_path_told: bool) -> FilePreview:
    search = PreviewSearch(options)
    with open_rows(path, options, is_path_told=is_path_told, search=search) as opened:
        header = opened.header
        read = [(row.line, _give_cells(row)) for row in islice(opened, ROWS_MAX) if isinstance(row, ImportRow)]
    names = search.names
    width = max((len(names), *(len(cells) for _, cells in read)))
    names += [""] * (width - len(names))
    return FilePreview(
        sheets=search.sheets,
        sheet=header.sheet,
        header_row=header.row,
        before=tuple(search.before),
        columns=tuple(guess_columns(names, [cells for _, cells in read], parse_mapping(options.mapping))),
        rows=tuple(_show(line, [*cells, *[""] * (width - len(cells))]) for line, cells in read),
        fingerprint=fingerprint_names(names),
        language=header.language,
    )


def _give_cells(row: ImportRow) -> list[str]:
    """Give a row's cells by place, without empty ones at the end. A cell that cannot be read is empty."""
    cells = [row.cells.get(str(place), "") for place in range(COLUMNS_MAX)]
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _preview_json(path: Path, options: ReadingOptions) -> FilePreview:
    if options.header_row is not None:
        raise PadronError(Code.BAD_PARAMETERS, "A file of JSON Lines has no header row: leave out headerRow.")
    read: list[tuple[int, dict[str, str]]] = []
    names: dict[str, None] = {}
    with path.open("rb") as raw:
        for number in range(1, 10 * ROWS_MAX):
            members = _read_members(raw.readline(LINE_BYTES_MAX))
            if members is not None and len(read) < ROWS_MAX:
                read.append((number, members))
                names.update(dict.fromkeys(members))
    shown = list(names)[:COLUMNS_MAX]
    rows = [(line, [members.get(name, "") for name in shown]) for line, members in read]
    return FilePreview(
        columns=tuple(guess_columns(shown, [cells for _, cells in rows], parse_mapping(options.mapping))),
        rows=tuple(_show(line, cells) for line, cells in rows),
        fingerprint=fingerprint_names(sorted(shown)),
        language=find_language(shown),
    )


def _read_members(line: bytes) -> dict[str, str] | None:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return {str(name): "" if one is None else str(one) for name, one in value.items()}


def _show(line: int, cells: Sequence[str]) -> PreviewRow:
    return PreviewRow(line=line, cells=tuple(" ".join(cell[:CELL_SHOWN_MAX].split()) for cell in cells))
