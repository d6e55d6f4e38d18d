"""Leases of local gates: given, renewed and ended. And the account's switch that lets deactivations wait for them.

What a holder gets names the account's last change when the server handled the request. The lease counts only once the
holder has applied that change. So a lease that was given or renewed after a deactivation cannot hide it.
"""

import asyncio
import re
import secrets

from padron.domain.account import Account, Principal, Scope
from padron.domain.administration import ActType, Deed, Doer
from padron.domain.change import Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate_leases import (
    LEASE_ID_BYTES,
    LEASE_ID_PATTERN,
    NAME_LENGTH_MAX,
    GateLease,
    GateLeases,
    GrantedLease,
    StrictGates,
    check_seconds,
)
from padron.domain.vehicle import check_text
from padron.service.administration.acting import begin_act
from padron.service.changes import cursors
from padron.service.operations.lease_renewals import refuse_ended
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import check_place
from padron.store.base import WriteTransaction

_is_id = re.compile(LEASE_ID_PATTERN).fullmatch


async def take_lease(runtime: Runtime, principal: Principal, seconds: float, name: str | None) -> GrantedLease:
    """Give a new lease. Raises ``forbidden``, ``bad_parameters``, ``strict_gates_off`` and ``too_many_gate_leases``."""
    principal.check_scope(Scope.GATE_CHECK)
    check_seconds(seconds)
    if name is not None:
        check_text("name", name, NAME_LENGTH_MAX)
    lease_id, at, most = secrets.token_hex(LEASE_ID_BYTES), runtime.clock(), runtime.limits.gate_leases

    async def work(transaction: WriteTransaction) -> Place:
        leases = transaction.gate_leases
        state = await leases.lock()  # from here on no change is saved, so the lease is there before the next one
        if state is not StrictGates.ON:
            raise PadronError(
                Code.STRICT_GATES_OFF,
                "The account has not turned strict gates on, so deactivations would not wait for a lease. "
                "PUT /api/v2/account/strict-gates turns them on.",
            )
        if await leases.count() >= most:
            raise PadronError(
                Code.TOO_MANY_GATE_LEASES, f"The account already has {most} leases, the maximum. End some, or wait."
            )
        head = await leases.find_head()
        lease = GateLease(
            lease_id=lease_id, name=name or None, seconds=seconds, created_by=principal.actor, created_at=at,
            acknowledged=head.number,
        )  # fmt: skip
        await leases.add(lease)
        return head

    head = await runtime.store.write(principal.account_id, work)
    return GrantedLease(lease_id=lease_id, seconds=seconds, head=head)


async def renew_lease(runtime: Runtime, principal: Principal, lease_id: str, cursor: str) -> GrantedLease:
    """Renew a lease whose holder has applied all changes up to a cursor.

    Raises ``forbidden``, ``bad_parameters``, ``cursor_gone``, and ``gate_lease_not_found`` for one that has ended.
    """
    principal.check_scope(Scope.GATE_CHECK)
    _check_id(lease_id)
    place = cursors.parse_feed_cursor(runtime.store.epoch, cursor)
    await runtime.renewals.check(principal.account_id, place, lambda: check_place(runtime, principal, place))
    return await runtime.renewals.renew(principal.account_id, lease_id, place.number)


async def end_lease(runtime: Runtime, principal: Principal, lease_id: str) -> None:
    """End a lease whose holder answers no more. Raises ``forbidden``, ``gate_lease_not_found``."""
    principal.check_scope(Scope.GATE_CHECK)
    _check_id(lease_id)

    async def work(transaction: WriteTransaction) -> bool:
        return await transaction.gate_leases.end(lease_id)

    if not await runtime.store.write(principal.account_id, work):
        raise refuse_ended()
    runtime.leases.look_now(principal.account_id)


def _check_id(lease_id: str) -> None:
    """Refuse what cannot be an id. A text that the database cannot take would fail the renewals beside it, too."""
    if _is_id(lease_id) is None:
        raise refuse_ended()


async def list_leases(runtime: Runtime, principal: Principal) -> GateLeases:
    """Give the account's leases, oldest first. Raises ``forbidden``."""
    principal.check_scope(Scope.GATE_CHECK)
    return await runtime.store.read(principal.account_id).gate_leases.load()


async def get_own_state(runtime: Runtime, principal: Principal) -> StrictGates:
    """Give whether deactivations of the account wait for leases. Raises ``forbidden``."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    return (await runtime.store.read(principal.account_id).gate_leases.load()).state


async def switch_own(runtime: Runtime, principal: Principal, request_id: str, *, is_on: bool) -> StrictGates:
    """Switch the account's strict gates, as ``switch`` does. Raises ``forbidden``."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    return await _switch(runtime, principal.account_id, Doer.of(principal, request_id), is_on=is_on)


async def switch(runtime: Runtime, account: Account, *, is_on: bool) -> StrictGates:
    """Switch an account's strict gates, for an operator. Give the new state.

    Turning them off ends all leases. It takes as long as the longest one lasts, at most ten seconds.
    """
    return await _switch(runtime, account.account_id, runtime.operator, is_on=is_on)


async def _switch(runtime: Runtime, account_id: int, doer: Doer, *, is_on: bool) -> StrictGates:
    wanted = StrictGates.ON if is_on else StrictGates.ENDING
    at = runtime.clock()

    async def begin(transaction: WriteTransaction) -> float | None:
        """Give the seconds until all leases have ended at their holders, or None if nothing has to end."""
        await begin_act(transaction.administration, account_id, doer, at)
        leases = transaction.gate_leases
        state = await leases.lock()
        if state is wanted or (state is StrictGates.OFF and not is_on):
            return await leases.mark_all() if state is StrictGates.ENDING else None
        await leases.switch(wanted)
        deed = Deed(type=ActType.STRICT_GATES_SWITCHED, subject=str(account_id), details={"on": str(is_on).lower()})
        await transaction.administration.note(deed, doer, at)
        return None if is_on else await leases.mark_all()

    async def end(transaction: WriteTransaction) -> None:
        if await transaction.gate_leases.lock() is StrictGates.ENDING:
            await transaction.gate_leases.clear()
            await transaction.gate_leases.switch(StrictGates.OFF)

    left_s = await runtime.store.write(account_id, begin)
    if is_on:
        return StrictGates.ON
    if left_s is not None:
        await asyncio.sleep(left_s)
        await runtime.store.write(account_id, end)
    return StrictGates.OFF
