"""The service's sentences as the pages say them. Each form is provoked by the rule that writes it."""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from padron.console.sentences import FORMS, recognise, word_detail
from padron.console.wording.wording import WORDINGS
from padron.domain.account import check_name, parse_scopes
from padron.domain.addresses import parse_networks
from padron.domain.change import PlanRequest, parse_reason
from padron.domain.errors import Code, PadronError
from padron.domain.language import Language
from padron.domain.naming_list import name_vehicles, read_names
from padron.domain.people import User, parse_email
from padron.domain.plan import PLANNED_WITHIN, check_times
from padron.domain.saved_view import OWN_VIEWS_MAX, SavedView, check_view, get_view
from padron.domain.searching import parse_words
from padron.domain.selection import describe_undo
from padron.domain.status import VehicleStatus, parse_status_text
from padron.domain.vehicle import FIELDS_BY_NAME, parse_value
from padron.domain.vin import parse_vin
from padron.files.parsing import parse_integer
from padron.files.picture_orders import word_picture_memory
from padron.files.picture_reader import read_picture
from padron.files.pictures import LIMITS, _check_form, _word_end
from padron.service.operations.gate import check_operation_name
from padron.service.people.password_rules import check_password
from padron.service.people.users import refuse_last_owner
from tests.cast import HUMMER, JEEP, NOON
from tests.console.browser import House, Shown
from tests.console.test_imports import check
from tests.console.test_scan import send_photo
from tests.files.test_pictures import build_png, give_chunk
from tests.tables import each_row

MEXICO = ZoneInfo("America/Mexico_City")
SPANISH = WORDINGS[Language.SPANISH]
LUIS = User(
    user_id="uAAAAAAAAAAAA", email="luis.mora@example.com", name="Luis Mora", language=None, time_zone=None, theme=None,
    is_break_glass=False, created_at=NOON, disabled_at=None, erased_at=None, password_changed_at=None,
)  # fmt: skip


VIEW = SavedView(
    view_id=1, name="To sell", query="", columns=(), made_by=LUIS.user_id, is_shared=False, is_default=False,
    changed_at=NOON,
)  # fmt: skip


def plan(begin: timedelta | None, end: timedelta | None) -> None:
    request = PlanRequest(
        vin=parse_vin(HUMMER), status=VehicleStatus.SOLD, reason=None, revisions=None, by="cli", request_id="r-1",
        effective_at=None if begin is None else NOON + begin, until=None if end is None else NOON + end,
    )  # fmt: skip
    check_times(request, NOON)


WRONG_VIN = "1HGCM82633A00435O"


def list_names(text: str) -> None:
    """Refuse a pasted list of which only the vehicle ``Acme 1`` is known."""
    named = name_vehicles(read_names(text), {"acme 1": frozenset({1})})
    _raise(PadronError(Code.BAD_PARAMETERS, named.faults[0].detail))


