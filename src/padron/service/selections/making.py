"""Makes selections: of chosen vehicles, of all that match a question, or of a pasted list.

The vehicles are added in portions, each a short transaction, so nobody waits for a large selection.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain import selection as rules
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.naming_list import NAMES_MAX, FaultReason, ListFault, give_keys, name_vehicles, read_names
from padron.domain.query import VehicleQuery
from padron.domain.quoting import quote
from padron.domain.selection import (
    MADE_WITHIN,
    USABLE,
    Digest,
    SelectedVehicle,
    SelectionSource,
    SelectionState,
    VehicleSelection,
    check_size,
    make_selection_id,
)
from padron.domain.status import VehicleStatus
from padron.domain.tags import parse_tag
from padron.domain.vehicle import fold_text
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.selections.reading import refuse_unknown, remove_selection
from padron.service.vehicles.counting import count_vehicles
from padron.service.vehicles.export import export_vehicles
from padron.store.base import WriteTransaction

PORTION = 500  # vehicles of one transaction
FAULTS_PORTION = 1_000
_RANDOM_BITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenVehicle:
    """A vehicle that somebody chose from what they saw. Without a tag it is taken as it is now."""

    vin: Vin
    tag: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    vehicles: Sequence[SelectedVehicle]
    faults: Sequence[ListFault]


def check_may_select(principal: Principal) -> None:
    """Raise ``forbidden`` unless the principal may see vehicles and change many of them."""
    for scope in (Scope.VEHICLES_READ, Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK):
        principal.check_scope(scope)


async def select_vehicles(runtime: Runtime, principal: Principal, chosen: Sequence[ChosenVehicle]) -> VehicleSelection:
    """Make a selection of vehicles that were chosen one by one.

    Raises ``forbidden``, ``selection_limit_reached``, and ``bad_parameters`` for none.
    """
    check_may_select(principal)
    if not chosen:
        raise PadronError(Code.BAD_PARAMETERS, "No vehicle is chosen. Choose at least one.")
    check_size(len(chosen))
    found = await _find_chosen(runtime, principal, chosen)
    making = await _begin(runtime, principal, SelectionSource.VEHICLES)
    return await making.fill(found.vehicles, found.faults)


async def select_matching(runtime: Runtime, principal: Principal, query: VehicleQuery) -> VehicleSelection:
    """Make a selection of all current vehicles that match, each as it is when it is read.

    Raises ``forbidden``, ``selection_limit_reached`` for too many, and ``bad_parameters`` for former versions.
    """
    check_may_select(principal)
    if query.status is VehicleStatus.INFO_CHANGED or query.as_of is not None:
        raise PadronError(Code.BAD_PARAMETERS, "Only present vehicles can be selected, not former versions.")
    asked = replace(query, sort=None, descending=False, after=None)
    counted = await count_vehicles(runtime, principal, asked)
    check_size(counted.count if counted.is_exact or asked.words else counted.count + 1)
    making = await _begin(runtime, principal, SelectionSource.FILTER)
    pages = export_vehicles(runtime, principal, asked, PORTION)
    while True:
        async with runtime.turns.take(principal.account_id):
            page = await anext(pages, None)
        if page is None:
            return await making.complete()
        await making.add([SelectedVehicle.see(version.vehicle) for version in page])


async def select_named(runtime: Runtime, principal: Principal, text: str) -> VehicleSelection:
    """Make a selection of the vehicles that a list names, and keep each of its faults with line and reason.

    Raises ``forbidden``, ``selection_limit_reached``, and ``bad_parameters`` for a list without names, or with too
    many.
    """
    check_may_select(principal)
    # A long list takes a tenth of a second, in which other calls go on.
    names = await asyncio.to_thread(read_names, text)
    if not 1 <= len(names) <= NAMES_MAX:
        count = "no name" if not names else "too many names"
        raise PadronError(Code.BAD_PARAMETERS, f"The list has {count}. It must have 1 to {NAMES_MAX:,}.")
    reader = runtime.store.read(principal.account_id).selections
    keys = await asyncio.to_thread(give_keys, names)
    found: dict[str, frozenset[int]] = {}
    for start in range(0, len(keys), FAULTS_PORTION):
        async with runtime.turns.take(principal.account_id):
            found |= await reader.find_named(keys[start : start + FAULTS_PORTION])
    named = await asyncio.to_thread(name_vehicles, names, found)
    check_size(len(named.vehicle_ids))
    making = await _begin(runtime, principal, SelectionSource.LIST)
    await making.add_faults(named.faults)
    for start in range(0, len(named.vehicle_ids), PORTION):
        async with runtime.turns.take(principal.account_id):
            present = await reader.load_present(named.vehicle_ids[start : start + PORTION])
        await making.add([SelectedVehicle.see(one.vehicle) for one in present.values()])
    return await making.complete()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Making:
    """A selection that is being made."""

    runtime: Runtime
    account_id: int
    selection_id: int

    async def fill(self, vehicles: Sequence[SelectedVehicle], faults: Sequence[ListFault]) -> VehicleSelection:
        """Add all vehicles and faults, and complete the selection."""
        await self.add_faults(faults)
        for start in range(0, len(vehicles), PORTION):
            await self.add(vehicles[start : start + PORTION])
        return await self.complete()

    async def add(self, vehicles: Sequence[SelectedVehicle]) -> None:
        """Add vehicles. A selection that becomes too large is removed, and ``selection_limit_reached`` raised."""

        async def work(transaction: WriteTransaction) -> None:
            selections = transaction.selections
            present = await self._lock(transaction)
            check_size(present.count + len(vehicles))
            digest = Digest(present.digest)
            digest.add(vehicles)
            await selections.add_vehicles(self.selection_id, vehicles)
            await selections.save_selection(
                replace(present, count=present.count + len(vehicles), digest=str(digest))
            )  # fmt: skip

        try:
            await self.runtime.store.write(self.account_id, work)
        except PadronError as error:
            if error.code is Code.SELECTION_LIMIT_REACHED:
                await remove_selection(self.runtime, self.account_id, self.selection_id)
            raise

    async def add_faults(self, faults: Sequence[ListFault]) -> None:
        """Add the faults of a list."""
        for start in range(0, len(faults), FAULTS_PORTION):
            part = faults[start : start + FAULTS_PORTION]

            async def work(transaction: WriteTransaction, part: Sequence[ListFault] = part) -> None:
                present = await self._lock(transaction)
                await transaction.selections.add_faults(self.selection_id, part)
                await transaction.selections.save_selection(
                    replace(present, fault_count=present.fault_count + len(part))
                )  # fmt: skip

            await self.runtime.store.write(self.account_id, work)

    async def complete(self) -> VehicleSelection:
        """Let the selection be used, and give it."""
        expires_at = self.runtime.clock() + USABLE

        async def work(transaction: WriteTransaction) -> VehicleSelection:
            present = await self._lock(transaction)
            ready = replace(present, state=SelectionState.READY, expires_at=expires_at)
            await transaction.selections.save_selection(ready)
            return ready

        return await self.runtime.store.write(self.account_id, work)

    async def _lock(self, transaction: WriteTransaction) -> VehicleSelection:
        present = await transaction.selections.lock_selection(self.selection_id)
        if present is None or present.state is not SelectionState.MAKING:
            raise refuse_unknown(rules.format_selection_id(self.selection_id))
        return present


async def _begin(runtime: Runtime, principal: Principal, source: SelectionSource) -> _Making:
    """Begin a selection. Raises ``selection_limit_reached`` when the account has no room for it."""
    now = runtime.clock()
    new = VehicleSelection(
        selection_id=make_selection_id(now, secrets.randbits(_RANDOM_BITS)),
        state=SelectionState.MAKING,
        source=source,
        created_by=principal.actor,
        created_at=now,
        expires_at=now + MADE_WITHIN,
    )

    async def work(transaction: WriteTransaction) -> None:
        rules.check_room(await transaction.selections.list_all())
        await transaction.selections.add_selection(new)

    await runtime.store.write(principal.account_id, work)
    return _Making(runtime=runtime, account_id=principal.account_id, selection_id=new.selection_id)


async def _find_chosen(runtime: Runtime, principal: Principal, chosen: Sequence[ChosenVehicle]) -> _Chosen:
    """Give the chosen vehicles. A tag says which vehicle was meant, and how it was seen."""
    reader = runtime.store.read(principal.account_id).selections
    vehicles: dict[int, SelectedVehicle] = {}
    faults: list[ListFault] = []
    for start in range(0, len(chosen), PORTION):
        part = chosen[start : start + PORTION]
        async with runtime.turns.take(principal.account_id):
            named = await reader.find_named([fold_text(one.vin) for one in part if one.tag is None])
            tagged = {one.tag: tag.vehicle_id for one in part if one.tag and (tag := parse_tag(one.tag))}
            ids = sorted({*tagged.values(), *(vehicle_id for some in named.values() for vehicle_id in some)})
            present = await reader.load_present(ids)
        for place, one in enumerate(part, start=start + 1):
            meant = [tagged[one.tag]] if one.tag in tagged else sorted(named.get(fold_text(one.vin), ()))
            own = [present[each].vehicle for each in meant if each in present and present[each].vehicle.vin == one.vin]
            if len(own) == 1 and own[0].vehicle_id not in vehicles:
                seen = SelectedVehicle.see(own[0])
                vehicles[seen.vehicle_id] = replace(seen, tag=one.tag or seen.tag)
            else:
                faults.append(_describe(place, one.vin, len(faults) + 1, len(own)))
    return _Chosen(vehicles=[vehicles[one] for one in sorted(vehicles)], faults=faults)


def _describe(line: int, vin: Vin, place: int, found_count: int) -> ListFault:
    match found_count:
        case 0:
            reason, detail = FaultReason.UNKNOWN, f"No current vehicle has the VIN {quote(vin)} any more."
        case 1:
            reason, detail = FaultReason.DUPLICATE, "The vehicle was chosen twice."
        case _:
            reason, detail = FaultReason.AMBIGUOUS, f"{found_count} current vehicles have the VIN {quote(vin)}."
    return ListFault(place=place, line=line, text=vin, reason=reason, detail=detail)
