"""Who did something, as people read it."""

from collections.abc import Collection, Mapping

from padron.console.visits import PageVisit
from padron.service import actors


async def name_actors(visit: PageVisit, actor_ids: Collection[str]) -> Mapping[str, str]:
    """Give the name of each author, by the id. Who has no name is shown by the id."""
    names = await actors.name_actors(visit.runtime, visit.principal.account_id, actor_ids)
    return {actor_id: names.get(actor_id, actor_id) for actor_id in actor_ids}
