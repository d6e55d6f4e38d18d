"""What everybody in the trial asked for and was answered, and whether a register agrees with it.

Each act has a mark like no other's. It is the reason of the change, so a change can be led back to its act. A vehicle
that is registered has no reason: the id of the request is the mark then, which is known once the act was answered.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from padron.domain.change import ChangeType
from padron.domain.tags import Tag, parse_tag
from tests.e2e.client import Answer

PLANTED = "r-registered"  # the request of the vehicles that the test put into the register
FORMER_STATUS = 0  # in the row of a deleted vehicle, which has no status any more
_PUTS = {ChangeType.REGISTERED, ChangeType.INFO_CHANGED}


@dataclass(kw_only=True, slots=True)
class Act:
    """One request that may change a vehicle."""

    account_id: int
    vin: str
    kind: ChangeType  # a PUT is REGISTERED, and may turn out as INFO_CHANGED
    mark: str
    status: int | None = None  # the vehicle's, after the act
    http: int | None = None  # None: no answer came
    answered_s: float = math.inf  # by the clock of this process
    tag: Tag | None = None
    request_id: str | None = None
    has_effect: bool = True

    @property
    def is_done(self) -> bool:
        return self.http is not None and self.http < 300

    @property
    def is_refused(self) -> bool:
        return self.http is not None and 400 <= self.http < 500

    def note(self, answer: Answer, now_s: float) -> None:
        """Note what was answered."""
        self.tag = parse_tag(answer.headers["etag"].strip('"')) if "etag" in answer.headers else None
        self.request_id = answer.headers["x-request-id"]
        if answer.status == 200 and self.kind is ChangeType.ERASED:
            self.has_effect = bool(answer.document["erased"])
        self.answered_s, self.http = now_s, answer.status


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One change of a register."""

    account_id: int
    number: int
    vehicle_id: int
    vin: str
    kind: ChangeType
    before: int | None
    after: int
    reason: str | None
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """One vehicle of a register."""

    account_id: int
    vehicle_id: int
    vin: str
    slot: int
    status: int
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a register has of the accounts of the trial, in the order of their numbers."""

    changes: Sequence[Recorded]
    vehicles: Sequence[Bearer]
    last_changes: dict[int, int]


def check_found(found: Found, acts: Iterable[Act], *, until_s: float = math.inf) -> list[Act]:
    """Check that a register is whole and tells just what was answered; give the acts that it lost.

    What was answered until an instant must be there. What was answered later may be lost, as in a copy.
    """
    chains = _check_chains(found)
    _check_vehicles(found, chains)
    lost = _check_acts(found, chains, list(acts))
    early = [act for act in lost if act.answered_s <= until_s]
    assert not early, f"{len(early)} acts were answered and are lost: {early[:3]}"
    return lost


def _check_chains(found: Found) -> dict[tuple[int, int], list[Recorded]]:
    chains: dict[tuple[int, int], list[Recorded]] = defaultdict(list)
    numbers: Counter[int] = Counter()
    for change in found.changes:
        numbers[change.account_id] += 1
        assert change.number == numbers[change.account_id], f"There is a gap before {change}."
        chain = chains[change.account_id, change.vehicle_id]
        if chain:
            assert change.before == chain[-1].after, f"{change} does not follow {chain[-1]}."
            assert change.kind is not ChangeType.STATUS_CHANGED or change.before != change.after, f"{change} is none."
        else:
            assert (change.kind, change.before) == (ChangeType.REGISTERED, None), f"{change} comes first."
        chain.append(change)
    assert {account: count for account, count in found.last_changes.items() if count} == numbers
    return chains


def _check_vehicles(found: Found, chains: dict[tuple[int, int], list[Recorded]]) -> None:
    assert {(vehicle.account_id, vehicle.vehicle_id) for vehicle in found.vehicles} == set(chains)
    current: set[tuple[int, str]] = set()
    for vehicle in found.vehicles:
        chain = chains[vehicle.account_id, vehicle.vehicle_id]
        last = chain[-1]
        is_deleted = any(change.kind is ChangeType.DELETED for change in chain)
        assert (vehicle.slot < 0) is is_deleted, (vehicle, chain)
        status = FORMER_STATUS if is_deleted else last.after
        assert (vehicle.vin, vehicle.status, vehicle.revision) == (last.vin, status, len(chain)), (vehicle, chain)
        if not is_deleted:
            assert (vehicle.account_id, vehicle.vin) not in current, f"The VIN of {vehicle} is there twice."
            current.add((vehicle.account_id, vehicle.vin))


def _check_acts(found: Found, chains: dict[tuple[int, int], list[Recorded]], acts: Sequence[Act]) -> list[Act]:
    by_reason: dict[str, list[Recorded]] = defaultdict(list)
    by_request: dict[str, Recorded] = {}
    for change in found.changes:
        if change.reason is not None:
            by_reason[change.reason].append(change)
        elif change.request_id != PLANTED:
            by_request[change.request_id] = change
    lost = []
    open_puts: Counter[tuple[int, str]] = Counter()
    for act in acts:
        if act.kind is ChangeType.REGISTERED:
            done = [by_request.pop(act.request_id)] if act.request_id in by_request else []
            open_puts[act.account_id, act.vin] += act.http is None or act.http >= 500
        else:
            done = by_reason.pop(act.mark, [])
        assert len(done) <= 1 or act.kind is ChangeType.ERASED, f"{act} was done {len(done)} times."
        for change in done:
            _compare(act, change)
        if act.is_done and not _is_there(act, done, chains):
            lost.append(act)
    assert not by_reason, f"Nobody asked for {list(by_reason)[:5]}."
    unexplained = Counter((change.account_id, change.vin) for change in by_request.values())
    assert unexplained <= open_puts, f"Nobody asked for {unexplained - open_puts}."
    return lost


def _compare(act: Act, change: Recorded) -> None:
    """Check that a change is the one that the act asked for."""
    kinds = _PUTS if act.kind is ChangeType.REGISTERED else {act.kind}
    assert change.kind in kinds, (act, change)
    assert (change.account_id, change.vin) == (act.account_id, act.vin), (act, change)
    assert act.status is None or change.after == act.status, (act, change)
    assert not act.is_refused, f"{act} was refused and done all the same."


def _is_there(act: Act, done: Sequence[Recorded], chains: dict[tuple[int, int], list[Recorded]]) -> bool:
    """Say whether a register has what was answered. A status call that changed nothing has no change of its own.

    An erasure has a change for each vehicle that had a value: the present one and deleted ones with its VIN.
    """
    if act.tag is None:
        return bool(done) or not act.has_effect
    chain = chains.get((act.account_id, act.tag.vehicle_id), [])
    if len(chain) < act.tag.revision:
        return False
    told = chain[act.tag.revision - 1]
    assert told.vin == act.vin, (act, told)
    assert act.status is None or told.after == act.status, f"{act} was answered for {told}."
    assert done in ([], [told]), f"{act} was answered with another change's tag: {done}, {told}."
    return True
