"""Instants as people and programs write them. The only parser: it accepts RFC 3339, and not what Python accepts."""

import re
from datetime import UTC, datetime, timedelta

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

FRACTION_DIGITS_MAX = 32  # digits after the sixth are cut off
SECONDS_PER_MINUTE = 60

# RFC 3339, 5.6 and 5.7: the offset is required, and the letters may be in lower case. The code below checks what the
# pattern cannot: how many days a month has, and when a minute may have a leap second.
_DATE = "([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_HOUR_AND_MINUTE = "([01][0-9]|2[0-3]):([0-5][0-9])"
_FRACTION = f"(\\.[0-9]{{1,{FRACTION_DIGITS_MAX}}})?"
_OFFSET = f"([Zz]|[+-]{_HOUR_AND_MINUTE})"
INSTANT_PATTERN = f"^{_DATE}[Tt]{_HOUR_AND_MINUTE}:([0-5][0-9]|60){_FRACTION}{_OFFSET}$"
FUTURE_INSTANT_PATTERN = INSTANT_PATTERN.replace("|60", "")

_match_instant = re.compile(INSTANT_PATTERN).fullmatch


def parse_instant(name: str, text: str) -> datetime:
    """Give the instant in UTC. Raises ``bad_parameters`` for text that is not RFC 3339 with an offset.

    A leap second can only be the last second of a month (RFC 3339, 5.7). It is read as the second after it.
    """
    match = _match_instant(text)
    if match is None:
        raise _refuse(name, text)
    year, month, day, hour, minute, second = (int(match[place]) for place in range(1, 7))
    microsecond = int((match[7] or ".")[1:7].ljust(6, "0"))
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    if match[8].startswith("-"):
        offset = -offset
    is_leap = second == SECONDS_PER_MINUTE
    try:
        written = datetime(year, month, day, hour, minute, second - is_leap, microsecond, UTC)
        at = written - offset + timedelta(seconds=is_leap)
    except ValueError as error:
        raise _refuse(name, text, f"the day {match[0][:10]} does not exist") from error
    except OverflowError as error:
        raise _refuse(name, text, "in UTC its year is not from 0001 to 9999") from error
    if is_leap and (at.day, at.hour, at.minute, at.second) != (1, 0, 0, 0):
        raise _refuse(name, text, "only the last minute of a month in UTC can have a second 60")
    return at


def parse_future_instant(name: str, text: str) -> datetime:
    """Give a future instant. Raises as ``parse_instant`` does, and for a leap second: nobody can predict one."""
    at = parse_instant(name, text)
    if text[17:19] == str(SECONDS_PER_MINUTE):
        raise _refuse(name, text, "future leap seconds are not known yet, so use second 59 or the next minute")
    return at


def format_instant(at: datetime) -> str:
    """Give an instant for people to read: RFC 3339 in UTC, with a fraction if there is one."""
    return at.isoformat().replace("+00:00", "Z")


def _refuse(name: str, text: str, why: str | None = None) -> PadronError:
    form = (
        "t must be an instant with Z or an offset, such as 2026-12-01T08:00:00Z or "
        "2026-12-01T02:00:00-06:00 (RFC 3339)."
    )
    reason = "i" if why is None else f"{why}. I"
    return PadronError(Code.BAD_PARAMETERS, f"{name} is {quote(text)}: {reason}{form}")
