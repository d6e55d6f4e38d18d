"""Who made a change: the kinds of authors that a record can have, their ids, and the words for each.

A record keeps only the id. The words are made when it is read, so that a key or a person has its present name.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

COMMAND_LINE = "cli"  # the author of a command's changes; earlier versions recorded no system user behind it
SYSTEM_USER_LENGTH_MAX = 32
ERASED_PERSON = "erased person"

_COMMAND_PATTERN = rf"{COMMAND_LINE}(:[0-9A-Za-z._-]{{1,{SYSTEM_USER_LENGTH_MAX}}})?"
_HOLDER_PATTERN = r"t:[a-z][0-9a-z-]{0,19}:([0-9A-Za-z._@/:|+-]{1,80}|~[0-9a-f]{32})"
# A command, an API key, a person, or the holder of a provider's access token.
ACTOR_ID_PATTERN = rf"^({_COMMAND_PATTERN}|[0-9]{{1,18}}k[0-9A-Za-z]{{12}}|u[0-9A-Za-z]{{12}}|{_HOLDER_PATTERN})$"

_is_actor_id = re.compile(ACTOR_ID_PATTERN, re.ASCII).fullmatch
_is_unsafe = re.compile(r"[^0-9A-Za-z._-]", re.ASCII)


class ActorKind(StrEnum):
    """What an author is."""

    PERSON = "person"
    KEY = "key"
    COMMAND_LINE = "commandLine"
    TOKEN = "token"  # noqa: S105 - a kind of author, not a secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """An author of changes. ``name`` says who it is, for people: ``key fleet-platform``.

    ``called`` is the part of it that is no English: the label, the person's name, the system user or the subject. It is
    empty if nobody knows it.
    """

    actor_id: str
    kind: ActorKind
    name: str
    called: str
    is_erased: bool = False  # a person whose name was erased


def is_actor_id(text: str) -> bool:
    """Say whether a text can be the id of an author."""
    return _is_actor_id(text) is not None


def format_command_line(system_user: str) -> str:
    """Give the id of the command line as a system user runs it. Unusual characters of the name become ``_``."""
    return f"{COMMAND_LINE}:{_is_unsafe.sub('_', system_user)[:SYSTEM_USER_LENGTH_MAX] or '_'}"


def find_self_named(actor_id: str) -> Actor | None:
    """Give an author whose id says all that is known: the command line, or the holder of an access token.

    The register stores neither. Gives None for the id of something else.
    """
    first, _, rest = actor_id.partition(":")
    if not is_actor_id(actor_id):
        return None
    if first == COMMAND_LINE:
        name = f"command line (user {rest})" if rest else "command line"
        return Actor(actor_id=actor_id, kind=ActorKind.COMMAND_LINE, name=name, called=rest)
    if first == "t":
        provider, _, subject = rest.partition(":")
        is_digest = subject.startswith("~")
        name = f"token of {provider}" if is_digest else f"token {subject}"
        return Actor(actor_id=actor_id, kind=ActorKind.TOKEN, name=name, called="" if is_digest else subject)
    return None


def describe_key(key_id: str, label: str) -> Actor:
    """Give an API key as an author."""
    return Actor(actor_id=key_id, kind=ActorKind.KEY, name=f"key {label}", called=label)


def describe_person(user_id: str, name: str | None) -> Actor:
    """Give a person as an author. The name of an erased person is None."""
    shown, called = (ERASED_PERSON, "") if name is None else (name, name)
    return Actor(actor_id=user_id, kind=ActorKind.PERSON, name=shown, called=called, is_erased=name is None)
