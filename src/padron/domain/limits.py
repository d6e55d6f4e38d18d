"""The limits that an operator can set: one record, with units and defaults.

``docs/limits.md`` explains each one to operators and clients, and a test compares the two. A default is far above what
anybody meets in normal use: a limit keeps one account, or one fault, from harming the others.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

VALUE_MAX = 1_000_000_000_000

_match_value = re.compile("[0-9]{1,13}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much of each thing there may be. Each value is at least 1."""

    # Of one account in the register. They are exact, on all servers together.
    vehicles: int = 10_000_000  # current ones
    keys: int = 1_000  # usable ones: not revoked and not expired
    webhooks: int = 50
    operations: int = 200
    runs: int = 10  # by filter, while their vehicles are being queued
    queued_work: int = 100_000_000  # vehicles in runs with queued work
    imports: int = 10  # that have not ended
    idempotency_keys: int = 100_000  # of the last 24 hours
    idempotency_bytes: int = 256_000_000  # of their answers
    gate_leases: int = 200  # of local gates

    # Of one person in the register, exact on all servers together.
    passkeys: int = 20

    # Of one key in one server process.
    key_requests_per_s: int = 50_000
    key_burst: int = 100_000  # requests at once

    # Of one client address in one server process.
    failed_keys_per_minute: int = 600
    failed_keys_burst: int = 1_000
    address_connections: int = 2_048

    # Of one account in one server process.
    calls: int = 1_024  # requests that work
    waiting: int = 1_000  # streams, long polls and unfinished bodies
    queued_changes: int = 4_096  # status calls that wait for a transaction
    exports: int = 10  # at once
    scans: int = 20  # requests that read the past, at once
    body_bytes: int = 64_000_000  # of all bodies in memory
    console_streams: int = 240  # pages of the console that follow changes: each looks at its session every second

    # Of one session of the console in one server process.
    session_streams: int = 20

    # Of all accounts together in one server process.
    total_calls: int = 4_096
    total_waiting: int = 8_192
    total_body_bytes: int = 256_000_000
    total_connections: int = 8_192
    total_unsent_bytes: int = 64_000_000  # of answers that clients do not take

    def __str__(self) -> str:
        """Give the limits that are not the default ones, in the form that ``parse_value`` and the settings read."""
        usual = asdict(DEFAULT_LIMITS)
        return ",".join(f"{name}={value}" for name, value in asdict(self).items() if value != usual[name])


DEFAULT_LIMITS = Limits()
LIMIT_NAMES = tuple(field.name for field in fields(Limits))


def parse_value(text: str) -> int | None:
    """Give the value of a limit, or None when the text is not a whole number from 1 to ``VALUE_MAX``."""
    if _match_value(text) is None or not 1 <= int(text) <= VALUE_MAX:
        return None
    return int(text)


def build_limits(given: Mapping[str, int]) -> Limits:
    """Give the default limits with other values for some of them, by name."""
    return Limits(**given)
