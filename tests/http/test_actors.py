"""Who an author is: a name beside every author's id, and the call that reads one author."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from padron.domain.account import Account, Scope
from padron.domain.change import Change
from padron.domain.people import Role, User
from padron.service import actor_names
from padron.service.accounts import revoke_key
from padron.service.administration.keys import change_key
from padron.service.people.members import add_member, remove_member
from padron.service.people.users import add_user, erase_user, rename_user
from tests.cast import HUMMER, JEEP, make_member, make_vin, registered, save
from tests.http.api import STATUS, Api, Client
from tests.http.document import DOCUMENT
from tests.http.operations_api import RUNS, answer, claim, declare, start
from tests.http.plans_api import PLANS, give, plan
from tests.http.test_changes import CHANGES, Stream, run_second_app
from tests.http.test_openapi import check_reply

pytestmark = pytest.mark.long("postgres")

ACTORS = "/api/v2/actors"
AUTHORS = frozenset({"appliedBy", "by", "changedBy", "createdBy", "endedBy", "cancelledBy"})
NO_AUTHORS = frozenset({"replacedBy"})  # the key in the place of another one
TWO_OF_ONE_VIN = make_vin(7)
SCHEMAS = DOCUMENT["components"]["schemas"]


def find_authors(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Give each author's id in a document with the name beside it."""
    if isinstance(document, dict):
        for member in AUTHORS.intersection(document):
            if document[member] is not None:
                yield document[member], document[f"{member}Name"]
        for value in document.values():
            yield from find_authors(value)
    if isinstance(document, list):
        for value in document:
            yield from find_authors(value)


async def make_records(api: Api) -> list[str]:
    """Let Acme leave its name everywhere, and give the addresses that show it."""
    acme = api.acme
    await acme.register(HUMMER)
    await save(api.runtime.store, acme.account_id, *(register_by(acme.actor, slot) for slot in (1, 2)))
    await declare(acme)
    run = await start(acme, {"vins": [HUMMER]})
    (claimed,) = await claim(acme)
    assert (await answer(acme, claimed["id"])).status == 200
    await acme.patch_status(HUMMER, 4, "Brakes")
    planned = (await plan(acme, status=8, effectiveAt=give(2))).body["id"]
    assert (await acme.send("DELETE", f"{PLANS}/{planned}")).status == 204
    second = await start(acme, {"all": True})
    await acme.send("DELETE", f"{RUNS}/{second['id']}")
    reply = await acme.send("POST", "/api/v2/imports?dryRun=true", f"vin\n{JEEP}\n", {"content-type": "text/csv"})
    await acme.send("POST", "/api/v2/gate", json.dumps({"operation": "dispatch", "vins": [HUMMER]}))
    await api.runtime.refusals.flush(acme.account_id)
    return [
        STATUS, f"/api/v2/vehicles/{HUMMER}/history", f"/api/v2/vehicles/{HUMMER}/results", f"{RUNS}/{run['id']}", RUNS,
        f"{RUNS}/{run['id']}/results", PLANS, f"{PLANS}/{planned}", "/api/v2/imports", reply.headers["location"],
        "/api/v2/duplicates", "/api/v2/gate/refusals", CHANGES,
    ]  # fmt: skip


def register_by(actor: str, slot: int = 0, vin: str = TWO_OF_ONE_VIN) -> Change:
    """Give a registration by an author, as the store takes it."""
    change = registered(vin, slot=slot)
    return replace(change, by=actor, vehicle=replace(change.vehicle, status_by=actor))


async def add_person(api: Api, account: Account) -> User:
    user = await add_user(api.runtime, email=f"ana-{account.account_id}@acme.example", name="Ana Pérez")
    await add_member(api.runtime, user, account.account_id, Role.EDITOR)
    return user


def test_every_schema_that_has_an_author_has_the_name_beside_it() -> None:
    owners = 0
    for name, schema in SCHEMAS.items():
        members = schema.get("properties", {})
        for member in members:
            if (member == "by" or member.endswith("By")) and member not in NO_AUTHORS:
                assert member in AUTHORS, (name, member)
                assert f"{member}Name" in members, (name, member)
                owners += 1
    assert owners >= 18


