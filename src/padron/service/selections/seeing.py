"""Looks at the vehicles of a selection again, and notes in it how they are now.

The digest always belongs to the vehicles as they are noted: both change in one transaction.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from padron.domain.selection import Digest, PresentVehicle, SelectedVehicle, VehicleSelection, check_ready
from padron.service.runtime import Runtime
from padron.service.selections.reading import refuse_unknown
from padron.store.base import WriteTransaction

PORTION = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenVehicle:
    """A vehicle as it was noted before, and as it is now. ``present`` is None when it is not current any more."""

    before: SelectedVehicle
    now: SelectedVehicle
    present: PresentVehicle | None

    @property
    def is_changed(self) -> bool:
        """Say whether anything of the vehicle changed since it was noted."""
        return self.before.tag != self.now.tag


async def look_again(
    runtime: Runtime, account_id: int, selection: VehicleSelection
) -> AsyncIterator[list[SeenVehicle]]:
    """Give the vehicles of a selection as they are now, some at a time, and note what changed.

    Raises ``selection_ended`` when the selection is applied meanwhile.
    """
    reader = runtime.store.read(account_id).selections
    after = 0
    while True:
        async with runtime.turns.take(account_id):
            rows = await reader.list_vehicles(selection.selection_id, after, PORTION)
            present = await reader.load_present([row.vehicle_id for row in rows]) if rows else {}
            seen = [_see(row, present.get(row.vehicle_id)) for row in rows]
        if not rows:
            return
        changed = [one.now for one in seen if one.is_changed]
        if changed:
            await _note(runtime, account_id, selection.selection_id, changed)
        yield seen
        after = rows[-1].vehicle_id


def _see(row: SelectedVehicle, present: PresentVehicle | None) -> SeenVehicle:
    now = replace(row, tag="") if present is None else SelectedVehicle.see(present.vehicle)
    return SeenVehicle(before=row, now=now, present=present)


async def _note(runtime: Runtime, account_id: int, selection_id: int, changed: Sequence[SelectedVehicle]) -> None:
    async def work(transaction: WriteTransaction) -> None:
        selections = transaction.selections
        selection = await selections.lock_selection(selection_id)
        if selection is None:
            raise refuse_unknown(f"{selection_id:016x}")
        check_ready(selection)
        digest = Digest(selection.digest)
        digest.remove(await selections.list_among(selection_id, [one.vehicle_id for one in changed]))
        digest.add(changed)
        await selections.save_vehicles(selection_id, changed)
        await selections.save_selection(replace(selection, digest=str(digest)))

    await runtime.store.write(account_id, work)
