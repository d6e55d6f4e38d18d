"""The records of webhooks over named statements: what is alike in both engines.

An engine gives two ways to run its own statements, and how it reads instants and feed entries.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from padron.domain.change import FeedEntry
from padron.domain.webhook import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EventType,
    Filter,
    OffReason,
    Sending,
)

_NUMBER_MAX = 2**63 - 1
_MILLISECOND = timedelta(milliseconds=1)
_DELIVERY_COLUMNS = 8

Row = tuple[Any, ...]
Fetch = Callable[[str, tuple[object, ...]], Awaitable[Sequence[Any]]]
WriteMany = Callable[[str, list[tuple[object, ...]]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """How an engine's rows become records."""

    to_instant: Callable[[Any], datetime | None]
    to_feed_entry: Callable[[Any], FeedEntry]

    def to_endpoint(self, row: Row) -> Endpoint:
        """Give the endpoint of a row."""
        at = self.to_instant
        return Endpoint(
            endpoint_id=row[0],
            url=row[1],
            description=row[2],
            filter=Filter(
                event_types=frozenset(EventType(name) for name in row[3].split()),
                statuses_left=frozenset(int(number) for number in row[4].split()),
                statuses_entered=frozenset(int(number) for number in row[5].split()),
            ),
            secret=row[6],
            former_secret=row[7],
            former_secret_until=at(row[8]),
            off_reason=None if row[9] is None else OffReason(row[9]),
            off_at=at(row[10]),
            failing_since=at(row[11]),
            position=row[12],
            is_full=row[13] == 1,
            wake_at=at(row[14]),
            rest_until=at(row[15]),
            lease_holder=row[16],
            lease_until=at(row[17]),
            created_at=cast("datetime", at(row[18])),
            updated_at=cast("datetime", at(row[19])),
            deleted_at=at(row[20]),
        )

    def to_delivery(self, row: Row) -> Delivery:
        """Give the delivery of a row."""
        return Delivery(
            endpoint_id=row[0],
            number=row[1],
            vehicle_id=row[2],
            state=DeliveryState(row[3]),
            tries=row[4],
            attempts=row[5],
            due_at=cast("datetime", self.to_instant(row[6])),
            settled_at=self.to_instant(row[7]),
        )

    def to_sending(self, row: Any) -> Sending:  # noqa: ANN401 - a row of either engine
        """Give a delivery and its change."""
        columns = tuple(row)
        return Sending(
            delivery=self.to_delivery(columns[:_DELIVERY_COLUMNS]),
            entry=self.to_feed_entry(columns[_DELIVERY_COLUMNS:]),
        )

    def to_attempt(self, row: Row) -> Attempt:
        """Give the attempt of a row."""
        endpoint_id, number, attempt, at, status, error, body, duration_ms = row
        return Attempt(
            endpoint_id=endpoint_id,
            number=number,
            attempt=attempt,
            at=cast("datetime", self.to_instant(at)),
            answer=Answer(status=status, error=error, body=body, duration=duration_ms * _MILLISECOND),
        )


