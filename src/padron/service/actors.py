"""Names the authors of changes. A record keeps their ids only, and the names are those that they have now.

Whoever shows some changes asks for the names of all their authors at once. Names are believed for some seconds, so most
pages cost no statement. Then a key that was relabelled, or a person who was renamed or erased, has the new name on
every server.
"""

from collections.abc import Iterable, Mapping, Sequence

from padron.domain.account import Principal, Scope
from padron.domain.actors import Actor, find_self_named, is_actor_id
from padron.domain.errors import Code, PadronError
from padron.service.runtime import Runtime

EITHER_SCOPE = (Scope.VEHICLES_READ, Scope.CHANGES_READ)


async def name_actors(runtime: Runtime, account_id: int, actor_ids: Iterable[str | None]) -> Mapping[str, str]:
    """Give the names of authors of an account's changes, by id. Nobody of another account has a name here.

    It runs one statement at most. Repeated ids and None are skipped.
    """
    found = await find_actors(runtime, account_id, actor_ids)
    return {actor_id: actor.name for actor_id, actor in found.items()}


async def find_actors(runtime: Runtime, account_id: int, actor_ids: Iterable[str | None]) -> Mapping[str, Actor]:
    """Give the authors themselves, by id, under the same rules: for whoever words them in another language."""
    recalled = runtime.actor_names.recall(account_id, actor_ids)
    if not recalled.asked:
        return recalled.actors
    found = {actor.actor_id: actor for actor in await _look_up(runtime, account_id, recalled.asked)}
    runtime.actor_names.keep(account_id, recalled.asked, found)
    return recalled.actors | found


async def get_actor(runtime: Runtime, principal: Principal, actor_id: str) -> Actor:
    """Give one author. Raises ``forbidden``, and ``actor_not_found``, also for an author of another account."""
    principal.check_either_scope(EITHER_SCOPE)
    found = await _look_up(runtime, principal.account_id, [actor_id]) if is_actor_id(actor_id) else []
    if not found:
        # Without the id, so that an id of another account gets the very bytes that an unknown one gets.
        raise PadronError(Code.ACTOR_NOT_FOUND, "The account has no author with this id.")
    return found[0]


async def _look_up(runtime: Runtime, account_id: int, actor_ids: Sequence[str]) -> Sequence[Actor]:
    """Give those of these authors that are of the account, in any order. Some are in no table."""
    named = [actor for actor_id in actor_ids if (actor := find_self_named(actor_id)) is not None]
    if len(named) == len(actor_ids):
        return named
    known = {actor.actor_id for actor in named}
    stored = [actor_id for actor_id in actor_ids if actor_id not in known]
    return [*named, *await runtime.store.read(account_id).actors.find_actors(stored)]
