"""What every page keeps: both languages, no foreign markup, nothing inline, little weight."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import padron.console
from padron.console.asset_files import load_assets
from padron.console.pages.errors import STATUSES
from padron.console.wording.texts import PageTexts, Plural
from padron.console.wording.wording import AREAS, WORDINGS, choose_language
from padron.domain.errors import Code
from padron.domain.language import Language
from padron.domain.people import Role
from padron.domain.vehicle import FIELDS, NOT_FILTERED
from padron.http.answers.problems import PROBLEMS
from padron.service.people.users import change_preferences
from tests.cast import HUMMER
from tests.console.browser import Browser, Document, House
from tests.tables import each_row

ROOM = Path(padron.console.__file__).parent
AREA_NAMES = {key.partition(".")[0] for area in AREAS for key in area.ENGLISH}
ENGLISH, SPANISH = WORDINGS[Language.ENGLISH], WORDINGS[Language.SPANISH]
VEHICLE = f"/console/vehicles/{HUMMER}"
PAGES = [
    "/console/overview",
    "/console/plans",
    "/console/plans?state=refused",
    "/console/gate",
    "/console/time-in-status",
    "/console/time-in-status?from=x&to=2026-01-01",
    "/console/gate/refusals?vin=x&operation=y",
    "/console/vehicles",
    "/console/vehicles?q=zzzz&assetStatusId=3&assetStatusId=4&brandName=x&operational=true&sort=-plate",
    VEHICLE,
    f"{VEHICLE}/status",
    f"{VEHICLE}/data",
    f"{VEHICLE}/versions",
    f"{VEHICLE}/delete",
    "/console/register",
    "/console/deleted",
    "/console/erasure",
    "/console/people",
    "/console/sign-ins",
    "/console/keys",
    "/console/keys/new",
    "/console/webhooks",
    "/console/webhooks/new",
    "/console/duplicates",
    "/console/operations",
    "/console/new-operation",
    "/console/account",
    "/console/selections",
    "/console/scan",
    "/console/scan?many=1",
    "/console/scan?text=JTHBA30G455081818&text=137ZA903X1E412677",
    "/console/scan?text=x",
    f"{VEHICLE}?scanned=1",
    "/console/profile",
    "/console/help",
    "/console/sign-in?out=1",
    "/console/nothing",
]

IN_ENGLISH = ["/console/overview", "/console/vehicles", VEHICLE, f"{VEHICLE}/status", "/console/sign-in?out=1"]


def list_values(text: str | Plural) -> set[str]:
    forms = [text] if isinstance(text, str) else [text.one, text.other]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


@each_row("area", AREAS)
def test_both_languages_say_the_same_things(area: object) -> None:
    english: PageTexts = area.ENGLISH  # type: ignore[attr-defined]
    spanish: PageTexts = area.SPANISH  # type: ignore[attr-defined]
    assert list(english) == list(spanish)
    for key, text in english.items():
        assert list_values(text) == list_values(spanish[key]), key
        assert isinstance(text, Plural) is isinstance(spanish[key], Plural), key


def test_no_key_is_in_two_areas() -> None:
    keys = [key for area in AREAS for key in area.ENGLISH]
    assert len(keys) == len(set(keys))


def test_every_text_that_is_named_is_there_and_every_text_is_named() -> None:
    files = [path for kind in ("*.html", "*.py") for path in ROOM.rglob(kind) if path.parent.name != "wording"]
    files.append(ROOM / "wording" / "wording.py")
    named = {name for path in files for name in re.findall(r"""["']([a-z_]+\.[a-z_]*)["'{]""", path.read_text("utf-8"))}
    named = {name for name in named if name.partition(".")[0] in AREA_NAMES and not name.endswith(".html")}
    whole = {name for name in named if not name.endswith(("_", "."))}
    assert not {name for name in whole if not ENGLISH.has(name)}
    begun = tuple(named - whole)
    unused = {key for key in ENGLISH.texts if key not in whole and not key.startswith(begun)}
    assert not unused


def test_every_error_of_the_service_has_a_status_like_the_apis() -> None:
    for code, status in STATUSES.items():
        assert status == PROBLEMS[code].status or code in {Code.SESSION_ENDED, Code.CURSOR_GONE}, code


@each_row("field", FIELDS)
def test_every_field_has_a_name_in_both_languages(field: object) -> None:
    name: str = field.name  # type: ignore[attr-defined]
    assert ENGLISH.name_field(name)
    assert SPANISH.name_field(name)
    assert ENGLISH.name_field(name) != name or name in NOT_FILTERED


@each_row(
    "accepted, language",
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX,en;q=0.8", "es"),
        ("en-GB,es;q=0.8", "en"),
        ("de,es;q=0.5", "es"),
        ("fr", "en"),
        ("es;q=0,en", "en"),
        ("es;q=x", "en"),
        ("*", "en"),
        ("ES", "es"),
        (",;,es", "es"),
    ],
)
def test_the_browser_chooses_the_language(accepted: str, language: str) -> None:
    assert choose_language(accepted).value == language


