"""Begins a coroutine without a task. Most of those that the edge begins need no second step, or not soon."""

from collections.abc import Awaitable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def begin_without_task(work: Coroutine[Any, Any, T]) -> Awaitable[T]:  # type: ignore[explicit-any]  # as typing has it
    """Do the first step of a coroutine, which must not be its last one. Give what a task has to await for the rest."""
    return Resumed(work, work.send(None))


class Resumed(Awaitable[T]):
    """Goes on, as an awaitable, with a coroutine that has begun without a task and now waits for ``awaited``."""

    def __init__(self, work: Coroutine[Any, Any, T], awaited: object) -> None:  # type: ignore[explicit-any]
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[object, None, T]:
        """Take the further steps of the coroutine."""
        awaited = self._awaited
        while True:
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 - a cancelled task: the coroutine decides
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, None)
            try:
                awaited = step()
            except StopIteration as end:
                result: T = end.value
                return result
