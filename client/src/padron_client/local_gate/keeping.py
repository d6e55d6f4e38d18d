"""The copy, as the gate's thread changes it. Only this file decides how old a copy is and until when it may answer.

A proof is an answer of the server that named the account's last change at an instant after ``asked_at``. The copy is
right as of ``asked_at`` once it has that change. Two changes are the same only if their cursors are: after a restored
backup, another change may have the same number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from padron_client.local_gate.answers import NEVER, UNKNOWN_NUMBER, Copy
from padron_client.local_gate.errors import BadAnswerError, CopyLostError
from padron_client.local_gate.vin_set import VIN_LENGTH, VinSet
from padron_client.local_gate.wire import Change

_CURSORS_MAX = 4_096  # of the latest changes, to compare proofs and ``at_least`` with

NOTHING = Copy(
    buckets=VinSet().buckets,
    has_operable=True,
    size=0,
    number=UNKNOWN_NUMBER,
    cursor="",
    proven_at=NEVER,
    fresh_until=NEVER,
    lease_until=NEVER,
    source="none",
)


class Proof(msgspec.Struct, frozen=True):
    """The account's last change at an instant after ``asked_at``. ``lease_until`` is what the answer allows."""

    asked_at: float
    number: int
    cursor: str
    lease_until: float = NEVER
    applied: int = UNKNOWN_NUMBER  # the copy's number when the request was sent: an earlier last change is suspicious


class Keeper:
    """Holds the copy of one gate for the gate's thread. ``show`` gets each state, for whoever checks."""

    def __init__(
        self, *, of: Literal["operable", "refused"], max_age: float, strict: bool, show: Callable[[Copy], None]
    ) -> None:
        self.copy = NOTHING
        self.of = of
        self._show = show
        self.is_lost = False
        self.loaded = asyncio.Event()  # a copy is there that can be continued
        self.moved = asyncio.Event()  # changes were applied, so a lease may be acknowledged
        self.unproven = asyncio.Event()  # a proof waits for changes
        self.reload = asyncio.Event()  # the copy is lost, and whoever follows must load again
        self.fresh = asyncio.Event()
        self.vins = VinSet()
        self._cursors: dict[int, str] = {}
        self.numbers: dict[str, int] = {}  # the same the other way round, read by other threads
        self._max_age = max_age
        self._strict = strict
        self._proofs: list[Proof] = []

    def install(self, vins: VinSet, number: int, cursor: str, asked_at: float, *, from_snapshot: bool = False) -> None:
        """Take a whole set as the copy. It reflects every change up to the number, as of ``asked_at``."""
        self.vins = vins
        self._proofs.clear()
        self._cursors = {number: cursor}
        self.numbers = {cursor: number}
        self.is_lost = False
        self.reload.clear()
        copy = Copy(
            buckets=vins.buckets,
            has_operable=self.of == "operable",
            size=len(vins),
            number=number,
            cursor=cursor,
            proven_at=asked_at,
            fresh_until=NEVER,
            lease_until=NEVER,  # a lease counts only after this copy's own proof
            source="snapshot" if from_snapshot else "server",
        )
        self._publish(copy)
        self.loaded.set()
        self.moved.set()

    def apply(self, changes: Iterable[tuple[Change, str | None]]) -> bool:
        """Apply changes with their cursors, where they are known, and say whether any was new.

        Raises ``CopyLostError`` when one is missing before them.
        """
        copy = self.copy
        number, cursor = copy.number, copy.cursor
        for change, known in changes:
            if change.number <= number:
                continue
            if change.number != number + 1:
                raise CopyLostError(f"Change {number + 1} is missing before {change.number}.")
            self._put(change)
            number = change.number
            if known is not None:
                cursor = known
                self._note_cursor(number, known)
        if number == copy.number:
            return False
        # Readers must see every change before the number says so. That order makes each answer at least this new.
        self._publish(msgspec.structs.replace(copy, number=number, cursor=cursor, size=len(self.vins)))
        self._settle()
        self.moved.set()
        return True

    def prove(self, proof: Proof) -> None:
        """Note a proof. It counts now, or once its change is applied."""
        if not self.loaded.is_set():
            return
        self._proofs.append(proof)
        self._settle()
        if self._proofs:
            self.unproven.set()

    def list_unproven(self) -> list[Proof]:
        """Give the proofs that wait for changes, the oldest first."""
        return list(self._proofs)

    def accept(self, proof: Proof) -> None:
        """Let a proof count, which the server itself has compared with the copy's cursor."""
        self._proofs = [other for other in self._proofs if other.asked_at > proof.asked_at]
        copy = self.copy
        if self.is_lost or proof.number > copy.number:
            return
        proven_at, lease_until = max(copy.proven_at, proof.asked_at), max(copy.lease_until, proof.lease_until)
        self._publish(msgspec.structs.replace(copy, proven_at=proven_at, lease_until=lease_until, source="server"))

    def lose(self) -> None:
        """Never call the copy fresh again. It stays for those who allow a stale answer, until another one is there."""
        self.is_lost = True
        self._proofs.clear()
        self.loaded.clear()
        self.reload.set()
        self._publish(self.copy)

    def _put(self, change: Change) -> None:
        self._put_vin(change.vin, allowed=change.allowed)
        if change.former_allowed is not None and change.former is not None and change.former.vin is not None:
            self._put_vin(change.former.vin, allowed=change.former_allowed)

    def _put_vin(self, vin: str, *, allowed: bool) -> None:
        if not (len(vin) == VIN_LENGTH and vin.isascii() and vin.isalnum()):
            raise BadAnswerError("A change has no VIN.")
        if allowed is (self.of == "operable"):
            self.vins.add(vin)
        else:
            self.vins.discard(vin)

    def _note_cursor(self, number: int, cursor: str) -> None:
        self._cursors[number] = cursor
        self.numbers[cursor] = number
        old = self._cursors.pop(number - _CURSORS_MAX, None)
        if old is not None:
            self.numbers.pop(old, None)

    def _settle(self) -> None:
        """Let the latest proof count whose very change the copy has."""
        for proof in reversed(self._proofs):
            # A restored register ends at a change that the copy has, too, but lacks what the copy has after it.
            is_possible = proof.applied <= proof.number <= self.copy.number
            if is_possible and self._cursors.get(proof.number) == proof.cursor:
                self.accept(proof)
                break
        if not self._proofs:
            self.unproven.clear()

    def _publish(self, copy: Copy) -> None:
        until = NEVER if self.is_lost else copy.proven_at + self._max_age
        if self._strict:
            until = min(until, copy.lease_until)
        self.copy = msgspec.structs.replace(copy, fresh_until=until)
        self._show(self.copy)
        if until > NEVER and copy.source == "server":
            self.fresh.set()
