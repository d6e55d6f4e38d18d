"""The declaration of one page or action of the console. The application and the tests read the same table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.mounting import MountedReply

ShowPage = Callable[[PageVisit], Awaitable[MountedReply]]


class Access(Enum):
    """Who may ask for a page."""

    FILE = "file"  # everybody, and the answer is the same for all: no session is read
    PUBLIC = "public"  # everybody; who is signed in is known
    MEMBER = "member"  # only who is signed in


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleRoute:
    """One method on one path, and what it needs: a session, the scope if one is named, and one of ``either_scope``.

    ``show_again`` gives the page with an action's form as it was typed, without acting. It is called after somebody's
    session had ended in the middle of the form and they signed in again. Without it, a plain page lists what was typed.
    ``is_use`` is False where a script asks without anybody's doing: it does not keep a session from ending.
    """

    method: str
    path: str
    endpoint: ShowPage
    access: Access = Access.MEMBER
    scope: Scope | None = None
    either_scope: tuple[Scope, ...] = ()
    show_again: ShowPage | None = None
    takes_file: bool = False  # its form may send a file
    is_use: bool = True
