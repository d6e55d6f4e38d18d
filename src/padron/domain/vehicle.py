"""A vehicle and its core data: which fields exist, how long their values may be, and how edits work.

``Vehicle`` has identity and status. It is small, because each status call reads it. ``Details`` have all other values,
by their names in the API. A field without a value is not in the mapping.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import name_code_point, quote
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin

Details = Mapping[str, str | int]
Edits = Mapping[str, str | int | None]  # None removes the value


class Difference(NamedTuple):
    """A value before and after a change, None for no value. The store keeps it as the pair that it is."""

    former: str | int | None
    current: str | int | None


Differences = Mapping[str, Difference]  # by field

PLATE_PATTERN = "^[0-9A-Za-z]{4,10}$"
TEXT_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]*$"  # what check_text accepts; JSON has no lone surrogates
# The same for a text of several lines: a line may end with LF, CRLF or CR, and LF is stored.
LINES_PATTERN = r"^[^\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
UPSERT_LENGTH_MAX = 127
INTEGER_MAX = 2**31 - 1
FORMER_SLOT = -1  # of a former vehicle; the store gives each one with the same VIN its own number below 0

_match_plate = re.compile("[0-9A-Za-z]{4,10}").fullmatch
_find_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_LINE_END = "\n"
_WRITTEN_LENGTH_MAX = 40  # of a text that can be a plate with separators
# Characters that people write between the parts of a plate or a VIN: dashes of any kind, dots, slashes, underscores.
_SEPARATORS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad._/\u00b7\u2022")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One core value of a vehicle: its name in the API, its column, and its limit (contract 1.3 and 1.4)."""

    name: str
    column: str
    length_max: int | None = None  # characters; None: an integer
    number_max: int = INTEGER_MAX
    has_lines: bool = False  # the text may have several lines

    @property
    def is_text(self) -> bool:
        """Say whether the value is text. If not, it is an integer from 0 to ``number_max``."""
        return self.length_max is not None

    @property
    def pattern(self) -> str:
        """Give the pattern of the field's text."""
        return LINES_PATTERN if self.has_lines else TEXT_PATTERN


FIELDS: tuple[Field, ...] = (
    Field(name="customId", column="custom_id", length_max=50),
    Field(name="plate", column="plate", length_max=15),
    Field(name="stateId", column="state_id"),
    Field(name="rfcName", column="rfc_name", length_max=300),
    Field(name="taxIdentifier", column="tax_identifier", length_max=128),
    Field(name="lessorName", column="lessor_name", length_max=300),
    Field(name="brandName", column="brand_name", length_max=150),
    Field(name="modelName", column="model_name", length_max=150),
    Field(name="country", column="country", length_max=150),
    Field(name="class", column="class", length_max=150),
    Field(name="type", column="type", length_max=150),
    Field(name="doors", column="doors", number_max=30),
    Field(name="variation", column="variation", length_max=150),
    Field(name="cilinders", column="cilinders", length_max=150),
    Field(name="axes", column="axes", length_max=150),
    Field(name="vehicleColor", column="vehicle_color", length_max=150),
    Field(name="version", column="version", length_max=50),
    Field(name="assemblyPlace", column="assembly_place", length_max=150),
    Field(name="supplementaryData", column="supplementary_data", length_max=150),
    Field(name="registrationInstitution", column="registration_institution", length_max=150),
    Field(name="plateEntity", column="plate_entity", length_max=50),
    Field(name="registrationSheet", column="registration_sheet", length_max=150),
    Field(name="observations", column="observations", length_max=150, has_lines=True),
    Field(name="ownerName", column="owner_name", length_max=150),
    Field(name="engineNumber", column="engine_number", length_max=UPSERT_LENGTH_MAX),
    Field(name="legalName", column="legal_name", length_max=UPSERT_LENGTH_MAX),
)
FIELDS_BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
NOT_FILTERED = frozenset({"engineNumber", "legalName"})  # fields of 1.3 without a filter in 1.4


# Not frozen, like the other records that each status call makes (in ``change``): a frozen record takes three times as
# long to make, which adds 3 us to each call of 75. Names of values take as long again, so those who make one for each
# status call give the values in order. Only the store alters a vehicle: it gives a new one its id, and keeps times in
# order.
@dataclass(slots=True)
class Vehicle:
    """A vehicle's identity and status. ``vehicle_id`` is the number of the change that registered it.

    It is current unless its status is Info Changed. Then it was a duplicate, and another vehicle was kept instead.
    """

    vehicle_id: int
    vin: Vin
    slot: int  # 0, or 1, 2 … for further vehicles with the same VIN from legacy data. Former versions are below 0
    status: VehicleStatus
    status_since: datetime
    status_by: str
    status_reason: str | None
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleVersion:
    """A vehicle with its core data as it was between two instants. The current version has no end."""

    vehicle: Vehicle
    details: Details
    began: int  # the number of the change that started the version
    valid_from: datetime
    valid_to: datetime | None


