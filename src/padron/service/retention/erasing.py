"""Erases personal values from the files of an archive, by the rules of an erasure in the register."""

from dataclasses import dataclass, replace
from pathlib import Path

from padron.domain.archives import ArchivedChange
from padron.domain.erasure import Selection, erase_details, erase_differences
from padron.domain.vin import Vin
from padron.files.archives import ArchivedPart, list_parts, rewrite_part
from padron.service.retention.past import read_archive


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedPart:
    """A file that had such values, and the numbers of the changes that had them."""

    part: ArchivedPart
    numbers: list[int]


def erase_archive(folder: Path, account_id: int, vin: Vin | None, selection: Selection) -> list[ErasedPart]:
    """Erase the selected values of the vehicles that ever had a VIN, or of all vehicles. Raises ArchiveError.

    Each file is replaced as a whole. If the process ends in between, the same command continues.
    """
    chosen = None
    if vin is not None:
        chosen = {one.vehicle_id for one in read_archive(folder, account_id) if one.vin == vin}

    def alter(archived: ArchivedChange) -> ArchivedChange:
        if chosen is not None and archived.vehicle_id not in chosen:
            return archived
        details, differences = archived.details, archived.change.differences
        return replace(
            archived,
            details=None if details is None else erase_details(details, selection),
            change=replace(
                archived.change, differences=None if differences is None else erase_differences(differences, selection)
            ),
        )

    parts = [ErasedPart(part=part, numbers=rewrite_part(part, alter)) for part in list_parts(folder, account_id)]
    return [one for one in parts if one.numbers]
