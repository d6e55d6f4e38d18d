"""The texts of one language, and how it writes numbers and instants.

The texts are ours, and their values may be anybody's. So every value is escaped when it is put into a text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from padron.console.wording import (
    account,
    actors,
    data,
    duplicates,
    entry,
    errors,
    fields,
    frame,
    gate,
    importing,
    keys,
    listing,
    many,
    operations,
    overview,
    passkeys,
    people,
    reasons,
    removal,
    scanning,
    sentences,
    spans,
    times,
    vehicle,
    views,
    webhooks,
)
from padron.console.wording.texts import PageTexts, Plural
from padron.domain.language import Language
from padron.domain.status import VehicleStatus, name_status

# A new area brings both its dictionaries.
AREAS = (
    frame,
    views,
    entry,
    passkeys,
    overview,
    gate,
    times,
    listing,
    vehicle,
    scanning,
    many,
    fields,
    errors,
    spans,
    importing,
    keys,
    people,
    webhooks,
    duplicates,
    operations,
    account,
    actors,
    data,
    removal,
    reasons,
    sentences,
)

_UNITS = (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60))
_GROUP_LENGTH = 3
_UNGROUPED_MAX = 9_999  # Spanish groups no number of four digits


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrasing:
    """The texts of one language."""

    language: Language
    texts: PageTexts
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    group_mark: str

    def say(self, key: str, count: int | None = None, **values: object) -> Markup:
        """Give a text with its values. A text with plural forms needs ``count``, which it may also name."""
        text = self.texts[key]
        if isinstance(text, Plural):
            if count is None:
                raise KeyError(key)
            text = text.one if count == 1 else text.other
        if count is not None:
            values["count"] = self.write_number(count)
        return Markup(text).format(**values)  # noqa: S704 - our own text; format() escapes the values

    def has(self, key: str) -> bool:
        """Say whether there is such a text."""
        return key in self.texts

    def name_status(self, status: VehicleStatus) -> str:
        """Give a status's name."""
        return name_status(status, self.language)

    def explain_status(self, status: VehicleStatus) -> str:
        """Give a status's meaning."""
        return str(self.say(f"meaning.{status.value}"))

    def name_field(self, name: str) -> str:
        """Give the name of one of a vehicle's fields."""
        return str(self.say(f"field.{name}"))

    def write_number(self, number: int) -> str:
        """Give a number with its digits in groups."""
        if self.language is Language.SPANISH and abs(number) <= _UNGROUPED_MAX:
            return str(number)
        return f"{number:,}".replace(",", self.group_mark)

    def write_day(self, at: datetime, zone: ZoneInfo) -> str:
        """Give the day of an instant in a zone: 3 Mar 2026."""
        local = at.astimezone(zone)
        return f"{local.day} {self.months[local.month - 1]} {local.year}"

    def write_instant(self, at: datetime, zone: ZoneInfo) -> str:
        """Give an instant in a zone, to the minute: 3 Mar 2026, 14:05."""
        return f"{self.write_day(at, zone)}, {at.astimezone(zone):%H:%M}"

    def write_coming(self, at: datetime, zone: ZoneInfo) -> str:
        """Give an instant that is planned, with its day of the week: Tue 3 Mar 2026, 14:05."""
        return f"{self.weekdays[at.astimezone(zone).weekday()]} {self.write_instant(at, zone)}"

    def write_exact(self, at: datetime) -> str:
        """Give an instant in UTC, to the second."""
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    def write_span(self, span: timedelta) -> str:
        """Give a length of time by its largest unit: 3 days."""
        seconds = abs(int(span.total_seconds()))
        for unit, size in _UNITS:
            if seconds >= size:
                return str(self.say(f"span.{unit}", seconds // size))
        return str(self.say("span.moment"))

    def write_distance(self, at: datetime, now: datetime) -> str:
        """Give how far an instant is from now: 3 days ago, or in 3 days."""
        span = self.write_span(at - now)
        if abs(at - now) < timedelta(minutes=1):
            return str(self.say("span.now"))
        return str(self.say("span.ago" if at < now else "span.ahead", span=span))


_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPANISH_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
_ENGLISH_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPANISH_WEEKDAYS = ("lun", "mar", "mié", "jue", "vie", "sáb", "dom")

WORDINGS: Mapping[Language, Phrasing] = {
    Language.ENGLISH: Phrasing(
        language=Language.ENGLISH,
        texts={key: text for area in AREAS for key, text in area.ENGLISH.items()},
        months=_ENGLISH_MONTHS,
        weekdays=_ENGLISH_WEEKDAYS,
        group_mark=",",
    ),
    # The countries that speak Spanish differ in comma and point. All of them understand a narrow space.
    Language.SPANISH: Phrasing(
        language=Language.SPANISH,
        texts={key: text for area in AREAS for key, text in area.SPANISH.items()},
        months=_SPANISH_MONTHS,
        weekdays=_SPANISH_WEEKDAYS,
        group_mark="\u202f",
    ),
}


def choose_language(accepted: str) -> Language:
    """Give the language of an Accept-Language that the pages have; English when it names none of them."""
    best, best_weight = Language.ENGLISH, 0.0
    for part in accepted[:1_000].split(","):
        tag, _, weight_text = part.partition(";")
        code = tag.strip().partition("-")[0].lower()
        weight = _read_weight(weight_text)
        if code in {language.value for language in Language} and weight > best_weight:
            best, best_weight = Language(code), weight
    return best


def _read_weight(text: str) -> float:
    _, _, digits = text.replace(" ", "").partition("q=")
    if not text.strip():
        return 1.0
    try:
        return min(max(float(digits), 0.0), 1.0)
    except ValueError:
        return 0.0
