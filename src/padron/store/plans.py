"""Planned changes on both engines: one account's plans, and the due plans of all accounts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from padron.domain.plan import LaterChange, Plan, PlanKind, PlanQuery, PlanState, Target
from padron.domain.status import VehicleStatus
from padron.domain.surveys import COUNTED_MAX
from padron.store.port import BoardPort, Columns, ReadPort, Row, ToInstant, WritePort, give_or_none
from padron.store.vehicles import VEHICLE, to_vehicle

PLAN = Columns(
    "plan_id", "vehicle_id", "vin", "kind", "status", "reason", "effective_at", "until", "reverts", "follows",
    "state", "created_at", "created_by", "request_id", "ended_at", "ended_by", "ended_request_id", "detail", "number",
)  # fmt: skip
ENDED_PLAN = Columns(
    "plan_id", "state", "ended_at", "ended_by", "ended_request_id", "detail", "number"
)  # fmt: skip
PLANNED_VEHICLE = Columns(*VEHICLE.names, "namesake_count")  # the number of current vehicles with its VIN
LATER_CHANGE = Columns("vehicle_id", "changed_by", "request_id")

_FIRST = (datetime(1970, 1, 1, tzinfo=UTC), "")
_LAST = (datetime(9999, 12, 31, tzinfo=UTC), "~")  # the ids are hexadecimal digits
_DESCENDING = "_descending"
_LISTS = ("list_plans", "list_plans_by_state", "list_plans_of_request", "list_plans_of_vehicles")


class PlanTransaction:
    """One account's plans, in its open transaction. What ``lock_`` reads cannot change until its end."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def add_plans(self, plans: Sequence[Plan]) -> None:
        """Add plans."""
        await self._port.fetch_rows("add_plans", [_from_plan(plan) for plan in plans])

    async def lock_due_plans(self, now: datetime, limit: int) -> list[Plan]:
        """Give due plans in their order. Skip plans that another transaction has locked.

        Give only the first pending plan of each vehicle. ``vin`` is the vehicle's VIN at the time of planning.
        """
        return self._give_plans(await self._port.fetch("lock_due_plans", now, limit))

    async def lock_plan(self, plan_id: str) -> Plan | None:
        """Give one plan."""
        found = self._give_plans(await self._port.fetch("lock_plan", plan_id))
        return found[0] if found else None

    async def lock_returns(self, vehicle_ids: Sequence[int]) -> dict[int, Plan]:
        """Give each vehicle's pending return, by vehicle id, unless it is void or another transaction holds it.

        A vehicle's return belongs to its latest change that has one. A later change makes the return void.
        The vehicles must be locked.
        """
        found = self._give_plans(await self._port.fetch("lock_returns", list(vehicle_ids)))
        latest = {plan.vehicle_id: plan for plan in found}
        void = await self._find_later({plan.vehicle_id: plan.reverts or 0 for plan in latest.values()})
        return {vehicle_id: plan for vehicle_id, plan in latest.items() if vehicle_id not in void}

    async def lock_pending_of_request(self, request_id: str, limit: int) -> list[Plan]:
        """Give the pending plans of one request. ``vin`` is the vehicle's VIN at the time of planning."""
        return self._give_plans(await self._port.fetch("lock_pending_of_request", request_id, limit))

    async def lock_pending_of_vehicle(self, vehicle_id: int) -> list[Plan]:
        """Give the pending plans of a locked vehicle that no other transaction holds.

        Who holds a plan waits for the vehicle, and then sees the result.
        """
        return self._give_plans(await self._port.fetch("lock_pending_of_vehicle", vehicle_id))

    async def lock_targets(self, plans: Sequence[Plan]) -> dict[str, Target]:
        """Give the present state of each plan's vehicle, by the plan's id.

        The method first locks the vehicles, then reads them, so that nothing changes in between.
        """
        rows = await self._port.fetch("lock_targets", sorted({plan.vehicle_id for plan in plans}))
        vehicles = [to_vehicle(row, self._port.to_instant) for row in rows]
        found = {vehicle.vehicle_id: (vehicle, row[-1]) for vehicle, row in zip(vehicles, rows, strict=True)}
        later = await self._find_later({plan.vehicle_id: plan.reverts for plan in plans if plan.reverts is not None})
        targets = {}
        for plan in plans:
            vehicle, namesake_count = found.get(plan.vehicle_id, (None, 0))
            change = None if plan.reverts is None else later.get(plan.vehicle_id)
            targets[plan.plan_id] = Target(vehicle=vehicle, namesake_count=namesake_count, later=change)
        return targets

    async def end_plans(self, plans: Sequence[Plan]) -> None:
        """Write the outcome of locked plans."""
        await self._port.fetch_rows("end_plans", [_from_ended(plan) for plan in plans])

    async def _find_later(self, numbers: Mapping[int, int]) -> dict[int, LaterChange]:
        rows = await self._port.fetch_rows("find_later_statuses", list(numbers.items()))
        return {
            vehicle_id: LaterChange(by=changed_by, request_id=request_id) for vehicle_id, changed_by, request_id in rows
        }

    def _give_plans(self, rows: Sequence[Row]) -> list[Plan]:
        return [_to_plan(row, self._port.to_instant) for row in rows]


