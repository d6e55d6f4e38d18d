"""The names of a file's columns, in both languages, and a mapping for the rest."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.domain.vehicle import FIELDS
from padron.files.columns import ALIASES, COLUMNS, find_column, fold_name, parse_header


def test_every_field_has_a_name_in_both_languages() -> None:
    assert set(COLUMNS) == {"vin", "vehicleStatusId", *(field.name for field in FIELDS), "revision"}
    assert set(ALIASES) == set(COLUMNS) - {"revision"}  # Revisión is the same word


def test_no_alias_stands_for_two_columns() -> None:
    named = [(fold_name(name), name) for name in COLUMNS]
    named += [(fold_name(alias), column) for column, aliases in ALIASES.items() for alias in aliases]
    columns: dict[str, set[str]] = {}
    for folded, column in named:
        columns.setdefault(folded, set()).add(column)
    assert [folded for folded, found in columns.items() if len(found) > 1] == []


@pytest.mark.parametrize(
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
        ("Estado", None),
        ("Nombre", None),
        ("", None),
    ],
)
def test_a_name_is_known_in_any_spelling(name: str, column: str | None) -> None:
    assert find_column(name) == column


def test_a_mapping_names_the_rest_and_ignores_what_it_says() -> None:
    mapping = {"Estado": "stateId", "Kilometraje": "-", "notas internas": "", "Submarca": "Modelo"}
    header = ["Serie", "ESTADO", "kilometraje", "Notas Internas", "submarca"]
    assert parse_header(header, mapping) == ["vin", "stateId", None, None, "modelName"]


def test_a_mapping_counts_before_the_names_that_are_known() -> None:
    assert parse_header(["Serie", "Color", "VIN"], {"Color": "version", "Serie": "-"}) == [None, "version", "vin"]


@pytest.mark.parametrize(
    "names, mapping, said",
    [
        (["vin", "colr"], {}, "no column 'colr': is it vehicleColor?"),
        (["vin", "Kilometraje"], {}, "no column 'Kilometraje': A mapping file"),
        (["vin", ""], {}, "no column name in cell 2"),
        (["vin", "plate", "Placas"], {}, "plate comes twice, as 'plate' and as 'Placas'"),
        (["vin", "Estatus", "assetStatusId"], {}, "vehicleStatusId comes twice"),
        (["plate"], {}, "one of them must be vin"),
        ([], {}, "one of them must be vin"),
        (["vin"], {"vin": "-"}, "one of them must be vin"),
        (["vin"], {"Kilometraje": "mileage"}, "sends 'Kilometraje' to 'mileage', which is no column"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_by_name(
    names: list[str], mapping: Mapping[str, str], said: str
) -> None:
    with pytest.raises(PadronError, match=re.escape(said)):
        parse_header(names, mapping)


def test_the_page_about_the_import_names_columns_as_they_are_known() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
    documented = {}
    for line in page.splitlines():
        row = re.fullmatch(r"\| `(\w+)` \|(.*)\|(.*)\|", line)
        if row is not None:
            documented[row[1]] = [
                name.partition(" (")[0] for cell in row.groups()[1:] for name in cell.strip().split(", ") if name
            ]
    assert set(documented) == set(COLUMNS)
    wrong = {name: column for column, names in documented.items() for name in names if find_column(name) != column}
    assert wrong == {}
