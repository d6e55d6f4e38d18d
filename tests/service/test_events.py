"""The wire form of a change, which the feed and webhooks share."""

import json
from datetime import datetime

import msgspec

from padron.domain.change import Change, ChangeType, FeedEntry, HistoryEntry
from padron.domain.status import VehicleStatus
from padron.domain.webhook import EVENT_TYPES
from padron.service.changes.events import encode_payload, give_event
from padron.store.base import Store
from tests.cast import HUMMER, NOON, get_one, info_changed, registered, save, status_changed

PAYLOAD_BYTES_MAX = 20_000  # advised by Standard Webhooks


async def read_feed(store: Store, account_id: int, *changes: Change) -> list[FeedEntry]:
    await save(store, account_id, *changes)
    return await store.read(account_id).list_changes(0, 10)


async def test_each_kind_of_change_has_its_members_and_no_more(store: Store) -> None:
    acme = (await store.directory.add_account("Acme", NOON)).account_id
    await save(store, acme, registered(HUMMER, plate="ABC1234"))
    vehicle = await get_one(store, acme)
    stolen = status_changed(vehicle, VehicleStatus.STOLEN, reason="Gone")
    edited = info_changed(stolen.vehicle, {"plate": "ABC1234"}, {"plate": None, "doors": 4})
    entries = await read_feed(store, acme, stolen, edited)
    first, second, third = (
        msgspec.to_builtins(give_event(entry, {"Acme": "key fleet"}), builtin_types=(datetime,)) for entry in entries
    )
    shared = {"vin": HUMMER, "at": NOON, "by": "Acme", "byName": "key fleet", "operational": False, "allowed": False}
    assert first == {
        **shared, "number": 1, "type": "vehicle.registered", "requestId": "r-registered",
        "operationalChanged": True, "toStatusId": 1,
    }  # fmt: skip
    assert second == {
        **shared, "number": 2, "type": "vehicle.status_changed", "requestId": "r-status", "operationalChanged": True,
        "fromStatusId": 1, "toStatusId": 3, "reason": "Gone",
    }  # fmt: skip
    assert third == {
        **shared, "number": 3, "type": "vehicle.info_changed", "requestId": "r-info", "operationalChanged": False,
        "former": {"plate": "ABC1234", "doors": None}, "current": {"plate": None, "doors": 4},
    }  # fmt: skip


def test_every_kind_of_change_has_an_event_type_of_letters_and_dots() -> None:
    assert set(EVENT_TYPES) == set(ChangeType)
    for kind in EVENT_TYPES.values():
        assert all(part.replace("_", "").isalpha() for part in kind.value.split("."))


def test_a_payload_is_small_even_when_every_value_is_long() -> None:
    author = "1k" + "x" * 12
    change = HistoryEntry(
        number=2**62,
        type=ChangeType.STATUS_CHANGED,
        at=NOON,
        by=author,
        request_id="r" * 28,
        from_status=VehicleStatus.ACTIVE,
        to_status=VehicleStatus.SOLD,
        reason="車" * 500,
        differences=None,
    )
    entry = FeedEntry(change=change, vehicle_id=1, vin=HUMMER, is_operational=False)
    body = encode_payload(entry, {author: "車" * 100})
    assert len(body) < PAYLOAD_BYTES_MAX
    assert list(json.loads(body)) == ["type", "timestamp", "data"]
    assert json.loads(body)["timestamp"] == "2026-03-01T12:00:00Z"
