"""Undoes what a selection changed, and keeps with the selection that this happened.

The undo is that of the request, which the API has too. Only who undoes by the selection is remembered with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.selection import describe_undo
from padron.service.runtime import Runtime
from padron.service.selections.reading import get_selection
from padron.service.statuses.undo import UndoneVehicle, undo_request
from padron.store.base import WriteTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoCounts:
    """How many vehicles of a selection an undo brought back, and how many it left."""

    undone: int
    left: int


async def undo_selection(runtime: Runtime, principal: Principal, selection_id: str, request_id: str) -> UndoCounts:
    """Undo the changes and the plans of a selection that is over.

    Raises ``selection_not_found``, ``request_not_found`` when it changed nothing or is still at work, and whatever the
    undo of its request raises.
    """
    found = await get_selection(runtime, principal, selection_id)
    if found.request_id is None or found.is_busy:
        raise PadronError(Code.REQUEST_NOT_FOUND, "The selection has changed nothing that can be undone now.")
    counts = _count(await undo_request(runtime, principal, found.request_id, request_id, None))
    if counts.undone:
        detail = describe_undo(request_id, counts.undone, counts.left)

        async def work(transaction: WriteTransaction) -> None:
            present = await transaction.selections.lock_selection(found.selection_id)
            if present is not None and present.may_be_undone:
                await transaction.selections.save_selection(present.mark_undone(detail))

        await runtime.store.write(principal.account_id, work)
    return counts


def _count(outcomes: Sequence[UndoneVehicle]) -> UndoCounts:
    return UndoCounts(
        undone=sum(one.after is not None or one.cancelled_plan_id is not None for one in outcomes),
        left=sum(one.left is not None for one in outcomes),
    )
