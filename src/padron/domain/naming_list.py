"""Reads a list that somebody pasted or scanned: VINs, plates and unit numbers, with any separators."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from padron.domain.quoting import quote
from padron.domain.vehicle import fold_text, suggest_plate
from padron.domain.vin import VIN_LENGTH, list_vin_faults

NAMES_MAX = 20_000  # of one list
NAME_LENGTH_MAX = 100

_split_parts = re.compile(r"[,;\t|]+").split
_SCANNED_LENGTH = VIN_LENGTH + 1
_VIN_LIKE_LENGTHS = range(VIN_LENGTH - 1, VIN_LENGTH + 2)


class FaultReason(StrEnum):
    """Why a name of a list gives no vehicle of its own."""

    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedName:
    """A name of a list and its line, counted from 1. ``parts`` are its words, for lists that spaces separate."""

    line: int
    text: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListFault:
    """A name that gives no vehicle of its own, and why. ``place`` counts the faults of a list."""

    place: int
    line: int
    text: str
    reason: FaultReason
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedVehicles:
    """The vehicles that a list names, each once, and the faults in the order of the list."""

    vehicle_ids: Sequence[int]
    faults: Sequence[ListFault]


def read_names(text: str) -> list[ListedName]:
    """Give the names of a text in their order. It stops after ``NAMES_MAX`` and one."""
    names: list[ListedName] = []
    for line, content in enumerate(text.splitlines(), start=1):
        for part in _split_parts(content):
            stripped = part.strip().strip("\"'").strip()
            if not stripped:
                continue
            words = tuple(stripped.split())
            names.append(ListedName(line=line, text=stripped, parts=words if len(words) > 1 else ()))
            if len(names) > NAMES_MAX:
                return names
    return names


def give_keys(names: Sequence[ListedName]) -> list[str]:
    """Give the folded texts to look up, each once: as they are, and as the plates that they may be."""
    texts = (text for name in names for text in (name.text, *name.parts))
    return sorted({key for text in texts if len(text) <= NAME_LENGTH_MAX for key in _list_keys(text)})


def name_vehicles(names: Sequence[ListedName], found: Mapping[str, frozenset[int]]) -> NamedVehicles:
    """Give the vehicles of a list. ``found`` has the vehicles of each folded VIN, plate and unit number."""
    lines: dict[int, int] = {}  # by vehicle: the line that named it first
    faults: list[ListFault] = []
    for name in names:
        for text in _take_apart(name, found):
            ids = _find(text, found)
            if len(ids) == 1 and lines.setdefault(min(ids), name.line) == name.line:
                continue  # a line may give the VIN and the plate of one vehicle
            reason, detail = _find_fault(text, ids, lines)
            shown = text[:NAME_LENGTH_MAX]
            faults.append(
                ListFault(place=len(faults) + 1, line=name.line, text=shown, reason=reason, detail=detail)
            )  # fmt: skip
    return NamedVehicles(vehicle_ids=sorted(lines), faults=faults)


def _take_apart(name: ListedName, found: Mapping[str, frozenset[int]]) -> tuple[str, ...]:
    """Give the texts that a name means: the whole, which may have spaces, or else its words.

    A plate in several parts, such as ``ABC 101 D``, is meant only if no part of it is a name itself.
    """
    if not name.parts or _fold(name.text) in found:
        return (name.text,)
    is_plate = not any(_find(part, found) for part in name.parts) and _find(name.text, found)
    return (name.text,) if is_plate else name.parts


def _fold(text: str) -> str:
    # The code of a scanned VIN often begins with an I, which no VIN has.
    is_scanned = len(text) == _SCANNED_LENGTH and text[0] in "Ii"
    return fold_text(text[1:] if is_scanned else text)


def _list_keys(text: str) -> list[str]:
    """Give the keys of a text, the likeliest first. A plate is stored bare, and people copy it from the vehicle."""
    plate = suggest_plate(text)
    return [_fold(text)] if plate is None else [_fold(text), fold_text(plate)]


def _find(text: str, found: Mapping[str, frozenset[int]]) -> frozenset[int]:
    return next((found[key] for key in _list_keys(text) if key in found), frozenset())


class _Fault(NamedTuple):
    reason: FaultReason
    detail: str


def _find_fault(text: str, ids: frozenset[int], lines: Mapping[int, int]) -> _Fault:
    if len(ids) > 1:
        return _Fault(FaultReason.AMBIGUOUS, f"{len(ids)} current vehicles have the name {quote(text)}.")
    if ids:
        return _Fault(FaultReason.DUPLICATE, f"The vehicle is already named on line {lines[min(ids)]}.")
    if len(text) > NAME_LENGTH_MAX or not text.isprintable():
        return _Fault(FaultReason.MALFORMED, "The text is too long, or has characters that cannot be printed.")
    if len(text) in _VIN_LIKE_LENGTHS and (vin_faults := list_vin_faults(text.upper())) and any(map(str.isdigit, text)):
        return _Fault(FaultReason.MALFORMED, vin_faults[0].detail)
    return _Fault(FaultReason.UNKNOWN, f"No current vehicle has the VIN, plate or unit number {quote(text)}.")
