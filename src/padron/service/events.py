"""The wire form of a recorded change: the one shape that tells the outside, whichever way it goes out."""

import msgspec

from padron.domain.change import ChangeType, FeedEntry
from padron.domain.webhook import EVENT_TYPES


def give_event(entry: FeedEntry) -> dict[str, object]:
    """Give a change as the members that a reader sees. ``operational`` is the vehicle at the instant of reading.

    A status change has ``fromStatusId`` and ``toStatusId``, a registration ``toStatusId``, and a change of core data
    the values that differ as ``former`` and ``current``, where null stands for none.
    """
    change = entry.change
    event: dict[str, object] = {
        "number": change.number,
        "type": EVENT_TYPES[change.type].value,
        "vin": entry.vin,
        "at": change.at,
        "by": change.by,
        "requestId": change.request_id,
        "operational": entry.is_operational,
        "operationalChanged": entry.changed_operational,
    }
    match change.type:
        case ChangeType.STATUS_CHANGED:
            event["fromStatusId"] = None if change.from_status is None else change.from_status.value
            event["toStatusId"] = change.to_status.value
            event["reason"] = change.reason
        case ChangeType.REGISTERED:
            event["toStatusId"] = change.to_status.value
        case ChangeType.INFO_CHANGED:
            differences = change.differences or {}
            event["former"] = {name: former for name, (former, _) in differences.items()}
            event["current"] = {name: current for name, (_, current) in differences.items()}
    return event


def encode_payload(entry: FeedEntry) -> bytes:
    """Give the body of the webhook that tells of a change (Standard Webhooks: type, timestamp, data)."""
    event = give_event(entry)
    return msgspec.json.encode({"type": event["type"], "timestamp": entry.change.at, "data": event})
