"""Access tokens at the real edge: the fast path and the ordinary way give the same bytes, and say where to get one."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from padron.domain.account import Scope
from padron.http.answers.errors import METADATA_PATH
from padron.http.calls import Request
from padron.http.edge.edge import Edge, Shortcut
from padron.service.accounts import disable_account
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from tests.cast import NOON, make_cast
from tests.forgeries import Forgery, list_forgeries
from tests.http.api import CAR, STATUS, VEHICLE, Api
from tests.http.serving import serve_in_thread
from tests.http.wire import Wire, WireAnswer
from tests.issuers import ISSUER, RESOURCE, Issuer, make_claims, make_grant, make_provider, make_providers

pytestmark = pytest.mark.long("postgres")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
EVERYTHING = make_grant("Acme", *(scope.value for scope in Scope), groups="fleet")
CHALLENGE = f'Bearer resource_metadata="{RESOURCE}{METADATA_PATH}"'
REFUSED = f'Bearer error="invalid_token", resource_metadata="{RESOURCE}{METADATA_PATH}"'

OpenStore = Callable[[], Awaitable[Store]]

_hide_ids = re.compile(rb'(x-request-id: |"instance":"|"requestId":")[0-9a-f]{28}').sub


@contextmanager
def serve_tokens(open_store: OpenStore, *, is_fast: bool) -> Iterator[Wire]:
    async def open_runtime() -> Runtime:
        runtime = build_runtime(await open_store(), lambda: NOON)
        await make_cast(runtime)
        await runtime.authenticator.access_tokens.use(make_providers(make_provider(EVERYTHING)), Issuer())
        return runtime

    with serve_in_thread(open_runtime, is_fast=is_fast) as port, closing(Wire(port)) as wire:
        yield wire


def ask(wire: Wire, method: str, target: str, token: str, body: bytes = b"") -> WireAnswer:
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    wire.send(head.encode() + body)
    return wire.read_answers([method])[-1]


def show(answer: WireAnswer) -> bytes:
    return _hide_ids(rb"\1-", answer.head + b"\r\n\r\n" + answer.body)


@pytest.fixture(scope="module")
def forgeries() -> list[Forgery]:
    """All of them, made outside of the event loop: to sign them takes long."""
    return list_forgeries()


@pytest.fixture
def shortcuts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the calls that the fast path answered."""
    seen: list[str] = []
    real = Edge.find_shortcut

    def find(self: Edge, request: Request, digest: bytes) -> Shortcut | None:
        shortcut = real(self, request, digest)
        if shortcut is not None:
            seen.append(shortcut.request.method)
        return shortcut

    monkeypatch.setattr(Edge, "find_shortcut", find)
    return seen


async def test_both_ways_give_the_same_bytes_to_a_good_token(
    open_stores: list[OpenStore],
    shortcuts: list[str],
) -> None:
    token = Issuer().issue()
    body = json.dumps({"vehicleStatusId": 4, "reason": "in the shop"}).encode()
    with ExitStack() as stack:
        sides = [
            stack.enter_context(serve_tokens(one, is_fast=is_fast))
            for one, is_fast in zip(open_stores, (True, False), strict=True)
        ]
        for method, target, content, status in (
            ("PUT", VEHICLE, json.dumps(CAR).encode(), 201),
            ("PATCH", STATUS, body, 204),
            ("GET", STATUS, b"", 200),
            ("PATCH", STATUS, b'{"vehicleStatusId": 2}', 400),
            ("GET", f"{VEHICLE}/history", b"", 200),
        ):
            fast, ordinary = (ask(side, method, target, token, content) for side in sides)
            assert fast.status == status, fast.body
            assert show(fast) == show(ordinary)
            if target == STATUS and method == "GET":
                assert fast.document["changedBy"] == "t:ci:deploy-bot"
    assert {"PATCH", "GET"} <= {*shortcuts}


@on_sqlite
async def test_both_ways_refuse_every_forged_token_with_the_same_bytes(
    open_stores: list[OpenStore], forgeries: list[Forgery]
) -> None:
    tokens = {forgery.name: forgery for forgery in forgeries if " " not in forgery.token}
    good = Issuer().issue()
    wrong = []
    with ExitStack() as stack:
        sides = [
            stack.enter_context(serve_tokens(one, is_fast=is_fast))
            for one, is_fast in zip(open_stores, (True, False), strict=True)
        ]
        for forgery in tokens.values():
            fast, ordinary = (ask(side, "GET", STATUS, forgery.token) for side in sides)
            is_right = fast.headers.get("www-authenticate") == REFUSED and forgery.reason in fast.document["detail"]
            if not is_right or fast.error != (401, "Unauthorized") or show(fast) != show(ordinary):
                wrong.append((forgery.name, show(fast)))
        assert ask(sides[0], "GET", STATUS, good).error == (404, "VehicleNotFound")
    assert wrong == []


