"""Holds what clients were told against what is in the database, row by row, on either engine."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.tags import parse_tag
from tests.conftest import Row, Select
from tests.e2e.load import Call

_CHANGES = """
    SELECT account_id, number, vehicle_id, vin, type, changed_at, from_status, to_status, reason
    FROM changes ORDER BY account_id, number
"""
_VEHICLES = "SELECT account_id, vehicle_id, vin, status, status_since, status_reason, revision FROM vehicles"
_COUNTERS = "SELECT account_id, last_change FROM counters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change of a vehicle."""

    account_id: int
    vin: str
    type: str
    at: object
    before: int | None
    after: int
    reason: str | None


async def check_record(select: Select, calls: Sequence[Call]) -> int:
    """Check that the record is whole and tells just what was answered, and give how many changes it has.

    Each 204 carries the revision in its ETag, and a vehicle's n-th change makes its revision n: so it is known
    of each answer which change it spoke of. Either that change is the call's own, or the vehicle had the status.
    """
    changes = await select(_CHANGES)
    steps = _check_chains(changes)
    _check_numbers(changes, await select(_COUNTERS))
    _check_vehicles(await select(_VEHICLES), steps)
    _check_calls(calls, list(steps.values()))
    return len(changes)


async def check_file(select: Select) -> None:
    """Check that a SQLite file is sound."""
    assert await select("PRAGMA integrity_check") == [("ok",)]
    assert await select("PRAGMA foreign_key_check") == []


def _check_numbers(changes: Sequence[Row], counters: Sequence[Row]) -> None:
    numbers: dict[int, list[int]] = defaultdict(list)
    for account_id, number, *_ in changes:
        numbers[account_id].append(number)
    for account_id, last in counters:
        assert numbers[account_id] == list(range(1, last + 1)), f"The numbers of account {account_id} have gaps."
    assert set(numbers) == {account_id for account_id, _ in counters}


def _check_chains(changes: Sequence[Row]) -> dict[tuple[int, int], list[Step]]:
    steps: dict[tuple[int, int], list[Step]] = defaultdict(list)
    for account_id, number, vehicle_id, vin, kind, at, before, after, reason in changes:
        chain = steps[account_id, vehicle_id]
        if chain:
            assert kind == "statusChanged"
            assert before == chain[-1].after, f"Change {number} of account {account_id} breaks the chain."
            assert before != after, f"Change {number} of account {account_id} changes nothing."
        else:
            assert (kind, before, vehicle_id) == ("registered", None, number)
        chain.append(Step(account_id=account_id, vin=vin, type=kind, at=at, before=before, after=after, reason=reason))
    return steps


def _check_vehicles(vehicles: Sequence[Row], steps: dict[tuple[int, int], list[Step]]) -> None:
    assert {(account_id, vehicle_id) for account_id, vehicle_id, *_ in vehicles} == set(steps)
    for account_id, vehicle_id, vin, status, since, reason, revision in vehicles:
        chain = steps[account_id, vehicle_id]
        last = chain[-1]
        expected = (last.vin, last.after, last.at, last.reason, len(chain))
        assert (vin, status, since, reason, revision) == expected, f"Vehicle {vehicle_id} is not what its history says."


def _check_calls(calls: Sequence[Call], chains: Sequence[list[Step]]) -> None:
    by_vehicle = {(chain[0].account_id, chain[0].vin): chain for chain in chains}
    by_reason: dict[str, list[Step]] = defaultdict(list)
    for chain in chains:
        for step in chain:
            if step.type == "statusChanged":
                assert step.reason is not None
                by_reason[step.reason].append(step)
    for call in calls:
        found = by_reason.pop(call.reason, [])
        assert len(found) <= 1, f"{call.reason} was done {len(found)} times."
        for step in found:
            told = (step.account_id, step.vin, step.after)
            assert told == (call.fleet.account_id, call.vin, call.status), f"{call.reason} was done otherwise."
        if call.answer is not None and call.answer.status == 204:
            tag = parse_tag(call.answer.headers["etag"].strip('"'))
            assert tag is not None
            revision = tag.revision
            chain = by_vehicle[call.fleet.account_id, call.vin]
            assert revision <= len(chain), f"{call.reason} was answered 204 and is lost."
            step = chain[revision - 1]
            assert step.after == call.status, f"{call.reason} was answered 204 for a status that was not set."
            assert not found or found[0] is step, f"{call.reason} was answered with another change's revision."
        elif call.answer is not None and call.answer.status < 500:
            assert not found, f"{call.reason} was refused and done all the same."
    assert not by_reason, f"Nobody asked for {sorted(by_reason)[:5]}."
