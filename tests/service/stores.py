"""Stores that do what a real one does, until they are told to fail: a fault is put in front of a real register."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from padron.domain.change import Change, FeedEntry, Span, WrittenChanges
from padron.domain.idempotency import HeldKey
from padron.domain.plan import Plan
from padron.domain.vehicle import Details, Vehicle
from padron.meters import Family
from padron.store.administration import AdministrationTransaction
from padron.store.archives import ArchiveTransaction
from padron.store.backups import ContinuousBackup
from padron.store.base import Decide, Store, WriteTransaction
from padron.store.directory import Directory
from padron.store.erasure import ErasureTransaction
from padron.store.gate import GateTransaction
from padron.store.gate_leases import GateLeaseTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportBoard, ImportTransaction
from padron.store.old_runs import OldRuns
from padron.store.operations import OperationTransaction
from padron.store.people.board import People
from padron.store.plans import PlanBoard, PlanTransaction
from padron.store.reader import Reader
from padron.store.removal import RemovalTransaction
from padron.store.selections import SelectionBoard, SelectionTransaction
from padron.store.strict_accounts import StrictAccounts
from padron.store.webhooks import WebhookBoard, WebhookTransaction
from padron.traces import Tracer

T = TypeVar("T")


class HeldError(Exception):
    """A transaction reached the vehicles while the store is held: it is undone, and run again afterwards."""


class FaultyTransaction:
    """Writes one change after the other, and fails before the one that it is told to fail at.

    The faults are of what reaches vehicles, their plans or the gate; the other nouns work as they do.
    """

    def __init__(self, transaction: WriteTransaction, faults: "FaultyStore") -> None:
        self._transaction = transaction
        self._faults = faults
        self.is_touched = False

    @property
    def administration(self) -> AdministrationTransaction:
        return self._transaction.administration

    @property
    def archives(self) -> ArchiveTransaction:
        return self._transaction.archives

    @property
    def erasure(self) -> ErasureTransaction:
        self._touch()
        return self._transaction.erasure

    @property
    def gate(self) -> GateTransaction:
        self._touch()
        return self._transaction.gate

    @property
    def gate_leases(self) -> GateLeaseTransaction:
        return self._transaction.gate_leases

    @property
    def imports(self) -> ImportTransaction:
        return self._transaction.imports

    @property
    def keys(self) -> KeyTransaction:
        self._faults.fail_at_key_write()
        return self._transaction.keys

    @property
    def old_runs(self) -> OldRuns:
        return self._transaction.old_runs

    @property
    def operations(self) -> OperationTransaction:
        return self._transaction.operations

    @property
    def plans(self) -> PlanTransaction:
        self._touch()
        return FaultyPlans(self._transaction.plans, self._faults)

    @property
    def removal(self) -> RemovalTransaction:
        return self._transaction.removal

    @property
    def selections(self) -> SelectionTransaction:
        return self._transaction.selections

    @property
    def webhooks(self) -> WebhookTransaction:
        return self._transaction.webhooks

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        self._faults.lock_count += 1
        self._touch()
        self._faults.fail_at_vin(vins)
        return await self._transaction.lock_vehicles(vins)

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        self._touch()
        return await self._transaction.lock_plates(plates)

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        return await self._transaction.load_details(vehicle_ids)

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        return await self._transaction.find_later_changes(spans, request_id)

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        return await self._transaction.lock_former(vehicle_ids)

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        return await self._transaction.load_former_details(vehicle_ids)

    async def count_vehicles(self) -> int:
        return await self._transaction.count_vehicles()

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        if self._faults.fails_at_move:
            raise self._faults.error
        await self._transaction.move_vehicles(slots)

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        self._touch()
        fails_before = self._faults.fails_before_change
        if fails_before is None:
            return await self._transaction.save_changes(changes)
        await self._transaction.save_changes(changes[:fails_before])
        raise self._faults.error

    def _touch(self) -> None:
        if not self.is_touched:
            self.is_touched = True
            self._faults.enter()


class FaultyPlans(PlanTransaction):
    """Writes plans, and fails instead of its n-th write when it is told to."""

    def __init__(self, plans: PlanTransaction, faults: "FaultyStore") -> None:
        super().__init__(plans._port)
        self._faults = faults

    async def add_plans(self, plans: Sequence[Plan]) -> None:
        self._faults.fail_at_plan_write()
        await super().add_plans(plans)

    async def end_plans(self, plans: Sequence[Plan]) -> None:
        self._faults.fail_at_plan_write()
        await super().end_plans(plans)


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
    def strict_accounts(self) -> StrictAccounts:
        return self._store.strict_accounts

    @property
    def directory(self) -> Directory:
        return self._store.directory

    @property
    def imports(self) -> ImportBoard:
        return self._store.imports

    @property
    def people(self) -> People:
        return self._store.people

    @property
    def plans(self) -> PlanBoard:
        return self._store.plans

    @property
    def selections(self) -> SelectionBoard:
        return self._store.selections

    @property
    def webhooks(self) -> WebhookBoard:
        return self._store.webhooks

    def hold_key(self, held: HeldKey) -> "FaultyStore":
        store = copy.copy(self)
        store._store = self._store.hold_key(held)
        return store

    def fail_at_key_write(self) -> None:
        self.key_write_count += 1
        if self.key_write_count == self.fails_at_key_write:
            raise self.error

    def fail_at_plan_write(self) -> None:
        self.plan_write_count += 1
        if self.plan_write_count == self.fails_at_plan_write:
            raise self.error

    def fail_at_vin(self, vins: Sequence[str]) -> None:
        """Raise when the spoilt row is among those asked for."""
        if self.bad_vin in vins:
            raise RuntimeError("the row of this VIN is spoilt")

    def enter(self) -> None:
        """Let a transaction reach what it writes. Raises HeldError while the store is held."""
        if not self.open.is_set():
            raise HeldError
        if self.fails:
            raise self.error

    def read(self, account_id: int) -> Reader:
        return self._store.read(account_id)

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        return self._store.read_recent(account_id, at_least)

    def read_caught_up(self, account_id: int) -> Reader:
        return self._store.read_caught_up(account_id)

    @property
    def reads_at_once(self) -> bool:
        return self._store.reads_at_once

    @property
    def stalled_s(self) -> float:
        return self._store.stalled_s

    @property
    def backup(self) -> ContinuousBackup | None:
        return self._store.backup

    @property
    def is_being_checked(self) -> bool | None:
        return self._store.is_being_checked

    @property
    def failing_node_count(self) -> int:
        return self._store.failing_node_count

    async def watch(self) -> None:
        await self._store.watch()

    async def examine(self) -> bool:
        return await self._store.examine()

    @property
    def is_replica_fresh(self) -> bool | None:
        return self._store.is_replica_fresh

    def give_families(self) -> Sequence[Family]:
        return self._store.give_families()

    def trace(self, tracer: Tracer) -> None:
        self._store.trace(tracer)

    def give_lane(self, account_id: int) -> int:
        return self._store.give_lane(account_id)

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        return await self._store.load_last_changes(account_ids)

    async def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        self.together.append(set(vins))
        await self._enter()
        async for saved in self._store.write_together(vins, self._spoil(vins, decide)):
            if self.fails_after_commit:
                raise self.error
            yield saved

    async def write_apart(self, account_id: int, vins: Sequence[str], decide: Decide) -> None:
        await self._enter()
        await self._store.write_apart(account_id, vins, self._spoil({account_id: vins}, decide))
        if self.fails_after_commit:
            raise self.error

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        touched = False

        async def faulty_work(transaction: WriteTransaction) -> T:
            nonlocal touched
            faulty = FaultyTransaction(transaction, self)
            try:
                return await work(faulty)
            finally:
                if faulty.is_touched and not touched:
                    touched = True
                    self._count()

        while True:
            try:
                result = await self._store.write(account_id, faulty_work)
            except HeldError:
                await self.open.wait()
            else:
                break
        if touched and self.fails_after_commit:
            raise self.error
        return result

    def _count(self) -> None:
        self.write_count += 1
        self.entered.set()
        if self.write_count > 1:
            self.both_entered.set()

    async def _enter(self) -> None:
        self._count()
        await self.open.wait()
        if self.fails:
            raise self.error

    def _spoil(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> Decide:
        def decide_or_fail(account_id: int, vehicles: Sequence[Vehicle]) -> Sequence[Change]:
            self.fail_at_vin(vins[account_id])
            if self.fails_before_change is not None:
                raise self.error
            return decide(account_id, vehicles)

        return decide_or_fail

    async def read_time(self) -> datetime | None:
        return await self._store.read_time()

    async def check(self) -> None:
        await self._store.check()

    async def follow_record(self) -> bool:
        return await self._store.follow_record()

    async def restart_orders(self) -> None:
        await self._store.restart_orders()

    async def scrub(self) -> bool:
        return await self._store.scrub()

    async def close(self) -> None:
        await self._store.close()
