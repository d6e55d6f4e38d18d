"""The form of a vehicle's data as it was typed: which values somebody touched, and what cannot be stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from padron.console.fields import Fields, tidy_text
from padron.console.visits import PageVisit
from padron.domain.erasure import ERASED_TEXT
from padron.domain.errors import PadronError
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME, Details, Field, parse_value

GROUPS: Mapping[str, Sequence[str]] = {
    "papers": (
        "plate", "customId", "plateEntity", "registrationSheet", "registrationInstitution", "stateId", "engineNumber",
    ),
    "kind": (
        "brandName", "modelName", "version", "vehicleColor", "class", "type", "variation", "doors", "cilinders", "axes",
        "country", "assemblyPlace",
    ),
    "people": ("ownerName", "legalName", "rfcName", "taxIdentifier", "lessorName"),
    "notes": ("observations", "supplementaryData"),
}  # fmt: skip

_VALUE, _WAS = "value.", "was."  # begin the names of the form's fields; a vehicle's field follows


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedData:
    """What somebody typed, by field, and what the form had before. A field without text is absent."""

    values: Mapping[str, str]
    was: Mapping[str, str]
    revision: str = ""

    @classmethod
    def read(cls, fields: Fields) -> "TypedData":
        """Give what a form holds."""
        given = fields.as_mapping()
        values = {name: tidy_text(text) for name in FIELDS_BY_NAME if (text := given.get(_VALUE + name, "")).strip()}
        was = {name: text for name in FIELDS_BY_NAME if (text := tidy_text(given.get(_WAS + name, "")))}
        return cls(values=values, was=was, revision=given.get("revision", ""))

    @classmethod
    def of(cls, details: Details, revision: str) -> "TypedData":
        """Give the form of a vehicle before anybody typed."""
        texts = write_details(details)
        return cls(values=texts, was=texts, revision=revision)

    @property
    def touched(self) -> list[str]:
        """The fields that differ from what the form had."""
        return [name for name in FIELDS_BY_NAME if self.values.get(name) != self.was.get(name)]

    def follow(self, details: Details, revision: str) -> "TypedData":
        """Give the same form on the present vehicle: who touched a field keeps it, and the others are as they are now.

        So nobody overwrites what somebody else changed meanwhile without having typed it.
        """
        now, touched = write_details(details), self.touched
        typed = {name: self.values[name] for name in touched if name in self.values}
        kept = {name: text for name, text in now.items() if name not in touched}
        return TypedData(values=kept | typed, was=now, revision=revision)

    def restore(self, former: Details) -> "TypedData":
        """Give the form with the values of a former version. An erased value stays as it is now."""
        texts = write_details(former)
        erased = {name for name, text in texts.items() if text == ERASED_TEXT}
        kept = {name: text for name, text in self.values.items() if name in erased}
        return replace(self, values={name: text for name, text in texts.items() if name not in erased} | kept)


def write_details(details: Details) -> dict[str, str]:
    """Give core data as texts."""
    return {field.name: str(details[field.name]) for field in FIELDS if field.name in details}


def parse_edits(typed: TypedData) -> dict[str, str | int | None]:
    """Give the edits that a form means: the fields that were touched. Call it for a form without faults."""
    return {name: _parse(FIELDS_BY_NAME[name], typed.values.get(name, "")) for name in typed.touched}


def find_faults(visit: PageVisit, typed: TypedData) -> dict[str, str]:
    """Say what is wrong with the fields that were touched, in the visitor's language."""
    faults: dict[str, str] = {}
    for name in typed.touched:
        field, text = FIELDS_BY_NAME[name], typed.values.get(name, "")
        try:
            _parse(field, text)
        except (PadronError, ValueError):
            faults[name] = _word_fault(visit, field, text)
    return faults


def _parse(field: Field, text: str) -> str | int | None:
    if field.is_text or not text:
        return parse_value(field, text)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return parse_value(field, int(text))


def _word_fault(visit: PageVisit, field: Field, text: str) -> str:
    say = visit.wording.say
    if field.name == "plate":
        return str(say("data.bad_plate"))
    if field.length_max is None:
        return str(say("data.bad_number", number=visit.wording.write_number(field.number_max)))
    if len(text) > field.length_max:
        return str(say("data.too_long", number=field.length_max))
    return str(say("data.bad_character"))
