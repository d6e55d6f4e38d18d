"""Cuts the tests into portions that processes take in turn, and puts those that wait among those that work.

Tests of a file share its fixtures, so a portion is of one file. Where tests start programs and wait for them, it is
small: at the end nobody should wait for one process that has much left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

_TESTS_MAX = 64
_FUNCTIONS_MAX = 24
_WAITING_TESTS_MAX = 32  # in the rooms whose tests wait for programs
_WAITING_FUNCTIONS_MAX = 2
_WAITING_ROOMS = {"deploy", "docs", "e2e"}
_WAITING_FILES = {"test_deadlines.py", "test_pipelining.py", "test_replicas.py", "test_waiting.py", "test_starting.py"}
# The part of all tests among which those that wait are spread: after it only short ones come.
_SPREAD = 0.8


class Placed(Protocol):
    """What is asked of a test."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Portion:
    """The places of some tests among all."""

    places: Sequence[int]
    waits: bool


def make_portions(tests: Sequence[Placed]) -> list[Portion]:
    """Give all tests, in the order in which they are to be taken."""
    portions = [*_cut(tests)]
    waiting = [portion for portion in portions if portion.waits]
    others = [portion for portion in portions if not portion.waits]
    turns = [(_SPREAD * number / len(waiting), portion) for number, portion in enumerate(waiting)]
    turns += [(number / len(others), portion) for number, portion in enumerate(others)]
    return [portion for _, portion in sorted(turns, key=lambda turn: turn[0])]


def _cut(tests: Sequence[Placed]) -> Iterator[Portion]:
    for path, placed in groupby(enumerate(tests), key=lambda one: one[1].path):
        waits = _waits(path)
        places: list[int] = []
        functions: set[str] = set()
        for place, test in placed:
            name = test.name.partition("[")[0]
            if _is_full(len(places), len(functions | {name}), waits=waits):
                yield Portion(places=places, waits=waits)
                places, functions = [], set()
            places.append(place)
            functions.add(name)
        yield Portion(places=places, waits=waits)


def _is_full(test_count: int, function_count: int, *, waits: bool) -> bool:
    """Say whether a portion takes no further test, with which it would have so many functions."""
    if waits:
        return test_count == _WAITING_TESTS_MAX or function_count > _WAITING_FUNCTIONS_MAX
    return test_count == _TESTS_MAX or function_count > _FUNCTIONS_MAX


def _waits(path: Path) -> bool:
    return path.parent.name in _WAITING_ROOMS or path.name in _WAITING_FILES
