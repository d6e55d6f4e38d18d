"""``padron undo``: undoes the changes of one request, command or import."""

import secrets
from typing import Annotated

from cyclopts import Parameter

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.change import parse_reason
from padron.service.accounts import get_account
from padron.service.runtime import Runtime
from padron.service.statuses.undo import UndoneVehicle, undo_request

_RESULTS = ("undone", "cancelled", "unchanged", "left")
_DEFAULTS = CommonOptions()


def undo(
    request_id: str,
    /,
    *,
    account: str,
    reason: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Undo what a request changed: each vehicle gets its earlier status and values back.

    If somebody changed a vehicle later, the undo leaves it as it is, and the exit status is 1. An undo is also a
    request, and can be undone in the same way.

    Parameters
    ----------
    request_id
        The request's id: X-Request-Id of a call, or the id that history, an import or another command shows.

    account
        The name of the account that owns the vehicles.

    reason
        A reason to record in the history.

    dry_run
        Show what would be done, without doing it.
    """
    why = None if reason is None else parse_reason(reason)
    own_id = f"cli-{secrets.token_hex(8)}"

    async def work(runtime: Runtime) -> list[UndoneVehicle]:
        principal = give_principal((await get_account(runtime, account)).account_id)
        return await undo_request(runtime, principal, request_id, own_id, why, dry_run=dry_run)

    done = run_with_runtime(options, work)
    counts = {result: sum(_name_result(one) == result for one in done) for result in _RESULTS}
    if json:
        print_json(
            {"requestId": own_id, "dryRun": dry_run, **counts, "results": [_show(one, dry_run=dry_run) for one in done]}
        )
    else:
        rows = [
            (one.vin, _name_result(one), "" if dry_run else str(one.revision or ""), _give_detail(one)) for one in done
        ]
        print_table(("VIN", "Result", "Revision", "Detail"), rows, "There is nothing to undo.")
        shown = ", ".join(f"{result} {count}" for result, count in counts.items())
        print(f"{'Would undo' if dry_run else 'Undid'} {request_id}: {shown}. Request {own_id}.")
    return 1 if counts["left"] else 0


def _name_result(one: UndoneVehicle) -> str:
    if one.cancelled_plan_id is not None:
        return "cancelled"
    if one.left is not None:
        return "left"
    return "unchanged" if one.revision is None else "undone"


def _give_detail(one: UndoneVehicle) -> str:
    return one.detail or ("" if one.cancelled_plan_id is None else f"Planned change {one.cancelled_plan_id}.")


def _show(one: UndoneVehicle, *, dry_run: bool) -> dict[str, object]:
    return {
        "vin": one.vin,
        "result": _name_result(one),
        "revision": None if dry_run else one.revision,
        "left": None if one.left is None else one.left.value,
        "plannedChangeId": one.cancelled_plan_id,
        "detail": one.detail,
    }
