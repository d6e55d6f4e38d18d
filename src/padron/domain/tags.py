"""A vehicle's tag: it names the vehicle and its revision, for ever. The only place that makes, reads and compares tags.

A revision alone names neither: another vehicle that comes to bear the same VIN may have the same one, and after a
restored backup the same vehicle has it again. So the tag has the vehicle's id too, and the instant of the revision.
Clients see it as opaque text. A spreadsheet leaves it alone, and it needs no quoting in a header, in CSV or in JSON.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from padron.domain.vehicle import Vehicle

TAG_PATTERN = "^v[1-9][0-9]{0,17}r[1-9][0-9]{0,17}t[0-9a-f]{1,16}$"
TAG_EXAMPLE = "v12r7t6448a2c1f3b40"
PLAIN_NUMBERS = f"A revision is a tag now, such as {TAG_EXAMPLE}, and a plain number fits no vehicle."

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_match_tag = re.compile(r"v([1-9][0-9]{0,17})r([1-9][0-9]{0,17})t([0-9a-f]{1,16})").fullmatch
_match_plain_number = re.compile("[0-9]{1,40}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """What a tag says. ``stamp`` is the instant of the revision, in microseconds since 1970."""

    vehicle_id: int
    revision: int
    stamp: int


def format_tag(vehicle: Vehicle) -> str:
    """Give the tag of a vehicle as it is. Each status call makes one, so it takes less than a microsecond."""
    return f"v{vehicle.vehicle_id}r{vehicle.revision}t{(vehicle.updated_at - _EPOCH) // _MICROSECOND:x}"


def parse_tag(text: str) -> Tag | None:
    """Give what a tag says, or None for text that is no tag of a vehicle."""
    match = _match_tag(text)
    if match is None:
        return None
    return Tag(vehicle_id=int(match[1]), revision=int(match[2]), stamp=int(match[3], 16))


def is_plain_number(text: str) -> bool:
    """Say whether the text is a revision as it was written before there were tags. Such a number fits nothing."""
    return _match_plain_number(text) is not None


def describe_mismatch(vehicle: Vehicle, asked: AbstractSet[str]) -> str:
    """Give the sentence that says why none of the tags asked for is the vehicle's. At least one must be asked for."""
    if any(is_plain_number(one) for one in asked):
        return PLAIN_NUMBERS
    tags = [tag for tag in map(parse_tag, asked) if tag is not None]
    if len(tags) != 1:
        return f"The vehicle {vehicle.vin} is at revision {vehicle.revision}, which the request does not name."
    (tag,) = tags
    if tag.vehicle_id != vehicle.vehicle_id:
        return f"The revision belongs to another vehicle than the one that has the VIN {vehicle.vin} now."
    if tag.revision != vehicle.revision:
        return f"The vehicle {vehicle.vin} is at revision {vehicle.revision}, not {tag.revision}."
    return (
        f"The vehicle {vehicle.vin} has this revision's number, but the tag comes from another register or from before "
        "a backup was restored."
    )
