"""Sets many vehicles' statuses in one transaction. Each gets the answer that the single call would give."""

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
from padron.service.statuses.changing import Decisions, StatusOutcome, tells_deactivated
from padron.store.base import WriteTransaction

BULK_MAX = 1_000


class BulkMode(StrEnum):
    """The effect of one refusal on the other vehicles."""

    EACH = "each"  # the others are still changed
    ALL = "all"  # no vehicle is changed


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkRequest:
    """Vehicles and their statuses, in order. An unreadable entry is represented by its refusal."""

    asked: Sequence[StatusRequest | PadronError]
    mode: BulkMode = BulkMode.EACH
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOutcome:
    """The vehicle or the refusal of each entry, in order, and whether it was (or would be) changed."""

    outcomes: list[StatusOutcome] = field(default_factory=list)
    changed: list[bool] = field(default_factory=list)
    planned: list[bool] = field(default_factory=list)  # whether the request is for later
    plans: list[Plan | None] = field(default_factory=list)  # the plan of each entry, if one was added
    is_refused: bool = False  # the whole request: nothing was changed

    @property
    def refusals(self) -> list[PadronError]:
        """The refusals, in order."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, PadronError)]


def check_count(count: int) -> None:
    """Raise ``bad_parameters`` for no vehicle or too many. The check comes before the slow reading of them."""
    if not 1 <= count <= BULK_MAX:
        detail = f"The request has {count:,} vehicles. It must have 1 to {BULK_MAX:,}."
        raise PadronError(Code.BAD_PARAMETERS, detail)


async def set_statuses(runtime: Runtime, principal: Principal, request: BulkRequest) -> BulkOutcome:
    """Set the statuses and give the durable outcome of each. A dry run writes nothing.

    Raises ``forbidden``, and ``bad_parameters`` for no vehicle or too many.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    principal.check_scope(Scope.VEHICLES_BULK)
    check_count(len(request.asked))
    at = runtime.clock()
    request = _refuse_times(request, at)
    understood = [one for one in request.asked if isinstance(one, StatusRequest)]

    def is_wanted(outcomes: Sequence[StatusOutcome]) -> bool:
        return not request.dry_run and not _is_refused(request, outcomes)

    async def work(transaction: WriteTransaction) -> BulkOutcome:
        done = await change_and_plan(transaction, understood, at, is_wanted)
        return _put_together(request, done.decided, done.plans)

    done = await runtime.store.write(principal.account_id, work)
    if not request.dry_run and any(tells_deactivated(outcome) for outcome in done.outcomes):
        await runtime.leases.confirm(principal.account_id, has_written=any(done.changed) and not done.is_refused)
    return done


def _refuse_times(request: BulkRequest, at: datetime) -> BulkRequest:
    """Give the request. A refusal replaces each vehicle that has impossible instants."""
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
    """Give the outcome of each entry, in its place. An unreadable entry keeps its refusal."""
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
