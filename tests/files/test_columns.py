"""The names of a file's columns, in both languages."""

import re
from pathlib import Path

import pytest

from padron.domain.language import Language
from padron.domain.vehicle import FIELDS
from padron.files.columns import ALIASES, COLUMNS, find_column, find_language, fold_name, name_column
from tests.tables import each_row


def test_every_field_has_a_name_in_both_languages() -> None:
    assert set(COLUMNS) == {"vin", "vehicleStatusId", *(field.name for field in FIELDS), "revision"}
    assert set(ALIASES) == set(COLUMNS)


def test_no_alias_stands_for_two_columns() -> None:
    named = [(fold_name(name), name) for name in COLUMNS]
    named += [
        (fold_name(alias), column)
        for column, aliases in ALIASES.items()
        for alias in (*aliases.english, *aliases.spanish)
    ]
    columns: dict[str, set[str]] = {}
    for folded, column in named:
        columns.setdefault(folded, set()).add(column)
    assert [folded for folded, found in columns.items() if len(found) > 1] == []


@each_row(
    "name, column",
    [
        ("VIN", "vin"),
        ("NIV", "vin"),
        ("Serie", "vin"),
        ("NÚMERO DE SERIE", "vin"),
        ("Nu\u0301mero de serie", "vin"),  # with the accent as a character of its own
        ("número_económico", "customId"),
        ("owner-name", "ownerName"),
        (" Brand Name ", "brandName"),
        ("Estatus", "vehicleStatusId"),
        ("assetStatusId", "vehicleStatusId"),
        ("Estado del vehículo", "vehicleStatusId"),
        ("No. de Motor", "engineNumber"),
        ("RAZÓN SOCIAL", "legalName"),
        ("Revisión", "revision"),
        ("Submarca", "modelName"),
        ("Estado", None),
        ("Año", None),
        ("Nombre", None),
        ("", None),
    ],
)
def test_a_name_is_known_in_any_spelling(name: str, column: str | None) -> None:
    assert find_column(name) == column


@pytest.mark.parametrize("language", Language)
def test_what_an_export_calls_its_columns_is_known_to_an_import(language: Language) -> None:
    names = [name_column(column, language) for column in COLUMNS]
    assert [find_column(name) for name in names] == list(COLUMNS)
    assert find_language(names) is language


@each_row(
    "names, language",
    [
        (["VIN", "Placas", "Color"], Language.SPANISH),
        (["NIV", "plate"], Language.SPANISH),
        (["VIN", "License plate", "Owner", "Marca"], Language.ENGLISH),
        (["vin", "plate"], Language.ENGLISH),
        (["VIN", "Color"], Language.ENGLISH),
        ([], Language.ENGLISH),
    ],
)
def test_a_file_is_spanish_when_more_of_its_names_are(names: list[str], language: Language) -> None:
    assert find_language(names) is language


def test_the_page_about_the_import_names_columns_as_they_are_known_and_all_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
    documented = {}
    for line in page.splitlines():
        row = re.fullmatch(r"\| `(\w+)` \|(.*)\|(.*)\|", line)
        if row is not None:
            english, spanish = (cell.partition(" (")[0].strip().split(", ") for cell in row.groups()[1:])
            documented[row[1]] = (set(english) - {""}, set(spanish) - {""})
    known = {column: (set(aliases.english), set(aliases.spanish)) for column, aliases in ALIASES.items()}
    assert documented == known
