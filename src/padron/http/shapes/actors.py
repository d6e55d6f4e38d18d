"""The JSON form of an author."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.actors import Actor, ActorKind


class ActorShape(Struct, rename="camel", omit_defaults=True):
    """An author of changes, by the present name. ``erased`` is true for a person whose name was erased."""

    id: str
    kind: ActorKind
    name: Annotated[str, Meta(description="The text that `byName`, `changedByName` and `createdByName` give.")]
    erased: bool | UnsetType = UNSET


def shape_actor(actor: Actor) -> ActorShape:
    """Give the JSON form of an author."""
    return ActorShape(id=actor.actor_id, kind=actor.kind, name=actor.name, erased=True if actor.is_erased else UNSET)
