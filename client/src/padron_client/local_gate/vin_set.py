"""A set of VINs in little memory, which one thread changes while others read it without a lock.

The VINs are in 65,536 texts, by their hash. Each text is replaced as a whole, so a reader sees it before or after a
change and never between. Decision 86 of the register has the figures of other structures.
"""

import re
from collections.abc import Collection

BUCKETS = 65_536  # about 15 VINs in each, with a million of them
MASK = BUCKETS - 1
VIN_LENGTH = 17
is_vin = re.compile("[A-HJ-NPR-Za-hj-npr-z0-9]{17}").fullmatch
_ADDED_SINGLY = 5_000  # VINs of a small set, for which the lists below are not worth making
_JOINED_AT_ONCE = 200_000  # VINs of a large set that wait in lists, which take more memory than the texts


class VinSet:
    """Some VINs of 17 characters each. None has a line break in it, because line breaks separate them."""

    __slots__ = ("_waiting", "_waiting_count", "buckets", "size")

    def __init__(self) -> None:
        # A reader asks as ``in`` below does.
        self.buckets = ["\n"] * BUCKETS
        self.size = 0
        self._waiting: list[list[str]] = []
        self._waiting_count = 0

    def __len__(self) -> int:
        return self.size

    def __contains__(self, vin: str) -> bool:
        # 17 characters of a bucket are a whole VIN, or parts of two VINs with a line break between.
        return vin in self.buckets[hash(vin) & MASK] and len(vin) == VIN_LENGTH and "\n" not in vin

    def add(self, vin: str) -> None:
        """Add a VIN, if it is missing."""
        if vin not in self:
            self.buckets[hash(vin) & MASK] += f"{vin}\n"
            self.size += 1

    def discard(self, vin: str) -> None:
        """Remove a VIN, if it is there."""
        if vin in self:
            place = hash(vin) & MASK
            self.buckets[place] = self.buckets[place].replace(f"\n{vin}\n", "\n")
            self.size -= 1

    def load(self, vins: Collection[str]) -> None:
        """Add VINs of a set that nobody reads yet, each of them once. ``finish_loading`` must follow at last."""
        if not self._waiting and self.size + len(vins) < _ADDED_SINGLY:
            for vin in vins:
                self.add(vin)
            return
        waiting = self._waiting or self._begin_waiting()
        count = 0
        for vin in vins:
            waiting[hash(vin) & MASK].append(vin)
            count += 1
        self.size += count
        self._waiting_count += count
        if self._waiting_count >= _JOINED_AT_ONCE:
            self._join()

    def finish_loading(self) -> None:
        """Let readers see what was loaded."""
        self._join()
        self._waiting = []

    def _begin_waiting(self) -> list[list[str]]:
        self._waiting = [[] for _ in range(BUCKETS)]
        return self._waiting

    def _join(self) -> None:
        buckets = self.buckets
        for place, vins in enumerate(self._waiting):
            if vins:
                buckets[place] += "\n".join(vins) + "\n"
                vins.clear()
        self._waiting_count = 0