class WebhookWork:
    """The open transaction of one account (``WebhookTransaction``)."""

    def __init__(self, fetch: Fetch, write_many: WriteMany, account_id: int, rows: Rows) -> None:
        self._fetch = fetch
        self._write_many = write_many
        self._account_id = account_id
        self._rows = rows

    async def count_endpoints(self) -> int:
        """Give the number of endpoints; the account's row is what is locked."""
        await self._fetch("lock_account", (self._account_id,))
        return await self._count("count_endpoints", (self._account_id,))

    async def find_last_change(self) -> int:
        """Give the number of the account's last change."""
        return await self._count("find_last_change", (self._account_id,))

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint."""
        await self._write_many("insert_endpoint", [self._give_row(endpoint)])

    async def lock_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint."""
        found = await self._fetch("lock_endpoint", (self._account_id, endpoint_id))
        return self._rows.to_endpoint(found[0]) if found else None

    async def save_endpoint(self, endpoint: Endpoint) -> None:
        """Write an endpoint."""
        await self._write_many("save_endpoint", [self._give_row(endpoint)])

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes above a number."""
        return [
            self._rows.to_feed_entry(row) for row in await self._fetch("list_changes", (self._account_id, after, limit))
        ]

    async def count_pending(self, endpoint: Endpoint) -> int:
        """Give the number of pending deliveries."""
        return await self._count("count_pending", (self._account_id, endpoint.endpoint_id, endpoint.position))

    async def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries or make them pending anew."""
        await self._write_many("put_delivery", [self._give_delivery_row(delivery) for delivery in deliveries])

    async def lock_deliveries(self, endpoint_id: str, numbers: Sequence[int]) -> list[Delivery]:
        """Give deliveries by number."""
        found = await self._fetch("lock_deliveries", (self._account_id, endpoint_id, list(numbers)))
        return [self._rows.to_delivery(row) for row in found]

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries."""
        await self._write_many("save_delivery", [self._give_delivery_row(delivery) for delivery in deliveries])

    async def save_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Add attempts to the log."""
        rows: list[tuple[object, ...]] = [
            (
                self._account_id, one.endpoint_id, one.number, one.attempt, one.at, one.answer.status,
                one.answer.error, one.answer.body, one.answer.duration // _MILLISECOND,
            )
            for one in attempts
        ]  # fmt: skip
        await self._write_many("insert_attempt", rows)

    async def list_due(self, endpoint: Endpoint, now: datetime, limit: int) -> list[Sending]:
        """Give pending deliveries that are due, the first of each vehicle."""
        asked = (self._account_id, endpoint.endpoint_id, endpoint.position, now, limit)
        return [self._rows.to_sending(row) for row in await self._fetch("list_due", asked)]

    async def find_next_due(self, endpoint: Endpoint) -> datetime | None:
        """Give when the first delivery is due."""
        asked = (self._account_id, endpoint.endpoint_id, endpoint.position)
        ((due_at,),) = await self._fetch("find_next_due", asked)
        return self._rows.to_instant(due_at)

    async def revive_pending(self, endpoint_id: str, now: datetime) -> None:
        """Make every pending delivery due."""
        await self._write_many("revive_pending", [(self._account_id, endpoint_id, now)])

    async def delete_settled(self, endpoint_id: str, before: datetime, limit: int) -> None:
        """Delete what was settled before an instant."""
        await self._write_many("delete_settled", [(self._account_id, endpoint_id, before, limit)])

    async def delete_deliveries(self, endpoint_id: str, limit: int) -> int:
        """Delete some deliveries and give their number."""
        return len(await self._fetch("delete_deliveries", (self._account_id, endpoint_id, limit)))

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint."""
        await self._write_many("delete_endpoint", [(self._account_id, endpoint_id)])

    async def _count(self, name: str, parameters: tuple[object, ...]) -> int:
        ((number,),) = await self._fetch(name, parameters)
        return cast("int", number)

    def _give_row(self, endpoint: Endpoint) -> tuple[object, ...]:
        chosen = endpoint.filter
        return (
            self._account_id, endpoint.endpoint_id, endpoint.url, endpoint.description,
            " ".join(sorted(chosen.event_types)),
            " ".join(map(str, sorted(chosen.statuses_left))),
            " ".join(map(str, sorted(chosen.statuses_entered))),
            endpoint.secret, endpoint.former_secret, endpoint.former_secret_until,
            None if endpoint.off_reason is None else endpoint.off_reason.value, endpoint.off_at,
            endpoint.failing_since, endpoint.position, int(endpoint.is_full), endpoint.wake_at, endpoint.rest_until,
            endpoint.lease_holder, endpoint.lease_until, endpoint.created_at, endpoint.updated_at, endpoint.deleted_at,
        )  # fmt: skip

    def _give_delivery_row(self, delivery: Delivery) -> tuple[object, ...]:
        return (
            self._account_id, delivery.endpoint_id, delivery.number, delivery.vehicle_id, delivery.state.value,
            delivery.tries, delivery.attempts, delivery.due_at, delivery.settled_at,
        )  # fmt: skip


class WebhookReads:
    """One account's committed records (``WebhookReader``)."""

    def __init__(self, fetch: Fetch, account_id: int, rows: Rows) -> None:
        self._fetch = fetch
        self._account_id = account_id
        self._rows = rows

    async def list_endpoints(self) -> list[Endpoint]:
        """Give the endpoints, oldest first."""
        return [self._rows.to_endpoint(row) for row in await self._fetch("list_endpoints", (self._account_id,))]

    async def find_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint, unless it is deleted."""
        found = await self._fetch("find_endpoint", (self._account_id, endpoint_id))
        return self._rows.to_endpoint(found[0]) if found else None

    async def list_deliveries(
        self, endpoint_id: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> list[Sending]:
        """Give deliveries, newest first."""
        asked = (self._account_id, endpoint_id, _NUMBER_MAX if before is None else before, limit)
        if state is None:
            found = await self._fetch("list_deliveries", asked)
        else:
            found = await self._fetch("list_deliveries_by_state", (*asked, state.value))
        return [self._rows.to_sending(row) for row in found]

    async def find_delivery(self, endpoint_id: str, number: int) -> Sending | None:
        """Give one delivery."""
        found = await self._fetch("find_delivery", (self._account_id, endpoint_id, number))
        return self._rows.to_sending(found[0]) if found else None

    async def list_attempts(self, endpoint_id: str, number: int) -> list[Attempt]:
        """Give a delivery's last attempts."""
        found = await self._fetch("list_attempts", (self._account_id, endpoint_id, number))
        return [self._rows.to_attempt(row) for row in found]
