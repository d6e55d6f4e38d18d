"""What a file's columns are called, in English and Spanish, and what a row of it is."""

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
    """What people call a column, besides its own name. The first Spanish one is that of an export in Spanish."""

    english: tuple[str, ...] = ()
    spanish: tuple[str, ...] = ()


# Left out on purpose, because people mean different things by them: Estado (a status, or a federal state), Año,
# Nombre, ID. Submarca is Mexico's word for the model; Modelo is the model elsewhere, and beside Submarca the year.
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
    """One row: where it begins in the file, and the text of its cells by column as the header names them.

    ``problems`` are the cells that cannot be read, by column, with a sentence each; they have no text.
    """

    line: int
    cells: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFault:
    """Why a line was left out: one of its faults. ``column`` is None when the line as a whole is wrong."""

    line: int
    column: str | None
    detail: str


@dataclass(kw_only=True, slots=True)  # not frozen either
class ParsedRow:
    """A row whose cells can be used. A column without an edit keeps its value; so does a status of None."""

    line: int
    vin: Vin
    edits: Edits
    status: VehicleStatus | None
    revision: str | None = None  # the vehicle's tag when it was exported; None: the row is no edit of an export
    copies: int = 1  # how many rows of the file so far say the same, this one included


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A row that is left out, with all that is wrong in it.

    ``usable`` is what of the row can be used, if its VIN can: what is wrong with that is found beside the register.
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
    """An open file: its rows in order, each as it is or as its line's refusal, and how far the reading has come."""

    @property
    def header(self) -> Header:
        """What the file says of its columns."""
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
    """Give the form in which two names of a column are equal: letters and digits alone, no accents, no case.

    A name that is far longer than any column's is its own form: the time to take accents apart grows with the square
    of the number of accents in a row.
    """
    if len(name) > _FOLDED_LENGTH_MAX:
        return name
    bare = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return "".join(one for one in bare.casefold() if one.isalnum())


_SPANISH = {fold_name(alias) for aliases in ALIASES.values() for alias in aliases.spanish}
_ENGLISH = {fold_name(alias) for aliases in ALIASES.values() for alias in aliases.english}
# What a file in either language says: they tell nothing of it.
_COMMON = {fold_name(name) for name in (*COLUMNS, "VIN", "Color")}
COLUMNS_BY_FOLDED: dict[str, str] = {fold_name(name): name for name in COLUMNS} | {
    fold_name(alias): column for column, aliases in ALIASES.items() for alias in (*aliases.english, *aliases.spanish)
}


def find_column(name: str) -> str | None:
    """Give the column that a name in a file stands for, if it is known."""
    return COLUMNS_BY_FOLDED.get(fold_name(name))


def name_column(column: str, language: Language) -> str:
    """Give what an export calls a column: in English its own name, in Spanish the first of its Spanish ones."""
    return ALIASES[column].spanish[0] if language is Language.SPANISH else column


def find_language(names: Iterable[str]) -> Language:
    """Give the language of a file's names: Spanish when more of them are Spanish than English."""
    folded = {fold_name(name) for name in names} - _COMMON
    return Language.SPANISH if len(folded & _SPANISH) > len(folded & _ENGLISH) else Language.ENGLISH
