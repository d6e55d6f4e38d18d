"""Importing a file: sending it, saying what its columns are, checking, correcting, importing and undoing it."""

import csv
import io
from pathlib import Path

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.file_import import ImportState
from padron.domain.vin import parse_vin
from padron.service.imports.steps import end_import, import_file, take_import
from padron.service.people.sessions import Session
from padron.service.vehicles.reading import get_vehicle
from tests.cast import HUMMER, JEEP, make_vin
from tests.console.browser import Browser, House, Shown
from tests.files.workbooks import write_workbook

IMPORTS = "/console/imports"
FILE = f"Chasis;Placas;Estatus;Km\n{HUMMER};ABC-12-34;Vendido;7\n{JEEP};;Volando;8\n".encode()
BOUNDARY = "----a1b2c3"
EVIL = "<script>alert(1)</script>'&amp;<img src=x onerror=alert(2)>"
COLUMNS = {"name": ["Chasis", "Placas", "Estatus", "Km"], "to": ["vin", "plate", "vehicleStatusId", "-"]}
CHECK = {**COLUMNS, "normalize": "on", "step": "check"}


def build_form(data: bytes, name: str = "flota.csv", **fields: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += "Content-Type: text/csv\r\n\r\n"
    return b"".join([*parts, head.encode(), data, f"\r\n--{BOUNDARY}--\r\n".encode()])


async def send_form(browser: Browser, body: bytes, **headers: str) -> Shown:
    given = headers or {"sec-fetch-site": "same-origin"}
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return await browser.send("POST", IMPORTS, body, {"content-type": kind, **given})


async def send_file(browser: Browser, data: bytes = FILE, name: str = "flota.csv") -> str:
    """Send a file and give the address of its columns."""
    sent = await send_form(browser, build_form(data, name))
    assert sent.status == 303, sent.html
    assert sent.location.startswith(f"{IMPORTS}/file/")
    return sent.location


async def work(house: House, browser: Browser, location: str) -> Shown:
    """Do what a worker does with the waiting import, and give its page."""
    run = await take_import(house.runtime, house.cast.acme.account.account_id, "me")
    assert run is not None
    summary = await import_file(house.runtime, run, lambda: False)
    detail = None if summary.stopped is None else summary.stopped.detail
    await end_import(house.runtime, run, ImportState.FAILED if detail else ImportState.DONE, detail)
    return await browser.get(location)


async def check(house: House, browser: Browser, data: bytes = FILE) -> tuple[str, Shown]:
    """Send a file, check it, and give the address and the page of the check."""
    place = await send_file(browser, data)
    asked = await browser.post(place, CHECK)
    assert asked.status == 303, asked.html
    return asked.location, await work(house, browser, asked.location)


def list_chosen(shown: Shown) -> list[str]:
    options = [one.attributes for one in shown.page.list_all("option")]
    return [one["value"] for one in options if "selected" in one and "value" in one]


def list_sums(shown: Shown) -> dict[str, str]:
    names = ["".join(one.text) for one in shown.page.list_all("dt")]
    return dict(zip(names, ["".join(one.text) for one in shown.page.list_all("dd")], strict=False))


async def test_a_file_is_shown_with_what_its_columns_seem_to_be(house: House) -> None:
    place = await send_file(house.owner)
    shown = await house.owner.get(place)
    assert "What is in flota.csv?" in shown.text
    assert [one for one in list_chosen(shown) if one != "-"] == ["vin", "plate", "vehicleStatusId"]
    for text in ("Chasis", "ABC-12-34", "known name", "not recognised", "please check"):
        assert text in shown.text, text
    assert (await house.owner.get(IMPORTS)).text.count("flota.csv") == 0  # nothing is imported yet


@pytest.mark.both_engines
async def test_the_whole_way_from_the_file_to_the_undo(house: House) -> None:
    await house.register(HUMMER, plate="OLD1234")
    location, checked = await check(house, house.owner)
    sums = list_sums(checked)
    assert (sums["Rows"], sums["Changed"], sums["Refused"]) == ("2", "1", "1")
    assert "Nothing is changed yet" in checked.text
    assert "Volando" in checked.text
    again = await house.owner.post(location, {"step": "check", "fix-3-vehicleStatusId": "En taller", "fix-2-plate": ""})
    better = await work(house, house.owner, again.location)
    assert "All rows can be imported." in better.text
    assert "Import 2 rows" in better.text
    asked = await house.owner.post(again.location, {"step": "import"})
    waiting = await house.owner.get(asked.location)
    assert waiting.page.list_all("progress")
    assert "data-poll" in waiting.html
    done = await work(house, house.owner, asked.location)
    assert "data-poll" not in done.html
    assert "See the vehicles" in done.text
    assert "See the vehicles" not in better.text  # nothing is imported by a check
    sold = await get_vehicle(house.runtime, house.cast.acme.principal, parse_vin(HUMMER))
    assert (sold.vehicle.status.value, sold.details["plate"]) == (8, "ABC1234")
    mended = await get_vehicle(house.runtime, house.cast.acme.principal, parse_vin(JEEP))
    assert mended.vehicle.status.value == 4
    undone = await house.owner.post(asked.location, {"step": "undo"})
    assert "1 vehicle is as it was before." in undone.text
    assert "1 vehicle was left: this import registered them" in undone.text
    back = await get_vehicle(house.runtime, house.cast.acme.principal, parse_vin(HUMMER))
    assert (back.vehicle.status.value, back.details["plate"]) == (1, "OLD1234")


async def test_what_was_chosen_is_there_again_for_the_next_file_with_these_names(house: House) -> None:
    data = f"Bien;Apodo\n{HUMMER};ABC1234\n".encode()
    place = await send_file(house.owner, data)
    shown = await house.owner.get(place)
    assert list_chosen(shown) == ["vin"]
    hidden = shown.page.list_all("input", name="fingerprint")[0].attributes["value"]
    chosen = {"name": ["Bien", "Apodo"], "to": ["vin", "plate"], "fingerprint": hidden, "step": "check"}
    assert (await house.owner.post(place, chosen)).status == 303
    assert list_chosen(await house.owner.get(place)) == ["vin", "plate"]
    assert list_chosen(await house.owner.get(await send_file(house.owner, data))) == ["vin", "plate"]


@pytest.mark.parametrize(
    "to, problem",
    [
        (["-", "plate", "-", "-"], "Say which column has the VIN."),
        (["vin", "plate", "plate", "-"], "Two columns fill the same field."),
        (["nonsense", "plate", "-", "-"], "Say which column has the VIN."),
    ],
)
async def test_columns_that_cannot_be_used_are_explained_and_kept_as_chosen(
    house: House, to: list[str], problem: str
) -> None:
    place = await send_file(house.owner)
    shown = await house.owner.post(place, {**CHECK, "to": to})
    assert shown.status == 400
    assert problem in shown.text
    assert ("plate" in list_chosen(shown)) is ("plate" in to)
    assert (await house.owner.get(IMPORTS)).text.count("flota.csv") == 0


@pytest.mark.slow_callback("the test itself writes a workbook")
async def test_another_sheet_and_another_row_can_be_chosen(house: House, tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "f.xlsx", [["vin"], [HUMMER]], [["Flota"], ["vin", "Placa"], [JEEP, "ABC1234"]])
    place = await send_file(house.owner, book.read_bytes(), "f.xlsx")
    first = await house.owner.get(place)
    assert list_chosen(first) == ["vin"]
    assert HUMMER in first.text
    second = await house.owner.get(f"{place}?sheet=More+2&headerRow=2")
    assert JEEP in second.text
    assert "plate" in list_chosen(second)
    wrong = await house.owner.get(f"{place}?sheet=None")
    assert "cannot be read like this" in wrong.text
    assert "no sheet" in wrong.text


async def test_a_file_that_is_no_table_says_what_it_is(house: House) -> None:
    shown = await house.owner.get(await send_file(house.owner, b"%PDF-1.7 x"))
    assert "cannot be read like this" in shown.text
    assert "PDF" in shown.text
    assert "Discard the file" in shown.text


async def test_a_discarded_file_is_gone(house: House) -> None:
    place = await send_file(house.owner)
    assert (await house.owner.post(place, {"step": "discard"})).location == IMPORTS
    assert (await house.owner.get(place)).status == 404


async def test_a_failed_import_says_why_and_leads_back_to_the_columns(house: House) -> None:
    place = await send_file(house.owner)
    asked = await house.owner.post(place, {**CHECK, "headerRow": "900"})
    shown = await work(house, house.owner, asked.location)
    assert "could not be imported" in shown.text
    assert "Row 900" in shown.text
    assert place in {one.attributes.get("href") for one in shown.page.list_all("a")}


async def test_the_report_has_all_faults_and_no_formulas(house: House) -> None:
    rows = "".join(f"{make_vin(number)};;=1+1{number};\n" for number in range(150))
    location, shown = await check(house, house.owner, f"Chasis;Placas;Estatus;Km\n{rows}".encode())
    assert "These are the first faults of 150 refused rows." in shown.text
    report = await house.owner.get(f"{location}/report")
    assert report.headers["content-type"].startswith("text/csv")
    assert "attachment" in report.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(report.html)))
    assert len(lines) == 150
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values())