async def test_every_answer_names_the_author_and_shows_another_label_of_the_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor_names, "BELIEVED_S", 0)
    addresses = await make_records(api)
    for label in ("Acme", "Flota Norte"):
        await change_key(api.runtime, api.acme.actor, label=label, networks=None)
        for address in addresses:
            reply = await api.acme.get(address)
            assert reply.status == 200, (address, reply.content)
            assert {*find_authors(reply.body)} == {(api.acme.actor, f"key {label}")}, address


async def test_what_an_answer_plans_starts_or_repairs_names_its_author(api: Api) -> None:
    await make_records(api)
    (group,) = (await api.acme.get("/api/v2/duplicates")).body["duplicates"]
    kept = {"keep": group["vehicles"][0]["id"]}
    for dry_run in (True, False):
        body = json.dumps({**kept, "dryRun": dry_run})
        headers = {"Idempotency-Key": f"repair-{dry_run}"}
        reply = await api.acme.send("POST", f"/api/v2/duplicates/{TWO_OF_ONE_VIN}/resolve", body, headers)
        assert reply.body["vehicle"]["changedByName"] == api.acme.actor_name
    replies = [
        await plan(api.acme, status=8, effectiveAt=give(2)),
        await api.acme.send("POST", "/api/v2/imports?dryRun=true", f"vin\n{JEEP}\n", {"content-type": "text/csv"}),
    ]
    assert [(one.status, one.body["createdByName"]) for one in replies] == [(202, api.acme.actor_name)] * 2
    run = await start(api.acme, {"vins": [make_vin(1)]})
    assert run["createdByName"] == api.acme.actor_name


async def test_who_ended_something_is_named_beside_who_began_it(api: Api) -> None:
    other = await make_member(api.runtime, api.cast.acme.account, "Delta", [scope.value for scope in Scope])
    delta = Client(api.acme.http, other)
    await api.acme.register(HUMMER)
    planned = (await plan(api.acme, status=8, effectiveAt=give(2))).body["id"]
    await declare(api.acme)
    run = await start(api.acme, {"vins": [HUMMER]})
    addresses = (f"{PLANS}/{planned}", f"{RUNS}/{run['id']}")
    for address in addresses:
        assert (await delta.send("DELETE", address)).status == 204
    both = {(api.acme.actor, "key Acme"), (delta.actor, "key Delta")}
    for address in (*addresses, PLANS, RUNS):
        assert {*find_authors((await api.acme.get(address)).body)} == both, address


async def test_the_record_of_administration_names_keys_and_the_command_line(api: Api) -> None:
    made = await api.acme.send("POST", "/api/v2/keys", json.dumps({"label": "till", "scopes": ["vehicles:read"]}))
    assert made.status == 201, made.content
    events = (await api.acme.get("/api/v2/account/events")).body["events"]
    assert {*find_authors(events)} == {(api.acme.actor, "key Acme"), ("cli", "command line")}


@pytest.mark.own_register
async def test_the_stream_of_the_feed_names_the_author_of_each_change(api: Api) -> None:
    await api.acme.register(HUMMER)
    async with run_second_app(api.runtime) as app:
        for stream in [Stream(app, api.cast.acme) for _ in range(3)]:
            _, event = await stream.read_event()
            assert {*find_authors(event)} == {(api.acme.actor, api.acme.actor_name)}
            await stream.hang_up()


async def test_an_author_of_another_account_is_not_named_wherever_the_id_stands(api: Api) -> None:
    await api.beta.register(HUMMER)
    await save(api.runtime.store, api.acme.account_id, register_by(api.beta.actor, vin=HUMMER))
    assert (await api.beta.get(STATUS)).body["changedByName"] == api.beta.actor_name
    for address in (STATUS, f"/api/v2/vehicles/{HUMMER}/history", CHANGES):
        assert {*find_authors((await api.acme.get(address)).body)} == {(api.beta.actor, None)}


