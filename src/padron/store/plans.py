"""What both engines keep of planned changes, over named statements: one account's plans, and what is due in all.

An engine gives two ways to run its own statements. ``run_rows`` runs one for many rows, each without the account.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from padron.domain.plan import LaterChange, Plan, PlanKind, PlanQuery, PlanState, Target
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle

_FIRST = (datetime(1970, 1, 1, tzinfo=UTC), "")
_LAST = (datetime(9999, 12, 31, tzinfo=UTC), "~")  # the ids are hexadecimal digits
_DESCENDING = "_descending"
_LISTS = ("list_plans", "list_plans_by_state", "list_plans_of_request", "list_plans_of_vehicles")

Fetch = Callable[[str, tuple[object, ...]], Awaitable[Sequence[Any]]]
RunRows = Callable[[str, list[tuple[object, ...]]], Awaitable[Sequence[Any]]]
ToInstant = Callable[[Any], datetime | None]
ToVehicle = Callable[[Any], Vehicle]


class PlanTransaction(Protocol):
    """One account's transaction on its plans. What ``lock_`` reads stays so until its end."""

    async def add_plans(self, plans: Sequence[Plan]) -> None:
        """Add plans."""
        ...

    async def lock_due_plans(self, now: datetime, limit: int) -> list[Plan]:
        """Give plans that are due, in their order, but those that another transaction has locked.

        Of each vehicle only the first pending one is given. ``vin`` is the vehicle's when it was planned.
        """
        ...

    async def lock_plan(self, plan_id: str) -> Plan | None:
        """Give one plan."""
        ...

    async def lock_returns(self, vehicle_ids: Sequence[int]) -> dict[int, Plan]:
        """Give the pending return of each vehicle that has one, by its id, unless it is void or locked elsewhere.

        The vehicles must be locked.
        """
        ...

    async def lock_pending_of_request(self, request_id: str, limit: int) -> list[Plan]:
        """Give what one request planned and is still pending. ``vin`` is the vehicle's when it was planned."""
        ...

    async def lock_targets(self, plans: Sequence[Plan]) -> dict[str, Target]:
        """Give what each plan's vehicle is now, by the plan's id."""
        ...

    async def end_plans(self, plans: Sequence[Plan]) -> None:
        """Write what became of plans that are locked."""
        ...


class PlanReader(Protocol):
    """One account's committed plans."""

    async def find_plan(self, plan_id: str) -> Plan | None:
        """Give one plan, if there is one."""
        ...

    async def list_plans(self, query: PlanQuery) -> list[Plan]:
        """Give at most ``query.limit`` plans that fit, after ``query.after``."""
        ...


class PlanBoard(Protocol):
    """Where servers see what is due, in all accounts."""

    async def find_next_instant(self) -> datetime | None:
        """Give when the next plan is due, or was; None when none is pending."""
        ...

    async def list_due_accounts(self, now: datetime) -> list[int]:
        """Give the accounts that have plans due."""
        ...


