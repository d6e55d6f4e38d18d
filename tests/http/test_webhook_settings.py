"""Each setting of a webhook endpoint is taken, kept, shown and changed, each by itself."""

import json
from typing import Any

import msgspec
import pytest

from padron.http.shapes.webhooks import WebhookBody, WebhookEdits, WebhookShape
from tests.http.api import Api

pytestmark = pytest.mark.long("postgres")

WEBHOOKS = "/api/v2/webhooks"

# Two values of each setting, neither of them what it is when left out.
SETTINGS: dict[str, tuple[object, object]] = {
    "url": ("https://fleet.example/hook", "https://fleet.example/other"),
    "eventTypes": (["vehicle.status_changed"], ["vehicle.info_changed", "vehicle.registered"]),
    "description": ("Yard", "Depot"),
    "statusesLeft": ([1], [3, 4]),
    "statusesEntered": ([9], [0, 1]),
}


def list_members(shape: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(shape)}


def test_each_setting_can_be_given_shown_and_changed() -> None:
    assert {*SETTINGS} == list_members(WebhookBody), "a new setting needs its two values above"
    assert list_members(WebhookEdits) == {*SETTINGS, "enabled"}
    assert {*SETTINGS} < list_members(WebhookShape)


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_setting_is_kept_and_changed_by_itself(api: Api, name: str) -> None:
    given: dict[str, Any] = {setting: value for setting, (value, _) in SETTINGS.items()}
    reply = await api.acme.send("POST", WEBHOOKS, json.dumps(given))
    assert reply.status == 201, reply.content
    target = f"{WEBHOOKS}/{reply.body['id']}"
    for edits in ({}, {name: SETTINGS[name][1]}):
        given |= edits
        changed = await api.acme.send("PATCH", target, json.dumps({"enabled": True, **edits}))
        kept = await api.acme.send("GET", target)
        for answer in (changed, kept):
            assert {setting: answer.body[setting] for setting in SETTINGS} == given