@pytest.mark.parametrize(
    "language, path",
    [  # a text that is in no file is English, and would be on the Spanish page
        *(("es", path) for path in PAGES),
        *(pytest.param("en", path, marks=() if path in IN_ENGLISH else pytest.mark.long) for path in PAGES),
    ],
)
async def test_every_page_speaks_one_language_and_has_nothing_inline(
    kept_house: House, path: str, language: str
) -> None:
    await kept_house.register(HUMMER, plate="RTA412C", ownerName="Flota Norte", doors=4)
    kept_house.owner.language = language
    shown = await kept_house.owner.get(path)
    page = shown.page
    if shown.status == 303:
        return
    assert page.list_all("html")[0].attributes["lang"] == language
    assert len(page.list_all("h1")) == 1
    assert page.list_all("main", id="main")
    assert page.list_all("title")[0].text
    for element in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in element.attributes), element
        assert element.tag != "style"
        for name in ("src", "href", "action"):
            target = element.attributes.get(name, "/")
            assert target.startswith(("/", "#")), target
            assert not target.startswith("//")
        if element.tag == "script":
            assert element.attributes["src"].startswith("/console/assets/")
            assert not "".join(element.text).strip()
        if element.tag == "form" and element.attributes.get("method") == "post":
            assert shown.html.count('name="_csrf"') >= 1
    other = {"en": ("Vehículos", "Cerrar sesión"), "es": ("Vehicles", "Sign out")}[language]
    assert not any(word in page.text for word in other)


@pytest.mark.both_engines
async def test_every_label_belongs_to_a_control_and_ids_are_unique(house: House) -> None:
    await house.register(HUMMER)
    for path in PAGES:
        page = (await house.owner.get(path)).page
        ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids)), path
        for label in page.list_all("label"):
            if "for" in label.attributes:
                assert label.attributes["for"] in ids, path
        for element in page.elements:
            for name in ("aria-describedby", "aria-labelledby", "aria-controls"):
                if name in element.attributes:
                    assert element.attributes[name] in ids, (path, element)


EVIL = "<script>alert(1)</script>'\"&amp;{{7*7}}<img src=x onerror=alert(2)>"


async def test_whatever_people_wrote_is_only_text(house: House) -> None:
    await house.register(HUMMER, **dict.fromkeys(("ownerName", "brandName", "customId", "version"), EVIL[:50]))
    await house.register(HUMMER, ownerName=EVIL[8:50])  # so that the history shows both, before and after
    house_user = house.people[Role.EDITOR]
    await house.editor.post("/console/profile", {"name": EVIL, "language": "", "zone": ""})
    form = (await house.editor.get(f"{VEHICLE}/status")).page
    change = {**form.read_hidden(), "status": "4", "reason": EVIL}
    pages = [
        await house.editor.post(f"{VEHICLE}/status", change),
        await house.editor.post(f"{VEHICLE}/status", {**change, "status": "<b>"}),
        await house.editor.follow(await house.editor.post(f"{VEHICLE}/status", {**change, "step": "do"})),
        await house.editor.get("/console/vehicles"),
        await house.editor.get("/console/profile"),
        *[await house.editor.get(f"{VEHICLE}{path}") for path in ("", "/data", "/versions")],
        await house.editor.get(f"/console/vehicles?q={EVIL}&brandName={EVIL}&sort={EVIL}&column={EVIL}&cursor={EVIL}"),
        await house.editor.get(f"/console/vehicles/{EVIL[:20]}"),
        await house.open_browser().get(f"/console/sign-in?next={EVIL}"),
        await house.open_browser().post(f"{VEHICLE}/status", {"reason": EVIL, EVIL: EVIL}),
        await house.open_browser().post("/console/sign-in", {"email": EVIL, "password": "x", "next": EVIL}),
    ]
    assert house_user.user_id
    for shown in pages:
        page = shown.page
        assert len(page.list_all("script")) == 1, shown.html
        assert not page.list_all("img")
        assert "49" not in page.text or "{{7*7}}" in shown.html
        assert not any(name.startswith("on") for element in page.elements for name in element.attributes)
    assert any(EVIL in " ".join(shown.page.words) for shown in pages)


async def test_a_first_visit_weighs_less_than_60_kilobytes(house: House) -> None:
    for number in range(50):
        await house.register(f"3PADR{number:012d}", ownerName="Transportes Sierra Clara", plate=f"PL{number:04d}")
    shown = await house.owner.get("/console/vehicles")
    weight = len(gzip.compress(shown.html.encode(), 1))
    for address in {
        *re.findall(r'(?:src|href)="(/console/assets/[^"]+)"', shown.html),
        *(f"/console/assets/{load_assets().version}/{name}" for name in load_assets().files),
    }:
        answer = await house.open_browser().get(address)
        assert answer.status == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        weight += int(answer.headers["content-length"])
    assert weight < 60_000, weight


