"""Trials of strict mode: that a gate answers only within its lease. Each first sentence is the rule."""

from __future__ import annotations

import asyncio
import time

from padron_client.conformance.trial import LEASE_S, LONG_S, A, B, C, Trial, expect, make_vin

_TURNS = 20


async def without_a_lease_all_is_refused(trial: Trial) -> None:
    """A strict gate that gets no lease answers nothing."""
    trial.register.faults.hang = {"lease"}
    await trial.start(strict=True, leaseSeconds=LEASE_S, maxAge=LONG_S)
    await trial.stay_refused(A, 1.5, "A VIN is allowed without a lease.")


async def an_account_without_strict_gates_gives_none(trial: Trial) -> None:
    """409 StrictGatesOff means that there is no lease, so a strict gate answers nothing."""
    trial.register.faults.strict_off = True
    await trial.start(strict=True, leaseSeconds=LEASE_S, maxAge=LONG_S)
    await trial.stay_refused(A, 1.0, "A VIN is allowed without a lease.")
    trial.register.faults.strict_off = False
    await trial.until_allowed(A)


async def what_is_acknowledged_is_applied(trial: Trial) -> None:
    """A change is acknowledged after it is applied: whoever asks then is refused."""
    await trial.start_strict()
    for turn in range(_TURNS):
        vin = make_vin(200 + turn)
        trial.register.set_operable(vin, operable=True)
        await trial.until_allowed(vin)
        began_at = trial.register.set_operable(vin, operable=False)
        number = trial.register.number
        while not all(lease.acknowledged >= number for lease in trial.register.leases.values()):
            late_s = time.monotonic() - began_at
            expect(late_s < LEASE_S, "A change was not acknowledged within the time of the lease.")
            await asyncio.sleep(0.0005)
        expect(not (await trial.driver.check(vin)).allowed, "A VIN is allowed after its change was acknowledged.")


async def a_lease_ends_in_time(trial: Trial) -> None:
    """Without a renewal, no answer is given after the lease's end."""
    await trial.start_strict()
    trial.register.faults.hang = {"renew", "lease"}
    await trial.watch_lease_end(B, time.monotonic() + LEASE_S)


async def a_lease_counts_from_before_the_request(trial: Trial) -> None:
    """A lease is counted from before its request, because the answer may travel for long."""
    await trial.start_strict()
    trial.register.faults.answer_late_s = {"renew": 0.4 * LEASE_S, "lease": 0.4 * LEASE_S}
    await trial.until_called("renew")
    await trial.until_called("renew")
    handled_at = time.monotonic()  # the request was sent before
    await asyncio.sleep(0.02)
    trial.register.faults.hang = {"renew", "lease"}
    await trial.watch_lease_end(B, handled_at + LEASE_S)


async def a_renewal_counts_once_its_change_is_applied(trial: Trial) -> None:
    """A renewal that names a later change gives no time until that change is applied."""
    await trial.start_strict()
    trial.register.faults.withhold_after = trial.register.number
    trial.register.faults.hang = {"set"}
    since = trial.register.set_operable(A, operable=False)
    await trial.watch_lease_end(A, since + LEASE_S)
    trial.register.faults.withhold_after = None
    trial.register.faults.hang = set()
    await trial.until_allowed(B)


async def a_first_lease_counts_once_its_change_is_applied(trial: Trial) -> None:
    """The answer that gives a new lease names the last change, too, and gives no time until that is applied."""
    trial.register.faults.strict_off = True
    await trial.start(strict=True, leaseSeconds=LEASE_S, maxAge=LONG_S)
    await trial.until_called("stream", "page")
    trial.register.faults.withhold_after = trial.register.number
    trial.register.set_operable(A, operable=False)
    trial.register.faults.hang = {"set"}
    trial.register.faults.strict_off = False
    await trial.stay_refused(A, 2 * LEASE_S, "A VIN is allowed although its change was named when the lease was given.")


async def a_lease_that_has_ended_is_replaced(trial: Trial) -> None:
    """After 404 the gate takes a new lease. Until then the former end holds."""
    await trial.start_strict()
    trial.register.faults.end_leases = True
    trial.register.faults.hang = {"lease"}
    await trial.watch_lease_end(B, time.monotonic() + LEASE_S)
    trial.register.faults.end_leases = False
    trial.register.faults.hang = set()
    trial.register.leases.clear()
    await trial.until_allowed(B)
    expect(len(trial.register.leases) > 0, "B is allowed, and no lease exists.")


async def a_restored_register_ends_the_answers(trial: Trial) -> None:
    """When a renewal is refused with 410, the copy belongs to a lost life: it is loaded again."""
    await trial.start_strict()
    trial.register.set_operable(B, operable=False)
    await trial.until_refused(B)
    trial.register.restore(0, {A, B}, {C})
    await trial.watch_lease_end(C, time.monotonic() + LEASE_S)
    await trial.until_allowed(B)


async def a_server_that_is_away_ends_the_answers(trial: Trial) -> None:
    """A strict gate does not answer longer than its lease when the server is away."""
    await trial.start_strict()
    await trial.register.stop()
    await trial.watch_lease_end(B, time.monotonic() + LEASE_S)
    await trial.register.start()
    await trial.until_allowed(B)


async def a_closed_gate_gives_its_lease_back(trial: Trial) -> None:
    """A gate that is closed ends its lease, so that nobody waits for it, and answers nothing more."""
    await trial.start_strict()
    await trial.driver.tell("close")
    expect(trial.register.count_calls("end") > 0, "The lease was not given back.")


TRIALS = (
    without_a_lease_all_is_refused,
    an_account_without_strict_gates_gives_none,
    what_is_acknowledged_is_applied,
    a_lease_ends_in_time,
    a_lease_counts_from_before_the_request,
    a_renewal_counts_once_its_change_is_applied,
    a_first_lease_counts_once_its_change_is_applied,
    a_lease_that_has_ended_is_replaced,
    a_restored_register_ends_the_answers,
    a_server_that_is_away_ends_the_answers,
    a_closed_gate_gives_its_lease_back,
)
