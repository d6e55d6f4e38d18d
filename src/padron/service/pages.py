"""Pages of lists. A list asks the store for one extra row, and so learns whether another page follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, in its order, and the cursor of the next page. The last page has no cursor."""

    rows: Sequence[T]
    next_cursor: str | None

    @property
    def more(self) -> bool:
        """Say whether another page follows."""
        return self.next_cursor is not None


def look_beyond(limit: int) -> int:
    """Give how many rows to ask for when a page has at most ``limit``."""
    return limit + 1


def cut_page(found: Sequence[T], limit: int, give_cursor: Callable[[T], str]) -> Page[T]:
    """Give the page from the rows that a query for ``look_beyond(limit)`` rows found.

    ``give_cursor`` gives the cursor that continues after a row. It is called for the last row of
    the page, if more rows follow.
    """
    if len(found) <= limit:
        return Page(rows=found, next_cursor=None)
    rows = found[:limit]
    return Page(rows=rows, next_cursor=give_cursor(rows[-1]))
