"""The declaration of one operation. The router and the OpenAPI document use it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from padron.domain.account import Scope
from padron.http.answers.problem import Problem
from padron.http.answers.replies import Reply, StreamReply
from padron.http.calls import Call

Respond = Callable[[Call], Awaitable[Reply | StreamReply]]


class Answering(Protocol):
    """Somebody who waits for the answer to a call that was begun. One of the methods is called once."""

    def answer(self, reply: Reply) -> None:
        """Send the answer."""
        ...

    def fail(self, error: BaseException) -> None:
        """Send the answer for an error."""
        ...


Begin = Callable[[Call, bytes, Answering], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter of the path, the query or the headers, with its JSON schema."""

    name: str
    place: str  # "path", "query" or "header"
    description: str
    schema: Mapping[str, object]
    required: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Success:
    """One kind of success: the type of its body, if it has one, and its important headers."""

    description: str
    body: type | None = None
    media_type: str = "application/json"
    other_media_types: tuple[str, ...] = ()  # the same content in another text form, on request
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method on one path. Unless it is ``public``, it needs a key, and the named scopes.

    ``media_types`` are those of a body that is a file and not JSON. An operation with ``is_streamed`` reads its body
    itself, as it arrives, and handles the Idempotency-Key itself.

    A POST without ``keeps_answer`` takes no Idempotency-Key, because its answer must not be given again.

    The edge answers the most frequent calls itself, where ``begin`` or ``is_brief`` says so. ``begin`` gets the whole
    body, and gives False for a call that the endpoint must answer. The endpoint of a brief read asks for no body, does
    not stream, and waits only for the database.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    endpoint: Respond
    answers: dict[int, Success]
    public: bool = False
    scope: Scope | None = None
    further_scopes: tuple[Scope, ...] = ()  # the key needs these too
    either_scope: tuple[Scope, ...] = ()  # the key needs one of these; the service decides which
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    body_example: object = None
    body_required: bool = True
    media_types: tuple[str, ...] = ()
    is_streamed: bool = False
    keeps_answer: bool = True
    begin: Begin | None = None
    is_brief: bool = False
    problems: tuple[Problem, ...] = ()
