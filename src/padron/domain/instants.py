"""Instants as people and programs write them: RFC 3339, with the offset that it demands."""

import re
from datetime import UTC, datetime

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

# RFC 3339, 5.6, with the offset that it demands; the letters may be small.
INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)

_match_instant = re.compile(INSTANT_PATTERN, re.ASCII).fullmatch
_FRACTION_SHOWN = len("2026-12-01T08:00:00.000000")  # what there is of a finer fraction is cut off


def parse_instant(name: str, text: str) -> datetime:
    """Give the instant in UTC. Raises ``bad_parameters`` for what is no RFC 3339 with an offset."""
    if _match_instant(text) is not None:
        try:
            head, offset = (text[:-1], "+00:00") if text[-1] in "Zz" else (text[:-6], text[-6:])
            return datetime.fromisoformat(head[:_FRACTION_SHOWN].upper() + offset).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # such as a 30th of February
    raise PadronError(
        Code.BAD_PARAMETERS,
        f"{name} is {quote(text)}: it must be an instant with Z or an offset, such as 2026-12-01T08:00:00Z or "
        "2026-12-01T02:00:00-06:00 (RFC 3339).",
    )


def format_instant(at: datetime) -> str:
    """Give an instant as people read it: RFC 3339 in UTC, with a fraction if there is one."""
    return at.isoformat().replace("+00:00", "Z")
