"""Writes the conditions of a list's filters. A column that holds a value's key decides, so case does not count."""

from collections.abc import Callable, Mapping

from padron.domain.query import FilterValue, FilterValues, give_filter_values
from padron.domain.sorting import give_field_key
from padron.domain.vehicle import FIELDS_BY_NAME, Field

ABSENT_TEXT = ""
ABSENT_NUMBER = -1

Add = Callable[[object], str]  # takes a parameter's value, gives its mark


def build_filter(name: str, wanted: FilterValues, add: Add) -> list[str]:
    """Give the conditions that a vehicle has the value, or any of several."""
    column, keys = give_filter_column(name), list_filter_keys(name, wanted)
    marks = [add(key) for key in keys]
    clause = f"{column} = {marks[0]}" if len(marks) == 1 else f"{column} IN ({', '.join(marks)})"
    return [clause, *require_value(name)]


def require_value(name: str) -> list[str]:
    """Give the second condition that both planners need to use the index, which omits vehicles without a value."""
    return [] if name == "vin" else [f"{give_filter_column(name)} <> {write_absent(FIELDS_BY_NAME[name])}"]


def give_filter_column(name: str) -> str:
    """Give the column that a filter compares."""
    return "v.vin" if name == "vin" else f"v.{FIELDS_BY_NAME[name].column}"


def give_filter_index(filters: Mapping[str, FilterValues], use_index: Callable[[str], str]) -> str:
    """Give the clause that forces the index of a filter. Without it SQLite walks through all versions in order."""
    for name in filters:
        return use_index(f"versions_by_{'vin' if name == 'vin' else FIELDS_BY_NAME[name].column}")
    return ""


def list_filter_keys(name: str, wanted: FilterValues) -> list[FilterValue]:
    """Give the values as the column has them, in its order, each once however its case was written."""
    values = give_filter_values(wanted)
    if name != "vin" and FIELDS_BY_NAME[name].is_text:
        return sorted({give_field_key(name, str(value)) for value in values})
    return list(dict.fromkeys(sorted(values, key=lambda value: (isinstance(value, str), value))))


def find_divided_filter(filters: Mapping[str, FilterValues]) -> str | None:
    """Give the first filter with several values, whose index a page can walk once for each of them."""
    return next((name for name, wanted in filters.items() if len(list_filter_keys(name, wanted)) > 1), None)


def write_absent(field: Field) -> str:
    """Write what a column has where a vehicle has no value."""
    return f"'{ABSENT_TEXT}'" if field.is_text else str(ABSENT_NUMBER)
