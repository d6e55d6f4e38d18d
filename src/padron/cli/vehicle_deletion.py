"""``padron vehicles delete``: deletes a vehicle that was registered by mistake."""

import secrets
from typing import Annotated

from cyclopts import Parameter

from padron.cli.actors import give_actor
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import print_json
from padron.cli.vehicles import give_principal
from padron.domain.change import parse_reason
from padron.domain.deletion import Deletion
from padron.domain.instants import format_instant
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.runtime import Runtime
from padron.service.vehicles.deletion import DeletedVehicle, delete_vehicle

_DEFAULTS = CommonOptions()


def delete_one(
    vin: str,
    /,
    *,
    account: str,
    reason: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Delete a vehicle that was registered by mistake. For 30 days, padron undo brings it back.

    Its VIN and its plate are free at once, its open work is withdrawn, and its planned changes are cancelled. The
    history stays. For a vehicle that was sold or scrapped, set its status instead.

    Parameters
    ----------
    vin
        The VIN of the vehicle.

    account
        The name of the account that owns the vehicle.

    reason
        A reason to record in the history.

    dry_run
        Show what would be done, without doing it.
    """
    asked = Deletion(
        vin=parse_vin(vin),
        by=give_actor(),
        request_id=f"cli-{secrets.token_hex(8)}",
        reason=None if reason is None else parse_reason(reason),
    )

    async def work(runtime: Runtime) -> DeletedVehicle:
        principal = give_principal((await get_account(runtime, account)).account_id)
        return await delete_vehicle(runtime, principal, asked, dry_run=dry_run)

    done = run_with_runtime(options, work)
    vehicle, until = done.vehicle, format_instant(done.undoable_until)
    if json:
        print_json(
            {
                "vin": vehicle.vin,
                "vehicleId": vehicle.vehicle_id,
                "dryRun": dry_run,
                "deletedAt": None if dry_run else format_instant(vehicle.updated_at),
                "requestId": asked.request_id,
                "undoableUntil": None if dry_run else until,
            }
        )
    elif dry_run:
        print(f"Would delete the vehicle {vehicle.vin}.")
    else:
        print(f"Deleted the vehicle {vehicle.vin}. Request {asked.request_id} can be undone until {until}.")
