"""The form of a webhook as it was typed, and what it means."""

from dataclasses import dataclass

from padron.console.fields import Fields
from padron.domain.errors import Code, PadronError
from padron.domain.status import SETTABLE_IDS
from padron.domain.webhook import Endpoint, EventType, Filter, parse_filter

_LENGTH_MAX = 2  # of a status's id


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedWebhook:
    """The form as it was typed."""

    url: str
    description: str
    events: tuple[str, ...]
    left: tuple[str, ...]
    entered: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields) -> "TypedWebhook":
        """Give what a form holds."""
        return cls(
            url=fields.get("url").strip(),
            description=fields.get("description").strip(),
            events=tuple(fields.get_all("event")),
            left=tuple(fields.get_all("left")),
            entered=tuple(fields.get_all("entered")),
        )

    @classmethod
    def of(cls, endpoint: Endpoint) -> "TypedWebhook":
        """Give the form that shows an endpoint."""
        chosen = endpoint.filter
        return cls(
            url=endpoint.url,
            description=endpoint.description,
            events=tuple(chosen.event_types),
            left=tuple(map(str, chosen.statuses_left)),
            entered=tuple(map(str, chosen.statuses_entered)),
        )

    @classmethod
    def begin(cls) -> "TypedWebhook":
        """Give the form of a new webhook: it gets everything."""
        return cls(url="", description="", events=tuple(EventType), left=(), entered=())

    def parse_filter(self) -> Filter:
        """Give which changes the endpoint gets. Raises ``bad_parameters``."""
        return parse_filter(self.events, map(_parse_status_id, self.left), map(_parse_status_id, self.entered))


def _parse_status_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > _LENGTH_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"A status is named by its id: use {SETTABLE_IDS}.")
    return int(text)
