"""A vehicle's tag: it names the vehicle and its revision for ever. Only this module makes, reads and compares tags.

A revision number alone is not enough. A vehicle that gets the same VIN later can have the same number, and after a
backup is restored the same vehicle has the number again. So a tag also has the vehicle's id and the revision's instant.
Clients treat it as opaque text. Spreadsheets do not change it, and headers, CSV and JSON need no quoting for it.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from padron.domain.vehicle import Vehicle

TAG_PATTERN = "^v[1-9][0-9]{0,17}r[1-9][0-9]{0,17}t[0-9a-f]{1,16}$"
TAG_EXAMPLE = "v12r7t6448a2c1f3b40"
PLAIN_NUMBERS = f"A revision must be a tag such as {TAG_EXAMPLE}; a plain number matches no vehicle."

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_match_tag = re.compile(r"v([1-9][0-9]{0,17})r([1-9][0-9]{0,17})t([0-9a-f]{1,16})").fullmatch
_match_plain_number = re.compile("[0-9]{1,40}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """The parts of a tag. ``stamp`` is the instant of the revision, in microseconds since 1970."""

    vehicle_id: int
    revision: int
    stamp: int

    def is_before(self, at: datetime) -> bool:
        """Say whether an instant is after the state that the tag names. An invented tag may have any stamp."""
        return self.stamp < _count_microseconds(at)


def format_tag(vehicle: Vehicle) -> str:
    """Give the present tag of a vehicle. Each status call makes one, so it takes less than a microsecond."""
    return f"v{vehicle.vehicle_id}r{vehicle.revision}t{_count_microseconds(vehicle.updated_at):x}"


@lru_cache(maxsize=16)  # the calls of a batch share their instant
def _count_microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def parse_tag(text: str) -> Tag | None:
    """Give the parts of a tag, or None for text that is not a tag."""
    match = _match_tag(text)
    if match is None:
        return None
    return Tag(vehicle_id=int(match[1]), revision=int(match[2]), stamp=int(match[3], 16))


def is_plain_number(text: str) -> bool:
    """Say whether the text is a plain revision number, the form before tags existed. It matches no vehicle."""
    return _match_plain_number(text) is not None


def describe_mismatch(vehicle: Vehicle, asked: AbstractSet[str]) -> str:
    """Give a sentence that says why none of the requested tags, at least one, is the vehicle's tag."""
    if any(is_plain_number(one) for one in asked):
        return PLAIN_NUMBERS
    tags = [tag for tag in map(parse_tag, asked) if tag is not None]
    if len(tags) != 1:
        return f"The vehicle {vehicle.vin} is at revision {vehicle.revision}, but the request names other revisions."
    (tag,) = tags
    if tag.vehicle_id != vehicle.vehicle_id:
        return f"The revision belongs to a different vehicle, not to the one that now has the VIN {vehicle.vin}."
    if tag.revision != vehicle.revision:
        return f"The vehicle {vehicle.vin} is at revision {vehicle.revision}, not {tag.revision}."
    return (
        f"The vehicle {vehicle.vin} is at this revision number, but the tag comes from another register, or from the "
        "time before a backup was restored."
    )
