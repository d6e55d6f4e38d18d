"""Webhooks on both engines: one account's endpoints, deliveries and attempts, and the workers' board.

To add a setting of an endpoint, add a column to ``ENDPOINT``, and a line each to ``_to_endpoint`` and
``_from_endpoint``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from padron.domain.archives import RecordStart
from padron.domain.change import FeedEntry
from padron.domain.surveys import COUNTED_MAX, WebhookSurvey
from padron.domain.webhook import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKey,
    EventType,
    Filter,
    OffReason,
    Sending,
)
from padron.store.changes import to_feed_entry
from padron.store.port import BoardPort, Columns, ReadPort, Row, ToInstant, WritePort, give_or_none

ENDPOINT = Columns(
    "endpoint_id", "url", "description", "event_types", "statuses_left", "statuses_entered", "secret",
    "former_secret", "former_secret_until", "off_reason", "off_at", "failing_since", "position", "is_full", "wake_at",
    "rest_until", "lease_holder", "lease_until", "created_at", "updated_at", "deleted_at",
)  # fmt: skip
DELIVERY = Columns(
    "endpoint_id", "number", "vehicle_id", "state", "tries", "attempts", "due_at", "settled_at"
)  # fmt: skip
ATTEMPT = Columns("endpoint_id", "number", "attempt", "attempted_at", "status", "error", "body", "duration_ms")

_DELIVERY_WIDTH = len(DELIVERY.names)
_NUMBER_MAX = 2**63 - 1
_MILLISECOND = timedelta(milliseconds=1)


class WebhookTransaction:
    """One account's webhooks, in its open transaction.

    What ``lock_`` reads cannot change until its end. Lock the endpoint first.
    """

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def count_endpoints(self) -> int:
        """Give the number of endpoints. No other transaction can add one until the end."""
        await self._port.fetch("lock_account")  # the lock is on the account's row
        return await self._count("count_endpoints")

    async def is_account_enabled(self) -> bool:
        """Say whether the account is enabled. Lock the endpoint first, which disabling changes too."""
        return bool(await self._port.fetch("find_enabled_account"))

    async def lock_record_start(self) -> RecordStart:
        """Give from where the record stays. It does not move until the transaction ends.

        A portion that is about to be archived counts as archived, because its end was chosen for the endpoints as
        they were.
        """
        archived_to, at, archiving_to, _ = (await self._port.fetch("lock_archive_mark"))[0]
        return RecordStart(number=max(archived_to, archiving_to), at=self._port.to_instant(at))

    async def find_last_change(self) -> int:
        """Give the number of the account's last change, or 0 before the first one."""
        return await self._count("find_last_change")

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint."""
        await self._port.write_rows("insert_endpoint", [_from_endpoint(endpoint)])

    async def lock_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint, even a deleted one whose deliveries still exist."""
        rows = await self._port.fetch("lock_endpoint", endpoint_id)
        return _to_endpoint(rows[0], self._port.to_instant) if rows else None

    async def save_endpoint(self, endpoint: Endpoint) -> None:
        """Write an endpoint that is locked."""
        await self._port.write_rows("save_endpoint", [_from_endpoint(endpoint)])

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes with a number above ``after``, in order, without a gap."""
        rows = await self._port.fetch("list_changes", after, limit)
        return [to_feed_entry(row, self._port.to_instant) for row in rows]

    async def count_pending(self, endpoint: Endpoint) -> int:
        """Give the number of pending deliveries up to the endpoint's position."""
        return await self._count("count_pending", endpoint.endpoint_id, endpoint.position)

    async def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries. One that already exists becomes pending again and keeps its count of attempts."""
        await self._port.write_rows("put_delivery", [_from_delivery(delivery) for delivery in deliveries])

    async def lock_deliveries(self, endpoint_id: str, numbers: Sequence[int]) -> list[Delivery]:
        """Give those of these deliveries that exist, by number."""
        rows = await self._port.fetch("lock_deliveries", endpoint_id, list(numbers))
        return [_to_delivery(row, self._port.to_instant) for row in rows]

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries that are locked."""
        await self._port.write_rows("save_delivery", [_from_delivery(delivery) for delivery in deliveries])

    async def save_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Add attempts to the log."""
        await self._port.write_rows("insert_attempt", [_from_attempt(attempt) for attempt in attempts])

    async def list_due(self, endpoint: Endpoint, now: datetime, limit: int) -> list[Sending]:
        """Give pending deliveries that are due, oldest first. Give only the first pending delivery of a vehicle.

        Deliveries beyond the endpoint's position are not due: they will be added again from the feed.
        """
        rows = await self._port.fetch("list_due", endpoint.endpoint_id, endpoint.position, now, limit)
        return [_to_sending(row, self._port.to_instant) for row in rows]

    async def find_next_due(self, endpoint: Endpoint) -> datetime | None:
        """Give the instant when ``list_due`` can give the next delivery; None if no delivery is pending."""
        ((due_at,),) = await self._port.fetch("find_next_due", endpoint.endpoint_id, endpoint.position)
        return give_or_none(self._port.to_instant, due_at)

    async def revive_pending(self, endpoint_id: str, now: datetime) -> None:
        """Make every pending delivery due now, and start its schedule of retries again."""
        await self._port.write_rows("revive_pending", [(endpoint_id, now)])

    async def delete_settled(self, endpoint_id: str, before: datetime, limit: int) -> None:
        """Delete deliveries that were settled before an instant, with their attempts."""
        await self._port.write_rows("delete_settled", [(endpoint_id, before, limit)])

    async def delete_deliveries(self, endpoint_id: str, limit: int) -> int:
        """Delete deliveries in any state, with their attempts, and give their number."""
        return len(await self._port.fetch("delete_deliveries", endpoint_id, limit))

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint that has no deliveries."""
        await self._port.write_rows("delete_endpoint", [(endpoint_id,)])

    async def _count(self, name: str, *parameters: object) -> int:
        ((number,),) = await self._port.fetch(name, *parameters)
        return cast("int", number)