HEADER = ("Chasis", "Placas", "Estatus", "Km")
HOUR = timedelta(hours=1)
RULES: tuple[Callable[[], object], ...] = (
    lambda: parse_vin(WRONG_VIN),
    lambda: parse_vin("1HGCM8263QA004352"),
    lambda: parse_vin("1HGCM82633A0043\u200b5"),
    lambda: parse_vin("1HGCM82633A0043Ñ5"),
    lambda: parse_vin("1HGCM82633A00435,"),
    lambda: parse_vin("1HGCM82633A0043"),
    lambda: parse_vin(f"I{HUMMER}"),
    lambda: parse_value(FIELDS_BY_NAME["plate"], "AB-1"),
    lambda: parse_value(FIELDS_BY_NAME["plate"], "ABC-101-D"),
    lambda: parse_value(FIELDS_BY_NAME["doors"], 31),
    lambda: parse_value(FIELDS_BY_NAME["ownerName"], "x" * 151),
    lambda: parse_value(FIELDS_BY_NAME["ownerName"], "a\x07b"),
    lambda: parse_integer("doors", "four"),
    lambda: parse_status_text("Vendidos ya", Language.SPANISH),
    lambda: parse_status_text("Volando", Language.SPANISH),
    lambda: parse_reason("x" * 501),
    lambda: parse_words("x" * 101),
    lambda: plan(-HOUR, None),
    lambda: plan(None, -HOUR),
    lambda: plan(2 * HOUR, HOUR),
    lambda: plan(PLANNED_WITHIN + HOUR, None),
    lambda: parse_scopes([]),
    lambda: check_name("The label of a key", " x", 100),
    lambda: parse_networks(["192.0.2.999"]),
    lambda: parse_email("luis"),
    lambda: check_operation_name(""),
    lambda: _raise(refuse_last_owner("Acme")),
    lambda: _raise(PadronError(Code.BAD_PARAMETERS, describe_undo("7170-2bcb", 1_040, 2))),
    lambda: list_names("Acme 1\nAcme 1"),
    lambda: list_names("x" * 101),
    lambda: check_password("short", LUIS),
    lambda: check_password("x" * 300 + "y", LUIS),
    lambda: check_password("two words\x07 and more", LUIS),
    lambda: check_password("abcabcabcabcabc", LUIS),
    lambda: check_password("password1234", LUIS),
    lambda: check_password("luis.mora.luis.mora", LUIS),
    lambda: check_name("The view's name", "x ", 60),
    lambda: check_view(VIEW, [replace(VIEW, view_id=2)]),
    lambda: check_view(VIEW, [replace(VIEW, view_id=2, name=f"{place}") for place in range(OWN_VIEWS_MAX)]),
    lambda: get_view([], "0000000000000001"),
    lambda: _check_form(b""),
    lambda: _check_form(b"GIF89a"),
    lambda: _check_form(b"\0\0\0\x18ftypheic"),
    lambda: read_picture(b"\x89PNG\r\n\x1a\n"),
    lambda: read_picture(build_png(50_000, 50_000, give_chunk(b"IDAT", b""))),
    lambda: _raise(PadronError(Code.BAD_PARAMETERS, word_picture_memory())),
    lambda: _raise(PadronError(Code.BAD_PARAMETERS, _word_end(-signal.SIGXCPU, LIMITS))),
    lambda: _raise(PadronError(Code.BAD_PARAMETERS, _word_end(1, LIMITS))),
)
# What only the store can find out, or a worker: the rules behind these are in the tests of the service.
FROM_STORE = {
    "vin_again", "plate_taken", "only_spaces", "row_too_wide", "quotation_marks", "row_unknown", "clear_revision",
    "nothing_back", "role_scope", "key_scope", "expired", "email_known", "no_account", "ask_operator", "list_empty",
    "views_shared", "passkeys_full", "passkey_unusable", "passkey_nowhere", "passkey_last", "signing_in_full",
    "pages_full", "picture_bytes", "picture_late", "picture_unread", "pictures_own", "pictures_others", "soon_again",
    "list_long", "no_vehicle", "undo_registered", "undo_later", "undo_plate", "undo_vin",
}  # fmt: skip


def _raise(error: PadronError) -> None:
    raise error


def _refuse(rule: Callable[[], object]) -> str:
    with pytest.raises(PadronError) as caught:
        rule()
    return caught.value.detail


def test_pages_say_every_refusal_of_a_rule_in_spanish() -> None:
    unsaid = [
        detail for rule in RULES if 'lang="en"' in word_detail(detail := _refuse(rule), SPANISH, MEXICO)
    ]  # fmt: skip
    assert not unsaid


def test_no_form_is_left_without_a_rule_that_writes_it() -> None:
    seen = {one.key.removeprefix("said.") for rule in RULES for one in recognise(_refuse(rule)) or ()}
    assert {key for key, _ in FORMS} - seen == FROM_STORE


