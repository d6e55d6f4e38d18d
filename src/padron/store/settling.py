"""Answers the callers who wait for a batch: each at most once, and none who was cancelled."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Waiting(Protocol[T_contra]):
    """A caller who waits: a future, or whoever needs no task to go on."""

    def done(self) -> bool:
        """Say whether the caller was cancelled or already has an answer."""
        ...

    def set_result(self, result: T_contra, /) -> None:
        """Give the result. This may not raise and may not wait."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Give the error. This may not raise and may not wait."""
        ...


def settle(waiting: Waiting[T], result: T) -> None:
    """Give a waiting caller its result. Skip a caller who was cancelled or already has an answer."""
    if not waiting.done():
        waiting.set_result(result)


def fail(waiting: Waiting[Any], error: BaseException) -> None:
    """Raise an error for a waiting caller. Skip a caller who was cancelled or already has an answer."""
    if not waiting.done():
        waiting.set_exception(error)


def fail_all(waiting: Iterable[Waiting[Any]], error: BaseException) -> None:
    """Raise an error for all waiting callers."""
    for one in waiting:
        fail(one, error)
