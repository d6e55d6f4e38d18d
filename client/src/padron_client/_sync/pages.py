"""Goes through the pages of a list.

``tools/make_client.py`` wrote this file from the one in ``_async``. Do not edit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from padron_client._sync.ways import Later

Page = TypeVar("Page")
Item = TypeVar("Item")


class Pages(Generic[Page, Item]):
    """All items of a list, page by page as they are asked for. ``pages()`` gives the pages themselves."""

    def __init__(self, turn: Callable[[str | None], Later[Page]], items: str, cursor: str | None = None) -> None:
        self._turn = turn
        self._items = items
        self._cursor = cursor

    def pages(self) -> Iterator[Page]:
        """Give each page, up to the one that has no further one."""
        cursor = self._cursor
        while True:
            page: Any = self._turn(cursor)
            yield page
            cursor = page.next_cursor
            if not page.more or cursor is None:
                return

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            for item in getattr(page, self._items):
                yield item
