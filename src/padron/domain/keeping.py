"""How long the register keeps what it has. ``docs/retention.md`` explains each age, and a test compares the two."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta

from padron.domain import file_import, gate, webhook

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # before everything in a register

AGE_MIN = timedelta(days=1)
AGE_MAX = timedelta(days=36_525)

_DAYS = {"d": 1, "w": 7, "y": 365}
_match_age = re.compile("([0-9]{1,5})([dwy])").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAges:
    """How old each kind of data may become. None keeps it for ever."""

    changes: timedelta | None = None  # then they go into the archive; everything else is deleted
    runs: timedelta | None = None  # finished ones, with their work and results
    results: timedelta | None = None  # that workers gave, also of runs that stay
    refusals: timedelta | None = gate.KEPT  # of the gate
    deliveries: timedelta | None = webhook.KEPT  # of webhooks, once they are settled
    imports: timedelta | None = file_import.KEPT  # ended ones, with their refused lines

    def __str__(self) -> str:
        """Give the ages that are not the default ones, in the form that ``parse_age`` and the settings read."""
        usual = asdict(DEFAULT_AGES)
        return ",".join(f"{name}={format_age(age)}" for name, age in asdict(self).items() if age != usual[name])


DEFAULT_AGES = KeptAges()
AGE_NAMES = tuple(field.name for field in fields(KeptAges))
FOR_EVER = "forever"


class AgeError(ValueError):
    """A text that is no age."""


def parse_age(text: str) -> timedelta | None:
    """Give the age of a text such as ``90d``, ``26w`` or ``5y`` (of 365 days). None means for ever. Raises AgeError."""
    if text == FOR_EVER:
        return None
    match = _match_age(text)
    age = timedelta(days=int(match[1]) * _DAYS[match[2]]) if match is not None else timedelta()
    if not AGE_MIN <= age <= AGE_MAX:
        raise AgeError
    return age


def format_age(age: timedelta | None) -> str:
    """Give the text of an age."""
    return FOR_EVER if age is None else f"{age.days}d"


def build_ages(given: Mapping[str, timedelta | None]) -> KeptAges:
    """Give the default ages with other values for some of them, by name."""
    return KeptAges(**given)


def find_end(age: timedelta | None, now: datetime) -> datetime:
    """Give the instant before which data of this age is too old. For what is kept for ever, nothing is earlier."""
    return _NEVER if age is None else now - age
