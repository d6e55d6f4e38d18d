"""What a file's columns are called, in English and Spanish, and what a row of it is."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Edits
from padron.domain.vin import Vin

VIN_COLUMN = "vin"
STATUS_COLUMN = "vehicleStatusId"
REVISION_COLUMN = "revision"
COLUMNS: tuple[str, ...] = (VIN_COLUMN, STATUS_COLUMN, *(field.name for field in FIELDS), REVISION_COLUMN)
IGNORED = frozenset({"", "-"})  # what a mapping says of a column that is not to be read

_NAME_LENGTH_MAX = 40  # of what is shown of a name
_FOLDED_LENGTH_MAX = 200

# Left out on purpose, because people mean different things by them: Estado (a status, or a federal state), Año,
# Submarca (in Mexico the model, where Modelo is then the year), Nombre, ID.
ALIASES: dict[str, tuple[str, ...]] = {
    VIN_COLUMN: (
        "NIV", "Serie", "Número de serie", "Núm. de serie", "No. de serie", "No. serie", "Número de chasis",
        "Bastidor", "Número de bastidor", "Número de identificación vehicular", "VIN number",
    ),
    STATUS_COLUMN: (
        "assetStatusId", "Status", "Status id", "Vehicle status", "Estatus", "Id de estatus", "Estatus id",
        "Estatus del vehículo", "Estado del vehículo", "Estatus vehicular",
    ),
    "customId": ("Número económico", "No. económico", "Económico", "Clave interna", "Unit number", "Fleet number"),
    "plate": (
        "Placa", "Placas", "Número de placa", "No. de placa", "Matrícula", "License plate", "Licence plate",
        "Plate number",
    ),
    "stateId": ("Id de estado", "Estado id", "Clave de estado", "Clave del estado"),
    "rfcName": ("Nombre RFC", "Nombre del RFC", "Nombre en el RFC"),
    "taxIdentifier": ("RFC", "Tax id", "Identificador fiscal", "NIF", "CIF", "NIT"),
    "lessorName": ("Lessor", "Arrendador", "Arrendadora", "Nombre del arrendador", "Nombre de la arrendadora"),
    "brandName": ("Brand", "Make", "Marca"),
    "modelName": ("Model", "Modelo"),
    "country": ("País",),
    "class": ("Clase", "Clase de vehículo"),
    "type": ("Tipo", "Tipo de vehículo", "Vehicle type"),
    "doors": ("Puertas", "Número de puertas", "No. de puertas"),
    "variation": ("Variación", "Variante"),
    "cilinders": ("Cylinders", "Cilindros", "Número de cilindros", "No. de cilindros"),
    "axes": ("Axles", "Ejes", "Número de ejes", "No. de ejes"),
    "vehicleColor": ("Color", "Colour", "Color del vehículo"),
    "version": ("Versión",),
    "assemblyPlace": ("Lugar de ensamble", "Lugar de armado", "Planta de ensamble"),
    "supplementaryData": ("Datos complementarios", "Datos suplementarios", "Datos adicionales"),
    "registrationInstitution": ("Institución de registro", "Institución que registra", "Dependencia de registro"),
    "plateEntity": ("Entidad de placa", "Entidad de placas", "Entidad de la placa", "Entidad de emplacamiento"),
    "registrationSheet": ("Hoja de registro", "Folio de registro"),
    "observations": ("Observaciones", "Comentarios", "Notas", "Notes"),
    "ownerName": ("Owner", "Propietario", "Propietaria", "Nombre del propietario", "Dueño"),
    "engineNumber": ("Engine", "Motor", "Número de motor", "No. de motor", "No. motor"),
    "legalName": ("Razón social", "Denominación social"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRow:
    """One row: where it begins in the file, and the text of its cells by column as ``parse_header`` names them."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A line that was left out, and why; ``column`` is None when the line as a whole is wrong."""

    line: int
    column: str | None
    detail: str


