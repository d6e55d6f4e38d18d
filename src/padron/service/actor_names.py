"""The authors that this process looked up a moment ago, in bounded memory."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from padron.domain.actors import Actor
from padron.service.recent import Recent

BELIEVED_S = 3.0  # a new name is shown after this time, and after one look-up
RENEWED_WITHIN_S = 1.0  # while one caller looks an old name up again, the others may use it
NAMES_KEPT = 5_000


@dataclass(slots=True)
class _KnownName:
    actor: Actor | None  # None: nobody of the account has this id
    until_s: float


@dataclass(slots=True)
class Recalled:
    """The authors that are known, by id, and the ids to look up."""

    actors: dict[str, Actor]
    asked: list[str]


class ActorNames:
    """Authors by account and id. A look-up that found nothing is kept as well."""

    def __init__(self) -> None:
        self._known: Recent[tuple[int, str], _KnownName] = Recent(NAMES_KEPT)

    def recall(self, account_id: int, actor_ids: Iterable[str | None]) -> Recalled:
        """Give the authors that need no look-up. The caller looks the others up, and keeps what it finds."""
        now_s = asyncio.get_running_loop().time()
        recalled = Recalled({}, [])
        for actor_id in actor_ids:
            if actor_id is None or actor_id in recalled.actors or actor_id in recalled.asked:
                continue
            known = self._known.get((account_id, actor_id))
            if known is None or known.until_s <= now_s:
                recalled.asked.append(actor_id)
                if known is not None:
                    known.until_s = now_s + RENEWED_WITHIN_S
            elif known.actor is not None:
                recalled.actors[actor_id] = known.actor
        return recalled

    def keep(self, account_id: int, asked: Sequence[str], found: Mapping[str, Actor]) -> None:
        """Keep what a look-up of some ids found."""
        until_s = asyncio.get_running_loop().time() + BELIEVED_S
        for actor_id in asked:
            self._known.set((account_id, actor_id), _KnownName(found.get(actor_id), until_s))