class PlanWork:
    """The open transaction of one account (``PlanTransaction``)."""

    def __init__(
        self, fetch: Fetch, run_rows: RunRows, account_id: int, to_instant: ToInstant, to_vehicle: ToVehicle
    ) -> None:
        self._fetch = fetch
        self._run_rows = run_rows
        self._account_id = account_id
        self._to_instant = to_instant
        self._to_vehicle = to_vehicle

    async def add_plans(self, plans: Sequence[Plan]) -> None:
        """Add plans."""
        await self._run_rows("add_plans", [_give_row(plan) for plan in plans])

    async def lock_due_plans(self, now: datetime, limit: int) -> list[Plan]:
        """Give plans that are due, of each vehicle the first."""
        rows = await self._fetch("lock_due_plans", (self._account_id, now, limit))
        return [to_plan(row, self._to_instant) for row in rows]

    async def lock_plan(self, plan_id: str) -> Plan | None:
        """Give one plan."""
        rows = await self._fetch("lock_plan", (self._account_id, plan_id))
        return to_plan(rows[0], self._to_instant) if rows else None

    async def lock_returns(self, vehicle_ids: Sequence[int]) -> dict[int, Plan]:
        """Give the pending return of each vehicle: of the latest change that has one, if none came after it."""
        rows = await self._fetch("lock_returns", (self._account_id, list(vehicle_ids)))
        latest = {plan.vehicle_id: plan for plan in (to_plan(row, self._to_instant) for row in rows)}
        void = await self._find_later({plan.vehicle_id: plan.reverts or 0 for plan in latest.values()})
        return {vehicle_id: plan for vehicle_id, plan in latest.items() if vehicle_id not in void}

    async def lock_pending_of_request(self, request_id: str, limit: int) -> list[Plan]:
        """Give what one request planned and is still pending."""
        rows = await self._fetch("lock_pending_of_request", (self._account_id, request_id, limit))
        return [to_plan(row, self._to_instant) for row in rows]

    async def lock_targets(self, plans: Sequence[Plan]) -> dict[str, Target]:
        """Give what each plan's vehicle is now: first locked, then looked at, so that nothing comes in between."""
        ids = sorted({plan.vehicle_id for plan in plans})
        rows = [tuple(row) for row in await self._fetch("lock_targets", (self._account_id, ids))]
        found = {row[0]: (self._to_vehicle(row[:-1]), cast("int", row[-1])) for row in rows}
        later = await self._find_later({plan.vehicle_id: plan.reverts for plan in plans if plan.reverts is not None})
        targets = {}
        for plan in plans:
            vehicle, namesake_count = found.get(plan.vehicle_id, (None, 0))
            change = None if plan.reverts is None else later.get(plan.vehicle_id)
            targets[plan.plan_id] = Target(vehicle=vehicle, namesake_count=namesake_count, later=change)
        return targets

    async def end_plans(self, plans: Sequence[Plan]) -> None:
        """Write what became of plans."""
        rows: list[tuple[object, ...]] = [
            (
                plan.plan_id, plan.state.value, plan.ended_at, plan.ended_by, plan.ended_request_id, plan.detail,
                plan.number,
            )
            for plan in plans
        ]  # fmt: skip
        await self._run_rows("end_plans", rows)

    async def _find_later(self, numbers: Mapping[int, int]) -> dict[int, LaterChange]:
        rows = await self._run_rows("find_later_statuses", list(numbers.items()))
        return {vehicle_id: LaterChange(by=by, request_id=request_id) for vehicle_id, by, request_id in rows}


class PlanReads:
    """One account's committed plans (``PlanReader``)."""

    def __init__(self, fetch: Fetch, account_id: int, to_instant: ToInstant) -> None:
        self._fetch = fetch
        self._account_id = account_id
        self._to_instant = to_instant

    async def find_plan(self, plan_id: str) -> Plan | None:
        """Give one plan."""
        rows = await self._fetch("find_plan", (self._account_id, plan_id))
        return to_plan(rows[0], self._to_instant) if rows else None

    async def list_plans(self, query: PlanQuery) -> list[Plan]:
        """Give the plans that fit, by the statement whose index fits best."""
        after = _LAST if query.descending else _FIRST
        if query.after is not None:
            after = (query.after.effective_at, query.after.plan_id)
        asked: tuple[object, ...] = (self._account_id, *after, query.limit)
        state = None if query.state is None else query.state.value
        if query.vin is not None:
            name, asked = "list_plans_of_vehicles", (*asked, state, query.request_id, query.vin)
        elif query.request_id is not None:
            name, asked = "list_plans_of_request", (*asked, state, query.request_id)
        elif state is not None:
            name, asked = "list_plans_by_state", (*asked, state)
        else:
            name = "list_plans"
        rows = await self._fetch(name + (_DESCENDING if query.descending else ""), asked)
        return [to_plan(row, self._to_instant) for row in rows]


def add_descending(statements: dict[str, str]) -> dict[str, str]:
    """Give the statements, and each list once more, in the other direction."""
    return {
        **statements,
        **{
            name + _DESCENDING: statements[name].replace("p.plan_id) >", "p.plan_id) <").replace(" ASC", " DESC")
            for name in _LISTS
        },
    }


def to_plan(row: Any, to_instant: ToInstant) -> Plan:  # noqa: ANN401 - a row of either engine
    """Give the plan of a row."""
    return Plan(
        plan_id=row[0],
        vehicle_id=row[1],
        vin=row[2],
        kind=PlanKind(row[3]),
        status=VehicleStatus(row[4]),
        reason=row[5],
        effective_at=cast("datetime", to_instant(row[6])),
        until=to_instant(row[7]),
        reverts=row[8],
        follows=row[9],
        state=PlanState(row[10]),
        created_at=cast("datetime", to_instant(row[11])),
        created_by=row[12],
        request_id=row[13],
        ended_at=to_instant(row[14]),
        ended_by=row[15],
        ended_request_id=row[16],
        detail=row[17],
        number=row[18],
    )


def _give_row(plan: Plan) -> tuple[object, ...]:
    return (
        plan.plan_id, plan.vehicle_id, plan.vin, plan.kind.value, plan.status.value, plan.reason, plan.effective_at,
        plan.until, plan.reverts, plan.follows, plan.state.value, plan.created_at, plan.created_by, plan.request_id,
        plan.ended_at, plan.ended_by, plan.ended_request_id, plan.detail, plan.number,
    )  # fmt: skip
