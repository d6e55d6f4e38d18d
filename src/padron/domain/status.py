"""The vehicle statuses (contract 1.2) and the one rule about them: operational means Active."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum

from padron.domain.errors import Code, PadronError
from padron.domain.language import Language
from padron.domain.quoting import quote


class VehicleStatus(IntEnum):
    """The status of a vehicle. The numbers are the documented ids and never change."""

    INACTIVE = 0
    ACTIVE = 1
    INFO_CHANGED = 2
    STOLEN = 3
    IN_THE_SHOP = 4
    TO_REPLACE = 5
    FOR_SALE = 6
    IMPOUNDED = 7
    SOLD = 8
    TOTAL_LOSS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusText:
    """The names of a status, its meaning in one sentence, and other forms in which people write it."""

    name: str
    nombre: str
    meaning: str
    forms: tuple[str, ...]


def _give_text(name: str, nombre: str, meaning: str, *forms: str) -> StatusText:
    return StatusText(name=name, nombre=nombre, meaning=meaning, forms=forms)


# Forms that can mean two statuses ("baja", "siniestro") are left out.
_TEXTS: dict[VehicleStatus, StatusText] = {
    VehicleStatus.INACTIVE: _give_text(
        "Inactive", "Inactivo", "Left out of automated processing.",
        "Inactiva", "No activo", "No activa", "Not active",
    ),
    VehicleStatus.ACTIVE: _give_text(
        "Active", "Activo", "Tracked and fully operational.",
        "Activa", "Operativo", "Operativa", "En operación", "En servicio", "Operational", "In service",
    ),
    VehicleStatus.INFO_CHANGED: _give_text(
        "Info Changed", "Información cambiada", "A former version, kept by the system when core data changed.",
    ),
    VehicleStatus.STOLEN: _give_text(
        "Stolen", "Robado", "Reported stolen.",
        "Robada", "Robo", "Reportado robado", "Reportada robada", "Theft", "Reported stolen",
    ),
    VehicleStatus.IN_THE_SHOP: _give_text(
        "In the Shop", "En taller", "In repair or maintenance.",
        "Taller", "En el taller", "En mantenimiento", "Mantenimiento", "En reparación", "Reparación",
        "Shop", "In shop", "Workshop", "In the workshop", "Maintenance", "In maintenance", "In repair", "Repair",
    ),
    VehicleStatus.TO_REPLACE: _give_text(
        "To Replace", "Por reemplazar", "To be replaced soon.",
        "Reemplazar", "A reemplazar", "Por reemplazo", "Por sustituir", "Replace", "To be replaced", "Replacement",
    ),
    VehicleStatus.FOR_SALE: _give_text(
        "For Sale", "En venta", "Listed or being prepared for sale.",
        "A la venta", "Se vende", "On sale",
    ),
    VehicleStatus.IMPOUNDED: _give_text(
        "Impounded", "En corralón", "Held in an impound lot.",
        "Corralón", "En el corralón", "Impound", "Impound lot", "In impound", "In the impound lot",
    ),
    VehicleStatus.SOLD: _give_text(
        "Sold", "Vendido", "Sold.",
        "Vendida",
    ),
    VehicleStatus.TOTAL_LOSS: _give_text(
        "Total Loss", "Pérdida total", "Written off.",
        "Siniestro total", "Con pérdida total", "Written off", "Write-off", "Totaled", "Totalled",
    ),
}  # fmt: skip
# Built from the statuses: a status without texts stops the program here, and not where it is first shown.
STATUS_TEXTS: dict[VehicleStatus, StatusText] = {status: _TEXTS[status] for status in VehicleStatus}

SETTABLE_STATUSES: dict[int, VehicleStatus] = {
    status.value: status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED
}


def word_ids(ids: Iterable[int]) -> str:
    """Give ids as a sentence lists them: ``0, 1 or 3 to 9``."""
    rows: list[list[int]] = []
    for one in sorted(ids):
        if rows and one == rows[-1][-1] + 1:
            rows[-1].append(one)
        else:
            rows.append([one])
    words: list[str] = []
    for row in rows:
        words += [f"{row[0]} to {row[-1]}"] if len(row) > 2 else [str(one) for one in row]  # noqa: PLR2004 - a pair is no row
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


SETTABLE_IDS = word_ids(SETTABLE_STATUSES)


def parse_settable_status(status_id: int) -> VehicleStatus:
    """Give the status with this id. Raises ``bad_parameters`` for 2 and for ids that do not exist."""
    status = SETTABLE_STATUSES.get(status_id)
    if status is not None:
        return status
    if status_id == VehicleStatus.INFO_CHANGED:
        why = "2 (Info Changed) is set by the system alone"
    else:
        why = f"{status_id} is not a vehicle status"
    raise PadronError(Code.BAD_PARAMETERS, f"vehicleStatusId {why}: use {SETTABLE_IDS} (see /api/v2/vehicle-statuses).")


def name_status(status: VehicleStatus, language: Language) -> str:
    """Give the status's name in a language."""
    texts = STATUS_TEXTS[status]
    return texts.nombre if language is Language.SPANISH else texts.name


