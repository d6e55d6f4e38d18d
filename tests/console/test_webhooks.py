"""Webhooks in the console: made with a secret that is shown once, changed, tried, switched, and their deliveries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.domain.webhook import Answer, DeliveryState, Endpoint, EndpointKey, EventType, Filter, OffReason
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.people.sessions import sign_in_with_key
from padron.service.webhooks import deliveries, endpoints
from padron.service.webhooks.deliveries import SendOutcome
from tests.cast import HUMMER
from tests.console.browser import Browser, House
from tests.console.conftest import VISITOR

EVIL = "<script>alert(1)</script>'\"&amp;"
NEW = {"url": "https://fleet.example/padron", "description": "Workshop", "event": [*EventType], "entered": ["3"]}


async def make(house: House, **fields: str) -> Endpoint:
    """Make a webhook in the console, and give it."""
    before = {one.endpoint_id for one in await endpoints.list_endpoints(house.runtime, house.cast.acme.principal)}
    shown = await house.browsers[Role.MANAGER].post("/console/webhooks/new", {**NEW, **fields})
    assert shown.status == 200, shown.text
    after = await endpoints.list_endpoints(house.runtime, house.cast.acme.principal)
    (made,) = [one for one in after if one.endpoint_id not in before]
    return made


async def deliver(house: House, endpoint: Endpoint, answer: Answer) -> None:
    """Let a worker try what is due, and get this answer."""
    key = EndpointKey(house.cast.acme.account.account_id, endpoint.endpoint_id)
    runtime = house.runtime
    assert await deliveries.claim_endpoint(runtime, key, "me")
    work = await deliveries.advance_endpoint(runtime, key, "me", [], frozenset(), 10)
    assert work is not None
    outcomes = [SendOutcome(number=one.delivery.number, at=runtime.clock(), answer=answer) for one in work.due]
    assert outcomes
    while work is not None and not work.is_released:
        work = await deliveries.advance_endpoint(runtime, key, "me", outcomes, frozenset(), 10)
        outcomes = []


async def read_number(house: House, endpoint: Endpoint) -> int:
    page = await endpoints.list_deliveries(
        house.runtime, house.cast.acme.principal, endpoint.endpoint_id, state=None, limit=10, cursor=None
    )
    return page.rows[0].delivery.number


@pytest.mark.both_engines
async def test_the_secret_is_shown_once_and_signs(house: House) -> None:
    shown = await house.browsers[Role.MANAGER].post("/console/webhooks/new", NEW)
    secret = shown.page.list_all("input", id="secret")[0].attributes["value"]
    (made,) = await endpoints.list_endpoints(house.runtime, house.cast.acme.principal)
    assert house.runtime.secret_box.open(made.secret) == secret
    assert (made.url, made.description, [*made.filter.statuses_entered]) == (NEW["url"], "Workshop", [3])
    for path in ("", f"/{made.endpoint_id}", f"/{made.endpoint_id}/edit"):
        later = await house.owner.get(f"/console/webhooks{path}")
        assert "https://fleet.example/padron" in later.html
        assert secret not in later.html


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"url": "http://127.0.0.1/x"}, "https"),
        ({"url": "nowhere"}, "https"),
        ({"event": []}, "event type"),
        ({"entered": ["99"]}, "99"),
        ({"left": ["x"]}, "id"),
    ],
)
async def test_a_form_that_is_refused_keeps_what_was_typed(house: House, wrong: dict[str, str], said: str) -> None:
    shown = await house.owner.post("/console/webhooks/new", {**NEW, **wrong})
    assert shown.status == 400
    assert said in shown.text
    kept = {**NEW, **wrong}
    assert shown.page.list_all("input", name="url")[0].attributes["value"] == kept["url"]
    assert shown.page.list_all("input", name="description")[0].attributes["value"] == "Workshop"
    boxes = shown.page.list_all("input", name="event")
    assert {one.attributes["value"] for one in boxes if "checked" in one.attributes} == set(kept["event"])
    assert not await endpoints.list_endpoints(house.runtime, house.cast.acme.principal)


async def test_a_webhook_is_changed_and_what_was_chosen_is_ticked(house: House) -> None:
    made = await make(house)
    path = f"/console/webhooks/{made.endpoint_id}"
    page = (await house.owner.get(f"{path}/edit")).page
    assert [
        one.attributes["value"] for one in page.list_all("input", name="entered") if "checked" in one.attributes
    ] == ["3"]
    edits = {"url": "https://other.example/x", "description": EVIL, "event": [EventType.VEHICLE_DELETED]}
    shown = await house.owner.follow(await house.owner.post(f"{path}/edit", edits))
    assert "The webhook is changed" in shown.text
    after = await endpoints.get_endpoint(house.runtime, house.cast.acme.principal, made.endpoint_id)
    assert after.url == "https://other.example/x"
    assert after.filter == Filter(event_types=frozenset({EventType.VEHICLE_DELETED}))
    for place in ("/console/webhooks", path, f"{path}/edit"):
        listed = await house.owner.get(place)
        assert len(listed.page.list_all("script")) == 1
    bad = await house.owner.post(f"{path}/edit", {**edits, "url": "x"})
    assert bad.status == 400
    assert bad.page.list_all("input", name="description")[0].attributes["value"] == EVIL


async def test_a_webhook_is_switched_off_and_on_again(house: House) -> None:
    made = await make(house)
    path = f"/console/webhooks/{made.endpoint_id}"
    off = await house.owner.follow(await house.owner.post(f"{path}/switch", {"to": "off"}))
    assert "Changes wait until it is on again" in off.text
    assert "Switch on again" in off.text
    found = await endpoints.get_endpoint(house.runtime, house.cast.acme.principal, made.endpoint_id)
    assert found.off_reason is OffReason.ASKED
    on = await house.owner.follow(await house.owner.post(f"{path}/switch", {"to": "on"}))
    assert "It is on again" in on.text
    found = await endpoints.get_endpoint(house.runtime, house.cast.acme.principal, made.endpoint_id)
    assert found.off_reason is None


async def test_a_test_says_what_the_receiver_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make(house)
    path = f"/console/webhooks/{made.endpoint_id}/test"
    assert "This process sends no webhooks" in (await house.owner.post(path)).text
    answers = {204: "accepted the test with 204 in 12 ms", 500: "answered 500 in 12 ms"}
    for status, said in answers.items():
        answer = Answer(status=status, body=EVIL, duration=timedelta(milliseconds=12))

        async def answer_so(*_: object, given: Answer = answer) -> Answer:
            return given

        monkeypatch.setattr(type(house.runtime.sender), "send", answer_so)
        shown = await house.owner.post(path)
        assert said in shown.text
        assert EVIL in "".join("".join(one.text) for one in shown.page.list_all("pre"))
        assert len(shown.page.list_all("script")) == 1


async def test_deliveries_and_attempts_are_shown_and_one_is_sent_again(house: House) -> None:
    made = await make(house)
    await house.register(HUMMER)
    failed = Answer(status=500, body=EVIL, duration=timedelta(milliseconds=7))
    await deliver(house, made, failed)
    path = f"/console/webhooks/{made.endpoint_id}"
    number = await read_number(house, made)
    listed = await house.owner.get(path)
    assert HUMMER in listed.text
    assert "A vehicle is registered" in listed.text
    assert "Failing since" in listed.text
    one = await house.owner.get(f"{path}/deliveries/{number}")
    assert "1 attempt" in one.text
    assert "500" in one.text
    assert EVIL in "".join("".join(pre.text) for pre in one.page.list_all("pre"))
    for state, is_there in ((DeliveryState.PENDING, True), (DeliveryState.DELIVERED, False), ("x", True)):
        filtered = await house.owner.get(f"{path}?state={state}")
        assert (HUMMER in filtered.text) is is_there
    again = await house.owner.follow(await house.owner.post(f"{path}/deliveries/{number}"))
    assert "It is sent again at once" in again.text
    await deliver(house, made, replace(failed, status=204))
    assert "Delivered" in (await house.owner.get(f"{path}/deliveries/{number}")).text


async def test_a_replay_wants_a_number_and_keeps_what_was_typed(house: House) -> None:
    made = await make(house)
    await house.register(HUMMER)
    await deliver(house, made, Answer(status=204, duration=timedelta(0)))
    path = f"/console/webhooks/{made.endpoint_id}/replay"
    for wrong in ("", "two", "9" * 30, "-1"):
        shown = await house.owner.post(path, {"after": wrong})
        assert shown.status == 400, wrong
        assert shown.page.list_all("input", name="after")[0].attributes["value"] == wrong
    shown = await house.owner.follow(await house.owner.post(path, {"after": "0"}))
    assert "Everything after that change is sent again" in shown.text
    found = await endpoints.get_endpoint(house.runtime, house.cast.acme.principal, made.endpoint_id)
    assert found.position == 0


async def test_a_new_secret_is_shown_once_and_a_deleted_webhook_is_gone(house: House) -> None:
    made = await make(house)
    path = f"/console/webhooks/{made.endpoint_id}"
    shown = await house.owner.post(f"{path}/secret")
    secret = shown.page.list_all("input", id="secret")[0].attributes["value"]
    found = await endpoints.get_endpoint(house.runtime, house.cast.acme.principal, made.endpoint_id)
    assert house.runtime.secret_box.open(found.list_secrets(house.runtime.clock())[0]) == secret
    later = await house.owner.get(path)
    assert "Two secrets sign until" in later.text
    assert secret not in later.html
    gone = await house.owner.follow(await house.owner.post(f"{path}/delete"))
    assert "The webhook is deleted" in gone.text
    assert (await house.owner.get(path)).status == 404


async def test_another_accounts_webhook_cannot_be_told_from_none(house: House) -> None:
    made = await make(house)
    for endpoint_id in (made.endpoint_id, "A" * 22, "x", "%00"):
        path = f"/console/webhooks/{endpoint_id}"
        for place in ("", "/edit", "/deliveries/1"):
            assert (await house.stranger.get(path + place)).status == 404
        for act in ("/edit", "/switch", "/test", "/secret", "/replay", "/delete", "/deliveries/1"):
            assert (await house.stranger.post(path + act, {"after": "0"})).status == 404
    assert (await house.owner.get(f"/console/webhooks/{made.endpoint_id}/deliveries/x")).status == 404


async def test_a_key_for_webhooks_alone_sees_no_other_place_and_no_link_to_a_vehicle(house: House) -> None:
    made = await make(house)
    await house.register(HUMMER)
    await deliver(house, made, Answer(status=204, duration=timedelta(0)))
    asked = AskedKey(label="hooks", scopes=[Scope.WEBHOOKS_MANAGE])
    key = await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, key.token, VISITOR)).token)
    shown = await browser.get(f"/console/webhooks/{made.endpoint_id}/deliveries/{await read_number(house, made)}")
    links = {one.attributes.get("href", "") for one in shown.page.list_all("a") if "data-search" not in one.attributes}
    assert not any(link.startswith(("/console/vehicles", "/console/people", "/console/keys")) for link in links)
    assert HUMMER in shown.text


async def test_the_limit_of_webhooks_is_explained_beside_the_form(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> Endpoint:
        raise PadronError(Code.WEBHOOK_LIMIT_REACHED, "This account already has 50 webhook endpoints.")

    monkeypatch.setattr(endpoints, "add_endpoint", refuse)
    shown = await house.owner.post("/console/webhooks/new", NEW)
    assert shown.status == 400
    assert "already has 50" in shown.text
    assert shown.page.list_all("input", name="description")[0].attributes["value"] == "Workshop"
