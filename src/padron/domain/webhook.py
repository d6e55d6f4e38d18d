"""Webhook endpoints, deliveries and attempts: what is sent where, when it is retried, when an endpoint is switched off.

Pure: instants and random numbers are arguments. An endpoint follows the feed by its position, which is the number of
the last change that was made into deliveries. A delivery is one change for one endpoint, and has the change's number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, assert_never

from padron.domain.change import ChangeType, FeedEntry, Place
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.status import SETTABLE_IDS, SETTABLE_STATUSES

DESCRIPTION_LENGTH_MAX = 200
ENDPOINT_ID_LENGTH = 22  # base62 digits
SEALED = "enc:"  # begins a secret that is encrypted; the mark of its key follows, and another colon
MARK_LENGTH = 8
ROTATION = timedelta(hours=24)  # how long a replaced secret still signs
FAILING_MAX = timedelta(days=5)
RETRY_AFTER_MAX = timedelta(hours=24)
KEPT = timedelta(days=30)  # how long a settled delivery stays in the log
PENDING_MAX = 1_000  # deliveries of one endpoint; at this limit it gets no further changes from the feed
LEASE = timedelta(seconds=30)
ANSWER_KEPT_MAX = 1_024  # characters of an answer's body, escaped
JITTER = 0.1  # each pause is up to a tenth shorter or longer

# The pauses before the attempts (Standard Webhooks 1.0.0): ten attempts within 75 hours and 35 minutes.
SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES_MAX = len(SCHEDULE)

_GONE = 410
_BUSY = frozenset({429, 502, 503, 504})  # the statuses with a Retry-After that is followed
_SUCCESSES = range(200, 300)


class EventType(StrEnum):
    """The events that an endpoint can subscribe to."""

    VEHICLE_REGISTERED = "vehicle.registered"
    VEHICLE_INFO_CHANGED = "vehicle.info_changed"
    VEHICLE_STATUS_CHANGED = "vehicle.status_changed"
    VEHICLE_ERASED = "vehicle.erased"
    VEHICLE_DELETED = "vehicle.deleted"


TEST_EVENT = "webhook.test"


def _name_event(kind: ChangeType) -> EventType:
    match kind:
        case ChangeType.REGISTERED:
            return EventType.VEHICLE_REGISTERED
        case ChangeType.INFO_CHANGED:
            return EventType.VEHICLE_INFO_CHANGED
        case ChangeType.STATUS_CHANGED:
            return EventType.VEHICLE_STATUS_CHANGED
        case ChangeType.ERASED:
            return EventType.VEHICLE_ERASED
        case ChangeType.DELETED:
            return EventType.VEHICLE_DELETED
        case _:
            assert_never(kind)


# In the order of the events, in which lists and the API's document name them.
EVENT_TYPES: dict[ChangeType, EventType] = {
    kind: event for event in EventType for kind in ChangeType if _name_event(kind) is event
}


class OffReason(StrEnum):
    """Why an endpoint is switched off."""

    ASKED = "asked"
    GONE = "gone"
    FAILING = "failing"


OFF_TEXTS = {
    OffReason.ASKED: "It was switched off by a call of the API.",
    OffReason.GONE: "The receiver answered 410, which means that it does not accept further messages.",
    OffReason.FAILING: "Every attempt of the last five days failed.",
}


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which changes an endpoint gets.

    A status change fits when its former status is in ``statuses_left`` or its new status is in ``statuses_entered``.
    If both are empty, every status change fits.
    """

    event_types: frozenset[EventType]
    statuses_left: frozenset[int] = frozenset()
    statuses_entered: frozenset[int] = frozenset()

    def fits(self, entry: FeedEntry) -> bool:
        """Say whether the endpoint gets this change."""
        change = entry.change
        if EVENT_TYPES[change.type] not in self.event_types:
            return False
        if change.type is not ChangeType.STATUS_CHANGED or not (self.statuses_left or self.statuses_entered):
            return True
        return change.from_status in self.statuses_left or change.to_status in self.statuses_entered