@pytest.fixture
async def trusting(api: Api) -> Api:
    """The API of a server that takes the issuer's tokens."""
    account = api.acme.member.account.name  # type: ignore[union-attr]
    grant = make_grant(account, "vehicles:read", "vehicles:status", groups="fleet")
    tokens = api.runtime.authenticator.access_tokens
    await tokens.use(make_providers(make_provider(grant)), Issuer())
    return api


@pytest.mark.own_register
async def test_a_token_may_do_what_its_scopes_allow_and_sees_its_account_alone(trusting: Api) -> None:
    await trusting.acme.register()
    await trusting.beta.register()
    token = Issuer().issue()
    as_token = {"Authorization": f"Bearer {token}"}
    assert (await trusting.nobody.get(STATUS, **as_token)).body["vehicleStatusId"] == 1
    assert (await trusting.nobody.patch(STATUS, {"vehicleStatusId": 3}, **as_token)).status == 204
    assert (await trusting.beta.get(STATUS)).body["vehicleStatusId"] == 1
    refused = await trusting.nobody.put(VEHICLE, CAR, **as_token)
    assert refused.code == (403, "Forbidden")
    (changed, *_) = await trusting.acme.list_history()
    assert (changed["by"], changed["toStatusId"]) == ("t:ci:deploy-bot", 3)


@pytest.mark.own_register
async def test_a_disabled_account_refuses_a_token_with_401(trusting: Api) -> None:
    member = trusting.acme.member
    assert member is not None
    await disable_account(trusting.runtime, member.account)
    reply = await trusting.nobody.get(STATUS, Authorization=f"Bearer {Issuer().issue()}")
    assert reply.code == (401, "Unauthorized")
    assert "does not exist or is disabled" in reply.detail


@pytest.mark.own_register
@on_sqlite
async def test_a_refusal_says_where_the_metadata_is_and_keys_work_as_before(trusting: Api) -> None:
    missing = await trusting.nobody.get(STATUS)
    assert (missing.code, missing.headers["www-authenticate"]) == ((401, "Unauthorized"), CHALLENGE)
    for bad in ("padron_1k", "a.b.c", "nothing"):
        reply = await trusting.nobody.get(STATUS, Authorization=f"Bearer {bad}")
        assert (reply.code, reply.headers["www-authenticate"]) == ((401, "Unauthorized"), REFUSED)
    forbidden = Issuer().issue(make_claims(groups=["drivers"]))
    reply = await trusting.nobody.get(STATUS, Authorization=f"Bearer {forbidden}")
    assert reply.code == (403, "Forbidden")
    assert "www-authenticate" not in reply.headers
    await trusting.acme.register()
    assert (await trusting.acme.get(STATUS)).status == 200


@pytest.mark.own_register
@on_sqlite
async def test_the_metadata_name_the_server_and_its_issuers(trusting: Api) -> None:
    reply = await trusting.nobody.get(METADATA_PATH)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.body == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": [scope.value for scope in Scope],
        "bearer_methods_supported": ["header"],
        "resource_name": "Padrón",
        "resource_documentation": f"{RESOURCE}/docs",
    }


@on_sqlite
async def test_without_providers_there_are_no_metadata_and_the_challenge_is_the_plain_one(api: Api) -> None:
    there = await api.nobody.get(METADATA_PATH)
    nowhere = await api.nobody.get("/.well-known/other")
    assert there.without("instance") == nowhere.without("instance")
    assert there.code == (404, "PathNotFound")
    assert (await api.nobody.get(STATUS)).headers["www-authenticate"] == "Bearer"


@pytest.mark.own_register
@on_sqlite
async def test_a_token_that_cannot_be_checked_now_is_503_with_a_time_to_wait(api: Api) -> None:
    issuer = Issuer()
    issuer.fault = "gone"
    await api.runtime.authenticator.access_tokens.use(make_providers(), issuer)
    reply = await api.nobody.get(STATUS, Authorization=f"Bearer {issuer.issue()}")
    assert reply.code == (503, "ProviderUnavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert (await api.acme.get(STATUS)).status == 404
