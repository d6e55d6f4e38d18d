"""Goes through the pages of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from padron_client._async.ways import Later

Page = TypeVar("Page")
Item = TypeVar("Item")


class AsyncPages(Generic[Page, Item]):
    """All items of a list, page by page as they are asked for. ``pages()`` gives the pages themselves."""

    def __init__(self, turn: Callable[[str | None], Later[Page]], items: str, cursor: str | None = None) -> None:
        self._turn = turn
        self._items = items
        self._cursor = cursor

    async def pages(self) -> AsyncIterator[Page]:
        """Give each page, up to the one that has no further one."""
        cursor = self._cursor
        while True:
            page: Any = await self._turn(cursor)
            yield page
            cursor = page.next_cursor
            if not page.more or cursor is None:
                return

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in getattr(page, self._items):
                yield item