def parse_plate(text: str) -> str:
    """Give the plate in upper case. Raises ``bad_parameters`` unless it is 4 to 10 ASCII letters and digits."""
    if _match_plate(text) is None:
        likely = suggest_plate(text)
        hint = "" if likely is None else f" Perhaps {likely}."
        raise PadronError(
            Code.BAD_PARAMETERS, f"plate {quote(text)} is not 4 to 10 letters and digits (A-Z, 0-9).{hint}"
        )
    return text.upper()


def suggest_plate(text: str) -> str | None:
    """Give the plate that was probably meant: the text without spaces and separators. None if that is not a plate."""
    if len(text) > _WRITTEN_LENGTH_MAX:
        return None
    bare = strip_separators(text)
    return bare.upper() if bare != text and _match_plate(bare) is not None else None


def strip_separators(text: str) -> str:
    """Give the text without spaces, and without the separators that people write in a plate or a VIN."""
    return "".join(one for one in text if one not in _SEPARATORS and not one.isspace())


def parse_value(field: Field, value: str | int, length_max: int | None = None) -> str | int | None:
    """Give the value to store, or None for ``""``, which removes it. Raises ``bad_parameters`` with the field name."""
    if value == "":
        return None
    if field.name == "plate" and isinstance(value, str):
        return parse_plate(value)
    if field.is_text:
        if not isinstance(value, str):
            raise PadronError(Code.BAD_PARAMETERS, f"{field.name} must be text.")
        if field.has_lines:
            value = end_lines(value)
        check_text(field.name, value, length_max or field.length_max or 0, allowed=give_allowed(field))
        return value
    if isinstance(value, str):
        raise PadronError(Code.BAD_PARAMETERS, f'{field.name} must be an integer (or "" to remove it).')
    if not 0 <= value <= field.number_max:
        raise PadronError(Code.BAD_PARAMETERS, f"{field.name} is {value}: it must be from 0 to {field.number_max}.")
    return value


def end_lines(text: str) -> str:
    """Give a text of several lines in its stored form: each line ends with LF."""
    return text.replace("\r\n", _LINE_END).replace("\r", _LINE_END) if "\r" in text else text


def give_allowed(field: Field) -> str:
    """Give the control characters that a stored value of the field may have."""
    return _LINE_END if field.has_lines else ""


def check_text(name: str, text: str, length_max: int, *, allowed: str = "") -> None:
    """Raise ``bad_parameters`` for text that is too long, or has control characters or a lone surrogate.

    PostgreSQL cannot store NUL, and neither engine can store a lone surrogate. So both are refused here.
    """
    if len(text) > length_max:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} has {len(text)} characters: at most {length_max} are allowed.")
    wrong = _find_control(text)
    if wrong is not None and allowed:
        wrong = _find_control(text.translate({ord(character): "" for character in allowed}))
    if wrong is not None:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{name} contains {name_code_point(wrong.group())}, which is not printable.",
        )


def fold_text(text: str) -> str:
    """Give the form that filters and sorting compare. Two texts that differ only by case have the same form."""
    if text.isascii():
        return text.lower()  # the same result in a tenth of the time
    return unicodedata.normalize("NFC", text).casefold()


# Not frozen, like changes: an import makes a million of them.
@dataclass(kw_only=True, slots=True)
class Edited:
    """The details after edits, and what differs from those before."""

    details: Details
    differences: dict[str, Difference]


def apply_edits(details: Details, edits: Edits) -> Edited:
    """Give the details after the edits, and the differences. Without a difference, nothing happened."""
    differences = {
        name: Difference(details.get(name), value) for name, value in edits.items() if details.get(name) != value
    }
    if not differences:
        return Edited(details=details, differences=differences)
    after = {name: value for name, value in {**details, **edits}.items() if value is not None}
    return Edited(details=after, differences=differences)


def give_vin(vehicle: Vehicle, vin: Vin, *, at: datetime) -> Vehicle:
    """Give the vehicle after its core data changed. The VIN may be the same as before."""
    return replace(vehicle, vin=vin, revision=vehicle.revision + 1, updated_at=at)
