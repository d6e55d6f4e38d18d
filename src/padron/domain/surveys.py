"""What waits in the register, in all accounts together: for the operator, never for a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from padron.domain.file_import import ImportState
from padron.domain.selection import SelectionState

COUNTED_MAX = 100_000  # a longer queue is not counted to its end, because counting takes time


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSurvey:
    """The endpoints, and what they wait for."""

    working: int  # endpoints whose last attempt succeeded
    failing: int
    off: int
    pending: int  # deliveries, at most ``COUNTED_MAX``
    behind: int  # changes that the slowest endpoint that is on has not reached in the feed
    oldest_at: datetime | None  # the oldest change that waits for its delivery to an endpoint that is on


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """One look at the register."""

    webhooks: WebhookSurvey
    imports: Mapping[ImportState, int]  # those that have not ended
    selections: Mapping[SelectionState, int]  # those that wait for a worker, or have one
    sessions: int  # that have not ended, at most ``COUNTED_MAX``
    plans_pending: int  # at most ``COUNTED_MAX``
    next_plan_at: datetime | None  # past, when a plan is late
