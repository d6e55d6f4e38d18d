"""Answers those who wait for a batch: each at most once, and nobody who has gone."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def settle(waiting: asyncio.Future[T], result: T) -> None:
    """Give its result to one who waits; whoever was cancelled, or is answered already, gets nothing."""
    if not waiting.done():
        waiting.set_result(result)


def fail(waiting: asyncio.Future[Any], error: BaseException) -> None:
    """Raise an error for one who waits, on the same terms."""
    if not waiting.done():
        waiting.set_exception(error)


def fail_all(waiting: Iterable[asyncio.Future[Any]], error: BaseException) -> None:
    """Raise an error for all who wait."""
    for one in waiting:
        fail(one, error)