class EndpointKey(NamedTuple):
    """Names one endpoint in the whole register."""

    account_id: int
    endpoint_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A receiver of webhooks, and its position in the feed. The printed form does not show its secrets.

    The secrets are as they are stored, perhaps encrypted: ``service/webhooks/sealing.py`` opens them.
    """

    endpoint_id: str
    url: str
    description: str
    filter: Filter
    secret: str = field(repr=False)
    former_secret: str | None = field(default=None, repr=False)
    former_secret_until: datetime | None = None
    off_reason: OffReason | None = None  # None: switched on
    off_at: datetime | None = None
    failing_since: datetime | None = None  # the first of the failures since the last success
    position: int
    is_full: bool = False  # it has PENDING_MAX pending deliveries
    wake_at: datetime | None = None  # when the next delivery is due
    rest_until: datetime | None = None  # the receiver asked for it with Retry-After
    lease_holder: str | None = None
    lease_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    def list_marks(self) -> set[str]:
        """Give the marks of the keys that encrypt the secrets; an empty one for a secret that is not encrypted."""
        begin, end = len(SEALED), len(SEALED) + MARK_LENGTH
        stored = [self.secret, *([] if self.former_secret is None else [self.former_secret])]
        return {one[begin:end] if one.startswith(SEALED) else "" for one in stored}

    def list_secrets(self, now: datetime) -> list[str]:
        """Give the secrets that sign at this instant, the current one first."""
        if self.former_secret is None or self.former_secret_until is None or now >= self.former_secret_until:
            return [self.secret]
        return [self.secret, self.former_secret]

    def is_leased(self, now: datetime) -> bool:
        """Say whether a worker holds a lease on the endpoint."""
        return self.lease_holder is not None and self.lease_until is not None and now < self.lease_until

    def may_send(self, now: datetime) -> bool:
        """Say whether a delivery may be sent to the endpoint at this instant."""
        return self.off_reason is None and (self.rest_until is None or now >= self.rest_until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One change that is sent to one endpoint."""

    endpoint_id: str
    number: int  # of the change
    vehicle_id: int
    state: DeliveryState
    tries: int  # attempts since it last became pending; they decide the next pause
    attempts: int  # all attempts
    due_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """A delivery with its change."""

    delivery: Delivery
    entry: FeedEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The result of sending a message: a status, or an error when there was no answer."""

    status: int | None
    error: str | None = None
    body: str = ""  # its beginning, escaped
    retry_after: timedelta | None = None
    duration: timedelta

    @property
    def is_success(self) -> bool:
        """Say whether the receiver accepted the message: only 2xx means that."""
        return self.status in _SUCCESSES


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt of a delivery, for the log."""

    endpoint_id: str
    number: int
    attempt: int  # 1, 2, 3 …
    at: datetime
    answer: Answer


def format_message_id(endpoint_id: str, place: Place) -> str:
    """Give the ``webhook-id``. It is the same at every attempt and replay of one change, so receivers know repeats.

    It contains the change's mark. After a backup is restored, another change can have the same number, and must not
    look like a repeat.
    """
    return f"msg_{endpoint_id}_{place.number}x{place.mark:08x}"


def parse_filter(event_types: Iterable[str], statuses_left: Iterable[int], statuses_entered: Iterable[int]) -> Filter:
    """Give a filter. Raises ``bad_parameters`` without a type, and for an unknown type or status."""
    names, known = frozenset(event_types), [kind.value for kind in EventType]
    unknown = sorted(names.difference(known))
    if unknown or not names:
        wrong = f"There is no event type {quote(unknown[0])}" if unknown else "At least one event type is needed"
        raise PadronError(Code.BAD_PARAMETERS, f"{wrong}: choose from {', '.join(known)}.")
    left, entered = frozenset(statuses_left), frozenset(statuses_entered)
    for status_id in sorted(left | entered):
        if status_id not in SETTABLE_STATUSES:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"{status_id} is not a status that a vehicle can leave or enter: use {SETTABLE_IDS}.",
            )
    return Filter(
        event_types=frozenset(EventType(name) for name in names), statuses_left=left, statuses_entered=entered
    )


def give_pause(tries: int, chance: float) -> timedelta | None:
    """Give the pause after this number of tries, or None after the last one. ``chance`` is from 0 to 1."""
    if tries >= TRIES_MAX:
        return None
    return SCHEDULE[tries] * (1 + JITTER * (2 * chance - 1))


