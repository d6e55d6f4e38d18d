"""Erasing personal values from everything that the record has of a vehicle: what is erased, and what replaces it.

Pure, so that whoever keeps a part of the record elsewhere, such as an archive, can erase there with the same rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import Change, ChangeType, ErasedValues
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.vehicle import FIELDS, Details, Difference, Differences, Vehicle, fold_text, give_vin

ERASED_TEXT = "[erased]"  # stands for an erased value in the record
# The fields that may name a person or say something about one.
PERSONAL_FIELDS = tuple(
    field.name
    for field in FIELDS
    if field.name
    in {"rfcName", "taxIdentifier", "lessorName", "supplementaryData", "observations", "ownerName", "legalName"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which values are to be erased: all of some fields, or only those that are a given text."""

    fields: frozenset[str]
    value: str | None = None

    def covers(self, name: str, value: str | int | None) -> bool:
        """Say whether a value of a field is to be erased. Letter case makes no difference."""
        if name not in self.fields or not isinstance(value, str) or value == ERASED_TEXT:
            return False
        return self.value is None or fold_text(value) == fold_text(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVersion:
    """The core data of a vehicle since a change."""

    began: int
    details: Details
    is_former: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasing:
    """The rows of one vehicle that an erasure changes, as they are afterwards, and the erased texts."""

    versions: Sequence[StoredVersion]
    differences: Mapping[int, Differences]  # by the change's number
    texts: frozenset[str]
    erased: ErasedValues
    details: Details | None  # those of the present from now on; None: they stay as they are


def parse_fields(names: Iterable[str]) -> frozenset[str]:
    """Give the fields to erase. Raises ``bad_parameters`` for none, and for one that is not personal."""
    chosen = frozenset(names)
    wrong = sorted(chosen.difference(PERSONAL_FIELDS))
    if wrong or not chosen:
        said = f"{quote(wrong[0])} cannot be erased" if wrong else "No field is named"
        raise PadronError(Code.BAD_PARAMETERS, f"{said}. Choose from {', '.join(PERSONAL_FIELDS)}.")
    return chosen


def erase_details(details: Details, selection: Selection) -> dict[str, str | int]:
    """Give the core data with a mark in place of each erased value."""
    return {name: ERASED_TEXT if selection.covers(name, value) else value for name, value in details.items()}


def erase_differences(differences: Differences, selection: Selection) -> dict[str, Difference]:
    """Give the differences of a change with a mark in place of each erased value."""
    return {
        name: Difference(*(ERASED_TEXT if selection.covers(name, value) else value for value in pair))
        for name, pair in differences.items()
    }


def strip_erased(details: Details) -> dict[str, str | int]:
    """Give core data without the marks: the values of a vehicle that is current again."""
    return {name: value for name, value in details.items() if value != ERASED_TEXT}


def decide_erasure(
    versions: Sequence[StoredVersion], differences: Mapping[int, Differences], selection: Selection
) -> Erasing | None:
    """Give what an erasure changes in one vehicle; None when the record has no such value of it."""
    found = [
        (version.began, name, value)
        for version in versions
        for name, value in version.details.items()
        if selection.covers(name, value)
    ]
    found += [
        (number, name, value)
        for number, changed in differences.items()
        for name, pair in changed.items()
        for value in pair
        if value is not None and selection.covers(name, value)
    ]
    if not found:
        return None
    numbers = {number for number, _, _ in found}
    present = next((version.details for version in versions if not version.is_former), {})
    removed = sorted(name for name, value in present.items() if selection.covers(name, value))
    return Erasing(
        versions=[
            StoredVersion(
                began=version.began, details=erase_details(version.details, selection), is_former=version.is_former
            )
            for version in versions
            if version.began in numbers
        ],
        differences={
            number: erase_differences(changed, selection)
            for number, changed in differences.items()
            if number in numbers
        },
        texts=frozenset(str(value) for _, _, value in found),
        erased=ErasedValues(fields=sorted({name for _, name, _ in found}), removed=removed, numbers=sorted(numbers)),
        details={name: value for name, value in present.items() if name not in removed} if removed else None,
    )


def build_erasure(
    vehicle: Vehicle, erasing: Erasing, *, at: datetime, by: str, request_id: str, reason: str | None
) -> Change:
    """Give the change that records an erasure. It has no erased value."""
    return Change(
        type=ChangeType.ERASED,
        vehicle=give_vin(vehicle, vehicle.vin, at=at),
        at=at,
        by=by,
        request_id=request_id,
        from_status=vehicle.status,
        reason=reason,
        details=erasing.details,
        erased=erasing.erased,
    )
