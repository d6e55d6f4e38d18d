"""What an examination of the register found: one finding for each check."""

from dataclasses import dataclass
from enum import StrEnum


class CheckName(StrEnum):
    """What was checked. Each engine has the checks that make sense for it."""

    FILE = "file"
    PERMISSIONS = "permissions"
    DISK = "disk"
    VERSION = "version"
    SETTINGS = "settings"
    SCHEMA = "schema"
    CHECKSUMS = "checksums"
    PAGES = "pages"
    CLOCK = "clock"
    NODES = "nodes"
    TABLES = "tables"
    ACCOUNTS = "accounts"
    COUNTERS = "counters"
    RECORD = "record"
    HISTORIES = "histories"
    CORE_DATA = "coreData"
    IDENTITIES = "identities"
    SEARCH = "search"
    ORDERS = "orders"
    ORPHANS = "orphans"


class Severity(StrEnum):
    """How bad a finding is. Only a fault is wrong; a notice is something to think about."""

    OK = "ok"
    NOTICE = "notice"
    FAULT = "fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check, with a sentence."""

    check: CheckName
    severity: Severity
    detail: str


def approve(check: CheckName, detail: str) -> Finding:
    """Give the finding of a check that found nothing wrong."""
    return Finding(check=check, severity=Severity.OK, detail=detail)


def advise(check: CheckName, detail: str) -> Finding:
    """Give the finding of a check that found something to think about."""
    return Finding(check=check, severity=Severity.NOTICE, detail=detail)


def blame(check: CheckName, detail: str) -> Finding:
    """Give the finding of a check that found something wrong."""
    return Finding(check=check, severity=Severity.FAULT, detail=detail)