def settle(delivery: Delivery, answer: Answer, now: datetime, chance: float) -> Delivery:
    """Give the delivery after an attempt: delivered, pending until its next try, or failed."""
    after = replace(delivery, tries=delivery.tries + 1, attempts=delivery.attempts + 1)
    if delivery.state is not DeliveryState.PENDING:
        return after
    if answer.is_success:
        return replace(after, state=DeliveryState.DELIVERED, settled_at=now)
    if answer.status == _GONE:
        return after  # it stays pending, because somebody may switch the endpoint on again
    pause = give_pause(after.tries, chance)
    if pause is None:
        return replace(after, state=DeliveryState.FAILED, settled_at=now)
    return replace(after, due_at=now + max(pause, _give_rest(answer)))


def note_answer(endpoint: Endpoint, answer: Answer, now: datetime) -> Endpoint:
    """Give the endpoint after an attempt: whether it rests, fails, or is switched off."""
    if answer.is_success:
        return replace(endpoint, failing_since=None)
    if answer.status == _GONE:
        return switch_off(endpoint, OffReason.GONE, now)
    failing_since = endpoint.failing_since or now
    after = replace(endpoint, failing_since=failing_since)
    if now - failing_since >= FAILING_MAX:
        return switch_off(after, OffReason.FAILING, now)
    rest = _give_rest(answer)
    if rest:
        rest_until = now + rest
        after = replace(after, rest_until=max(rest_until, endpoint.rest_until or rest_until))
    return after


def switch_off(endpoint: Endpoint, reason: OffReason, now: datetime) -> Endpoint:
    """Give the endpoint as switched off. If it already was, the first reason stays."""
    if endpoint.off_reason is not None:
        return endpoint
    return replace(endpoint, off_reason=reason, off_at=now, updated_at=now)


def revive(endpoint: Endpoint, now: datetime) -> Endpoint:
    """Give the endpoint as switched on, without its failures. It continues where it stopped."""
    return replace(
        endpoint, off_reason=None, off_at=None, failing_since=None, rest_until=None, wake_at=now, updated_at=now
    )


def restart(delivery: Delivery, now: datetime) -> Delivery:
    """Give the delivery as pending again, with the whole schedule of retries."""
    return replace(delivery, state=DeliveryState.PENDING, tries=0, due_at=now, settled_at=None)


def rotate_secret(endpoint: Endpoint, secret: str, now: datetime) -> Endpoint:
    """Give the endpoint with a new secret. For a day the former secret signs too."""
    return replace(
        endpoint,
        secret=secret,
        former_secret=endpoint.secret,
        former_secret_until=now + ROTATION,
        updated_at=now,
    )


def check_replay(endpoint: Endpoint, after: int) -> None:
    """Raise ``bad_parameters`` unless the endpoint's position is at least ``after``."""
    if not 0 <= after <= endpoint.position:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"after is {after}: it must be from 0 to {endpoint.position}, the last change that the endpoint reached.",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """An endpoint moved on in the feed, and the deliveries that this makes."""

    endpoint: Endpoint
    deliveries: list[Delivery]


def cut(endpoint: Endpoint, entries: Sequence[FeedEntry], now: datetime) -> Cut:
    """Give the endpoint with its position after these changes, and a delivery for each change that its filter fits."""
    if not entries:
        return Cut(endpoint=endpoint, deliveries=[])
    deliveries = [
        Delivery(
            endpoint_id=endpoint.endpoint_id,
            number=entry.change.number,
            vehicle_id=entry.vehicle_id,
            state=DeliveryState.PENDING,
            tries=0,
            attempts=0,
            due_at=now,
            settled_at=None,
        )
        for entry in entries
        if endpoint.filter.fits(entry)
    ]
    moved = replace(endpoint, position=entries[-1].change.number)
    return Cut(endpoint=moved, deliveries=deliveries)


def _give_rest(answer: Answer) -> timedelta:
    if answer.status not in _BUSY or answer.retry_after is None:
        return timedelta(0)
    return min(answer.retry_after, RETRY_AFTER_MAX)
