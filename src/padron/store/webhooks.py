"""What both engines keep of webhooks: one account's endpoints, deliveries and attempts, and the workers' board.

An account's methods cannot reach another account; the board crosses accounts, and only the worker uses it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from padron.domain.change import FeedEntry
from padron.domain.webhook import Attempt, Delivery, DeliveryState, Endpoint, Sending


class WebhookTransaction(Protocol):
    """One account's transaction. What ``lock_`` reads stays so until its end; an endpoint is locked first."""

    async def count_endpoints(self) -> int:
        """Give the number of endpoints, locked: no other transaction adds one meanwhile."""
        ...

    async def find_last_change(self) -> int:
        """Give the number of the account's last change; 0 when there is none."""
        ...

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint."""
        ...

    async def lock_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint, a deleted one that is still being cleared away included."""
        ...

    async def save_endpoint(self, endpoint: Endpoint) -> None:
        """Write an endpoint that is locked."""
        ...

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes with a number above ``after``, in order, without a gap."""
        ...

    async def count_pending(self, endpoint: Endpoint) -> int:
        """Give the number of pending deliveries up to the endpoint's position."""
        ...

    async def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries; one that is there already becomes pending anew and keeps its count of attempts."""
        ...

    async def lock_deliveries(self, endpoint_id: str, numbers: Sequence[int]) -> list[Delivery]:
        """Give those of these deliveries that there are, by number."""
        ...

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries that are locked."""
        ...

    async def save_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Add attempts to the log."""
        ...

    async def list_due(self, endpoint: Endpoint, now: datetime, limit: int) -> list[Sending]:
        """Give pending deliveries that are due, oldest first: of each vehicle only its first pending one.

        What lies beyond the endpoint's position is not due: it will be cut anew.
        """
        ...

    async def find_next_due(self, endpoint: Endpoint) -> datetime | None:
        """Give when the first of the deliveries is due that ``list_due`` may give; None when there is none."""
        ...

    async def revive_pending(self, endpoint_id: str, now: datetime) -> None:
        """Make every pending delivery due, with the whole schedule before it."""
        ...

    async def delete_settled(self, endpoint_id: str, before: datetime, limit: int) -> None:
        """Delete deliveries that were settled before an instant, with their attempts."""
        ...

    async def delete_deliveries(self, endpoint_id: str, limit: int) -> int:
        """Delete any deliveries with their attempts and give their number."""
        ...

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint that has no deliveries."""
        ...


class WebhookReader(Protocol):
    """One account's committed records of webhooks."""

    async def list_endpoints(self) -> list[Endpoint]:
        """Give the endpoints, oldest first."""
        ...

    async def find_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint, unless it is deleted."""
        ...

    async def list_deliveries(
        self, endpoint_id: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> list[Sending]:
        """Give deliveries with a number below ``before``, newest first."""
        ...

    async def find_delivery(self, endpoint_id: str, number: int) -> Sending | None:
        """Give one delivery, if there is one."""
        ...

    async def list_attempts(self, endpoint_id: str, number: int) -> list[Attempt]:
        """Give a delivery's last hundred attempts, newest first."""
        ...


class WebhookBoard(Protocol):
    """Where workers see what is to be done, in all accounts."""

    async def has_endpoints(self) -> bool:
        """Say whether there is any endpoint."""
        ...

    async def list_ready(self, now: datetime, limit: int) -> list[tuple[int, str]]:
        """Give endpoints, by account and id, that have something to do and no worker."""
        ...

    async def renew_leases(self, holder: str, until: datetime) -> list[tuple[int, str]]:
        """Prolong every lease of a holder and give the endpoints that it still has."""
        ...
