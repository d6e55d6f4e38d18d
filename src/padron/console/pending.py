"""What somebody typed into a form whose session had ended. It waits in the sign-in page, and never in an address."""

from collections.abc import Mapping

import msgspec

from padron.console.fields import Fields, Pair

PENDING_FIELD = "_pending"
_SECRET_WORDS = ("password", "csrf", "token", "_pending")


class Pending(msgspec.Struct, frozen=True):
    """A form that was not acted on: the path of its route, the parameters of the path, and the fields."""

    path: str
    parameters: dict[str, str]
    fields: list[list[str]]

    @classmethod
    def build(cls, path: str, parameters: Mapping[str, str], form: Fields) -> "Pending":
        """Give what waits. Passwords and tokens do not: they would be in the page."""
        fields = [list(pair) for pair in form if not any(word in pair.name for word in _SECRET_WORDS)]
        return cls(path=path, parameters=dict(parameters), fields=fields)

    @property
    def form(self) -> Fields:
        """The fields as they were typed."""
        return Fields(Pair(*field) for field in self.fields if len(field) == len(Pair._fields))


def encode_pending(pending: Pending | None) -> str:
    """Give the text for a hidden field; empty for nothing."""
    return "" if pending is None else msgspec.json.encode(pending).decode()


def decode_pending(text: str) -> Pending | None:
    """Give what a hidden field holds. Any other text means nothing."""
    try:
        return msgspec.json.decode(text, type=Pending) if text else None
    except msgspec.DecodeError:
        return None
