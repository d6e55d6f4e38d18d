"""Erases personal values from the files of an archive. Each file is written again, and replaces the old one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from padron.domain.archives import ArchivedChange
from padron.domain.erasure import Selection, erase_details, erase_differences
from padron.domain.vin import Vin
from padron.files.archives import ArchivedPart, ArchiveWriter, list_parts, read_changes, read_epoch

PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedPart:
    """A file of an archive, and the numbers of the changes whose values were erased."""

    part: ArchivedPart
    numbers: list[int]


def erase_archive(
    folder: Path, account_id: int, vin: Vin | None, selection: Selection, *, dry_run: bool = False
) -> Iterator[ErasedPart]:
    """Erase values in an account's files, and give each file that had some.

    With a VIN, only of vehicles that had it at some time in the archive. A dry run writes nothing. Raises ArchiveError
    for a damaged file, which stays as it is.
    """
    parts = list_parts(folder, account_id)
    chosen = None if vin is None else {one.vehicle_id for part in parts for one in read_changes(part) if one.vin == vin}
    for part in parts:
        numbers = [
            one.change.number for one in read_changes(part) if _is_chosen(one, chosen) and _erase(one, selection) != one
        ]
        if not numbers:
            continue
        if not dry_run:
            _write_again(part, chosen, selection)
        yield ErasedPart(part=part, numbers=numbers)


def _write_again(part: ArchivedPart, chosen: set[int] | None, selection: Selection) -> None:
    writer = ArchiveWriter(part, read_epoch(part))
    try:
        for page in _cut_pages(read_changes(part)):
            writer.add(_erase(one, selection) if _is_chosen(one, chosen) else one for one in page)
        writer.publish(replaces=True)
    finally:
        writer.close()


def _cut_pages(changes: Iterable[ArchivedChange]) -> Iterator[list[ArchivedChange]]:
    page: list[ArchivedChange] = []
    for one in changes:
        page.append(one)
        if len(page) == PAGE:
            yield page
            page = []
    yield page


def _is_chosen(one: ArchivedChange, chosen: set[int] | None) -> bool:
    return chosen is None or one.vehicle_id in chosen


def _erase(one: ArchivedChange, selection: Selection) -> ArchivedChange:
    differences = one.change.differences
    erased = None if differences is None else erase_differences(differences, selection)
    return replace(
        one,
        change=replace(one.change, differences=erased),
        details=None if one.details is None else erase_details(one.details, selection),
    )
