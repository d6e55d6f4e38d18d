"""Naming authors: in one statement, for some seconds, and never with a name of another account."""

import asyncio
from collections.abc import Sequence

import pytest

from padron.domain.actors import Actor, describe_key
from padron.domain.errors import Code, PadronError
from padron.service import actor_names
from padron.service.actor_names import ActorNames
from padron.service.actors import get_actor, name_actors
from padron.service.administration.keys import change_key
from padron.service.runtime import Runtime
from padron.store.actors import ActorReader
from tests.cast import Cast, make_member

COMMAND = {"cli": "command line", "cli:root": "command line (user root)"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The ids that each statement asked for."""
    seen: list[Sequence[str]] = []
    find = ActorReader.find_actors

    async def note(self: ActorReader, actor_ids: Sequence[str]) -> list[Actor]:
        seen.append([*actor_ids])
        return await find(self, actor_ids)

    monkeypatch.setattr(ActorReader, "find_actors", note)
    return seen


async def test_one_statement_names_all_authors_of_a_page_and_none_those_of_the_next(
    runtime: Runtime, cast: Cast, asked: list[Sequence[str]]
) -> None:
    acme, gamma = cast.acme.principal.actor, cast.gamma.principal.actor
    page = [acme, gamma, None, "cli", acme, "cli:root", "nobody", gamma]
    names = {acme: "key Acme", gamma: "key Gamma", **COMMAND}
    assert await name_actors(runtime, cast.acme.account.account_id, page) == names
    assert asked == [[acme, gamma, "nobody"]]
    assert await name_actors(runtime, cast.acme.account.account_id, page) == names
    assert len(asked) == 1


@pytest.mark.long("postgres")
async def test_the_command_line_costs_no_statement(runtime: Runtime, cast: Cast, asked: list[Sequence[str]]) -> None:
    assert await name_actors(runtime, cast.acme.account.account_id, [*COMMAND]) == COMMAND
    assert asked == []


async def test_more_authors_than_a_point_read_takes_are_named(runtime: Runtime, cast: Cast) -> None:
    everybody = [
        await make_member(runtime, cast.acme.account, f"worker {number}", ["gate:check"]) for number in range(30)
    ]
    ids = [member.principal.actor for member in everybody]
    names = await name_actors(runtime, cast.acme.account.account_id, ids)
    assert [names[one] for one in ids] == [f"key worker {number}" for number in range(30)]


async def test_a_key_of_another_account_has_no_name(runtime: Runtime, cast: Cast) -> None:
    beta = cast.beta.principal
    assert await name_actors(runtime, beta.account_id, [beta.actor]) == {beta.actor: "key Beta"}
    acme = cast.acme.principal
    assert await name_actors(runtime, acme.account_id, [beta.actor, acme.actor]) == {acme.actor: "key Acme"}
    with pytest.raises(PadronError) as foreign:
        await get_actor(runtime, acme, beta.actor)
    with pytest.raises(PadronError) as unknown:
        await get_actor(runtime, acme, f"{acme.account_id}kAAAAAAAAAAAA")
    assert foreign.value.code is unknown.value.code is Code.ACTOR_NOT_FOUND
    assert foreign.value.detail == unknown.value.detail


@pytest.mark.long("postgres")
async def test_another_label_is_shown_after_some_seconds_and_at_once_where_one_author_is_read(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, actor = cast.acme.account.account_id, cast.acme.principal.actor
    assert actor_names.BELIEVED_S <= 5
    monkeypatch.setattr(actor_names, "BELIEVED_S", 0.05)
    assert await name_actors(runtime, account_id, [actor]) == {actor: "key Acme"}
    await change_key(runtime, actor, label="=Norte", networks=None)
    assert (await get_actor(runtime, cast.acme.principal, actor)).name == "key =Norte"
    await asyncio.sleep(0.06)
    assert await name_actors(runtime, account_id, [actor]) == {actor: "key =Norte"}


async def test_while_one_looks_a_name_up_again_the_others_use_the_old_one() -> None:
    names = ActorNames()
    key = describe_key("1ka", "a")
    names.keep(1, ["1ka", "1kb"], {"1ka": key})
    assert names.recall(1, ["1ka", "1kb"]).actors == {"1ka": key}
    assert names.recall(2, ["1ka"]).asked == ["1ka"]
    for known in (names._known.get((1, "1ka")), names._known.get((1, "1kb"))):
        assert known is not None
        known.until_s = 0
    assert names.recall(1, ["1ka", "1kb"]).asked == ["1ka", "1kb"]
    second = names.recall(1, ["1ka", "1kb"])
    assert (second.actors, second.asked) == ({"1ka": key}, [])


async def test_the_names_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor_names, "NAMES_KEPT", 10)
    names = ActorNames()
    for number in range(1_000):
        names.keep(number, ["1ka"], {"1ka": describe_key("1ka", "a")})
    assert len(names._known) <= 20
