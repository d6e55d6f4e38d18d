"""Answers the callers who wait for a batch: each at most once, and none who was cancelled."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def settle(waiting: asyncio.Future[T], result: T) -> None:
    """Give a waiting caller its result. Skip a caller who was cancelled or already has an answer."""
    if not waiting.done():
        waiting.set_result(result)


def fail(waiting: asyncio.Future[Any], error: BaseException) -> None:
    """Raise an error for a waiting caller. Skip a caller who was cancelled or already has an answer."""
    if not waiting.done():
        waiting.set_exception(error)


def fail_all(waiting: Iterable[asyncio.Future[Any]], error: BaseException) -> None:
    """Raise an error for all waiting callers."""
    for one in waiting:
        fail(one, error)
