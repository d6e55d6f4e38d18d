"""The names of an account's authors: of its API keys, and of whoever is or was a member."""

from collections.abc import Sequence
from typing import assert_never

from padron.domain.actors import Actor, ActorKind, describe_key, describe_person
from padron.store.port import ReadPort, Row


class ActorReader:
    """The authors of one account's record. It never gives a name of another account."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def find_actors(self, actor_ids: Sequence[str]) -> list[Actor]:
        """Give those of these authors that are the account's, in any order, in one statement."""
        rows = await self._port.read_point("find_actors", list(actor_ids), asked_count=len(actor_ids))
        return [_to_actor(row) for row in rows]


def _to_actor(row: Row) -> Actor:
    kind, actor_id, name = row
    match ActorKind(kind):
        case ActorKind.KEY:
            return describe_key(actor_id, name)
        case ActorKind.PERSON:
            return describe_person(actor_id, name)
        case ActorKind.COMMAND_LINE | ActorKind.TOKEN:
            message = f"The author {actor_id} is not stored."
            raise ValueError(message)
        case unknown:
            assert_never(unknown)
