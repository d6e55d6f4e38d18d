"""The JSON form of webhook endpoints, their deliveries and attempts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.status import SETTABLE_STATUSES
from padron.domain.target import URL_LENGTH_MAX
from padron.domain.webhook import (
    DESCRIPTION_LENGTH_MAX,
    OFF_TEXTS,
    Answer,
    Attempt,
    DeliveryState,
    Endpoint,
    EventType,
    Sending,
    format_message_id,
)
from padron.service.changes.events import Event, give_event

# The allowed values are on the member of the list. On the list itself they would not reach the document.
_StatusId = Annotated[int, Meta(extra_json_schema={"enum": list(SETTABLE_STATUSES)})]
_EventType = Annotated[str, Meta(extra_json_schema={"enum": [kind.value for kind in EventType]})]

Url = Annotated[
    str, Meta(description="Where messages are sent: https.", extra_json_schema={"maxLength": URL_LENGTH_MAX})
]
Description = Annotated[
    str, Meta(description="A description, for people.", extra_json_schema={"maxLength": DESCRIPTION_LENGTH_MAX})
]
EventTypes = Annotated[
    list[_EventType], Meta(description="The types of events to send.", extra_json_schema={"minItems": 1})
]
StatusesLeft = Annotated[
    list[_StatusId],
    Meta(description="Send only status changes that leave one of these statuses."),
]
StatusesEntered = Annotated[
    list[_StatusId],
    Meta(
        description="Send only status changes that enter one of these statuses. With both lists, a change must match "
        "one of them. Without both, every status change is sent."
    ),
]


class WebhookBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """A webhook endpoint to create."""

    url: Url
    event_types: EventTypes
    description: Description = ""
    statuses_left: StatusesLeft = []
    statuses_entered: StatusesEntered = []


class WebhookEdits(Struct, forbid_unknown_fields=True, rename="camel"):
    """The changes to an endpoint. A missing member keeps its value."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    statuses_left: StatusesLeft | UnsetType = UNSET
    statuses_entered: StatusesEntered | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ReplayBody(Struct, forbid_unknown_fields=True):
    """Where to start again: after the change with this number, or at this cursor of the feed. 0 is the beginning."""

    after: Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": 2**63 - 1})] | str


class WebhookShape(Struct, rename="camel", omit_defaults=True):
    """An endpoint. ``secret`` is present only when it is new. ``offReason`` is null while it is switched on."""

    id: str
    url: str
    description: str
    event_types: list[str]
    statuses_left: list[int]
    statuses_entered: list[int]
    enabled: bool
    off_reason: Literal["asked", "gone", "failing"] | None
    off_detail: str | None
    off_at: datetime | None
    failing_since: datetime | None
    position: Annotated[int, Meta(description="The number of the last change that it reached.")]
    created_at: datetime
    updated_at: datetime
    former_secret_until: datetime | UnsetType = UNSET
    secret: str | UnsetType = UNSET


class WebhookList(Struct):
    """All endpoints of the account, oldest first."""

    webhooks: list[WebhookShape]


class DeliveryShape(Struct, rename="camel"):
    """One change for one endpoint. ``id`` is the number of the change, and ``event`` is its event as it is now."""

    id: int
    message_id: str
    state: Literal["pending", "delivered", "failed"]
    attempt_count: int
    due_at: datetime | None
    settled_at: datetime | None
    event: Event


class DeliveryList(Struct, rename="camel"):
    """A page of deliveries, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    deliveries: list[DeliveryShape]
    next_cursor: str | None
    more: bool


class AnswerShape(Struct, rename="camel"):
    """The result of sending: the receiver's status and the beginning of its answer, or why there is no answer."""

    delivered: bool
    status: int | None
    error: str | None
    body: str
    duration_ms: int


class AttemptShape(AnswerShape, rename="camel"):
    """One attempt of a delivery."""

    attempt: int
    at: datetime


class LoggedDeliveryShape(DeliveryShape, rename="camel"):
    """A delivery with its last attempts, newest first."""

    attempts: list[AttemptShape]


def shape_endpoint(endpoint: Endpoint, now: datetime, *, with_secret: bool = False) -> WebhookShape:
    """Give the JSON form of an endpoint."""
    reason, chosen, until = endpoint.off_reason, endpoint.filter, endpoint.former_secret_until
    return WebhookShape(
        id=endpoint.endpoint_id,
        url=endpoint.url,
        description=endpoint.description,
        event_types=sorted(chosen.event_types),
        statuses_left=sorted(chosen.statuses_left),
        statuses_entered=sorted(chosen.statuses_entered),
        enabled=reason is None,
        off_reason=None if reason is None else reason.value,
        off_detail=None if reason is None else OFF_TEXTS[reason],
        off_at=endpoint.off_at,
        failing_since=endpoint.failing_since,
        position=endpoint.position,
        created_at=endpoint.created_at,
        updated_at=endpoint.updated_at,
        former_secret_until=UNSET if until is None or until <= now else until,
        secret=endpoint.secret if with_secret else UNSET,
    )


def shape_delivery(sending: Sending, names: Mapping[str, str]) -> DeliveryShape:
    """Give the JSON form of a delivery, with the names of authors by their ids."""
    delivery = sending.delivery
    return DeliveryShape(
        id=delivery.number,
        message_id=format_message_id(delivery.endpoint_id, sending.entry.place),
        state=delivery.state.value,
        attempt_count=delivery.attempts,
        due_at=delivery.due_at if delivery.state is DeliveryState.PENDING else None,
        settled_at=delivery.settled_at,
        event=give_event(sending.entry, names),
    )


def shape_logged_delivery(sending: Sending, attempts: list[Attempt], names: Mapping[str, str]) -> LoggedDeliveryShape:
    """Give the JSON form of a delivery with its attempts, with the names of authors by their ids."""
    shape = shape_delivery(sending, names)
    return LoggedDeliveryShape(
        **{name: getattr(shape, name) for name in shape.__struct_fields__},
        attempts=[
            AttemptShape(**_give_answer(one.answer), attempt=one.attempt, at=one.at)  # type: ignore[arg-type]
            for one in attempts
        ],
    )


def shape_answer(answer: Answer) -> AnswerShape:
    """Give the JSON form of the result of a test."""
    return AnswerShape(**_give_answer(answer))  # type: ignore[arg-type]


def _give_answer(answer: Answer) -> dict[str, object]:
    return {
        "delivered": answer.is_success,
        "status": answer.status,
        "error": answer.error,
        "body": answer.body,
        "duration_ms": answer.duration // timedelta(milliseconds=1),
    }
