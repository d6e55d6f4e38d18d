"""No secret is shown: in no repr, no log and no exception."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from client.tests.conftest import Register
from client.tests.scripted import CUT, Scripted, refuse, run_scripted
from padron_client import Attempt, Client, Ending, Hooks, PadronClientError, Retries, models
from padron_client.webhooks import AsgiReceiver

KEY = "padron_secretsecret"


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with run_scripted() as scripted:
        yield scripted


def test_no_repr_shows_the_key(scripted: Scripted) -> None:
    with Client(scripted.url, KEY) as client:
        transport: Any = client._transport
        shown = [client, transport, transport._settings, transport._auth, vars(transport), vars(client)]
        assert scripted.url in repr(client)
        assert KEY not in "".join(map(repr, shown))


def test_no_error_and_no_log_shows_the_key(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = []
    hooks = Hooks(before=seen.append, after=lambda attempt, ending: seen.append((attempt, ending)))
    for answer in (CUT, refuse(401, "Unauthorized")):
        scripted.script(answer)
        with Client(scripted.url, KEY, retries=Retries(count=0), hooks=hooks) as client:
            with pytest.raises(PadronClientError) as raised:
                client.get_account()
            shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
            assert scripted.seen[0].headers["authorization"] == f"Bearer {KEY}"
            assert KEY not in shown
    assert seen
    assert KEY not in caplog.text + repr(seen)


def test_secrets_of_answers_are_hidden_but_there(client: Client, register: Register) -> None:
    key = client.create_key(models.KeyBody(label="new", scopes=["vehicles:read"]))
    hook = client.create_webhook(
        models.WebhookBody(url="https://fleet.example/padron", event_types=["vehicle.status_changed"])
    )
    invitation = client.invite_member(
        models.InvitationBody(email="ana@fleet.example", name="Ana", role=models.Role.VIEWER)
    )
    for record, secret in ((key, key.secret), (hook, hook.secret), (invitation, invitation.link)):
        assert secret
        assert secret not in repr(record)
        assert "[hidden]" in repr(record)
    with Client(register.url, key.secret or "") as other:
        assert other.list_vehicles(limit=1).vehicles
    assert client.list_keys().keys[0].secret is None


def test_a_key_may_come_from_a_function(scripted: Scripted) -> None:
    tokens = iter(["first", "second"])
    with Client(scripted.url, lambda: next(tokens)) as client:
        for _ in range(2):
            client.cancel_planned_change("1")
    assert [seen.headers["authorization"] for seen in scripted.seen] == ["Bearer first", "Bearer second"]


def test_a_receiver_hides_its_secrets() -> None:
    secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    assert secret not in repr(AsgiReceiver(secret, print))
    with pytest.raises(ValueError, match="whsec_") as raised:
        AsgiReceiver("whsec_not-base-64!", print)
    assert "not-base" not in str(raised.value)


def test_hooks_see_each_attempt_and_may_add_headers(scripted: Scripted) -> None:
    ended: list[tuple[Attempt, Ending]] = []
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    hooks = Hooks(before=lambda _: {"traceparent": trace}, after=lambda *both: ended.append(both))
    scripted.script(CUT, refuse(404, "VehicleNotFound", x_request_id="r-1"))
    with Client(scripted.url, KEY, hooks=hooks, retries=Retries(first_s=0)) as client, pytest.raises(PadronClientError):
        client.get_vehicle("3LNHL2GC1BR262548")
    assert [seen.headers["traceparent"] for seen in scripted.seen] == [trace] * 2
    (first, cut), (second, refused) = ended
    assert (first.operation, first.path, first.number) == ("getVehicle", "/api/v2/vehicles/{vin}", 1)
    assert (cut.status, bool(cut.error)) == (None, True)
    assert (second.number, refused.status, refused.request_id) == (2, 404, "r-1")
    assert refused.seconds > 0


def test_a_hook_that_fails_changes_nothing(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise LookupError

    with Client(scripted.url, KEY, hooks=Hooks(before=fail, after=fail)) as client:
        client.cancel_planned_change("1")
    assert caplog.text.count("raise LookupError") == 2


def test_the_client_says_who_it_is(scripted: Scripted) -> None:
    with Client(scripted.url, KEY) as client:
        client.cancel_planned_change("1")
    assert scripted.seen[0].headers["user-agent"].startswith("padron-client/0.1.0 python/3.")


def test_a_client_of_httpx_can_be_given_and_stays_open(scripted: Scripted) -> None:
    with httpx2.Client(headers={"x-own": "1"}) as own:
        with Client(scripted.url + "/base/", KEY, http_client=own) as client:
            client.cancel_planned_change("1")
        assert not own.is_closed
    (seen,) = scripted.seen
    assert (seen.headers["x-own"], seen.path) == ("1", "/base/api/v2/planned-changes/1")
    assert seen.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://", "http://a:b@host", "http://host?a=1", ""])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, KEY)
