"""Who may call: 401 and its header, whatever was wrong with the key, and 403."""

from datetime import timedelta

import pytest

from padron.domain.account import Scope, format_token
from padron.http.answers.errors import METADATA_PATH
from padron.http.declarations import Route
from padron.http.routes import ROUTES
from padron.service.accounts import add_key, revoke_key
from tests.cast import HUMMER
from tests.http.api import STATUS, Api, Reply
from tests.tables import each_row

GUARDED = [route for route in ROUTES if not route.public]
PUBLIC = [route for route in ROUTES if route.public]
LARGE = {"getDocs", "getOpenApi"}  # test_pages.py and test_openapi.py read them without a key


async def ask(api: Api, authorization: str | None) -> Reply:
    headers = {} if authorization is None else {"Authorization": authorization}
    return await api.nobody.send("GET", STATUS, headers=headers)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_call_without_a_key_is_401_with_the_scheme_that_is_wanted(api: Api) -> None:
    for route in GUARDED:
        reply = await api.nobody.send(route.method, route.path.replace("{vin}", HUMMER))
        assert reply.code == (401, "Unauthorized"), route.name
        assert reply.body["errorType"] == "unauthorized", route.name
        assert reply.headers["www-authenticate"] == "Bearer", route.name


@pytest.mark.parametrize(
    "route",
    [pytest.param(one, marks=pytest.mark.long if one.name in LARGE else ()) for one in PUBLIC],
    ids=lambda route: route.name,
)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_pages_and_probes_need_no_key(api: Api, route: Route) -> None:
    path = route.path
    for name, value in (("slug", "forbidden"), ("guide", "statuses"), ("asset", "docs.css")):
        path = path.replace(f"{{{name}}}", value)
    wanted = 404 if path == METADATA_PATH else 200  # no identity provider is configured
    assert (await api.nobody.get(path)).status == wanted


def test_the_calls_that_need_no_key_are_these_and_no_others() -> None:
    assert {route.path for route in PUBLIC} == {
        METADATA_PATH,
        "/", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/{guide}", "/docs/assets/{asset}", "/errors",
        "/errors/{slug}",
    }  # fmt: skip


@each_row("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "Token abc", "padron_1k"])
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_is_no_bearer_token_is_401_as_if_nothing_had_been_sent(api: Api, authorization: str) -> None:
    reply = await ask(api, authorization)
    assert reply.code == (401, "Unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.long("postgres")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_may_be_in_any_letter_case(api: Api, scheme: str) -> None:
    await api.acme.register()
    assert (await ask(api, f"{scheme} {api.cast.acme.token}")).status == 200


def spoil(token: str) -> str:
    return token[:-1] + ("0" if token[-1] != "0" else "1")


async def test_every_way_of_being_invalid_gives_the_same_answer(api: Api) -> None:
    account = api.cast.acme.account
    scopes = [scope.value for scope in Scope]
    revoked = await add_key(api.runtime, account, label="revoked", scopes=scopes, expires_in=None)
    await revoke_key(api.runtime, revoked.key.key_id)
    expired = await add_key(api.runtime, account, label="expired", scopes=scopes, expires_in=timedelta(seconds=1))
    other = await add_key(api.runtime, api.cast.beta.account, label="x", scopes=scopes, expires_in=None)
    mixed = other.token.replace(other.key.key_id, expired.key.key_id)
    unknown_account = api.cast.acme.token.replace("padron_", "padron_9")
    tokens = [
        "x", "padron_", revoked.token, expired.token, mixed, unknown_account, spoil(api.cast.acme.token),
        f"{api.cast.acme.token} {api.cast.acme.token}", f"{api.cast.acme.token}, Bearer {api.cast.beta.token}",
        "\u00f1", "x" * 5_000,
    ]  # fmt: skip
    replies = [await ask(api, f"Bearer {token}".encode().decode("latin-1")) for token in tokens]
    assert {reply.code for reply in replies} == {(401, "Unauthorized")}
    assert {reply.headers["www-authenticate"] for reply in replies} == {'Bearer error="invalid_token"'}
    assert len({repr(reply.without("instance")) for reply in replies}) == 1


@pytest.mark.long("postgres")
async def test_a_right_key_with_a_wrong_secret_is_401(api: Api) -> None:

    forged = format_token(api.acme.actor, "A" * 43)
    reply = await ask(api, f"Bearer {forged}")
    assert reply.code == (401, "Unauthorized")
    assert "invalid_token" in reply.headers["www-authenticate"]


async def test_a_revoked_key_is_refused_at_the_latest_when_it_is_looked_up_again(api: Api) -> None:
    await api.acme.register()
    assert (await api.gamma.get(STATUS)).status == 200
    await revoke_key(api.runtime, api.gamma.actor)
    loop_time_passes(api, 1.6)
    assert (await api.gamma.get(STATUS)).code == (401, "Unauthorized")
    assert (await api.acme.get(STATUS)).status == 200


def loop_time_passes(api: Api, seconds: float) -> None:
    """Make what is remembered of keys so much older."""
    for entry in api.runtime.authenticator._entries.values():
        entry.looked_up_at_s -= seconds


@pytest.mark.long("postgres")
async def test_no_answer_repeats_the_key(api: Api) -> None:
    for token in (api.cast.acme.token, spoil(api.cast.acme.token)):
        for target in (STATUS, f"{STATUS}x", "/api/v2/vehicles?x=1"):
            reply = await api.nobody.send("GET", target, headers={"Authorization": f"Bearer {token}"})
            everything = f"{reply.headers} {reply.content!r}"
            assert token not in everything
            assert token[-20:] not in everything


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_key_with_every_scope_but_the_right_one_is_403_and_the_detail_names_it(api: Api) -> None:
    tokens = {}
    for left_out in Scope:
        scopes = [scope.value for scope in Scope if scope is not left_out]
        new = await add_key(api.runtime, api.cast.acme.account, label="others", scopes=scopes, expires_in=None)
        tokens[left_out] = new.token
    for route in GUARDED:
        if route.scope is None:
            continue
        path = route.path.replace("{vin}", HUMMER)
        headers = {"Authorization": f"Bearer {tokens[route.scope]}"}
        reply = await api.nobody.send(route.method, path, "{}", headers)
        assert reply.code == (403, "Forbidden"), route.name
        assert route.scope.value in reply.detail, route.name
        assert "www-authenticate" not in reply.headers, route.name


@pytest.mark.long("postgres")
async def test_the_names_of_the_statuses_need_a_key_but_no_scope(api: Api) -> None:
    for client in (api.acme, api.beta, api.gamma):
        assert (await client.get("/api/v2/vehicle-statuses")).status == 200