async def test_one_box_corrects_all_rows_with_the_same_fault(house: House) -> None:
    rows = "".join(f"{make_vin(number)};;Volando;\n" for number in range(30))
    location, shown = await check(house, house.owner, f"Chasis;Placas;Estatus;Km\nbad;;Robado;\n{rows}".encode())
    boxes = [one.attributes["name"] for one in shown.page.list_all("input") if one.attributes.get("list") == "statuses"]
    assert boxes == ["fix-3-vehicleStatusId"]
    assert "30 rows" in shown.text
    again = await house.owner.post(location, {"step": "check", boxes[0]: "Vendido", "fix-2-vin": make_vin(77)})
    assert list_sums(await work(house, house.owner, again.location))["Refused"] == "0"


async def test_what_was_typed_counts_whichever_button_is_pressed(house: House) -> None:
    _, shown = await check(house, house.owner)
    (form,) = shown.page.list_all("form", id="fix")
    assert form.attributes["method"] == "post"
    buttons = shown.page.list_all("button", name="step", value="import")
    assert [one.attributes.get("form") for one in buttons] == ["fix"]


async def test_only_what_can_be_undone_has_the_button_for_it(house: House) -> None:
    location, _ = await check(house, house.owner)
    asked = await house.owner.post(location, {"step": "import"})
    done = await work(house, house.owner, asked.location)
    assert list_sums(done)["New vehicles"] == "1"
    assert not done.page.list_all("button", name="step", value="undo")


