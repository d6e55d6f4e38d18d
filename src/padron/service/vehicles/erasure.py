"""Erases personal values: from the vehicles and their record, and from the copies that the register keeps beside it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.domain.account import Principal, Scope
from padron.domain.change import ErasedValues, NumberedChange
from padron.domain.erasure import Erasing, Selection, build_erasure, decide_erasure
from padron.domain.errors import Code, PadronError
from padron.domain.vin import Vin
from padron.service.pages import look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.erasure import AnswerPlace

VEHICLES_MAX = 1_000  # of one request
PORTION_ANSWERS = 50  # kept answers that a transaction looks at; each may have a megabyte


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """A request to erase values: of the vehicles with a VIN, or wherever the selection's value is."""

    vin: Vin | None
    selection: Selection
    by: str
    request_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedVehicle:
    """The result for one vehicle. ``number`` is that of the change that records it; None in a dry run."""

    vehicle_id: int
    vin: Vin
    number: int | None
    erased: ErasedValues


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureReport:
    """The vehicles with erased values, in the order of their ids.

    ``is_incomplete``: others have the value too, so repeat the request. ``open_imports``: imports that have not ended,
    whose files may have the values. ``is_scrubbed``: the files of the database have no old copy, as far as the engine
    knows.
    """

    vehicles: Sequence[ErasedVehicle]
    is_incomplete: bool
    open_imports: int
    is_scrubbed: bool


async def erase_values(
    runtime: Runtime, principal: Principal, erasure: Erasure, *, dry_run: bool = False
) -> ErasureReport:
    """Erase the selected values and record it, one transaction for each vehicle. A dry run writes nothing.

    If the process ends in between, the same request continues. Raises ``forbidden``, and
    ``vehicle_not_found`` for a VIN that no vehicle has or had when it became former.
    """
    principal.check_scope(Scope.VEHICLES_ERASE)
    work = _Work(runtime, principal.account_id, erasure, runtime.clock())
    ids = await work.find_vehicles()
    chosen = ids[:VEHICLES_MAX]
    found = [(one, erasing) for one in chosen if (erasing := await work.look(one)) is not None]
    texts = frozenset(text for _, erasing in found for text in erasing.texts)
    if dry_run:
        done = [await work.describe(one, erasing) for one, erasing in found]
    else:
        # Before and after: an interrupted request then leaves no copy of a value that nobody would search for again,
        # and what was answered meanwhile is found too.
        await work.erase_copies(texts)
        done = [result for one, _ in found if (result := await work.erase(one)) is not None]
        await work.erase_copies(texts)
    return ErasureReport(
        vehicles=done,
        is_incomplete=len(ids) > len(chosen),
        open_imports=await work.count_imports(),
        is_scrubbed=dry_run or await runtime.store.scrub(),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """The transactions of one request."""

    runtime: Runtime
    account_id: int
    erasure: Erasure
    at: datetime

    async def find_vehicles(self) -> list[int]:
        """Give the vehicles to look at. Raises ``vehicle_not_found``."""
        vin, selection = self.erasure.vin, self.erasure.selection

        async def work(transaction: WriteTransaction) -> list[int]:
            if vin is None:
                return await transaction.erasure.find_by_value(selection, look_beyond(VEHICLES_MAX))
            return await transaction.erasure.find_by_vin(vin)

        found = await self.runtime.store.write(self.account_id, work)
        if vin is not None and not found:
            raise PadronError(Code.VEHICLE_NOT_FOUND, f"The account has no vehicle with the VIN {vin}.")
        return found

    async def look(self, vehicle_id: int) -> Erasing | None:
        """Give what would be erased in one vehicle."""

        async def work(transaction: WriteTransaction) -> Erasing | None:
            return await self._decide(transaction, vehicle_id)

        return await self.runtime.store.write(self.account_id, work)

    async def describe(self, vehicle_id: int, erasing: Erasing) -> ErasedVehicle:
        """Give the result for one vehicle without any writing."""

        async def work(transaction: WriteTransaction) -> Vin:
            vehicle = await transaction.erasure.lock_vehicle(vehicle_id)
            if vehicle is None:
                raise AssertionError(vehicle_id)
            return vehicle.vin

        vin = await self.runtime.store.write(self.account_id, work)
        return ErasedVehicle(vehicle_id=vehicle_id, vin=vin, number=None, erased=erasing.erased)

    async def erase(self, vehicle_id: int) -> ErasedVehicle | None:
        """Erase in one vehicle, and record it. None when somebody else did it meanwhile."""
        asked = self.erasure

        async def work(transaction: WriteTransaction) -> ErasedVehicle | None:
            vehicle = await transaction.erasure.lock_vehicle(vehicle_id)
            erasing = await self._decide(transaction, vehicle_id)
            if vehicle is None or erasing is None:
                return None
            await transaction.erasure.rewrite(vehicle_id, erasing.versions, erasing.differences)
            await transaction.erasure.empty_attempts(erasing.erased.numbers)
            change = build_erasure(
                vehicle, erasing, at=self.at, by=asked.by, request_id=asked.request_id, reason=asked.reason
            )
            written: list[NumberedChange] = list(await transaction.save_changes([change]))
            return ErasedVehicle(
                vehicle_id=vehicle_id, vin=vehicle.vin, number=written[0].number, erased=erasing.erased
            )

        return await self.runtime.store.write(self.account_id, work)

    async def erase_copies(self, texts: Collection[str]) -> None:
        """Erase kept answers and refused lines of imports that contain one of the texts."""
        for text in sorted(texts):

            async def erase_refusals(transaction: WriteTransaction, text: str = text) -> None:
                await transaction.erasure.erase_import_refusals(text)

            await self.runtime.store.write(self.account_id, erase_refusals)
            place: AnswerPlace | None = AnswerPlace("", "")
            while place is not None:
                place = await self._erase_answers(place, text)

    async def count_imports(self) -> int:
        """Give the number of the account's imports that have not ended."""

        async def work(transaction: WriteTransaction) -> int:
            return len(await transaction.imports.list_open())

        return await self.runtime.store.write(self.account_id, work)

    async def _erase_answers(self, after: AnswerPlace, text: str) -> AnswerPlace | None:
        async def work(transaction: WriteTransaction) -> AnswerPlace | None:
            return await transaction.erasure.erase_answers(after, PORTION_ANSWERS, text)

        return await self.runtime.store.write(self.account_id, work)

    async def _decide(self, transaction: WriteTransaction, vehicle_id: int) -> Erasing | None:
        versions = await transaction.erasure.load_versions(vehicle_id)
        differences = await transaction.erasure.load_differences(vehicle_id)
        return decide_erasure(versions, differences, self.erasure.selection)
