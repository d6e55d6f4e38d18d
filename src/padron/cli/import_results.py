"""The end of ``padron vehicles import``: its counts, the first refused lines, and the exit status."""

from dataclasses import dataclass, field

from padron.cli.imports import ImportReport, print_header
from padron.cli.outputs import print_error, print_json
from padron.domain.file_reading import Header
from padron.files.columns import RowFault
from padron.service.imports.importing import ImportStep, ImportSummary

REFUSALS_PRINTED_MAX = 20  # the report has all refusals
REFUSALS_IN_JSON_MAX = 1_000
SIGNALLED = 128  # plus the signal's number, as in a shell


@dataclass(kw_only=True, slots=True)
class ImportResult:
    """The result so far of an import by the command."""

    request_id: str
    dry_run: bool
    report: ImportReport
    header: Header = field(default_factory=Header)
    summary: ImportSummary = field(default_factory=ImportSummary)
    refusals: list[RowFault] = field(default_factory=list)  # the first ones
    interrupts: list[int] = field(default_factory=list)

    def add(self, step: ImportStep) -> None:
        """Add the result of one transaction."""
        self.report.add(step.refusals)
        self.refusals += step.refusals[: REFUSALS_IN_JSON_MAX - len(self.refusals)]


def print_result(result: ImportResult, *, json: bool) -> int:
    """Print the results of the rows, and give the exit status."""
    summary, counts = result.summary, result.summary.counts
    if json:
        print_json(_show_result(result))
    else:
        _print_counts(result)
    if summary.stopped is not None:
        print_error(f"The import stopped after {counts.read} rows: {summary.stopped.detail} Run it again to continue.")
    if summary.is_interrupted:
        print_error(f"The import was interrupted after {counts.read} rows. Run it again to continue.")
        return SIGNALLED + result.interrupts[0]
    return 0 if counts.refused == 0 and summary.stopped is None else 1


def _print_counts(result: ImportResult) -> None:
    counts = result.summary.counts
    print_header(result.header)
    shown = result.refusals[:REFUSALS_PRINTED_MAX]
    for refusal in shown:
        where = f"line {refusal.line}" + (f", {refusal.column}" if refusal.column else "")
        print_error(f"{where}: {refusal.detail}")
    more = counts.refused - len({refusal.line for refusal in shown})
    if more:
        print_error(f"{more} more {'line was' if more == 1 else 'lines were'} refused.")
    if counts.refused:
        every = "The refused line is" if counts.refused == 1 else f"All {counts.refused} refused lines are"
        print_error(f"{every} in {result.report.path}.")
    would = "Dry run, nothing was changed. " if result.dry_run else ""
    print(
        f"{would}Read {counts.read}: registered {counts.registered}, updated {counts.updated}, "
        f"unchanged {counts.unchanged}, kept duplicates {counts.kept_duplicates}, refused {counts.refused}."
    )


def _show_result(result: ImportResult) -> dict[str, object]:
    summary, counts = result.summary, result.summary.counts
    return {
        "requestId": result.request_id,
        "dryRun": result.dry_run,
        "headerRow": result.header.row,
        "sheet": result.header.sheet,
        "ignoredColumns": list(result.header.ignored),
        "read": counts.read,
        "registered": counts.registered,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "keptDuplicates": counts.kept_duplicates,
        "refused": counts.refused,
        "refusals": [
            {"line": refusal.line, "column": refusal.column, "detail": refusal.detail} for refusal in result.refusals
        ],
        "report": str(result.report.path) if result.report.count else None,
        "stopped": None if summary.stopped is None else summary.stopped.detail,
        "interrupted": summary.is_interrupted,
    }
