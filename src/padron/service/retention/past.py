"""Answers questions about the archived time from the files of an archive. It needs no database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import assert_never

from padron.domain.archives import ArchivedChange
from padron.domain.change import ChangeType
from padron.domain.instants import format_instant
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle, VehicleVersion
from padron.domain.vin import Vin
from padron.files.archives import (
    ArchivedPart,
    ArchiveError,
    ArchiveTrailer,
    list_parts,
    read_changes,
    verify_file,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedPart:
    """A file of an archive that was read as a whole: its last line, or what is wrong with it."""

    part: ArchivedPart
    trailer: ArchiveTrailer | None
    fault: str | None


def verify_archive(folder: Path, account_id: int | None) -> Iterator[VerifiedPart]:
    """Read all files, and give what each of them has. A file that does not follow the one before it has a fault."""
    ends: dict[int, int] = {}
    for part in list_parts(folder, account_id):
        end = ends.get(part.account_id, 0)
        ends[part.account_id] = part.last
        try:
            trailer = verify_file(part.path, part)
        except ArchiveError as error:
            yield VerifiedPart(part=part, trailer=None, fault=error.detail)
            continue
        fault = None
        if part.first != end + 1:
            fault = f"The archive of account {part.account_id} lacks changes {end + 1:,} to {part.first - 1:,}."
            if part.first <= end:
                fault = (
                    f"Changes {part.first:,} to {min(end, part.last):,} of account {part.account_id} are there twice."
                )
        yield VerifiedPart(part=part, trailer=trailer, fault=fault)


def read_archive(folder: Path, account_id: int) -> Iterator[ArchivedChange]:
    """Give all archived changes of an account, in order. Raises ArchiveError for a gap or a damaged file."""
    end = 0
    for part in list_parts(folder, account_id):
        if part.first != end + 1:
            raise ArchiveError(folder, f"does not go on after change {end:,} of account {account_id}")
        yield from read_changes(part)
        end = part.last
    if not end:
        raise ArchiveError(folder, f"has no changes of account {account_id}")


def read_history(folder: Path, account_id: int, vin: Vin) -> list[ArchivedChange]:
    """Give the archived changes of every vehicle that ever had a VIN, in order. Raises ArchiveError."""
    vehicle_ids = {change.vehicle_id for change in read_archive(folder, account_id) if change.vin == vin}
    return [change for change in read_archive(folder, account_id) if change.vehicle_id in vehicle_ids]


def rebuild_state(folder: Path, account_id: int, at: datetime) -> Sequence[VehicleVersion]:
    """Give the current vehicles as they were at an instant, in order of registration.

    The instant must be before the last archived change. A later one belongs to the register. Raises ArchiveError.
    """
    state: dict[int, VehicleVersion] = {}
    for archived in read_archive(folder, account_id):
        if archived.change.at > at:
            return [state[vehicle_id] for vehicle_id in sorted(state) if _is_current(state[vehicle_id])]
        before = state.get(archived.vehicle_id)
        state[archived.vehicle_id] = _register(archived) if before is None else _apply(archived, before)
    raise ArchiveError(
        folder, f"has no later change than {format_instant(at)}: ask the register itself about this instant"
    )


def _is_current(version: VehicleVersion) -> bool:
    return version.vehicle.status is not VehicleStatus.INFO_CHANGED


def _register(archived: ArchivedChange) -> VehicleVersion:
    change = archived.change
    vehicle = Vehicle(
        vehicle_id=archived.vehicle_id,
        vin=Vin(archived.vin),
        slot=0,
        status=change.to_status,
        status_since=change.at,
        status_by=change.by,
        status_reason=change.reason,
        revision=1,
        created_at=change.at,
        updated_at=change.at,
    )
    return VehicleVersion(
        vehicle=vehicle, details=archived.details or {}, began=change.number, valid_from=change.at, valid_to=None
    )


def _apply(archived: ArchivedChange, before: VehicleVersion) -> VehicleVersion:
    """Give a vehicle after a change."""
    change = archived.change
    vehicle = replace(
        before.vehicle, vin=Vin(archived.vin), revision=before.vehicle.revision + 1, updated_at=change.at
    )  # fmt: skip
    match change.type:
        case ChangeType.STATUS_CHANGED | ChangeType.DELETED | ChangeType.REGISTERED:
            vehicle = replace(
                vehicle,
                status=change.to_status,
                status_since=change.at,
                status_by=change.by,
                status_reason=change.reason,
            )
        case ChangeType.INFO_CHANGED | ChangeType.ERASED:
            pass
        case _:
            assert_never(change.type)
    if archived.details is None:
        return replace(before, vehicle=vehicle)
    return replace(
        before, vehicle=vehicle, details=archived.details, began=change.number, valid_from=change.at
    )  # fmt: skip
