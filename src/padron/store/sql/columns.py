"""Gives the columns of ``versions`` that filters and orders use, from a vehicle's data."""

from padron.domain.sorting import give_field_key
from padron.domain.vehicle import FIELDS, Details, fold_text
from padron.store.sql.filtering import ABSENT_NUMBER, ABSENT_TEXT

_PLACES = {field.name: place for place, field in enumerate(FIELDS)}
_ABSENT_COLUMNS: list[str | int] = [ABSENT_TEXT if field.is_text else ABSENT_NUMBER for field in FIELDS]


def fold_columns(details: Details) -> list[str | int]:
    """Give the values of the columns of ``versions`` that searches and sorts use, in the order of FIELDS."""
    columns = _ABSENT_COLUMNS.copy()
    for name, value in details.items():
        columns[_PLACES[name]] = give_field_key(name, value) if isinstance(value, str) else value
    return columns


def fold_plate(details: Details) -> str | None:
    """Give the form of a plate that the unique index compares. It ignores letter case."""
    plate = details.get("plate")
    return None if plate is None else fold_text(str(plate))
