"""Trials of the copy: that it is loaded, followed, and honest about its age. Each first sentence is the rule."""

from __future__ import annotations

import asyncio
import time

from padron_client.conformance.register import KEY, Change
from padron_client.conformance.trial import MAX_AGE_S, REFUSED, UNREGISTERED, A, B, C, Trial, expect, make_vin


async def the_set_is_exact(trial: Trial) -> None:
    """What may be touched is allowed; all else is refused, registered or not."""
    await trial.start_ready()
    for vin in (A, B, C):
        expect((await trial.driver.check(vin)).allowed, f"{vin} is refused.")
    for vin in (REFUSED, UNREGISTERED):
        expect(not (await trial.driver.check(vin)).allowed, f"{vin} is allowed.")


async def unregistered_may_be_allowed(trial: Trial) -> None:
    """With ``unknown: allow``, a VIN that is not registered is allowed, and a registered one only if it is operable."""
    await trial.start_ready(unknown="allow")
    expect((await trial.driver.check(UNREGISTERED)).allowed, "A VIN that is not registered is refused.")
    expect(not (await trial.driver.check(REFUSED)).allowed, "A registered VIN is allowed although it is refused.")
    trial.register.set_operable(A, operable=False)
    await trial.until_refused(A)
    trial.register.set_operable(A, operable=True)
    await trial.until_allowed(A)


async def a_cut_set_is_not_used(trial: Trial) -> None:
    """A set without its last line is incomplete, so nothing is answered from it."""
    trial.register.faults.cut_set = True
    await trial.start()
    await trial.stay_refused(A, 1.0, "A VIN of a cut set is allowed.")
    trial.register.faults.cut_set = False
    await trial.until_allowed(A)


async def a_start_waits_for_nobody(trial: Trial) -> None:
    """A gate starts and refuses at once while the server hangs, and a check does not wait."""
    trial.register.faults.hang = {"set", "head", "page", "stream", "lease", "renew", "gate"}
    began_at = time.monotonic()
    await trial.start()
    answer = await trial.driver.check(A)
    expect(time.monotonic() - began_at < 2.0, "The start or the first check waited for the server.")  # noqa: PLR2004
    expect(not answer.allowed, "A VIN is allowed before anything was loaded.")


async def changes_are_followed(trial: Trial) -> None:
    """Each change reaches the copy, in both directions."""
    await trial.start_ready()
    for _ in range(3):
        for vin in (A, B):
            trial.register.set_operable(vin, operable=False)
        for vin in (A, B):
            await trial.until_refused(vin)
            trial.register.set_operable(vin, operable=True)
            await trial.until_allowed(vin)


async def a_vin_that_moves_is_followed(trial: Trial) -> None:
    """When a vehicle gets another VIN, the former one is refused and the new one is allowed."""
    await trial.start_ready()
    since = trial.register.move(A, UNREGISTERED)
    await trial.stay_honest(A, since, 0.1)
    await trial.until_allowed(UNREGISTERED)
    await trial.until_refused(A)


async def the_verdict_is_that_of_the_gate(trial: Trial) -> None:
    """``allowed`` counts, not ``operational``: duplicates are operational, and the gate refuses their VIN."""
    await trial.start_ready()
    trial.register.operable.discard(A)
    trial.register.changes.append(Change(A))  # neither operable nor refused: operational, and not allowed
    since = time.monotonic()
    await trial.stay_honest(A, since, 0.1)
    await trial.until_refused(A)


async def repeated_changes_do_no_harm(trial: Trial) -> None:
    """A change that comes twice is applied once, and nothing is loaded again for it."""
    trial.register.faults.repeat = True
    await trial.start_ready()
    for _ in range(5):
        trial.register.set_operable(A, operable=False)
        await trial.until_refused(A)
        trial.register.set_operable(A, operable=True)
        await trial.until_allowed(A)
    expect(trial.register.count_calls("set") == 1, "The set was loaded again for a repeated change.")


async def a_gap_is_noticed(trial: Trial) -> None:
    """When a number is missing, the set is loaded again: the missing change is not in the feed."""
    await trial.start_ready()
    trial.register.faults.skip = trial.register.number + 2
    trial.register.set_operable(A, operable=False)
    since = trial.register.set_operable(B, operable=False)
    trial.register.set_operable(A, operable=True)
    await trial.stay_honest(B, since, 2 * MAX_AGE_S)
    await trial.until_refused(B)
    await trial.until_allowed(A)