async def test_a_person_is_named_as_a_member_after_leaving_and_by_the_present_name_until_it_is_erased(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor_names, "BELIEVED_S", 0)
    account = api.cast.acme.account
    ana = await add_person(api, account)
    await save(api.runtime.store, api.acme.account_id, register_by(ana.user_id, vin=HUMMER))
    gone = {"id": ana.user_id, "kind": "person", "name": "erased person", "erased": True}

    async def expect(name: str) -> None:
        for address in (STATUS, f"/api/v2/vehicles/{HUMMER}/history", CHANGES):
            assert {*find_authors((await api.acme.get(address)).body)} == {(ana.user_id, name)}
        reply = await api.acme.get(f"{ACTORS}/{ana.user_id}")
        check_reply("GET", f"{ACTORS}/{{actorId}}", reply)
        told = gone if name == "erased person" else {"id": ana.user_id, "kind": "person", "name": name}
        assert reply.body == told

    await expect("Ana Pérez")
    await rename_user(api.runtime, ana, "Ana López")
    await expect("Ana López")
    await remove_member(api.runtime, ana, account.account_id, account.name)
    await expect("Ana López")
    await rename_user(api.runtime, ana, "Ana Ruiz")
    await expect("Ana Ruiz")
    await erase_user(api.runtime, ana)
    await expect("erased person")


async def test_a_person_who_never_was_a_member_has_no_name_here(api: Api) -> None:
    stranger = await add_person(api, api.cast.beta.account)
    await save(api.runtime.store, api.acme.account_id, register_by(stranger.user_id, vin=HUMMER))
    assert (await api.acme.get(STATUS)).body["changedByName"] is None
    foreign = await api.acme.get(f"{ACTORS}/{stranger.user_id}")
    assert foreign.code == (404, "ActorNotFound")
    nobody = await api.acme.get(f"{ACTORS}/u0123456789Ab")
    assert foreign.without("instance") == nobody.without("instance")
    assert (await api.beta.get(f"{ACTORS}/{stranger.user_id}")).body["name"] == "Ana Pérez"


async def test_an_author_is_read_by_the_id_with_kind_and_name(api: Api) -> None:
    reply = await api.acme.get(f"{ACTORS}/{api.acme.actor}")
    assert reply.body == {"id": api.acme.actor, "kind": "key", "name": "key Acme"}
    check_reply("GET", f"{ACTORS}/{{actorId}}", reply)
    named = await api.gamma.get(f"{ACTORS}/{api.acme.actor}")
    assert named.body == reply.body
    reply = await api.acme.get(f"{ACTORS}/cli:root")
    assert reply.body == {"id": "cli:root", "kind": "commandLine", "name": "command line (user root)"}
    assert (await api.acme.get(f"{ACTORS}/cli%3Aroot")).body == reply.body
    assert (await api.acme.get(f"{ACTORS}/cli")).body["name"] == "command line"
    holder = "t:corp:repo:acme/fleet"
    reply = await api.acme.get(f"{ACTORS}/{quote(holder, safe='')}")
    assert reply.body == {"id": holder, "kind": "token", "name": "token repo:acme/fleet"}


async def test_another_accounts_author_cannot_be_told_from_none(api: Api) -> None:
    foreign = await api.acme.get(f"{ACTORS}/{api.beta.actor}")
    assert foreign.code == (404, "ActorNotFound")
    own = f"{api.acme.account_id}kAAAAAAAAAAAA"
    for unknown in (own, "u0123456789Ab", "x", "cli:", f"cli:{'a' * 33}", "1k", quote("'; --"), "%00", "%FF"):
        reply = await api.acme.get(f"{ACTORS}/{unknown}")
        assert reply.without("instance") == foreign.without("instance"), unknown


async def test_a_key_that_was_revoked_keeps_its_name(api: Api) -> None:
    await revoke_key(api.runtime, api.gamma.actor)
    assert (await api.acme.get(f"{ACTORS}/{api.gamma.actor}")).body["name"] == "key Gamma"
