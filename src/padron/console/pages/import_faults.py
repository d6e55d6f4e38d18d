"""The faults of an import as a person corrects them: those with the same cause in one line, with one box."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from padron.console.fields import Fields
from padron.domain.file_import import KeptRefusal
from padron.domain.file_reading import CellCorrection
from padron.files.columns import COLUMNS, VIN_COLUMN

GROUPS_SHOWN = 100
LINES_SHOWN = 8
FIX_FIELD = "fix"  # fix-<first line>-<column>


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultGroup:
    """Faults of one column with the same text. ``column`` is None where whole lines are wrong."""

    column: str | None
    detail: str
    lines: Sequence[int]

    @property
    def field(self) -> str:
        """The name of the box that corrects the group; empty where nothing can be corrected."""
        return f"{FIX_FIELD}-{self.lines[0]}-{self.column}" if self.column in COLUMNS else ""

    @property
    def shown_lines(self) -> Sequence[int]:
        """The first lines."""
        return self.lines[:LINES_SHOWN]


def group_faults(refusals: Iterable[KeptRefusal]) -> list[FaultGroup]:
    """Give the faults by their causes, in the order of the file. VINs differ, so their faults stay apart."""
    lines: dict[tuple[str | None, str, int], list[int]] = {}
    for one in refusals:
        apart = one.line if one.column in {None, VIN_COLUMN} else 0
        lines.setdefault((one.column, one.detail, apart), []).append(one.line)
    return [FaultGroup(column=column, detail=detail, lines=own) for (column, detail, _), own in lines.items()]


def read_corrections(
    form: Fields, groups: Iterable[FaultGroup], former: Sequence[CellCorrection]
) -> tuple[CellCorrection, ...]:  # fmt: skip
    """Give the corrections so far, with those of the form in their places. An empty box corrects nothing."""
    cells = {(one.line, one.column): one.value for one in former}
    for group in groups:
        value = form.get(group.field).strip() if group.field else ""
        if value and group.column is not None:
            cells.update({(line, group.column): value for line in group.lines})
    return tuple(CellCorrection(line=line, column=column, value=value) for (line, column), value in cells.items())
