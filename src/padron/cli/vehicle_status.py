"""``padron vehicles status``: sets the status of all vehicles in a list."""

import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from padron.cli.options import CommonOptions, Json, parse_future_instant, run_with_runtime
from padron.cli.outputs import InputFileError, UsageError, print_error, print_json, print_table, word_trouble
from padron.cli.vehicles import give_principal
from padron.domain.account import Principal
from padron.domain.change import PlanRequest, StatusRequest, parse_reason
from padron.domain.errors import PadronError
from padron.domain.quoting import quote_path
from padron.domain.status import STATUS_TEXTS, VehicleStatus, parse_status_text
from padron.domain.tags import format_tag
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.runtime import Runtime
from padron.service.statuses.bulk import BULK_MAX, BulkRequest, set_statuses

LIST_BYTES_MAX = 32_000_000

_WORD_LENGTH_MAX = 60  # characters that are shown of a word that is not a VIN
_find_words = re.compile(r"[^\s,;|\"'`\u00a0\u200b\u2018-\u201f\ufeff]+").findall
_RESULTS = ("changed", "unchanged", "planned", "refused")
_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ChangeOptions:
    """Why a status is set, and when."""

    reason: str | None = None
    """A reason to record in the history."""

    effective_at: str | None = None
    """When to set the status, instead of now: 2026-12-01T08:00Z or 2026-12-01T02:00-06:00. The offset is required."""

    until: str | None = None
    """When to restore the earlier status, unless somebody sets another one first. Same form as --effective-at."""


_FOR_GOOD = ChangeOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    vin: str
    result: str  # changed, unchanged, planned or refused
    revision: str | None = None  # its tag
    detail: str | None = None
    plan_id: str | None = None


@dataclass(kw_only=True, slots=True)
class _Report:
    status: VehicleStatus
    request_id: str
    dry_run: bool
    effective_at: datetime | None = None
    until: datetime | None = None
    rows: list[_Row] = field(default_factory=list)
    stopped: str | None = None  # why the command did not try the rest of the list

    def count(self, result: str) -> int:
        return sum(row.result == result for row in self.rows)


def set_status(
    status: str,
    /,
    *vins: str,
    account: str,
    file: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    change: ChangeOptions = _FOR_GOOD,
    dry_run: bool = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Set the status of many vehicles, and print the result for each.

    You can paste a list as it is: VINs between spaces, line ends, commas or semicolons, with or without quotation
    marks, in any letter case. If one vehicle is refused, the others are still set, and the exit status is 1.

    Parameters
    ----------
    status
        A status by its id or its name, English or Spanish: 4, "In the Shop", "En taller".
    vins
        The VINs of the vehicles.
    account
        The name of the account that owns the vehicles.

    file
        A file with more VINs; - reads standard input.
    dry_run
        Show what would be done, without doing it.
    """
    chosen = parse_status_text(status)
    why = None if change.reason is None else parse_reason(change.reason)
    words = [*vins, *([] if file is None else [_read_list(file)])]
    texts = list(
        dict.fromkeys(word.upper() if word.isascii() else word for text in words for word in _find_words(text))
    )
    if not texts:
        raise UsageError("There is no VIN: give VINs, or a file that lists them.")
    report = _Report(
        status=chosen,
        request_id=f"cli-{secrets.token_hex(8)}",
        dry_run=dry_run,
        effective_at=_parse_time("--effective-at", change.effective_at),
        until=_parse_time("--until", change.until),
    )

    async def work(runtime: Runtime) -> None:
        principal = give_principal((await get_account(runtime, account)).account_id)
        for start in range(0, len(texts), BULK_MAX):
            try:
                report.rows += await _set_chunk(runtime, principal, texts[start : start + BULK_MAX], report, why)
            except PadronError as error:
                report.stopped = f"{error.detail} {len(texts) - start} of {len(texts)} vehicles were not tried."
                return

    run_with_runtime(options, work)
    _print_report(report, json=json)
    return 0 if report.count("refused") == 0 and report.stopped is None else 1


async def _set_chunk(
    runtime: Runtime, principal: Principal, texts: Sequence[str], report: _Report, reason: str | None
) -> list[_Row]:
    asked = [_ask(text, report, principal.actor, reason) for text in texts]
    done = await set_statuses(runtime, principal, BulkRequest(asked=asked, dry_run=report.dry_run))
    rows = []
    for place, (text, outcome) in enumerate(zip(texts, done.outcomes, strict=True)):
        if isinstance(outcome, PadronError):
            rows.append(_Row(vin=text[:_WORD_LENGTH_MAX], result="refused", detail=outcome.detail))
            continue
        plan = done.plans[place]
        result = "planned" if done.planned[place] else "changed" if done.changed[place] else "unchanged"
        plan_id = None if plan is None else plan.plan_id
        revision = None if report.dry_run else format_tag(outcome)
        rows.append(_Row(vin=outcome.vin, result=result, revision=revision, plan_id=plan_id))
    return rows


def _ask(text: str, report: _Report, actor: str, reason: str | None) -> StatusRequest | PadronError:
    try:
        vin = parse_vin(text)
    except PadronError as refusal:
        return refusal
    if report.effective_at is None and report.until is None:
        return StatusRequest(
            vin=vin, status=report.status, reason=reason, revisions=None, by=actor, request_id=report.request_id
        )
    return PlanRequest(
        vin=vin,
        status=report.status,
        reason=reason,
        revisions=None,
        by=actor,
        request_id=report.request_id,
        effective_at=report.effective_at,
        until=report.until,
    )


def _parse_time(option: str, text: str | None) -> datetime | None:
    return None if text is None else parse_future_instant(option, text)


def _read_list(file: Path) -> str:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(LIST_BYTES_MAX + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(LIST_BYTES_MAX + 1)
    except OSError as error:
        raise InputFileError(f"The list {quote_path(file)} cannot be read: {word_trouble(file, error)}.") from error
    if len(data) > LIST_BYTES_MAX:
        raise InputFileError(f"The list {quote_path(file)} has more than {LIST_BYTES_MAX // 1_000_000} MB: split it.")
    is_utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # Windows calls this form Unicode text
    return data.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace")


def _give_detail(row: _Row) -> str:
    return row.detail or ("" if row.plan_id is None else f"Planned change {row.plan_id}.")


def _print_report(report: _Report, *, json: bool) -> None:
    if json:
        print_json(
            {
                "requestId": report.request_id,
                "vehicleStatusId": report.status.value,
                "dryRun": report.dry_run,
                **{result: report.count(result) for result in _RESULTS},
                "results": [
                    {
                        "vin": row.vin,
                        "result": row.result,
                        "revision": row.revision,
                        "plannedChangeId": row.plan_id,
                        "detail": row.detail,
                    }
                    for row in report.rows
                ],
                "stopped": report.stopped,
            }
        )
    else:
        cells = [(row.vin, row.result, row.revision or "", _give_detail(row)) for row in report.rows]
        print_table(("VIN", "Result", "Revision", "Detail"), cells, "No vehicle was tried.")
        shown = [result for result in _RESULTS if result != "planned" or report.effective_at is not None]
        counts = ", ".join(f"{result} {report.count(result)}" for result in shown)
        name = STATUS_TEXTS[report.status].name
        print(f"{'Would set' if report.dry_run else 'Set'} {name}: {counts}. Request {report.request_id}.")
    if report.stopped is not None:
        print_error(report.stopped)