class PlanReader:
    """One account's committed plans."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def find_plan(self, plan_id: str) -> Plan | None:
        """Give one plan, if there is one."""
        rows = await self._port.read_page("find_plan", plan_id)
        return _to_plan(rows[0], self._port.to_instant) if rows else None

    async def list_plans(self, query: PlanQuery) -> list[Plan]:
        """Give at most ``query.limit`` plans that match, after ``query.after``."""
        after = _LAST if query.descending else _FIRST
        if query.after is not None:
            after = (query.after.effective_at, query.after.plan_id)
        asked: tuple[object, ...] = (*after, query.limit)
        state = None if query.state is None else query.state.value
        if query.vin is not None:
            name, asked = "list_plans_of_vehicles", (*asked, state, query.request_id, query.vin)
        elif query.request_id is not None:
            name, asked = "list_plans_of_request", (*asked, state, query.request_id)
        elif state is not None:
            name, asked = "list_plans_by_state", (*asked, state)
        else:
            name = "list_plans"
        rows = await self._port.read_page(name + (_DESCENDING if query.descending else ""), *asked)
        return [_to_plan(row, self._port.to_instant) for row in rows]


class PlanBoard:
    """The due plans of all accounts, for the server itself."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def find_next_instant(self) -> datetime | None:
        """Give the instant of the earliest pending plan of enabled accounts, even a past one; None without one."""
        # A page: it skips all due plans of disabled accounts.
        rows = await self._port.read_page("find_next_instant")
        return self._port.to_instant(rows[0][0]) if rows else None

    async def list_due_accounts(self, now: datetime) -> list[int]:
        """Give the enabled accounts that have due plans."""
        return [row[0] for row in await self._port.read_page("list_due_accounts", now)]

    async def count_pending_plans(self) -> int:
        """Give the number of pending plans of all accounts, counted up to a limit."""
        ((count,),) = await self._port.read_page("survey_plans", COUNTED_MAX)
        return int(count)


def add_descending(statements: Mapping[str, str]) -> dict[str, str]:
    """Give the statements, and in addition each list of plans in the other direction."""
    return {
        **statements,
        **{
            name + _DESCENDING: statements[name].replace("p.plan_id) >", "p.plan_id) <").replace(" ASC", " DESC")
            for name in _LISTS
        },
    }


def _to_plan(row: Row, to_instant: ToInstant) -> Plan:
    named = PLAN.name(row)
    return Plan(
        plan_id=named["plan_id"],
        vehicle_id=named["vehicle_id"],
        vin=named["vin"],
        kind=PlanKind(named["kind"]),
        status=VehicleStatus(named["status"]),
        reason=named["reason"],
        effective_at=to_instant(named["effective_at"]),
        until=give_or_none(to_instant, named["until"]),
        reverts=named["reverts"],
        follows=named["follows"],
        state=PlanState(named["state"]),
        created_at=to_instant(named["created_at"]),
        created_by=named["created_by"],
        request_id=named["request_id"],
        ended_at=give_or_none(to_instant, named["ended_at"]),
        ended_by=named["ended_by"],
        ended_request_id=named["ended_request_id"],
        detail=named["detail"],
        number=named["number"],
    )


def _from_plan(plan: Plan) -> Sequence[object]:
    return PLAN.order(
        {
            "plan_id": plan.plan_id,
            "vehicle_id": plan.vehicle_id,
            "vin": plan.vin,
            "kind": plan.kind.value,
            "status": plan.status.value,
            "reason": plan.reason,
            "effective_at": plan.effective_at,
            "until": plan.until,
            "reverts": plan.reverts,
            "follows": plan.follows,
            "state": plan.state.value,
            "created_at": plan.created_at,
            "created_by": plan.created_by,
            "request_id": plan.request_id,
            "ended_at": plan.ended_at,
            "ended_by": plan.ended_by,
            "ended_request_id": plan.ended_request_id,
            "detail": plan.detail,
            "number": plan.number,
        }
    )


def _from_ended(plan: Plan) -> Sequence[object]:
    return ENDED_PLAN.order(
        {
            "plan_id": plan.plan_id,
            "state": plan.state.value,
            "ended_at": plan.ended_at,
            "ended_by": plan.ended_by,
            "ended_request_id": plan.ended_request_id,
            "detail": plan.detail,
            "number": plan.number,
        }
    )
