"""What all records of the API have in common."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from typing_extensions import Self

# An instant with its time zone. One without a zone is refused, because nobody can know what it means.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
HIDDEN = "[hidden]"


class OpenStrEnum(str, Enum):
    """A set of names. A name that a newer server adds becomes a member when it is read."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_, member._value_ = value, value
        return member

    def __str__(self) -> str:
        return str(self.value)


class OpenIntEnum(IntEnum):
    """A set of numbers. A number that a newer server adds becomes a member when it is read."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_, member._value_ = f"UNKNOWN_{value}", value
        return member


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer. Members that it does not know were skipped."""

    secrets: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        # A secret is in the answer so that a program can keep it, and not so that a log shows it.
        members = (f"{name}={self._show(name)}" for name in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(members)})"

    def _show(self, name: str) -> str:
        value = getattr(self, name)
        return HIDDEN if name in self.secrets and value is not None else repr(value)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What came with an answer."""

    status: int
    request_id: str = ""  # undo_request() takes it
    etag: str | None = None  # for if_match, as it is
    location: str | None = None
    planned_change: str | None = None  # with `until`: the plan that restores the earlier status
    is_replayed: bool = False  # the answer of an earlier request with the same Idempotency-Key
    attempts: int = 1


class Answer(Record, frozen=True, kw_only=True, dict=True):
    """The body of an answer, with its status and headers as ``head``."""

    @property
    def head(self) -> Head:
        """The answer's status and headers. A record inside an answer has none."""
        head = self.__dict__.get("head_")
        if not isinstance(head, Head):
            message = f"This {type(self).__name__} is a part of an answer. Only a whole answer has a head."
            raise AttributeError(message)  # noqa: TRY004 - what Python says of a missing attribute
        return head


class Done(Answer, frozen=True, kw_only=True, dict=True):
    """An answer without a body."""


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent. A member that is not given is not sent."""


def to_json(value: Any) -> bytes:  # noqa: ANN401 - a body, or any JSON
    """Give the JSON of a value."""
    return msgspec.json.encode(value)