async def cut_streams_lose_nothing(trial: Trial) -> None:
    """Where streams are cut, every change still comes, in time."""
    trial.register.faults.cut_streams = True
    await trial.start_ready()
    for number in range(10):
        since = trial.register.set_operable(A, operable=False)
        trial.register.set_operable(make_vin(100 + number), operable=True)
        await trial.stay_honest(A, since, 0.05)
        await trial.until_refused(A)
        await trial.until_allowed(make_vin(100 + number))
        trial.register.set_operable(A, operable=True)
        await trial.until_allowed(A)


async def held_streams_are_noticed(trial: Trial) -> None:
    """Where a proxy keeps a stream back, changes come another way, and no answer is older than it says."""
    await trial.start_ready()
    trial.register.faults.hold_streams = True
    since = trial.register.set_operable(A, operable=False)
    await trial.stay_honest(A, since, 2 * MAX_AGE_S)
    await trial.until_refused(A)
    await trial.until_allowed(B)


async def heartbeats_prove_nothing(trial: Trial) -> None:
    """Heartbeats of a stream do not make a copy younger: a proxy may have kept them."""
    await trial.start_ready()
    trial.register.faults.hold_streams = True
    trial.register.faults.hang = {"head", "page", "set"}
    since = trial.register.set_operable(A, operable=False)
    last = await trial.stay_honest(A, since, 2.5 * MAX_AGE_S)
    expect(not last.allowed, "The VIN is still allowed, and nothing has proven the copy for a long time.")


async def the_last_change_must_be_applied(trial: Trial) -> None:
    """An answer that names a last change proves the copy only once this change is applied."""
    await trial.start_ready()
    trial.register.faults.withhold_after = trial.register.number
    trial.register.faults.hang = {"set"}
    since = trial.register.set_operable(A, operable=False)
    last = await trial.stay_honest(A, since, 2.5 * MAX_AGE_S)
    expect(not last.allowed, "The VIN is still allowed, and the change that the server named is not applied.")
    trial.register.faults.withhold_after = None
    trial.register.faults.hang = set()
    await trial.until_allowed(B)


async def age_counts_from_before_the_request(trial: Trial) -> None:
    """A copy is right as of the instant before the request was sent. The answer may have travelled for long."""
    await trial.start_ready()
    late_s = 0.7 * MAX_AGE_S
    trial.register.faults.answer_late_s = {"head": late_s}
    await trial.until_called("head")
    await trial.until_called("head")
    await asyncio.sleep(0.02)  # it is handled, and its answer is on its way
    trial.register.faults.withhold_after = trial.register.number
    trial.register.faults.hold_streams = True
    since = trial.register.set_operable(A, operable=False)
    await trial.stay_honest(A, since, 2 * MAX_AGE_S)


async def a_restored_register_is_loaded_again(trial: Trial) -> None:
    """After 410 the set is loaded again and replaces the copy."""
    await trial.start_ready()
    trial.register.set_operable(A, operable=False)
    trial.register.set_operable(B, operable=False)
    await trial.until_refused(B)
    trial.register.restore(1, {A, B, make_vin(50)}, {C})
    since = time.monotonic()
    await trial.stay_honest(C, since, MAX_AGE_S)
    for vin in (A, B, make_vin(50)):
        await trial.until_allowed(vin)
    await trial.until_refused(C)


async def the_same_number_is_not_the_same_change(trial: Trial) -> None:
    """After a restored backup another change has the number of the last one. Only its cursor shows that."""
    await trial.start_ready()
    trial.register.set_operable(B, operable=False)
    await trial.until_refused(B)
    trial.register.faults.hang = {"set", "page", "stream"}
    trial.register.restore(0, {A, B, C}, set())
    since = trial.register.set_operable(A, operable=False)
    last = await trial.stay_honest(A, since, 2.5 * MAX_AGE_S)
    expect(not last.allowed, "A copy of a lost life of the register is still called fresh.")
    trial.register.faults.hang = set()
    await trial.until_allowed(B)
    await trial.until_refused(A)


async def a_server_that_is_away_makes_it_old(trial: Trial) -> None:
    """Without the server, answers end with their age. When it is back, they begin again."""
    await trial.start_ready()
    await trial.register.stop()
    since = trial.register.set_operable(A, operable=False)
    last = await trial.stay_honest(A, since, 2 * MAX_AGE_S)
    expect(not last.allowed, "The VIN is still allowed, and the server has been away for long.")
    await trial.register.start()
    await trial.until_allowed(B)
    await trial.until_refused(A)


async def a_busy_server_is_spared(trial: Trial) -> None:
    """503 with Retry-After is obeyed, more or less."""
    trial.register.faults.busy = {"set", "head", "page", "stream"}
    await trial.start()
    await asyncio.sleep(2.0)
    count = len(trial.register.calls)
    expect(count <= 20, f"{count} calls in two seconds to a server that said Retry-After: 1.")  # noqa: PLR2004
    trial.register.faults.busy = set()
    await trial.until_allowed(A)


