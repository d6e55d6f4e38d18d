"""A question to the feed, and the page that answers it."""

from dataclasses import dataclass

from padron.domain.change import ChangeType, FeedEntry, Place


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedFilter:
    """The changes that a reader asks for. None means all."""

    types: frozenset[ChangeType] | None = None
    operational_changed: bool | None = None

    def fits(self, entry: FeedEntry) -> bool:
        """Say whether a change matches."""
        if self.types is not None and entry.change.type not in self.types:
            return False
        return self.operational_changed is None or entry.changed_operational is self.operational_changed


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedQuery:
    """A question to the feed: the matching changes after a place, at most ``limit`` in a page."""

    after: Place
    limit: int
    wanted: FeedFilter


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPage:
    """Changes in order, and the position to continue from. Filters may move it beyond the last change."""

    entries: list[FeedEntry]
    position: Place
    more: bool