@each_row("text", ["", "Something new. Perhaps 1HGCM82633A004350.", "The VIN has 15 characters, alas.", "x" * 3_000])
def test_an_unknown_sentence_is_shown_as_the_english_that_it_is(text: str) -> None:
    assert word_detail(text, SPANISH, MEXICO) == f'<span lang="en">{text}</span>'
    assert word_detail(text, WORDINGS[Language.ENGLISH], MEXICO) == text


def test_a_sentence_brings_no_markup_from_what_was_typed() -> None:
    said = word_detail(_refuse(lambda: parse_status_text("<b>Volando</b>")), SPANISH, MEXICO)
    assert "&lt;b&gt;Volando" in said
    assert "<b>" not in word_detail("<b>unknown</b>", SPANISH, MEXICO)


@pytest.mark.parametrize("asked", ["9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z"])
def test_a_sentence_with_an_instant_that_is_none_shows_it_as_it_is(asked: str) -> None:
    text = f"until is {asked}: it must be after the server's time, 2026-03-01T12:00:00Z."
    assert f"El fin, {asked}, ya pasó" in word_detail(text, SPANISH, MEXICO)


def test_a_text_of_the_pages_themselves_is_not_marked_as_english() -> None:
    assert word_detail(str(SPANISH.say("change.no_status")), SPANISH, MEXICO) == SPANISH.say("change.no_status")


async def test_a_spanish_import_says_in_spanish_what_is_wrong_with_each_row(house: House) -> None:
    house.owner.language = "es-MX"
    await house.register(HUMMER, plate="ABC1234")
    cells = [
        (JEEP, "ABC-12-34", "8", "7"),
        (JEEP, "", "8", "7"),
        (WRONG_VIN, "", "Volando"),
        (HUMMER, "", "", "1", "2"),
    ]
    rows = [";".join(row) for row in (HEADER, *cells)]
    place, shown = await check(house, house.owner, "\n".join([*rows, ""]).encode())
    assert f"El vehículo {HUMMER} ya tiene la placa ABC1234." in shown.text
    assert f"El VIN {JEEP} ya está en la fila 2 del archivo." in shown.text
    assert "¿será el 0? Quizá 1HGCM82633A004350." in shown.text
    assert "La fila tiene más celdas que las 4 columnas con nombre" in shown.text
    assert "Pon entre comillas una celda" in shown.text
    assert "1HGCM82633A004350" in [one.attributes.get("value") for one in shown.page.list_all("option")]
    assert list_english(shown) == []
    assert place


async def test_a_time_in_the_past_is_refused_in_the_words_and_the_zone_of_the_visitor(house: House) -> None:
    await house.register(HUMMER)
    for language, words in (
        ("en", "The end, 20 Nov 2020, 17:00, is in the past"),
        ("es", "El fin, 20 nov 2020, 17:00"),
    ):
        house.editor.language = language
        house.editor.cookies["__Host-padron-zone"] = "America/Mexico_City"
        shown = await house.editor.post(
            f"/console/vehicles/{HUMMER}/status", {"status": "4", "until": "2020-11-20T17:00"}
        )
        assert shown.status == 400
        assert words in shown.text
        assert list_english(shown) == []


async def test_photos_and_views_are_refused_in_the_words_of_the_visitor(house: House) -> None:
    house.editor.language = "es"
    photo = await send_photo(house.editor, b"GIF89a")
    view = await house.editor.post("/console/views", {"name": "", "doors": "4"})
    for shown, words in ((photo, "No es una imagen JPEG, PNG ni WebP."), (view, "El nombre '' no sirve.")):
        assert shown.status == 400
        assert words in shown.text
        assert list_english(shown) == []


async def test_a_page_that_a_role_may_not_see_says_so_in_spanish(house: House) -> None:
    house.viewer.language = "es"
    shown = await house.viewer.get("/console/keys")
    assert shown.status == 403
    assert "Tu función en esta cuenta no alcanza para esto." in shown.text
    assert list_english(shown) == []


def list_english(shown: Shown) -> list[str]:
    """Give the sentences of a page that are marked as English, but for the name of the language itself."""
    return ["".join(one.text) for one in shown.page.list_all("span", lang="en")]
