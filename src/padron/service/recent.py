"""A table that keeps what was used recently, in bounded memory and without a pause to clear it."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by name: at least the last ``kept`` that were set, at most twice as many.

    There are two dictionaries. When the young one is full, it becomes the old one, and the former old one is dropped.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        """Give the number of values in memory. A name may be counted twice."""
        return len(self._young) + len(self._old)

    def get(self, name: K) -> V | None:
        """Give the value of a name, or None."""
        value = self._young.get(name)
        return self._old.get(name) if value is None else value

    def set(self, name: K, value: V) -> None:
        """Keep a value. It becomes the youngest."""
        if len(self._young) >= self._kept and name not in self._young:
            self._old, self._young = self._young, {}
        self._young[name] = value

    def drop(self, name: K) -> None:
        """Forget a name."""
        self._young.pop(name, None)
        self._old.pop(name, None)
