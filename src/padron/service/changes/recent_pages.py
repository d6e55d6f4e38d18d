"""The page of the feed that was read last for each account.

A change wakes all streams of its account at once, and nearly all of them wait at the same place. They share one read.
"""

from dataclasses import dataclass

from padron.service.changes.pages import FeedPage, FeedQuery

ACCOUNTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Recent:
    query: FeedQuery
    page: FeedPage


class RecentPages:
    """Pages of one process, one for each account."""

    def __init__(self) -> None:
        self._recent: dict[int, _Recent] = {}

    def find(self, account_id: int, query: FeedQuery, at_least: int) -> FeedPage | None:
        """Give the page if it answers the same question and has the change ``at_least``, which the watch has seen."""
        recent = self._recent.get(account_id)
        if recent is None or recent.query != query or not 0 < at_least <= recent.page.position.number:
            return None
        return recent.page

    def keep(self, account_id: int, query: FeedQuery, page: FeedPage) -> None:
        """Keep a page that was read. Forget all others when there are too many."""
        if len(self._recent) >= ACCOUNTS_MAX:
            self._recent.clear()
        self._recent[account_id] = _Recent(query, page)
