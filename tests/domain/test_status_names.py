"""What people write for a status, and what is said of what they should not have."""

import pytest

from padron.domain.errors import PadronError
from padron.domain.language import Language
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus, name_status, parse_status_text
from tests.tables import each_row


@each_row(
    "text, status",
    [
        ("Vendida", 8),
        ("vendido", 8),
        ("Robada", 3),
        ("Activa", 1),
        ("taller", 4),
        ("Corralón", 7),
        ("corralon", 7),
        ("4 - En taller", 4),
        ("4", 4),
        ("4.0", 4),
        ("4,0", 4),
        ("04", 4),
        ("4-taller", 4),
        ("4. En taller", 4),
        ("4: EN TALLER", 4),
        ("4)Shop", 4),
        ("(4) En taller", 4),
        ("En taller (4)", 4),
        ("4_En_Taller", 4),
        ("4 \u2013 En\u00a0taller", 4),
        ("Inactiva", 0),
        ("Pe\u0301rdida total", 9),
        ("PERDIDA  TOTAL", 9),
        ("Siniestro total", 9),
        ("A la venta", 6),
        ("FOR_SALE", 6),
        ("for-sale", 6),
        ("IN_THE_SHOP", 4),
        ("InTheShop", 4),
        ("In shop", 4),
        ("Por reemplazar", 5),
        ("To be replaced", 5),
        ("Impounded", 7),
        ("Written off", 9),
        ("Stolen", 3),
    ],
)
def test_a_status_is_known_by_the_forms_that_people_write(text: str, status: int) -> None:
    assert parse_status_text(text) is VehicleStatus(status)


@each_row("language", Language)
@each_row("form", ["{name}", "{id} - {name}", "{name} ({id})", "{id}", "{id}.0", "{name}."])
def test_a_status_is_known_as_an_export_names_it(language: Language, form: str) -> None:
    for status in SETTABLE_STATUSES.values():
        assert parse_status_text(form.format(id=status.value, name=name_status(status, language))) is status


@each_row(
    "text, said",
    [
        ("3 - Sold", "'3 - Sold' has an id and a name that do not belong together: 3 is Stolen, and Sold is 8."),
        ("14 - taller", "14 is not a vehicle status, and In the Shop is 4"),
        ("2 - Info Changed", "set by the system alone"),
        ("Información cambiada", "set by the system alone"),
        ("Vendidaa", "'Vendidaa' is not a vehicle status; did you mean Sold (8)? Use 0 Inactive, 1 Active, 3 Stolen"),
        ("Baja", "'Baja' is not a vehicle status. Use 0 Inactive"),
        ("4.5", "is not a vehicle status"),
        ("4.000", "is not a vehicle status"),
        ("-1", "is not a vehicle status"),
        ("4 -", "is not a vehicle status"),
        ("\u0664", "is not a vehicle status"),
        ("a\u200b\tb", "'a<U+200B ZERO WIDTH SPACE><U+0009 CHARACTER TABULATION>b' is not a vehicle status"),
        ("x" * 1_000_000, "…' (1,000,000 characters) is not a vehicle status"),
        (" " * 1_000_000 + "4" + "-" * 1_000_000, "is not a vehicle status"),
    ],
)
def test_what_is_no_settable_status_is_refused_with_the_nearest(text: str, said: str) -> None:
    with pytest.raises(PadronError) as refused:
        parse_status_text(text)
    assert said in refused.value.detail
    assert len(refused.value.detail) < 300


def test_a_spanish_file_is_answered_with_spanish_names() -> None:
    with pytest.raises(PadronError) as refused:
        parse_status_text("Vendidaa", Language.SPANISH)
    assert "did you mean Vendido (8)? Use 0 Inactivo, 1 Activo" in refused.value.detail
    assert all(
        name_status(status, Language.SPANISH) == texts.nombre and name_status(status, Language.ENGLISH) == texts.name
        for status, texts in STATUS_TEXTS.items()
    )
