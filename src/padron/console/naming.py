"""Who did something, as people read it."""

from collections.abc import Collection, Mapping
from typing import assert_never

from padron.console.visits import PageVisit
from padron.console.wording.wording import Phrasing
from padron.domain.actors import Actor, ActorKind
from padron.service import actors


async def name_actors(visit: PageVisit, actor_ids: Collection[str]) -> Mapping[str, str]:
    """Give the name of each author in the visitor's language, by the id. Who has no name is shown by the id."""
    found = await actors.find_actors(visit.runtime, visit.principal.account_id, actor_ids)
    return {
        actor_id: actor_id if (actor := found.get(actor_id)) is None else word_actor(visit.wording, actor)
        for actor_id in actor_ids
    }


def word_actor(wording: Phrasing, actor: Actor) -> str:
    """Give what an author is called. Only the words around the name belong to a language."""
    match actor.kind:
        case ActorKind.PERSON:
            return wording.say("actor.erased") if actor.is_erased else actor.called
        case ActorKind.KEY:
            return wording.say("actor.key", called=actor.called)
        case ActorKind.COMMAND_LINE:
            return wording.say("actor.cli_user", called=actor.called) if actor.called else wording.say("actor.cli")
        case ActorKind.TOKEN:
            if actor.called:
                return wording.say("actor.token", called=actor.called)
            return wording.say("actor.token_of", provider=actor.actor_id.split(":")[1])
        case _:
            assert_never(actor.kind)
