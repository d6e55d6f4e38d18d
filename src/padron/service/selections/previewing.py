"""Says what a change of status will do to each vehicle of a selection, before it happens. No vehicle is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from padron.domain.account import Principal
from padron.domain.change import PlanRequest, decide
from padron.domain.errors import Code, PadronError
from padron.domain.plan import check_times
from padron.domain.selection import (
    Digest,
    OutcomeCounts,
    SelectedOutcome,
    SelectedVehicle,
    VehicleSelection,
    WantedStatus,
    check_ready,
)
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.selections.making import check_may_select
from padron.service.selections.reading import get_selection
from padron.service.selections.seeing import SeenVehicle, look_again

SHOWN_MAX = 100  # vehicles of each list of a preview
GONE = "The vehicle is not current any more."


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewedVehicle:
    """A vehicle, and what would become of it. ``code`` and ``detail`` say why it would be refused."""

    vehicle: SelectedVehicle
    outcome: SelectedOutcome
    code: Code | None = None
    detail: str | None = None


@dataclass(kw_only=True, slots=True)
class SelectionPreview:
    """What a change would do to a selection.

    ``leaving``, ``entering`` and ``work_count`` are the vehicles that operations may no longer touch, those that they
    may touch again, and the pieces of work that would be withdrawn. ``by_status`` counts the vehicles by their present
    status. ``changed`` are those that changed since they were last shown.
    """

    selection: VehicleSelection
    wanted: WantedStatus
    digest: str = ""
    counts: OutcomeCounts = field(default_factory=OutcomeCounts)
    leaving: int = 0
    entering: int = 0
    work_count: int = 0
    by_status: Counter[VehicleStatus] = field(default_factory=Counter)
    refused_by_code: Counter[Code] = field(default_factory=Counter)
    rows: list[PreviewedVehicle] = field(default_factory=list)
    refused: list[PreviewedVehicle] = field(default_factory=list)
    changed: list[SeenVehicle] = field(default_factory=list)
    changed_count: int = 0


async def preview_selection(
    runtime: Runtime, principal: Principal, selection_id: str, wanted: WantedStatus
) -> SelectionPreview:
    """Give what the change would do, and the digest that confirms it.

    Raises ``forbidden``, ``selection_not_found``, ``selection_ended``, and ``bad_parameters`` for impossible instants.
    """
    check_may_select(principal)
    check_wanted(runtime, principal, wanted)
    selection = await get_selection(runtime, principal, selection_id)
    check_ready(selection)
    preview = SelectionPreview(selection=selection, wanted=wanted)
    digest = Digest()
    async for seen in look_again(runtime, principal.account_id, selection):
        digest.add([one.now for one in seen])
        _add(preview, seen, [_foresee(one, wanted, principal.actor) for one in seen])
    # Of what was shown here. If somebody else looked again meanwhile, the digest does not fit, and nothing is applied.
    preview.digest = str(digest)
    return preview


def check_wanted(runtime: Runtime, principal: Principal, wanted: WantedStatus) -> None:
    """Raise ``bad_parameters`` for impossible instants."""
    request = wanted.give_request(Vin(""), "", principal.actor, "")
    if isinstance(request, PlanRequest):
        check_times(request, runtime.clock())


def _foresee(seen: SeenVehicle, wanted: WantedStatus, by: str) -> PreviewedVehicle:
    """Decide as the change itself will: with the same rules, for the vehicle as it is now."""
    row, present = seen.now, seen.present
    if present is None:
        return PreviewedVehicle(
            vehicle=row, outcome=SelectedOutcome.REFUSED, code=Code.VEHICLE_NOT_FOUND, detail=GONE
        )  # fmt: skip
    request = wanted.give_request(row.vin, row.tag, by, "")
    if isinstance(request, PlanRequest):
        request = replace(request, is_returning=present.is_returning and row.status is wanted.status)
    try:
        changed = decide([present.vehicle] * present.namesake_count, request)
    except PadronError as refusal:
        return PreviewedVehicle(
            vehicle=row, outcome=SelectedOutcome.REFUSED, code=refusal.code, detail=refusal.detail
        )  # fmt: skip
    if isinstance(request, PlanRequest) and request.is_for_later:
        return PreviewedVehicle(vehicle=row, outcome=SelectedOutcome.PLANNED)
    outcome = SelectedOutcome.UNCHANGED if changed is None else SelectedOutcome.CHANGED
    return PreviewedVehicle(vehicle=row, outcome=outcome)


def _add(preview: SelectionPreview, seen: Sequence[SeenVehicle], foreseen: Sequence[PreviewedVehicle]) -> None:
    to_operational = is_operational(preview.wanted.status)
    for one, row in zip(seen, foreseen, strict=True):
        if one.is_changed:
            preview.changed_count += 1
            preview.changed += [one] if len(preview.changed) < SHOWN_MAX else []
        if one.present is not None:
            preview.by_status[row.vehicle.status] += 1
        if row.outcome is SelectedOutcome.REFUSED and row.code is not None:
            preview.refused_by_code[row.code] += 1
            preview.refused += [row] if len(preview.refused) < SHOWN_MAX else []
        if row.outcome in {SelectedOutcome.CHANGED, SelectedOutcome.PLANNED}:
            from_operational = is_operational(row.vehicle.status)
            preview.entering += to_operational and not from_operational
            if from_operational and not to_operational:
                preview.leaving += 1
                preview.work_count += one.present.work_count if one.present is not None else 0
    preview.rows += foreseen[: SHOWN_MAX - len(preview.rows)]
    preview.counts = preview.counts.add(row.outcome for row in foreseen)