async def a_wrong_key_allows_nothing(trial: Trial) -> None:
    """When the server does not take the key, all is refused, and it is not asked without a pause."""
    await trial.start(key=f"{KEY}_wrong")
    await trial.stay_refused(A, 2.0, "A VIN is allowed with a key that the server refuses.")
    count = len(trial.register.calls)
    expect(count <= 60, f"{count} calls in two seconds with a key that the server refuses.")  # noqa: PLR2004


async def an_answer_can_wait_for_a_change(trial: Trial) -> None:
    """With ``atLeast``, an answer that does not reflect the change is refused."""
    await trial.start_ready()
    number = trial.register.number + 1
    trial.register.faults.withhold_after = trial.register.number
    trial.register.set_operable(A, operable=False)
    expect(not (await trial.driver.check(B, atLeast=number)).allowed, "An answer lacks the change of atLeast.")
    trial.register.faults.withhold_after = None
    await trial.until_refused(A)
    expect((await trial.driver.check(B, atLeast=number)).allowed, "The change of atLeast came, and B is refused.")


async def a_stale_gate_can_ask(trial: Trial) -> None:
    """With ``whenStale: ask``, the server's gate is asked instead of a refusal. Without an answer it refuses."""
    trial.register.faults.hang = {"set", "head", "page", "stream"}
    await trial.start(whenStale="ask")
    await trial.until_allowed(A)
    trial.register.set_operable(A, operable=False)
    expect(not (await trial.driver.check(A)).allowed, "The server would have refused the VIN.")
    trial.register.faults.hang.add("gate")
    expect(not (await trial.driver.check(B)).allowed, "A VIN is allowed although the server did not answer.")


async def a_snapshot_starts_without_the_server(trial: Trial) -> None:
    """A snapshot lets a gate start without the server, as old as it is and not younger."""
    path = str(trial.folder / "snapshot")
    await trial.start_ready(snapshot=path)
    await trial.driver.tell("close")
    since = trial.register.set_operable(A, operable=False)
    await trial.register.stop()
    await trial.start(snapshot=path, maxAge=30.0)
    await trial.until_allowed(B)
    expect(not (await trial.driver.check(REFUSED)).allowed, "A VIN that was refused is allowed.")
    await trial.stay_honest(A, since, 0.5, max_age=30.0)
    await trial.driver.tell("close")
    await trial.start(snapshot=path, maxAge=0.3)
    await trial.stay_refused(B, 0.5, "A VIN is allowed by a snapshot that is too old.")


async def a_damaged_snapshot_is_not_used(trial: Trial) -> None:
    """A snapshot with one other byte is ignored."""
    path = trial.folder / "snapshot"
    await trial.start_ready(snapshot=str(path))
    await trial.driver.tell("close")
    whole = bytearray(path.read_bytes())
    place = whole.find(C.encode())
    expect(place >= 0, "The snapshot does not have the VINs as text, so this trial cannot damage one.")
    whole[place + len(C) - 1] = ord("7")
    path.write_bytes(whole)
    await trial.register.stop()
    await trial.start(snapshot=str(path), maxAge=30.0)
    await trial.stay_refused(A, 1.0, "A VIN is allowed by a damaged snapshot.")


async def a_gate_ends_while_the_server_hangs(trial: Trial) -> None:
    """The process can end at any time."""
    await trial.start_ready()
    trial.register.faults.hang = {"set", "head", "page", "stream", "lease", "renew", "end", "gate"}
    await asyncio.sleep(0.5)
    began_at = time.monotonic()
    await trial.driver.stop()
    expect(time.monotonic() - began_at < 4.5, "The process did not end by itself.")  # noqa: PLR2004


TRIALS = (
    the_set_is_exact,
    unregistered_may_be_allowed,
    a_cut_set_is_not_used,
    a_start_waits_for_nobody,
    changes_are_followed,
    a_vin_that_moves_is_followed,
    the_verdict_is_that_of_the_gate,
    repeated_changes_do_no_harm,
    a_gap_is_noticed,
    cut_streams_lose_nothing,
    held_streams_are_noticed,
    heartbeats_prove_nothing,
    the_last_change_must_be_applied,
    age_counts_from_before_the_request,
    a_restored_register_is_loaded_again,
    the_same_number_is_not_the_same_change,
    a_server_that_is_away_makes_it_old,
    a_busy_server_is_spared,
    a_wrong_key_allows_nothing,
    an_answer_can_wait_for_a_change,
    a_stale_gate_can_ask,
    a_snapshot_starts_without_the_server,
    a_damaged_snapshot_is_not_used,
    a_gate_ends_while_the_server_hangs,
)