def parse_status_text(text: str, language: Language = Language.ENGLISH) -> VehicleStatus:
    """Give the status that a text means: by its id, by a name or a common form of it, or by both (``4 - En taller``).

    Names are English or Spanish, in any letter case, with or without accents. ``4.0`` is an id too, because some
    programs write numbers so. Raises ``bad_parameters`` for any other text, and lists the names in ``language``. Also
    raises it for Info Changed, which only the system sets.
    """
    word = text.strip()
    if len(word) > _STATUS_LENGTH_MAX:
        raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(text, language))
    if (number := _match_id(word)) is not None:
        return parse_settable_status(int(number[1]))
    if (both := _match_id_and_name(word) or _match_name_and_id(word)) is not None:
        return _parse_both(both["id"], both["name"], text, language)
    status = _STATUSES_BY_NAME.get(_fold_name(word))
    if status is None:
        raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(text, language))
    return parse_settable_status(status.value)


def _parse_both(number: str, name: str, text: str, language: Language) -> VehicleStatus:
    named = _STATUSES_BY_NAME.get(_fold_name(name))
    if named is None:
        raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(text, language))
    if named.value != int(number):
        known = SETTABLE_STATUSES.get(int(number))
        is_which = "not a vehicle status" if known is None else name_status(known, language)
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{quote(text)} has an id and a name that do not belong together: {int(number)} is {is_which}, and "
            f"{name_status(named, language)} is {named.value}.",
        )
    return parse_settable_status(named.value)


def _describe_unknown(text: str, language: Language) -> str:
    names = ", ".join(f"{one.value} {name_status(one, language)}" for one in SETTABLE_STATUSES.values())
    close = get_close_matches(_fold_name(text[:_STATUS_LENGTH_MAX]), _STATUSES_BY_NAME, n=1, cutoff=_CLOSE)
    status = _STATUSES_BY_NAME[close[0]] if close else VehicleStatus.INFO_CHANGED
    if status is VehicleStatus.INFO_CHANGED:
        return f"{quote(text)} is not a vehicle status. Use {names}."
    guess = f"did you mean {name_status(status, language)} ({status.value})?"
    return f"{quote(text)} is not a vehicle status; {guess} Use {names}."


def _fold_name(text: str) -> str:
    """Give the form for comparing two names: only letters and digits, without accents, in one letter case."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return "".join(one for one in bare.casefold() if one.isalnum())


_STATUS_LENGTH_MAX = 60  # a name, its id, and the characters that people write between them
_CLOSE = 0.75  # how similar a misspelt name must be

_match_id = re.compile(r"([0-9]{1,3})(?:[.,]0{1,2})?").fullmatch
_match_id_and_name = re.compile(r"\(?(?P<id>[0-9]{1,3})(?![0-9])[^\w]*(?P<name>[^\W\d].*)", re.DOTALL).fullmatch
_match_name_and_id = re.compile(r"(?P<name>[^\W\d][^0-9]*)(?P<id>[0-9]{1,3})[^\w]*").fullmatch

_STATUSES_BY_NAME = {
    _fold_name(name): status for status, text in STATUS_TEXTS.items() for name in (text.name, text.nombre, *text.forms)
}


def is_operational(status: VehicleStatus) -> bool:
    """Say whether operations may touch a current vehicle with this status. Only this function decides it."""
    return status is VehicleStatus.ACTIVE


OPERATIONAL_STATUSES: tuple[VehicleStatus, ...] = tuple(status for status in VehicleStatus if is_operational(status))
