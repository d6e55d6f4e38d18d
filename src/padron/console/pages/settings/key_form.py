"""The form of an API key as it was typed, and what it means."""

from dataclasses import dataclass
from datetime import datetime

from padron.console.fields import Fields
from padron.console.visits import PageVisit
from padron.domain.account import ApiKey, Scope
from padron.domain.errors import Code, PadronError

_RATE_LENGTH_MAX = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedKey:
    """The form as it was typed."""

    label: str
    scopes: tuple[str, ...]
    networks: str
    expires: str
    rate: str

    @classmethod
    def read(cls, fields: Fields) -> "TypedKey":
        """Give what a form or an address holds."""
        return cls(
            label=fields.get("label").strip(),
            scopes=tuple(fields.get_all("scope")),
            networks=fields.get("networks"),
            expires=fields.get("expires"),
            rate=fields.get("rate").strip(),
        )

    @classmethod
    def of(cls, key: ApiKey, visit: PageVisit) -> "TypedKey":
        """Give the form that shows a key."""
        return cls(
            label=key.label,
            scopes=tuple(sorted(key.scopes)),
            networks="\n".join(map(str, key.networks)),
            expires=write_local(visit, key.expires_at),
            rate="" if key.requests_per_s is None else str(key.requests_per_s),
        )

    def list_networks(self) -> list[str]:
        """Give the networks. Spaces, commas and line ends separate them."""
        return self.networks.replace(",", " ").split()

    def parse_rate(self, visit: PageVisit) -> int | None:
        """Give the rate; None for no own one. Raises ``bad_parameters``."""
        if not self.rate:
            return None
        if not (self.rate.isascii() and self.rate.isdecimal()) or len(self.rate) > _RATE_LENGTH_MAX:
            raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("keys.bad_rate"))
        return int(self.rate)


def list_scope_choices(visit: PageVisit) -> list[Scope]:
    """Give the scopes that the visitor can give: those that they have."""
    return [scope for scope in Scope if visit.may(scope)]


def write_local(visit: PageVisit, at: datetime | None) -> str:
    """Give an instant in the form of a field for day and time, in the visitor's zone; empty for none."""
    return "" if at is None else f"{at.astimezone(visit.preferences.zone):%Y-%m-%dT%H:%M}"
