"""Named texts of an address or a form, each name perhaps with several values, and the way back into an address."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from padron.domain.errors import Code, PadronError

FIELDS_MAX = 2_000
_SAFE = "/:,-_.~"


class Pair(NamedTuple):
    """A name and one value."""

    name: str
    value: str


class Fields:
    """The fields in their order. Unknown names give nothing, so each page reads only what it knows."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self.pairs = tuple(pairs)

    def __iter__(self) -> Iterator[Pair]:
        """Give each name with each of its values."""
        return iter(self.pairs)

    def __contains__(self, name: str) -> bool:
        return any(pair.name == name for pair in self.pairs)

    def get(self, name: str) -> str:
        """Give the first value of a name, or an empty text."""
        return next((pair.value for pair in self.pairs if pair.name == name), "")

    def get_all(self, name: str) -> list[str]:
        """Give all values of a name that are not empty, each once, in their order."""
        return list(dict.fromkeys(pair.value for pair in self.pairs if pair.name == name and pair.value))

    @property
    def is_confirmed(self) -> bool:
        """Say whether the visitor has seen what will happen, and wants it."""
        return self.get("step") == "do"

    @property
    def is_sent_back(self) -> bool:
        """Say whether the visitor has seen what would happen, and wants to change the form."""
        return self.get("step") == "edit"

    def as_mapping(self) -> Mapping[str, str]:
        """Give the first value of each name."""
        given: dict[str, str] = {}
        for pair in self.pairs:
            given.setdefault(pair.name, pair.value)
        return given

    def without(self, *names: str) -> "Fields":
        """Give the fields of other names."""
        return Fields(pair for pair in self.pairs if pair.name not in names)


def parse_fields(text: str) -> Fields:
    """Give the fields of a query or a form. Raises ``bad_parameters`` for too many."""
    try:
        parsed = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise PadronError(
            Code.BAD_PARAMETERS, f"The form has more than {FIELDS_MAX} fields. Send fewer at once."
        ) from None
    return Fields(Pair(name, value) for name, value in parsed)


def tidy_text(text: str) -> str:
    """Give a typed text with plain line ends, as a browser does not send them, and without space around it."""
    return text.replace("\r\n", "\n").strip()


def write_query(pairs: Iterable[Pair]) -> str:
    """Give the query of an address, with its question mark; empty without fields."""
    written = "&".join(f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}" for name, value in pairs)
    return f"?{written}" if written else ""