async def test_a_file_is_kept_for_ever_only_under_its_own_version(house: House) -> None:
    nobody = house.open_browser()
    old = await nobody.get("/console/assets/0123456789ab/console.css")
    assert old.headers["cache-control"] == "no-cache"
    assert not nobody.set
    assert (await nobody.get(f"/console/assets/{load_assets().version}/none.css")).status == 404
    assert (await nobody.get(f"/console/assets/{load_assets().version}/..%2Fapp.py")).status == 404
    plain = await nobody.get(f"/console/assets/{load_assets().version}/console.css", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert plain.html == load_assets().files["console.css"].plain.decode()


async def test_language_and_colours_are_kept_per_browser_and_per_person(house: House) -> None:
    nobody = house.open_browser()
    await nobody.post("/console/preferences", {"language": "es", "next": "/console/sign-in"})
    assert "Iniciar sesión" in (await nobody.get("/console/sign-in")).text
    await house.editor.post("/console/preferences", {"language": "es"})
    await house.editor.post("/console/preferences", {"theme": "dark"})
    fresh = Browser(house.http, await house.editor.open())
    assert "Vehículos" in (await fresh.get("/console/vehicles")).text
    page = (await house.editor.get("/console/vehicles")).page
    assert page.list_all("html", lang="es")[0].attributes["data-theme"] == "dark"
    elsewhere = (await fresh.get("/console/vehicles")).page
    assert elsewhere.list_all("html", lang="es")[0].attributes["data-theme"] == "dark"
    bad = await house.editor.post("/console/preferences", {"language": "xx", "theme": "<b>"})
    assert bad.status == 303
    assert not house.editor.set


async def test_instants_are_in_the_persons_zone_with_the_exact_one_beside(house: House) -> None:
    await house.register(HUMMER)
    house.owner.cookies["__Host-padron-zone"] = "Asia/Kolkata"
    by_browser = (await house.owner.get(VEHICLE)).page.list_all("time")[0]
    await change_preferences(house.runtime, house.people[Role.OWNER], language=None, time_zone="America/Mexico_City")
    by_person = (await house.owner.get(VEHICLE)).page.list_all("time")[0]
    assert by_browser.attributes == by_person.attributes
    at = datetime.fromisoformat(by_person.attributes["datetime"])
    assert by_person.attributes["title"] == f"{at:%Y-%m-%d %H:%M:%S} UTC"
    assert f"{at.astimezone(ZoneInfo('America/Mexico_City')):%H:%M}" in "".join(by_person.text)
    assert f"{at.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}" in "".join(by_browser.text)
    house.viewer.cookies["__Host-padron-zone"] = "../../etc/passwd"
    assert (await house.viewer.get(VEHICLE)).status == 200


def test_numbers_and_instants_are_written_as_each_language_does() -> None:
    at = datetime(2026, 3, 1, 23, 5, tzinfo=UTC)
    zone = ZoneInfo("Europe/Madrid")
    assert ENGLISH.write_instant(at, zone) == "2 Mar 2026, 00:05"
    assert SPANISH.write_instant(at, zone) == "2 mar 2026, 00:05"
    assert ENGLISH.write_coming(at, zone) == "Mon 2 Mar 2026, 00:05"  # a Sunday in UTC
    assert SPANISH.write_coming(at, zone) == "lun 2 mar 2026, 00:05"
    assert [ENGLISH.write_number(n) for n in (999, 1_204, 1_234_567)] == ["999", "1,204", "1,234,567"]
    assert [SPANISH.write_number(n) for n in (999, 1_204, 1_234_567)] == ["999", "1204", "1\u202f234\u202f567"]
    assert ENGLISH.write_distance(at, at + timedelta(days=1)) == "1 day ago"
    assert SPANISH.write_distance(at, at - timedelta(hours=5)) == "en 5 horas"
    assert SPANISH.write_distance(at, at) == "ahora mismo"


def test_a_value_in_a_text_is_escaped_and_a_missing_one_is_an_error() -> None:
    assert ENGLISH.say("vehicle.by", by="<b>") == "by &lt;b&gt;"
    assert ENGLISH.say("list.shown", 1) == "1 vehicle on this page"
    with pytest.raises(KeyError):
        ENGLISH.say("vehicle.by")
    with pytest.raises(KeyError):
        ENGLISH.say("list.shown")


async def test_a_failure_is_a_page_with_the_requests_id_and_no_cause(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("padron.console.pages.vehicles.list_vehicles", fail)
    shown = await house.owner.get("/console/vehicles")
    assert shown.status == 500
    assert "secret" not in shown.html
    request_id = shown.headers["x-request-id"]
    assert request_id in shown.text
    assert any(request_id in record.getMessage() for record in caplog.records)


def test_a_document_reads_as_a_browser_does() -> None:
    page = Document('<p title="a&amp;b">x<b>y</b></p>')
    assert page.list_all("p", title="a&b")[0].text == ["x", "y"]
