"""The declarations of the events that webhooks send. The ``webhooks`` of the document are made from them."""

from dataclasses import dataclass

from padron.domain.webhook import TEST_EVENT, TRIES_MAX, EventType
from padron.http.declarations import Parameter
from padron.service.changes.events import (
    VehicleDeletedPayload,
    VehicleErasedPayload,
    VehicleInfoChangedPayload,
    VehicleRegisteredPayload,
    VehicleStatusChangedPayload,
    WebhookTestPayload,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredEvent:
    """One type of event and the shape of its payload."""

    event_type: str
    name: str
    summary: str
    description: str
    payload: type


HEADERS: tuple[Parameter, ...] = (
    Parameter(
        name="webhook-id", place="header", required=True,
        description="The message's id: the same at each attempt and each replay.",
        schema={"type": "string", "pattern": "^msg_[0-9A-Za-z]{22}_[0-9a-z]+$"},
    ),
    Parameter(
        name="webhook-timestamp", place="header", required=True,
        description="When this attempt was made, in seconds since 1970.",
        schema={"type": "string", "pattern": "^[0-9]+$"},
    ),
    Parameter(
        name="webhook-signature", place="header", required=True,
        description="One signature (Standard Webhooks), or two while a secret is being replaced.",
        schema={"type": "string", "pattern": "^v1,[0-9A-Za-z+/]{43}=( v1,[0-9A-Za-z+/]{43}=)?$"},
    ),
)  # fmt: skip
ANSWERS: dict[str, str] = {
    "2XX": "The message is accepted, if the answer comes within 15 seconds.",
    "410": "The receiver accepts no further messages. The endpoint is switched off.",
    "default": f"The message is not accepted; this includes redirects. Padrón makes up to {TRIES_MAX} attempts, and "
    "waits for the time in Retry-After.",
}
EVENTS: tuple[DeclaredEvent, ...] = (
    DeclaredEvent(
        event_type=EventType.VEHICLE_REGISTERED.value, name="tellVehicleRegistered", summary="A vehicle is new",
        description="Sent for every registration, by any call or import.", payload=VehicleRegisteredPayload,
    ),
    DeclaredEvent(
        event_type=EventType.VEHICLE_STATUS_CHANGED.value, name="tellVehicleStatusChanged",
        summary="A vehicle's status changed",
        description="Sent for every effective change of a status that leaves or enters a status of the endpoint's "
        "filter.",
        payload=VehicleStatusChangedPayload,
    ),
    DeclaredEvent(
        event_type=EventType.VEHICLE_INFO_CHANGED.value, name="tellVehicleInfoChanged",
        summary="A vehicle's core data changed",
        description="Sent for every effective change of a value that is not the status.",
        payload=VehicleInfoChangedPayload,
    ),
    DeclaredEvent(
        event_type=EventType.VEHICLE_ERASED.value, name="tellVehicleErased", summary="Personal values were erased",
        description="Sent for each vehicle of an erasure. It names the fields, and the changes that had the values.",
        payload=VehicleErasedPayload,
    ),
    DeclaredEvent(
        event_type=EventType.VEHICLE_DELETED.value, name="tellVehicleDeleted", summary="A vehicle was deleted",
        description="Sent for every deletion of a vehicle. If the deletion is undone, an event of a changed status "
        "from 2 follows.",
        payload=VehicleDeletedPayload,
    ),
    DeclaredEvent(
        event_type=TEST_EVENT, name="tellWebhookTest", summary="A test was asked for",
        description="Sent only by testWebhook. It is sent once, and is not in the log.", payload=WebhookTestPayload,
    ),
)  # fmt: skip
