"""``padron vehicles erase``: erases personal values."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from padron.cli.actors import give_actor
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_error, print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.change import parse_reason
from padron.domain.erasure import Selection, parse_fields
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.runtime import Runtime
from padron.service.vehicles.erasure import Erasure, ErasureReport, erase_values

_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ErasureOptions:
    """What is erased, and how."""

    fields: Annotated[tuple[str, ...], Parameter(consume_multiple=True)]
    """The fields to erase, such as ownerName taxIdentifier legalName."""

    value: str | None = None
    """Erase only this text, in any letter case."""

    reason: str | None = None
    """A reason to record in the history. It must not name the person."""

    dry_run: Annotated[bool, Parameter(negative="")] = False
    """Show what would be erased, without erasing it."""


def erase(
    vin: str | None = None,
    /,
    *,
    account: str,
    chosen: ErasureOptions,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Erase personal values from vehicles, their former versions and their history. It cannot be undone.

    With a VIN, all values of the fields are erased. With --value, only values that are this text: of the vehicle, or
    of all vehicles of the account. The history then has [erased] in their places. The exit status is 1 if something
    is left to do.

    Parameters
    ----------
    vin
        The VIN of the vehicles, current and deleted.

    account
        The name of the account that owns the vehicles.
    """
    if vin is None and not chosen.value:
        message = "Name a vehicle, or the text to erase with --value."
        raise UsageError(message)
    asked = Erasure(
        vin=None if vin is None else parse_vin(vin),
        selection=Selection(fields=parse_fields(chosen.fields), value=chosen.value or None),
        by=give_actor(),
        request_id=f"cli-{secrets.token_hex(8)}",
        reason=None if chosen.reason is None else parse_reason(chosen.reason),
    )

    dry_run = chosen.dry_run

    async def work(runtime: Runtime) -> ErasureReport:
        principal = give_principal((await get_account(runtime, account)).account_id)
        return await erase_values(runtime, principal, asked, dry_run=dry_run)

    report = run_with_runtime(options, work)
    if json:
        print_json(_show(report, asked, dry_run=dry_run))
    else:
        rows = [
            (
                one.vin, str(one.vehicle_id), ", ".join(one.erased.fields), " ".join(map(str, one.erased.numbers)),
                "" if one.number is None else str(one.number),
            )
            for one in report.vehicles
        ]  # fmt: skip
        print_table(("VIN", "Vehicle", "Fields", "In the changes", "Recorded as"), rows, "There is nothing to erase.")
        done = "Would erase" if dry_run else "Erased"
        count = len(report.vehicles)
        print(f"{done} values of {count} vehicle{'' if count == 1 else 's'}. Request {asked.request_id}.")
    left = _list_left(report)
    for sentence in left:
        print_error(sentence)
    return 1 if left else 0


def _show(report: ErasureReport, asked: Erasure, *, dry_run: bool) -> dict[str, object]:
    return {
        "requestId": asked.request_id,
        "dryRun": dry_run,
        "erased": [
            {
                "vehicleId": one.vehicle_id,
                "vin": one.vin,
                "number": one.number,
                "fields": [*one.erased.fields],
                "changeNumbers": [*one.erased.numbers],
            }
            for one in report.vehicles
        ],
        "incomplete": report.is_incomplete,
        "openImports": report.open_imports,
    }


def _list_left(report: ErasureReport) -> list[str]:
    """Say what is left to do."""
    left = []
    if report.is_incomplete:
        left.append("More vehicles have the value. Run the command again.")
    if report.open_imports:
        left.append(
            f"{report.open_imports} imports have not ended, and their files may have the values. Run the command again "
            "when they have ended."
        )
    if not report.is_scrubbed:
        left.append(
            "A reader, such as a continuous backup, keeps old pages in the log of the database. They go when the "
            "server stops."
        )
    return left
