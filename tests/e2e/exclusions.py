"""Judges what the servers said on vehicles that were surely out.

All instants are of this one process, so "after" needs no clock of the servers. A vehicle is surely out from the
arrival of a deactivation's 204 to the sending of the reactivation.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

STORED = "stored"


@dataclass(slots=True)
class Exclusions:
    """The spans in which one vehicle was surely out."""

    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return len(self.begun) > len(self.ended)

    def cover(self, begin: float, end: float) -> bool:
        """Say whether a span that had begun by ``begin`` lasted until ``end`` or beyond."""
        place = bisect_right(self.begun, begin) - 1
        if place < 0:
            return False
        return place >= len(self.ended) or end <= self.ended[place]


@dataclass(frozen=True, slots=True)
class Question:
    """What the gate said on some vehicles, and when it was asked and had answered."""

    begin: float
    end: float
    verdicts: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Claim:
    """A vehicle that was handed out, and when it was asked for and had come."""

    begin: float
    end: float
    claim_id: str
    run_id: str
    vin: str
    attempt: int

    @property
    def former_id(self) -> str:
        """The claim's id of the attempt before this one."""
        return f"{self.claim_id.rpartition('-')[0]}-{self.attempt - 1}"


@dataclass(frozen=True, slots=True)
class Given:
    """What became of a result that was sent at ``begin``: ``STORED``, or why it was refused."""

    begin: float
    claim: Claim
    outcome: str


class Witness:
    """Keeps what was asked and answered, and finds what must not be."""

    def __init__(self, vins: Iterable[str]) -> None:
        self.exclusions = {vin: Exclusions() for vin in vins}
        self.runs: dict[str, float] = {}  # when the answer to a run's start had come
        self.questions: list[Question] = []
        self.claims: list[Claim] = []
        self.given: list[Given] = []

    def count_verdicts(self) -> tuple[int, int]:
        """Give how many verdicts fell into a span of exclusion, and how many of them allowed the vehicle."""
        inside = wrong = 0
        for question in self.questions:
            for vin, allowed in question.verdicts.items():
                if self.exclusions[vin].cover(question.begin, question.end):
                    inside += 1
                    wrong += allowed
        return inside, wrong

    def list_wrong_claims(self) -> list[Claim]:
        """Give the claims of work that the deactivation had withdrawn before they began."""
        return [claim for claim in self.claims if self._is_withdrawn(claim, claim.begin)]

    def list_late_results(self) -> list[Given]:
        """Give the results that were sent when a deactivation had withdrawn their claim: all must be refused."""
        return [given for given in self.given if self._is_withdrawn(given.claim, given.begin)]

    def count_handed_again(self) -> int:
        """Give how many claims came after another that was not answered: its lease had run out."""
        answered = {given.claim.claim_id for given in self.given}
        return sum(claim.attempt > 1 and claim.former_id not in answered for claim in self.claims)

    def is_out(self, vin: str, at: float) -> bool:
        """Say whether the vehicle was surely out at an instant."""
        return self.exclusions[vin].cover(at, at)

    def _is_withdrawn(self, claim: Claim, at: float) -> bool:
        """Say whether the claim's work was surely withdrawn by ``at``, or was never queued.

        It was queued before the run's start was answered, and before the claim was. A span of exclusion that lasted
        until then left nothing of it, neither within the span nor after it: reactivation brings nothing back.
        """
        queued_by = min(claim.end, self.runs.get(claim.run_id, inf))
        return self.exclusions[claim.vin].cover(at, queued_by)
