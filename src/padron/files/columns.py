"""The names of a file's columns, in English and Spanish, and the records for its rows."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from padron.domain.file_reading import Header
from padron.domain.language import Language
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Edits
from padron.domain.vin import Vin

VIN_COLUMN = "vin"
STATUS_COLUMN = "vehicleStatusId"
REVISION_COLUMN = "revision"
COLUMNS: tuple[str, ...] = (VIN_COLUMN, STATUS_COLUMN, *(one.name for one in FIELDS), REVISION_COLUMN)
SUBMARCA = "Submarca"

_FOLDED_LENGTH_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Aliases:
    """Other names that people use for a column. An export in Spanish uses the first Spanish name."""

    english: tuple[str, ...] = ()
    spanish: tuple[str, ...] = ()


# These names are missing on purpose, because they have several meanings: Estado (a status, or a federal state), Año,
# Nombre, ID. In Mexico, Submarca is the model, and in a file with Submarca the column Modelo is the year. Elsewhere
# Modelo is the model.
ALIASES: dict[str, Aliases] = {
    VIN_COLUMN: Aliases(
        english=("VIN", "VIN number"),
        spanish=(
            "NIV", "Serie", "Número de serie", "Núm. de serie", "No. de serie", "No. serie", "Número de chasis",
            "Bastidor", "Número de bastidor", "Número de identificación vehicular",
        ),
    ),
    STATUS_COLUMN: Aliases(
        english=("Status", "Status id", "Vehicle status", "assetStatusId"),
        spanish=(
            "Estatus", "Id de estatus", "Estatus id", "Estatus del vehículo", "Estado del vehículo",
            "Estatus vehicular",
        ),
    ),
    "customId": Aliases(
        english=("Unit number", "Fleet number"),
        spanish=("Número económico", "No. económico", "Económico", "Clave interna"),
    ),
    "plate": Aliases(
        english=("License plate", "Licence plate", "Plate number"),
        spanish=("Placa", "Placas", "Número de placa", "No. de placa", "Matrícula"),
    ),
    "stateId": Aliases(spanish=("Id de estado", "Estado id", "Clave de estado", "Clave del estado")),
    "rfcName": Aliases(spanish=("Nombre RFC", "Nombre del RFC", "Nombre en el RFC")),
    "taxIdentifier": Aliases(english=("Tax id",), spanish=("RFC", "Identificador fiscal", "NIF", "CIF", "NIT")),
    "lessorName": Aliases(
        english=("Lessor",),
        spanish=("Arrendador", "Arrendadora", "Nombre del arrendador", "Nombre de la arrendadora"),
    ),
    "brandName": Aliases(english=("Brand", "Make"), spanish=("Marca",)),
    "modelName": Aliases(english=("Model",), spanish=("Modelo", SUBMARCA)),
    "country": Aliases(spanish=("País",)),
    "class": Aliases(spanish=("Clase", "Clase de vehículo")),
    "type": Aliases(english=("Vehicle type",), spanish=("Tipo", "Tipo de vehículo")),
    "doors": Aliases(spanish=("Puertas", "Número de puertas", "No. de puertas")),
    "variation": Aliases(spanish=("Variación", "Variante")),
    "cilinders": Aliases(english=("Cylinders",), spanish=("Cilindros", "Número de cilindros", "No. de cilindros")),
    "axes": Aliases(english=("Axles",), spanish=("Ejes", "Número de ejes", "No. de ejes")),
    "vehicleColor": Aliases(english=("Color", "Colour"), spanish=("Color del vehículo",)),
    "version": Aliases(spanish=("Versión",)),
    "assemblyPlace": Aliases(spanish=("Lugar de ensamble", "Lugar de armado", "Planta de ensamble")),
    "supplementaryData": Aliases(
        spanish=("Datos complementarios", "Datos suplementarios", "Datos adicionales"),
    ),
    "registrationInstitution": Aliases(
        spanish=("Institución de registro", "Institución que registra", "Dependencia de registro"),
    ),
    "plateEntity": Aliases(
        spanish=("Entidad de placa", "Entidad de placas", "Entidad de la placa", "Entidad de emplacamiento"),
    ),
    "registrationSheet": Aliases(spanish=("Hoja de registro", "Folio de registro")),
    "observations": Aliases(english=("Notes",), spanish=("Observaciones", "Comentarios", "Notas")),
    "ownerName": Aliases(
        english=("Owner",),
        spanish=("Propietario", "Propietaria", "Nombre del propietario", "Dueño"),
    ),
    "engineNumber": Aliases(
        english=("Engine",), spanish=("Número de motor", "Motor", "No. de motor", "No. motor"),
    ),
    "legalName": Aliases(spanish=("Razón social", "Denominación social")),
    REVISION_COLUMN: Aliases(spanish=("Revisión",)),
}  # fmt: skip


# Not frozen, like changes: an import makes a million of them.
@dataclass(kw_only=True, slots=True)
class ImportRow:
    """One row: the line where it begins, and the text of its cells by column.

    ``problems`` has the cells that cannot be read, by column, each with a message. ``cells`` does not have these.
    """

    line: int
    cells: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFault:
    """One fault of a refused line. ``column`` is None when the whole line is wrong."""

    line: int
    column: str | None
    detail: str


@dataclass(kw_only=True, slots=True)  # not frozen either
class ParsedRow:
    """A row with usable cells. A column without an edit keeps its value, and a status of None keeps the status."""

    line: int
    vin: Vin
    edits: Edits
    status: VehicleStatus | None
    revision: str | None = None  # the vehicle's tag when it was exported; None: the row is not from an export
    copies: int = 1  # how many rows of the file so far are the same, this one included


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A refused row with all its faults.

    ``usable`` has its good cells, if its VIN is good. The import then also finds faults that depend on the register.
    """

    line: int
    faults: Sequence[RowFault]
    usable: ParsedRow | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedRows:
    """Some rows of a file: those that can be used, and the others, each in their order."""

    rows: list[ParsedRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


FileRow = ImportRow | ParsedRow | RefusedRow | RowFault


class FileRows(Protocol):
    """An open file: its rows in order, some of them as refusals, and the progress of the reading."""

    @property
    def header(self) -> Header:
        """Where and how the file names its columns."""
        ...

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file have been read."""
        ...

    @property
    def bytes_total(self) -> int:
        """How many bytes the file has."""
        ...

    def __iter__(self) -> Iterator[FileRow]:
        """Give each row once."""
        ...


def fold_name(name: str) -> str:
    """Give the form for comparing two column names: only letters and digits, without accents and letter case.

    A name that is far too long stays as it is, because the time to separate accents from letters grows with the square
    of their number.
    """
    if len(name) > _FOLDED_LENGTH_MAX:
        return name
    bare = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return "".join(one for one in bare.casefold() if one.isalnum())


_SPANISH = {fold_name(alias) for aliases in ALIASES.values() for alias in aliases.spanish}
_ENGLISH = {fold_name(alias) for aliases in ALIASES.values() for alias in aliases.english}
# Names that files in both languages use, so they do not show a language.
_COMMON = {fold_name(name) for name in (*COLUMNS, "VIN", "Color")}
COLUMNS_BY_FOLDED: dict[str, str] = {fold_name(name): name for name in COLUMNS} | {
    fold_name(alias): column for column, aliases in ALIASES.items() for alias in (*aliases.english, *aliases.spanish)
}


def find_column(name: str) -> str | None:
    """Give the column that a name in a file means, or None for an unknown name."""
    return COLUMNS_BY_FOLDED.get(fold_name(name))


def name_column(column: str, language: Language) -> str:
    """Give the name of a column in an export: its own name in English, its first Spanish name in Spanish."""
    return ALIASES[column].spanish[0] if language is Language.SPANISH else column


def find_language(names: Iterable[str]) -> Language:
    """Give the language of a file's column names: Spanish if more names are Spanish than English."""
    folded = {fold_name(name) for name in names} - _COMMON
    return Language.SPANISH if len(folded & _SPANISH) > len(folded & _ENGLISH) else Language.ENGLISH
