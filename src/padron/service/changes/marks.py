"""Which vehicles have changed since a page was made. It says no more: the page asks again for what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.account import Principal, Scope
from padron.service.changes.feed import Wait
from padron.service.runtime import Runtime

CHANGES_MAX = 500  # that one answer names; after more, it says that there are many


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedVehicles:
    """The VINs of vehicles that changed up to a number, each once. ``is_many`` says that some are left out."""

    number: int
    vins: Sequence[str]
    is_many: bool = False


async def find_number(runtime: Runtime, principal: Principal) -> int:
    """Give the number of the account's last change. Ask before reading what a page shows. Raises ``forbidden``."""
    principal.check_scope(Scope.CHANGES_READ)
    return await runtime.store.read(principal.account_id).find_last_change()


async def await_changed(runtime: Runtime, principal: Principal, after: int, wait: Wait) -> ChangedVehicles:
    """Wait for a change with a later number, and give what has changed by then. Raises ``forbidden``."""
    principal.check_scope(Scope.CHANGES_READ)
    if not await runtime.watch.wait(principal.account_id, after, wait.seconds, wait.gone):
        return ChangedVehicles(number=after, vins=())
    entries = await runtime.store.read_recent(principal.account_id, after + 1).list_changes(after, CHANGES_MAX + 1)
    if not entries:
        return ChangedVehicles(number=after, vins=())
    last = await find_number(runtime, principal)
    is_many = len(entries) > CHANGES_MAX
    return ChangedVehicles(
        number=max(last, after) if is_many else entries[-1].change.number,
        vins=list(dict.fromkeys(entry.vin for entry in entries)),
        is_many=is_many,
    )
