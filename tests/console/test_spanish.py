"""A page in Spanish says in Spanish whatever is the program's own: authors, its own reasons, and what went wrong."""

from datetime import timedelta
from pathlib import Path

from markupsafe import Markup

import padron.console
from padron.console.naming import word_actor
from padron.console.own_reasons import word_reason
from padron.console.wording.wording import WORDINGS
from padron.domain.actors import Actor, describe_key, describe_person, find_self_named
from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.language import Language
from padron.domain.people import Role
from padron.domain.status import VehicleStatus
from padron.service.plans.planning import plan_status
from padron.service.statuses.single import set_status
from padron.service.statuses.undo import undo_request
from tests.cast import HUMMER
from tests.console.browser import Browser, House
from tests.tables import each_row

EVIL = "<script>alert(1)</script>"
VEHICLE = f"/console/vehicles/{HUMMER}"
ENGLISH, SPANISH = WORDINGS[Language.ENGLISH], WORDINGS[Language.SPANISH]
ACTORS = [
    (find_self_named("cli"), "command line", "línea de comandos"),
    (find_self_named("cli:ana"), "command line (user ana)", "línea de comandos (usuario ana)"),
    (find_self_named("t:ci:deploy-bot"), "token deploy-bot", "token deploy-bot"),
    (find_self_named(f"t:ci:~{'0' * 32}"), "token of ci", "token de ci"),
    (describe_key("1kabc", EVIL), f"key {EVIL}", f"clave {EVIL}"),
    (describe_person("uabc", "Ana"), "Ana", "Ana"),
    (describe_person("uabc", None), "erased person", "persona borrada"),
]


def speak_spanish(browser: Browser) -> Browser:
    browser.language = "es"
    return browser


def test_reasons_of_the_program_are_said_in_spanish_and_those_of_people_stay() -> None:
    said = {
        "Undo of request r-1": "Se deshizo la solicitud r-1",
        "Back from In the Shop, as planned": "Regreso de En taller, según lo programado",
        f"Back from Sold, as planned: {EVIL}": f"Regreso de Vendido, según lo programado: {EVIL}",
        "Back from holidays, as planned": "Back from holidays, as planned",
        "Undo of request two words": "Undo of request two words",
        EVIL: EVIL,
    }
    for reason, spanish in said.items():
        for wording, wanted in ((ENGLISH, reason), (SPANISH, spanish)):
            worded = word_reason(reason, wording)
            assert (worded.unescape() if isinstance(worded, Markup) else worded) == wanted


@each_row("actor, english, spanish", ACTORS)
def test_each_kind_of_author_has_words_in_both_languages(actor: Actor | None, english: str, spanish: str) -> None:
    assert actor is not None
    for wording, wanted in ((ENGLISH, english), (SPANISH, spanish)):
        worded = word_actor(wording, actor)
        assert (worded.unescape() if isinstance(worded, Markup) else worded) == wanted
    assert english == actor.name


async def test_a_vehicles_page_has_no_english_of_the_program(house: House) -> None:
    await house.register(HUMMER)
    runtime, principal = house.runtime, house.cast.acme.principal
    sold = StatusRequest(
        vin=HUMMER, status=VehicleStatus.SOLD, reason=None, revisions=None, by=principal.actor, request_id="r-sold"
    )
    await set_status(runtime, principal, sold)
    await undo_request(runtime, principal, "r-sold", "r-undo", None)
    planned = PlanRequest(
        vin=HUMMER, status=VehicleStatus.IN_THE_SHOP, reason="Frenos", revisions=None, by="cli", request_id="r-plan",
        effective_at=None, until=runtime.clock() + timedelta(days=9),
    )  # fmt: skip
    await plan_status(runtime, principal, planned)
    shown = await speak_spanish(house.owner).get(VEHICLE)
    assert "Se deshizo la solicitud r-sold" in shown.text
    assert "según lo programado: Frenos" in shown.text
    assert "clave Acme" in shown.text
    assert "línea de comandos" in shown.text
    for english in ("Undo of", "Back from", "key Acme", "command line"):
        assert english not in shown.text, english


async def test_a_refusal_is_said_in_spanish_with_its_detail(house: House) -> None:
    email = house.people[Role.VIEWER].email or ""
    fields = {"name": "Eva", "email": email, "role": "viewer"}
    shown = await speak_spanish(house.owner).post("/console/people", fields)
    assert "El registro ya conoce a alguien" in shown.text
    assert not shown.page.list_all("span", lang="en")
    house.owner.language = "en"
    assert "already knows" in (await house.owner.post("/console/people", fields)).text


async def test_what_the_page_itself_refuses_is_in_spanish_alone(house: House) -> None:
    await house.register(HUMMER)
    for typed, said in (
        ({"status": ""}, "Elige un estatus."),
        ({"status": "8", "at": "2020-01-01T00:00"}, "El inicio, 1 ene 2020, 00:00, ya pasó"),
        ({"status": "8", "until": "2020-01-01T00:00"}, "El fin, 1 ene 2020, 00:00, ya pasó"),
    ):
        shown = await speak_spanish(house.owner).post(f"{VEHICLE}/status", typed)
        assert shown.status == 400
        assert said in shown.text
        assert not shown.page.list_all("span", lang="en")


def test_dark_colours_are_for_screens_so_that_paper_gets_light_ones() -> None:
    sheet = (Path(padron.console.__file__).parent / "assets" / "console.css").read_text("utf-8")
    before = sheet.split("color-scheme: dark;")[:-1]
    assert len(before) == 2
    assert all(part.rpartition("@media")[2].startswith(" screen") for part in before)