# Not frozen, like changes: an import makes a million of them.
@dataclass(kw_only=True, slots=True)
class ParsedRow:
    """A row whose cells can be used. A column without an edit keeps its value; so does a status of None."""

    line: int
    vin: Vin
    edits: Edits
    status: VehicleStatus | None
    revision: int | None = None  # of the vehicle when it was exported; None: the row is no edit of an export
    copies: int = 1  # how many rows of the file so far say the same, this one included


Row = ImportRow | ParsedRow | Refusal


class Rows(Protocol):
    """An open file: its rows in order, each as it is or as its line's refusal, and how far the reading has come."""

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file have been read."""
        ...

    @property
    def bytes_total(self) -> int:
        """How many bytes the file has."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Give each row once."""
        ...


def fold_name(name: str) -> str:
    """Give the form in which two names of a column are equal: letters and digits alone, no accents, no case.

    A name that is far longer than any column's is its own form: the time to take accents apart grows with the square
    of the number of accents in a row.
    """
    if len(name) > _FOLDED_LENGTH_MAX:
        return name
    bare = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return "".join(one for one in bare.casefold() if one.isalnum())


_COLUMNS_BY_FOLDED = {fold_name(name): name for name in COLUMNS} | {
    fold_name(alias): column for column, aliases in ALIASES.items() for alias in aliases
}


def find_column(name: str) -> str | None:
    """Give the column that a name in a file's first line stands for, if it is known."""
    return _COLUMNS_BY_FOLDED.get(fold_name(name))


def parse_header(names: Sequence[str], mapping: Mapping[str, str] | None = None) -> list[str | None]:
    """Give the columns that a file's first line names; None for one that the mapping says to ignore.

    A mapping goes from a name in the file to a column. Raises ``bad_parameters`` for a column that is unknown or
    comes twice, and when there is no ``vin``.
    """
    mapped = _parse_mapping(mapping or {})
    columns: list[str | None] = []
    places: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        folded = fold_name(name)
        column = mapped[folded] if folded in mapped else _COLUMNS_BY_FOLDED.get(folded)
        if column is None and folded not in mapped:
            raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(name, number))
        if column is not None:
            if column in places:
                raise PadronError(
                    Code.BAD_PARAMETERS,
                    f"The column {column} comes twice, as {places[column]!r} and as {_shorten(name)!r}: "
                    "map one of them to - to ignore it.",
                )
            places[column] = _shorten(name)
        columns.append(column)
    if VIN_COLUMN not in places:
        raise PadronError(
            Code.BAD_PARAMETERS,
            "The first line must name the columns, and one of them must be vin (or VIN, NIV, Serie).",
        )
    return columns


def _parse_mapping(mapping: Mapping[str, str]) -> dict[str, str | None]:
    columns: dict[str, str | None] = {}
    for name, target in mapping.items():
        column = None if target.strip() in IGNORED else find_column(target)
        if column is None and target.strip() not in IGNORED:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"The mapping sends {_shorten(name)!r} to {_shorten(target)!r}, which is no column: "
                f"the columns are {', '.join(COLUMNS)}, and - ignores one.",
            )
        columns[fold_name(name)] = column
    return columns


def _describe_unknown(name: str, number: int) -> str:
    if not fold_name(name):
        return f"There is no column name in cell {number} of the first line: give it one, or delete the column."
    close = get_close_matches(fold_name(name)[:_FOLDED_LENGTH_MAX], _COLUMNS_BY_FOLDED, n=1)
    guess = f"is it {_COLUMNS_BY_FOLDED[close[0]]}? " if close else ""
    return (
        f"There is no column {_shorten(name)!r}: {guess}A mapping file can say which column it is, or - to ignore it. "
        f"The columns are {', '.join(COLUMNS)}."
    )


def _shorten(name: str) -> str:
    return " ".join(name.split())[:_NAME_LENGTH_MAX]
