"""Sets many vehicles' statuses in one transaction, and says of each what the single call would have said."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.plan import Plan, check_times
from padron.service.plans.planning import change_and_plan
from padron.service.runtime import Runtime
from padron.service.statuses.changing import Decisions, StatusOutcome, decide_all, list_vins
from padron.store.base import WriteTransaction

BULK_MAX = 1_000


class BulkMode(StrEnum):
    """What a refusal means for the others."""

    EACH = "each"  # nothing
    ALL = "all"  # then none is changed


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkRequest:
    """Vehicles and their statuses, in order; a refusal stands for one that cannot be understood."""

    asked: Sequence[StatusRequest | PadronError]
    mode: BulkMode = BulkMode.EACH
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOutcome:
    """The vehicle or the refusal of each, in order, and which of them were (or would be) changed."""

    outcomes: list[StatusOutcome] = field(default_factory=list)
    changed: list[bool] = field(default_factory=list)
    planned: list[bool] = field(default_factory=list)  # which are for later
    plans: list[Plan | None] = field(default_factory=list)  # what was planned for each, if anything was
    is_refused: bool = False  # as a whole: nothing was changed

    @property
    def refusals(self) -> list[PadronError]:
        """The refusals, in order."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, PadronError)]


def check_count(count: int) -> None:
    """Raise ``bad_parameters`` for none or too many vehicles; before they are looked at, which takes time."""
    if not 1 <= count <= BULK_MAX:
        detail = f"There are {count:,} vehicles in the request: it may have 1 to {BULK_MAX:,}."
        raise PadronError(Code.BAD_PARAMETERS, detail)


async def set_statuses(runtime: Runtime, principal: Principal, request: BulkRequest) -> BulkOutcome:
    """Set the statuses and give what became of each once that is durable. A dry run writes nothing.

    Raises ``forbidden`` and ``bad_parameters`` for none or too many.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    check_count(len(request.asked))
    at = runtime.clock()
    request = _refuse_times(request, at)
    understood = [one for one in request.asked if isinstance(one, StatusRequest)]

    def is_wanted(outcomes: Sequence[StatusOutcome]) -> bool:
        return not request.dry_run and not _is_refused(request, outcomes)

    async def work(transaction: WriteTransaction) -> BulkOutcome:
        decided = decide_all(await transaction.lock_vehicles(list_vins(understood)), understood, at)
        if is_wanted(decided.outcomes):
            await transaction.save_changes(decided.changes)
        return _put_together(request, decided, [None] * len(understood))

    async def work_with_plans(transaction: WriteTransaction) -> BulkOutcome:
        done = await change_and_plan(transaction, understood, at, is_wanted)
        return _put_together(request, done.decided, done.plans)

    if any(isinstance(one, PlanRequest) for one in understood):
        return await runtime.store.write(principal.account_id, work_with_plans)
    return await runtime.store.write(principal.account_id, work)


def _refuse_times(request: BulkRequest, at: datetime) -> BulkRequest:
    """Give the request with a refusal in place of each vehicle whose instants cannot be."""
    asked: list[StatusRequest | PadronError] = []
    for one in request.asked:
        try:
            if isinstance(one, PlanRequest):
                check_times(one, at)
        except PadronError as refusal:
            asked.append(refusal)
        else:
            asked.append(one)
    return replace(request, asked=asked)


def _is_refused(request: BulkRequest, outcomes: Sequence[StatusOutcome]) -> bool:
    every = (*request.asked, *outcomes)
    return request.mode is BulkMode.ALL and any(isinstance(one, PadronError) for one in every)


def _put_together(request: BulkRequest, decided: Decisions, plans: Sequence[Plan | None]) -> BulkOutcome:
    """Give what became of each vehicle asked for. What could not be understood was not decided: it keeps its place."""
    understood = [place for place, one in enumerate(request.asked) if isinstance(one, StatusRequest)]
    outcomes: dict[int, StatusOutcome] = {
        place: one for place, one in enumerate(request.asked) if isinstance(one, PadronError)
    }
    outcomes |= zip(understood, decided.outcomes, strict=True)
    changed = {understood[place] for place in decided.places}
    planned = dict(zip(understood, plans, strict=True))
    places = range(len(request.asked))
    return BulkOutcome(
        outcomes=[outcomes[place] for place in places],
        changed=[place in changed for place in places],
        planned=[isinstance(one, PlanRequest) and one.is_for_later for one in request.asked],
        plans=[planned.get(place) for place in places],
        is_refused=_is_refused(request, decided.outcomes),
    )