class WebhookReader:
    """One account's committed records of webhooks."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def list_endpoints(self) -> list[Endpoint]:
        """Give the endpoints, oldest first."""
        return [_to_endpoint(row, self._port.to_instant) for row in await self._port.read_page("list_endpoints")]

    async def find_endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Give an endpoint, unless it is deleted."""
        rows = await self._port.read_page("find_endpoint", endpoint_id)
        return _to_endpoint(rows[0], self._port.to_instant) if rows else None

    async def list_deliveries(
        self, endpoint_id: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> list[Sending]:
        """Give deliveries with a number below ``before``, newest first."""
        asked = (endpoint_id, _NUMBER_MAX if before is None else before, limit)
        if state is None:
            rows = await self._port.read_page("list_deliveries", *asked)
        else:
            rows = await self._port.read_page("list_deliveries_by_state", *asked, state.value)
        return [_to_sending(row, self._port.to_instant) for row in rows]

    async def find_delivery(self, endpoint_id: str, number: int) -> Sending | None:
        """Give one delivery, if there is one."""
        rows = await self._port.read_page("find_delivery", endpoint_id, number)
        return _to_sending(rows[0], self._port.to_instant) if rows else None

    async def list_attempts(self, endpoint_id: str, number: int) -> list[Attempt]:
        """Give a delivery's last hundred attempts, newest first."""
        rows = await self._port.read_page("list_attempts", endpoint_id, number)
        return [_to_attempt(row, self._port.to_instant) for row in rows]


class WebhookBoard:
    """The work for webhook workers, in all accounts."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def has_endpoints(self) -> bool:
        """Say whether any account has an endpoint."""
        return bool(await self._port.read_point("has_endpoints"))

    async def count_marks(self) -> dict[str, int]:
        """Give how many endpoints have secrets under each key's mark; an empty mark means not encrypted."""
        return {row[0]: row[1] for row in await self._port.read_page("count_marks")}

    async def list_other_marks(self, mark: str, after: EndpointKey, limit: int) -> list[EndpointKey]:
        """Give endpoints after one with a secret that is not under this mark."""
        rows = await self._port.read_page("list_other_marks", mark, *after, limit)
        return [EndpointKey(account_id=row[0], endpoint_id=row[1]) for row in rows]

    async def list_ready(self, now: datetime, limit: int) -> list[EndpointKey]:
        """Give endpoints that have work and no worker."""
        return [EndpointKey(*row) for row in await self._port.read_point("list_ready", now, limit)]

    async def renew_leases(self, holder: str, until: datetime) -> list[EndpointKey]:
        """Renew every lease of a holder and give the endpoints that it still has."""

        async def work(port: WritePort) -> Sequence[Row]:
            return await port.fetch("renew_leases", holder, until)

        return [EndpointKey(*row) for row in await self._port.write(work)]

    async def survey_webhooks(self) -> WebhookSurvey:
        """Give what the endpoints of all accounts wait for."""
        ((working, failing, off, behind, oldest_at),) = await self._port.read_page("survey_endpoints")
        ((pending,),) = await self._port.read_page("survey_deliveries", COUNTED_MAX)
        return WebhookSurvey(
            working=working,
            failing=failing,
            off=off,
            pending=pending,
            behind=behind,
            oldest_at=give_or_none(self._port.to_instant, oldest_at),
        )


def _to_endpoint(row: Row, to_instant: ToInstant) -> Endpoint:
    named = ENDPOINT.name(row)
    return Endpoint(
        endpoint_id=named["endpoint_id"],
        url=named["url"],
        description=named["description"],
        filter=Filter(
            event_types=frozenset(EventType(name) for name in named["event_types"].split()),
            statuses_left=frozenset(int(number) for number in named["statuses_left"].split()),
            statuses_entered=frozenset(int(number) for number in named["statuses_entered"].split()),
        ),
        secret=named["secret"],
        former_secret=named["former_secret"],
        former_secret_until=give_or_none(to_instant, named["former_secret_until"]),
        off_reason=None if named["off_reason"] is None else OffReason(named["off_reason"]),
        off_at=give_or_none(to_instant, named["off_at"]),
        failing_since=give_or_none(to_instant, named["failing_since"]),
        position=named["position"],
        is_full=named["is_full"] == 1,
        wake_at=give_or_none(to_instant, named["wake_at"]),
        rest_until=give_or_none(to_instant, named["rest_until"]),
        lease_holder=named["lease_holder"],
        lease_until=give_or_none(to_instant, named["lease_until"]),
        created_at=to_instant(named["created_at"]),
        updated_at=to_instant(named["updated_at"]),
        deleted_at=give_or_none(to_instant, named["deleted_at"]),
    )


def _from_endpoint(endpoint: Endpoint) -> Sequence[object]:
    return ENDPOINT.order(
        {
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "description": endpoint.description,
            "event_types": " ".join(sorted(endpoint.filter.event_types)),
            "statuses_left": " ".join(map(str, sorted(endpoint.filter.statuses_left))),
            "statuses_entered": " ".join(map(str, sorted(endpoint.filter.statuses_entered))),
            "secret": endpoint.secret,
            "former_secret": endpoint.former_secret,
            "former_secret_until": endpoint.former_secret_until,
            "off_reason": None if endpoint.off_reason is None else endpoint.off_reason.value,
            "off_at": endpoint.off_at,
            "failing_since": endpoint.failing_since,
            "position": endpoint.position,
            "is_full": int(endpoint.is_full),
            "wake_at": endpoint.wake_at,
            "rest_until": endpoint.rest_until,
            "lease_holder": endpoint.lease_holder,
            "lease_until": endpoint.lease_until,
            "created_at": endpoint.created_at,
            "updated_at": endpoint.updated_at,
            "deleted_at": endpoint.deleted_at,
        }
    )


def _to_delivery(row: Row, to_instant: ToInstant) -> Delivery:
    named = DELIVERY.name(row)
    return Delivery(
        endpoint_id=named["endpoint_id"],
        number=named["number"],
        vehicle_id=named["vehicle_id"],
        state=DeliveryState(named["state"]),
        tries=named["tries"],
        attempts=named["attempts"],
        due_at=to_instant(named["due_at"]),
        settled_at=give_or_none(to_instant, named["settled_at"]),
    )


def _from_delivery(delivery: Delivery) -> Sequence[object]:
    return DELIVERY.order(
        {
            "endpoint_id": delivery.endpoint_id,
            "number": delivery.number,
            "vehicle_id": delivery.vehicle_id,
            "state": delivery.state.value,
            "tries": delivery.tries,
            "attempts": delivery.attempts,
            "due_at": delivery.due_at,
            "settled_at": delivery.settled_at,
        }
    )


def _to_sending(row: Row, to_instant: ToInstant) -> Sending:
    """Give a delivery and its change."""
    return Sending(
        delivery=_to_delivery(row[:_DELIVERY_WIDTH], to_instant),
        entry=to_feed_entry(row[_DELIVERY_WIDTH:], to_instant),
    )


def _to_attempt(row: Row, to_instant: ToInstant) -> Attempt:
    named = ATTEMPT.name(row)
    return Attempt(
        endpoint_id=named["endpoint_id"],
        number=named["number"],
        attempt=named["attempt"],
        at=to_instant(named["attempted_at"]),
        answer=Answer(
            status=named["status"],
            error=named["error"],
            body=named["body"],
            duration=named["duration_ms"] * _MILLISECOND,
        ),
    )


def _from_attempt(attempt: Attempt) -> Sequence[object]:
    return ATTEMPT.order(
        {
            "endpoint_id": attempt.endpoint_id,
            "number": attempt.number,
            "attempt": attempt.attempt,
            "attempted_at": attempt.at,
            "status": attempt.answer.status,
            "error": attempt.answer.error,
            "body": attempt.answer.body,
            "duration_ms": attempt.answer.duration // _MILLISECOND,
        }
    )