async def test_a_waiting_import_is_cancelled(house: House) -> None:
    place = await send_file(house.owner)
    asked = await house.owner.post(place, CHECK)
    assert (await house.owner.post(asked.location, {"step": "cancel"})).status == 303
    assert "It was cancelled." in (await house.owner.get(asked.location)).text


async def test_hostile_names_and_cells_are_only_text(house: House) -> None:
    data = f"Chasis;Placas;Estatus;Km;{EVIL}\n{HUMMER};{EVIL[:40]};{EVIL};x;{EVIL}\n".encode()
    place = await send_file(house.owner, data, EVIL)
    columns = await house.owner.get(place)
    asked = await house.owner.post(place, {**CHECK, "name": [*COLUMNS["name"], EVIL], "to": [*COLUMNS["to"], "-"]})
    checked = await work(house, house.owner, asked.location)
    fixed = await house.owner.post(asked.location, {"step": "look", "fix-2-plate": EVIL, "fix-x-y": EVIL, EVIL: EVIL})
    for shown in (columns, checked, fixed, await house.owner.get(IMPORTS)):
        assert shown.status == 200
        assert len(shown.page.list_all("script")) == 1
        assert not shown.page.list_all("img")
    assert "onerror" in checked.text


async def test_who_may_not_import_sees_no_form_and_cannot_send_a_file(house: House) -> None:
    place = await send_file(house.owner)
    shown = await house.editor.get(IMPORTS)
    assert not shown.page.list_all("input", type="file")
    assert "role of a manager" in shown.text
    assert (await send_form(house.editor, build_form(FILE))).status == 403
    assert (await house.viewer.get(IMPORTS)).status == 403
    for path in (place, place.replace("/file", "")):
        assert (await house.stranger.get(path)).status == 404
    assert (await send_form(house.open_browser(), build_form(FILE))).status == 401


async def test_a_form_of_another_site_is_refused_before_its_file_is_read(house: House) -> None:
    assert (await send_form(house.owner, build_form(FILE), **{"sec-fetch-site": "cross-site"})).status == 403
    assert (await send_form(house.owner, build_form(FILE), origin="http://evil.test")).status == 403
    page = (await house.owner.get(IMPORTS)).page
    token = page.list_all("input", name="_csrf")[0].attributes["value"]
    assert (await send_form(house.owner, build_form(FILE, _csrf=token), accept="x")).status == 303
    assert (await send_form(house.owner, build_form(FILE, _csrf=token[::-1]), accept="x")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        build_form(FILE)[:-9],
        build_form(FILE)[:60],
        build_form(FILE, x="y" * 70_000),
        build_form(FILE, **{f"x{number}": "" for number in range(101)}),
        build_form(b""),
        build_form(FILE, ""),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n{'x: y' * 9_000}\r\n\r\n--{BOUNDARY}--\r\n".encode(),
    ],
    ids=["empty", "nonsense", "cut", "cut early", "field", "fields", "no bytes", "no name", "header"],
)
async def test_a_broken_form_is_refused_and_leaves_nothing(house: House, body: bytes) -> None:
    shown = await send_form(house.owner, body)
    assert shown.status == 400, shown.html
    assert "data-poll" not in shown.html
    kept = await house.runtime.store.write(
        house.cast.acme.account.account_id, lambda transaction: transaction.imports.list_open()
    )
    assert kept == []


async def test_a_file_of_somebody_who_was_signed_out_meanwhile_is_not_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end(*_: object) -> Session:
        raise PadronError(Code.SESSION_ENDED, "ended")

    monkeypatch.setattr("padron.console.pages.imports.read_session", end)
    assert (await send_form(house.owner, build_form(FILE))).status == 401


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_page_of_an_import_speaks_one_language(house: House, language: str) -> None:
    house.owner.language = language
    await house.register(HUMMER)
    place = await send_file(house.owner)
    location, checked = await check(house, house.owner)
    pages = [await house.owner.get(IMPORTS), await house.owner.get(place), checked]
    for shown in (one.page for one in pages):
        assert shown.list_all("html")[0].attributes["lang"] == language
        other = {"en": ("Importar", "Fila", "Columnas"), "es": ("Earlier", "Refused", "Columns", "Row ")}[language]
        assert not any(word in shown.text for word in other), [word for word in other if word in shown.text]
        ids = [one.attributes["id"] for one in shown.elements if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        assert not any("style" in one.attributes for one in shown.elements)
    assert location
