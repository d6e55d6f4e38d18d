"""The wire form of a recorded change, the same for every reader.

The feed, the webhooks and the API document are all built from the structs below. A webhook sends a
payload (Standard Webhooks: type, timestamp, data).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict, assert_never

import msgspec
from msgspec import UNSET, Struct, UnsetType

from padron.domain.change import ChangeType, ErasedValues, FeedEntry
from padron.domain.webhook import TEST_EVENT, EventType

Allowed = bool | UnsetType  # the gate's verdict on the VIN when the reader reads it. No webhook has it.


class _Change(Struct, rename="camel", tag_field="type"):
    number: int
    vin: str
    at: datetime
    by: str
    by_name: str | None  # when the reader reads it; None if nobody knows
    request_id: str
    operational: bool  # the vehicle when the reader reads it
    operational_changed: bool


class VehicleRegistered(_Change, tag=EventType.VEHICLE_REGISTERED.value):
    """A vehicle is new. ``operational`` says what it is now, ``operationalChanged`` what the change did."""

    to_status_id: int
    allowed: Allowed = UNSET


class VehicleStatusChanged(_Change, tag=EventType.VEHICLE_STATUS_CHANGED.value):
    """A status was set. ``operational`` says what the vehicle is now, ``operationalChanged`` what the change did."""

    from_status_id: int | None
    to_status_id: int
    reason: str | None
    allowed: Allowed = UNSET


class VehicleInfoChanged(_Change, tag=EventType.VEHICLE_INFO_CHANGED.value):
    """Core data changed: the values that differ, null for none. ``operational`` says what the vehicle is now.

    If the VIN is among the values, ``formerAllowed`` is what the gate says of the former VIN now.
    """

    former: dict[str, str | int | None]
    current: dict[str, str | int | None]
    allowed: Allowed = UNSET
    former_allowed: Allowed = UNSET


class VehicleErased(_Change, tag=EventType.VEHICLE_ERASED.value):
    """Personal values were erased. ``changeNumbers`` are the changes that had them. Erase them in your copy too."""

    fields: list[str]
    change_numbers: list[int]
    reason: str | None
    allowed: Allowed = UNSET


class VehicleDeleted(_Change, tag=EventType.VEHICLE_DELETED.value):
    """A vehicle was deleted. ``operational`` describes a vehicle that was registered with its VIN since, if any."""

    from_status_id: int | None
    to_status_id: int
    reason: str | None
    allowed: Allowed = UNSET


class _Shared(TypedDict):
    """The members of every change: those of ``_Change``, so that the type checker compares them, and the verdict."""

    number: int
    vin: str
    at: datetime
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    allowed: Allowed


class WebhookTested(Struct, rename="camel"):
    """Somebody asked for a test of the endpoint."""

    webhook_id: str
    by: str
    by_name: str | None


class _Payload(Struct, tag_field="type"):
    timestamp: datetime


class VehicleRegisteredPayload(_Payload, tag=EventType.VEHICLE_REGISTERED.value):
    """Tells that a vehicle is new."""

    data: VehicleRegistered


class VehicleStatusChangedPayload(_Payload, tag=EventType.VEHICLE_STATUS_CHANGED.value):
    """Tells that a vehicle's status changed."""

    data: VehicleStatusChanged


class VehicleInfoChangedPayload(_Payload, tag=EventType.VEHICLE_INFO_CHANGED.value):
    """Tells that a vehicle's core data changed."""

    data: VehicleInfoChanged


class VehicleErasedPayload(_Payload, tag=EventType.VEHICLE_ERASED.value):
    """Tells that personal values of a vehicle were erased."""

    data: VehicleErased


class VehicleDeletedPayload(_Payload, tag=EventType.VEHICLE_DELETED.value):
    """Tells that a vehicle was deleted."""

    data: VehicleDeleted


class WebhookTestPayload(_Payload, tag=TEST_EVENT):
    """Tells that a test was asked for."""

    data: WebhookTested


Event = VehicleRegistered | VehicleStatusChanged | VehicleInfoChanged | VehicleErased | VehicleDeleted
Payload = (
    VehicleRegisteredPayload
    | VehicleStatusChangedPayload
    | VehicleInfoChangedPayload
    | VehicleErasedPayload
    | VehicleDeletedPayload
)


def give_event(entry: FeedEntry, names: Mapping[str, str]) -> Event:
    """Give a change in its wire form, with the names of authors by their ids."""
    change = entry.change
    shared: _Shared = {
        "number": change.number,
        "vin": entry.vin,
        "at": change.at,
        "by": change.by,
        "by_name": names.get(change.by),
        "request_id": change.request_id,
        "operational": entry.is_operational,
        "operational_changed": entry.changed_operational,
        "allowed": UNSET if entry.is_allowed is None else entry.is_allowed,
    }
    match change.type:
        case ChangeType.REGISTERED:
            return VehicleRegistered(**shared, to_status_id=change.to_status.value)
        case ChangeType.STATUS_CHANGED:
            return VehicleStatusChanged(
                **shared,
                from_status_id=None if change.from_status is None else change.from_status.value,
                to_status_id=change.to_status.value,
                reason=change.reason,
            )
        case ChangeType.DELETED:
            return VehicleDeleted(
                **shared,
                from_status_id=None if change.from_status is None else change.from_status.value,
                to_status_id=change.to_status.value,
                reason=change.reason,
            )
        case ChangeType.ERASED:
            erased = change.erased or ErasedValues(fields=(), removed=(), numbers=())
            return VehicleErased(
                **shared, fields=[*erased.fields], change_numbers=[*erased.numbers], reason=change.reason
            )
        case ChangeType.INFO_CHANGED:
            differences = change.differences or {}
            return VehicleInfoChanged(
                **shared,
                former={name: former for name, (former, _) in differences.items()},
                current={name: current for name, (_, current) in differences.items()},
                former_allowed=UNSET if entry.is_former_allowed is None else entry.is_former_allowed,
            )
        case _:
            assert_never(change.type)


def encode_payload(entry: FeedEntry, names: Mapping[str, str]) -> bytes:
    """Give the body of the webhook for a change, with the names of authors by their ids."""
    return msgspec.json.encode(_give_payload(give_event(entry, names)))


def encode_test_payload(endpoint_id: str, actor: str, names: Mapping[str, str], now: datetime) -> bytes:
    """Give the body of the webhook that a test sends."""
    tested = WebhookTested(webhook_id=endpoint_id, by=actor, by_name=names.get(actor))
    return msgspec.json.encode(WebhookTestPayload(timestamp=now, data=tested))


def _give_payload(event: Event) -> Payload:
    match event:
        case VehicleRegistered():
            return VehicleRegisteredPayload(timestamp=event.at, data=event)
        case VehicleStatusChanged():
            return VehicleStatusChangedPayload(timestamp=event.at, data=event)
        case VehicleErased():
            return VehicleErasedPayload(timestamp=event.at, data=event)
        case VehicleDeleted():
            return VehicleDeletedPayload(timestamp=event.at, data=event)
        case VehicleInfoChanged():
            return VehicleInfoChangedPayload(timestamp=event.at, data=event)
        case _:
            assert_never(event)
