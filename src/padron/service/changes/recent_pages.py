"""The pages of the feed that streams got a moment ago.

A change wakes all streams of its account at once, and nearly all of them wait at the same place. They share one read,
and the bytes that are made of it.
"""

import asyncio
from dataclasses import dataclass

from padron.service.changes.pages import FeedPage, FeedQuery
from padron.service.recent import Recent

PAGES_KEPT = 50
SHARED_S = 1.0  # longer than it takes to wake all streams of an account; an erased value is shown no longer


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A page, and how streams of one kind send it: nothing for those that word it themselves."""

    page: FeedPage
    encoded: bytes = b""


@dataclass(frozen=True, slots=True)
class Question:
    """What makes two streams the same: what they ask for, and the function that makes its bytes, if there is one."""

    account_id: int
    query: FeedQuery
    encode: object = None


@dataclass(frozen=True, slots=True)
class _Recent:
    shared: SharedPage
    read_at_s: float


class RecentPages:
    """Pages of one process."""

    def __init__(self) -> None:
        self._recent: Recent[Question, _Recent] = Recent(PAGES_KEPT)

    def find(self, question: Question, at_least: int) -> SharedPage | None:
        """Give the page that was read a moment ago, if it reaches the change ``at_least`` or is full."""
        recent = self._recent.get(question)
        if recent is None or asyncio.get_running_loop().time() - recent.read_at_s > SHARED_S:
            return None
        page = recent.shared.page
        return recent.shared if page.more or page.position.number >= at_least else None

    def keep(self, question: Question, shared: SharedPage, read_at_s: float) -> None:
        """Keep a page that was read. ``read_at_s`` is the event loop's time before the read."""
        self._recent.set(question, _Recent(shared, read_at_s))
