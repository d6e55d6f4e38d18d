"""Examines a register: first what only its engine knows, then its rows."""

from collections.abc import AsyncIterator

from padron.domain.errors import PadronError
from padron.domain.finding import CheckName, Finding, Severity, blame
from padron.service.doctor.records import Clock, examine_records
from padron.store.examination import Examination, Note


async def examine(examination: Examination, clock: Clock, note: Note) -> AsyncIterator[Finding]:
    """Give one finding after the other. ``note`` hears what is being checked.

    A register that cannot be read on ends the examination with a fault. Nothing is written.
    """
    can_go_on = True
    try:
        async for finding in examination.examine_engine(note):
            yield finding
            can_go_on = can_go_on and not _ends_it(finding)
        if not can_go_on:
            return
        async for finding in examine_records(examination.records, clock, note):
            yield finding
    except PadronError as error:
        yield blame(CheckName.PAGES, error.detail)


def _ends_it(finding: Finding) -> bool:
    """Say whether the rows cannot be read after this: there is no register, or another schema has other rows."""
    return finding.check in {CheckName.FILE, CheckName.SCHEMA} and finding.severity is Severity.FAULT
