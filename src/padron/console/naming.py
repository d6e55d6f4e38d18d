"""Who did something, as people read it."""

from collections.abc import Iterable, Mapping

from padron.console.visits import PageVisit


async def name_actors(visit: PageVisit, actors: Iterable[str]) -> Mapping[str, str]:
    """Give the name of each actor, by its id. Who has no name is shown by the id."""
    user = visit.signed_in.user
    own = {} if user is None or user.name is None else {user.user_id: user.name}
    return {actor: own.get(actor, actor) for actor in actors}
