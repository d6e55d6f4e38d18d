"""Stores that do what a real one does, until they are told to fail: a fault is put in front of a real register."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from padron.domain.change import Change, FeedEntry, WrittenChanges
from padron.domain.gate import Refusal
from padron.domain.idempotency import HeldKey
from padron.domain.plan import Plan, Target
from padron.domain.query import Span
from padron.domain.vehicle import Details, Vehicle
from padron.store.base import Decide, Directory, Patience, Reader, Store, WriteTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportBoard, ImportReader, ImportTransaction
from padron.store.operations import OperationStore
from padron.store.plans import PlanBoard, PlanReader, PlanTransaction
from padron.store.webhooks import WebhookBoard, WebhookReader, WebhookTransaction

T = TypeVar("T")


class FaultyTransaction:
    """Writes one change after the other, and fails before the one that it is told to fail at."""

    def __init__(self, transaction: WriteTransaction, faults: "FaultyStore") -> None:
        self._transaction = transaction
        self._faults = faults

    @property
    def imports(self) -> ImportTransaction:
        return self._transaction.imports

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        self._faults.lock_count += 1
        self._faults.fail_at_vin(vins)
        return await self._transaction.lock_vehicles(vins)

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        return await self._transaction.lock_plates(plates)

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        return await self._transaction.load_details(vehicle_ids)

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        return await self._transaction.find_later_changes(spans, request_id)

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        return await self._transaction.lock_former(vehicle_ids)

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        return await self._transaction.load_former_details(vehicle_ids)

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        if self._faults.fails_at_move:
            raise self._faults.error
        await self._transaction.move_vehicles(slots)

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        fails_before = self._faults.fails_before_change
        if fails_before is None:
            return await self._transaction.save_changes(changes)
        await self._transaction.save_changes(changes[:fails_before])
        raise self._faults.error

    async def save_refusals(self, refusals: Sequence[Refusal]) -> None:
        await self._transaction.save_refusals(refusals)

    async def delete_refusals(self, before: datetime, limit: int) -> int:
        return await self._transaction.delete_refusals(before, limit)


class FaultyPlans:
    """Writes plans, and fails instead of its n-th write when it is told to."""

    def __init__(self, plans: PlanTransaction, faults: "FaultyStore") -> None:
        self._plans = plans
        self._faults = faults

    async def add_plans(self, plans: Sequence[Plan]) -> None:
        self._faults.fail_at_plan_write()
        await self._plans.add_plans(plans)

    async def lock_due_plans(self, now: datetime, limit: int) -> list[Plan]:
        return await self._plans.lock_due_plans(now, limit)

    async def lock_plan(self, plan_id: str) -> Plan | None:
        return await self._plans.lock_plan(plan_id)

    async def lock_returns(self, vehicle_ids: Sequence[int]) -> dict[int, Plan]:
        return await self._plans.lock_returns(vehicle_ids)

    async def lock_pending_of_request(self, request_id: str, limit: int) -> list[Plan]:
        return await self._plans.lock_pending_of_request(request_id, limit)

    async def lock_targets(self, plans: Sequence[Plan]) -> dict[str, Target]:
        return await self._plans.lock_targets(plans)

    async def end_plans(self, plans: Sequence[Plan]) -> None:
        self._faults.fail_at_plan_write()
        await self._plans.end_plans(plans)


class FaultyStore:
    """A store that counts its transactions, can be held, and fails when it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.error: Exception = RuntimeError("the store broke")
        self.fails = False
        self.fails_after_commit = False
        self.fails_before_change: int | None = None
        self.fails_at_move = False
        self.bad_vin: str | None = None
        self.write_count = 0
        self.lock_count = 0  # how often vehicles were locked by their VINs
        self.together: list[set[int]] = []  # the accounts of each batch of status calls
        self.key_write_count = 0
        self.fails_at_key_write: int | None = None
        self.plan_write_count = 0
        self.fails_at_plan_write: int | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()
        self.both_entered = asyncio.Event()

    @property
    def epoch(self) -> str:
        return self._store.epoch

    @property
    def directory(self) -> Directory:
        return self._store.directory

    @property
    def operations(self) -> OperationStore:
        return self._store.operations

    @property
    def webhooks(self) -> WebhookBoard:
        return self._store.webhooks

    @property
    def plans(self) -> PlanBoard:
        return self._store.plans

    def read_plans(self, account_id: int) -> PlanReader:
        return self._store.read_plans(account_id)

    async def write_plans(
        self, account_id: int, work: Callable[[WriteTransaction, PlanTransaction], Awaitable[T]]
    ) -> T:
        async def faulty_work(transaction: WriteTransaction, plans: PlanTransaction) -> T:
            return await work(FaultyTransaction(transaction, self), FaultyPlans(plans, self))

        result = await self._store.write_plans(account_id, faulty_work)
        if self.fails_after_commit:
            raise self.error
        return result

    def read_webhooks(self, account_id: int) -> WebhookReader:
        return self._store.read_webhooks(account_id)

    async def write_webhooks(self, account_id: int, work: Callable[[WebhookTransaction], Awaitable[T]]) -> T:
        return await self._store.write_webhooks(account_id, work)

    async def write_keys(self, account_id: int, work: Callable[[KeyTransaction], Awaitable[T]]) -> T:
        self.key_write_count += 1
        if self.key_write_count == self.fails_at_key_write:
            raise self.error
        return await self._store.write_keys(account_id, work)

    @property
    def imports(self) -> ImportBoard:
        return self._store.imports

    def read_imports(self, account_id: int) -> ImportReader:
        return self._store.read_imports(account_id)

    async def write_imports(self, account_id: int, work: Callable[[ImportTransaction], Awaitable[T]]) -> T:
        return await self._store.write_imports(account_id, work)

    def hold_key(self, held: HeldKey) -> "FaultyStore":
        store = copy.copy(self)
        store._store = self._store.hold_key(held)
        return store

    def fail_at_plan_write(self) -> None:
        self.plan_write_count += 1
        if self.plan_write_count == self.fails_at_plan_write:
            raise self.error

    def fail_at_vin(self, vins: Sequence[str]) -> None:
        """Raise when the spoilt row is among those asked for."""
        if self.bad_vin in vins:
            raise RuntimeError("the row of this VIN is spoilt")

    def read(self, account_id: int) -> Reader:
        return self._store.read(account_id)

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        return self._store.read_recent(account_id, at_least)

    def read_caught_up(self, account_id: int) -> Reader:
        return self._store.read_caught_up(account_id)

    @property
    def is_replica_fresh(self) -> bool | None:
        return self._store.is_replica_fresh

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        return await self._store.load_last_changes(account_ids)

    async def write_together(
        self, vins: Mapping[int, Sequence[str]], decide: Decide, patience: Patience
    ) -> frozenset[int]:
        self.together.append(set(vins))

        def decide_or_fail(account_id: int, vehicles: Sequence[Vehicle]) -> Sequence[Change]:
            self.fail_at_vin(vins[account_id])
            if self.fails_before_change is not None:
                raise self.error
            return decide(account_id, vehicles)

        return await self._write(partial(self._store.write_together, vins, decide_or_fail, patience))

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        async def faulty_work(transaction: WriteTransaction) -> T:
            return await work(FaultyTransaction(transaction, self))

        return await self._write(partial(self._store.write, account_id, faulty_work))

    async def _write(self, run: Callable[[], Awaitable[T]]) -> T:
        self.write_count += 1
        self.entered.set()
        if self.write_count > 1:
            self.both_entered.set()
        await self.open.wait()
        if self.fails:
            raise self.error
        result = await run()
        if self.fails_after_commit:
            raise self.error
        return result

    async def read_time(self) -> datetime | None:
        return await self._store.read_time()

    async def check(self) -> None:
        await self._store.check()

    async def close(self) -> None:
        await self._store.close()
