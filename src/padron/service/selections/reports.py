"""The report of a selection as CSV: what became of each vehicle, and the faults of its list."""

from collections.abc import AsyncIterator

from padron.domain.account import Principal
from padron.domain.selection import VehicleSelection
from padron.files.defusing import defuse_text
from padron.files.writers import encode_csv
from padron.service.runtime import Runtime
from padron.service.selections.reading import list_faults, list_report

_COLUMNS = ("vin", "vehicleStatusId", "revision", "outcome", "line", "detail")


async def encode_report(runtime: Runtime, principal: Principal, found: VehicleSelection) -> AsyncIterator[bytes]:
    """Give the report, a piece at a time. Text that a spreadsheet could see as a formula is defused.

    Raises ``forbidden``.
    """
    yield encode_csv([_COLUMNS])
    async for page in list_report(runtime, principal, found):
        yield encode_csv(
            [(row.vin, row.status.value, row.tag, row.outcome or "", "", defuse_text(row.detail or "")) for row in page]
        )
    async for faults in list_faults(runtime, principal, found):
        yield encode_csv(
            [(defuse_text(one.text), "", "", one.reason.value, one.line, defuse_text(one.detail)) for one in faults]
        )
