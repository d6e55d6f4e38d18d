"""Confirms a selection's change. From then on it is background work.

If any vehicle changed since it was shown, nothing is queued: the answer says what changed, and asks again. A vehicle
that changes after the confirmation is left as it is, because its request holds only at the revision that was seen.
"""

from collections.abc import Sequence
from dataclasses import replace

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.selection import SelectionState, VehicleSelection, WantedStatus, check_digest, check_ready
from padron.service.runtime import Runtime
from padron.service.selections.making import check_may_select
from padron.service.selections.previewing import SHOWN_MAX, check_wanted
from padron.service.selections.reading import get_selection, refuse_unknown
from padron.service.selections.seeing import SeenVehicle, look_again
from padron.store.base import WriteTransaction


class SelectionChangedError(PadronError):
    """``selection_changed``, with the first vehicles that changed and the digest of the selection as it is now."""

    def __init__(self, changed: Sequence[SeenVehicle], count: int, digest: str) -> None:
        super().__init__(
            Code.SELECTION_CHANGED,
            f"Nothing was changed: {count:,} of the selected vehicles changed since they were shown. "
            "Show what changed, and confirm again.",
        )
        self.changed = changed
        self.count = count
        self.digest = digest


async def apply_selection(
    runtime: Runtime, principal: Principal, selection_id: str, digest: str, wanted: WantedStatus, request_id: str
) -> VehicleSelection:
    """Queue the change of all vehicles of a selection, and give the selection.

    Raises ``forbidden``, ``selection_not_found``, ``selection_ended``, ``selection_changed``, and ``bad_parameters``
    for impossible instants.
    """
    check_may_select(principal)
    check_wanted(runtime, principal, wanted)
    found = await get_selection(runtime, principal, selection_id)
    check_ready(found)
    check_digest(found, digest)
    changed: list[SeenVehicle] = []
    count = 0
    async for seen in look_again(runtime, principal.account_id, found):
        differing = [one for one in seen if one.is_changed]
        count += len(differing)
        changed += differing[: SHOWN_MAX - len(changed)]
    if count:
        raise SelectionChangedError(changed, count, (await get_selection(runtime, principal, selection_id)).digest)
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> VehicleSelection:
        present = await transaction.selections.lock_selection(found.selection_id)
        if present is None:
            raise refuse_unknown(selection_id)
        check_ready(present)
        check_digest(present, digest)
        queued = replace(
            present,
            state=SelectionState.QUEUED,
            wanted=wanted,
            request_id=request_id,
            applied_by=principal.actor,
            applied_at=now,
        )
        await transaction.selections.save_selection(queued)
        return queued

    return await runtime.store.write(principal.account_id, work)
