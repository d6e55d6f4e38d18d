"""padron vehicles import: the file, the summary, the exit status."""

import asyncio
import csv
import signal
from collections.abc import Mapping
from contextlib import nullcontext
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from padron.cli import vehicles
from padron.cli.holding import hold_file
from padron.config import read_settings
from padron.files.columns import ParsedRows
from padron.service.imports.chunks import Chunk, ChunkResult, ChunkTransaction
from padron.wiring import use_runtime
from tests.cast import HUMMER, JEEP, make_vin
from tests.cli.conftest import Answer, Cli, check_sentence
from tests.files.workbooks import build_workbook, give_row, write_workbook

pytestmark = pytest.mark.usefixtures("acme")

SUMMARY = "Read {}: registered {}, updated {}, unchanged {}, kept duplicates {}, refused {}.\n"
REPORT = "fleet.csv.report.csv"


def run_import(cli: Cli, content: str | bytes, *options: str) -> Answer:
    Path("fleet.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return cli("vehicles", "import", "--account", "Acme", "fleet.csv", *options)


def read_details(vin: str) -> Mapping[str, str | int] | None:
    async def read() -> Mapping[str, str | int] | None:
        async with use_runtime(read_settings({})) as runtime:
            found = await runtime.store.read(1).list_versions_by_vin(vin)
            return found[0].details if found else None

    return asyncio.run(read())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"vin,plate,ownerName\n{HUMMER},ABC123,Águila\n{JEEP},,\n".encode(), marks=pytest.mark.long),
        f"VIN;Plate;OWNERNAME\r\n{HUMMER};abc123;Águila\r\n\r\n{JEEP};;\r\n".encode("utf-8-sig"),
        pytest.param(f'vin;plate;ownerName\n{HUMMER};ABC123;"Águila"\n{JEEP};;'.encode(), marks=pytest.mark.long),
    ],
    ids=["commas", "semicolons, a byte order mark, CRLF, a blank line", "quotes, no last newline"],
)
def test_a_file_is_read_as_spreadsheets_write_it(cli: Cli, content: bytes) -> None:
    answer = run_import(cli, content)
    assert (answer.status, answer.out, answer.err) == (0, SUMMARY.format(2, 2, 0, 0, 0, 0), "")
    assert read_details(HUMMER) == {"plate": "ABC123", "ownerName": "Águila"}
    assert run_import(cli, content).out == SUMMARY.format(2, 0, 0, 2, 0, 0)


def test_json_is_the_summary_alone(cli: Cli) -> None:
    answer = run_import(cli, f"vin,doors\n{HUMMER},2\n{HUMMER},3\n{JEEP},x\n", "--json")
    assert (answer.status, answer.err) == (1, "")
    document = answer.document
    assert [document[name] for name in ("read", "registered", "updated", "unchanged", "keptDuplicates", "refused")] == [
        3, 1, 0, 0, 0, 2,
    ]  # fmt: skip
    assert [(one["line"], one["column"]) for one in document["refusals"]] == [(3, "vin"), (4, "doors")]
    assert all(one["detail"].endswith(".") for one in document["refusals"])


def test_a_refused_line_says_its_number_its_column_and_why_on_stderr(cli: Cli) -> None:
    answer = run_import(cli, f'vin,ownerName\n{HUMMER},"two\n\tlines\x01"\n{JEEP},ok\nSHRT,\n')
    assert answer.status == 1
    assert answer.out == SUMMARY.format(3, 1, 0, 0, 0, 2)
    first, second, third = answer.err.splitlines()
    assert third == "padron: All 2 refused lines are in fleet.csv.report.csv."
    assert first.startswith("padron: line 2, ownerName: ownerName contains U+0001")
    assert second.startswith("padron: line 5, vin: The VIN has 4 characters")


def test_keep_duplicates_keeps_them_once(cli: Cli) -> None:
    content = f"vin,doors\n{HUMMER},2\n{HUMMER},3\n{HUMMER},3\n"
    answer = run_import(cli, content, "--keep-duplicates")
    assert (answer.status, answer.out) == (0, SUMMARY.format(3, 1, 0, 0, 2, 0))
    assert run_import(cli, content, "--keep-duplicates").out == SUMMARY.format(3, 0, 0, 3, 0, 0)


@pytest.mark.parametrize(
    "content, said",
    [
        (f"vin,colr\n{HUMMER},red\n", "'colr' (perhaps vehicleColor) is an unknown name"),
        (f"{HUMMER}\n", "rows with content names the VIN"),
        ("", "The file has no content"),
        (b"\xd0\xcf\x11\xe0 an old workbook", "save it as .xlsx"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_before_anything_is_written(
    cli: Cli, content: str | bytes, said: str
) -> None:
    check_sentence(run_import(cli, content), 1, said)
    assert read_details(HUMMER) is None


@pytest.mark.parametrize(
    "line, said",
    [
        (f"{HUMMER},1,2".encode(), "more cells than the 2 named columns: cell 3 '2'"),
        (HUMMER.encode() + ",Águila ñandú ".encode() + b"\xc1", "ownerName is not UTF-8"),
    ],
)
def test_a_line_of_the_wrong_form_is_refused_alone(cli: Cli, line: bytes, said: str) -> None:
    answer = run_import(cli, b"vin,ownerName\n" + line + f"\n{JEEP},ok\n".encode())
    assert answer.status == 1
    assert "line 2" in answer.err
    assert said in answer.err
    assert read_details(HUMMER) is None
    assert read_details(JEEP) == {"ownerName": "ok"}


def test_an_open_quote_costs_its_own_line_alone(cli: Cli) -> None:
    answer = run_import(cli, f'vin,ownerName\n{HUMMER},"open\n{JEEP},ok\n')
    assert answer.status == 1
    assert "line 2: A quotation mark is not closed" in answer.err
    assert read_details(HUMMER) is None
    assert read_details(JEEP) == {"ownerName": "ok"}


def test_what_does_not_exist_is_one_sentence(cli: Cli) -> None:
    check_sentence(cli("vehicles", "import", "--account", "Acme", "none.csv"), 1, "'none.csv' cannot be read")
    Path("fleet.csv").write_text(f"vin\n{HUMMER}\n")
    check_sentence(cli("vehicles", "import", "--account", "Beta", "fleet.csv"), 1, "no account named 'Beta'")


@pytest.mark.parametrize(
    "number, status, is_served",
    [
        pytest.param(signal.SIGINT, 130, False, marks=pytest.mark.long),
        (signal.SIGTERM, 143, False),
        (signal.SIGINT, 130, True),
    ],
)
def test_a_signal_lets_the_transaction_end_and_the_next_run_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int, *, is_served: bool
) -> None:
    """Beside a server, whose calls wait meanwhile, a transaction is shorter."""
    monkeypatch.setattr(vehicles, "ALONE_CHUNK_ROWS", 80)
    monkeypatch.setattr(vehicles, "BESIDE_CHUNK_ROWS", 20)
    rows = 20 if is_served else 80
    write = Chunk.write

    async def send_signal(chunk: Chunk, transaction: ChunkTransaction, parsed: ParsedRows) -> ChunkResult:
        if parsed.rows[0].line == 2:
            signal.raise_signal(number)
        return await write(chunk, transaction, parsed)

    content = "\n".join(["vin", *(make_vin(number) for number in range(rows + 1))])
    with monkeypatch.context() as patched:
        patched.setattr(Chunk, "write", send_signal)
        with hold_file(read_settings({})) if is_served else nullcontext():
            answer = run_import(cli, content)
    assert answer.status == status
    assert answer.out == SUMMARY.format(rows, rows, 0, 0, 0, 0)
    assert f"interrupted after {rows} rows. Run it again to continue." in answer.err
    assert read_details(make_vin(0)) is not None
    assert run_import(cli, content).out == SUMMARY.format(rows + 1, 1, 0, rows, 0, 0)


def read_report(name: str = REPORT) -> list[list[str]]:
    with Path(name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_report_names_each_refused_line(cli: Cli) -> None:
    rows = [HUMMER, HUMMER, "1HGCM82633A0O4352", "=1+1", *["x"] * 30]
    answer = run_import(cli, "\n".join(["NIV", *rows]))
    assert answer.status == 1
    header, again, letter, formula, *rest = read_report()
    assert header == ["line", "column", "detail"]
    assert again == ["3", "vin", f"The VIN {HUMMER} already appears on line 2 of the file."]
    assert letter[:2] == ["4", "vin"]
    assert "a VIN has no letter O; digit 0?" in letter[2]
    assert formula[0] == "5"
    assert [line for line, _, _ in rest] == [str(line) for line in range(6, 36)]
    *shown, more, where = answer.err.splitlines()
    assert (len(shown), more) == (20, "padron: 13 more lines were refused.")
    assert where == f"padron: All 33 refused lines are in {REPORT}."
    assert run_import(cli, "\n".join(["NIV", *rows]), "--json").document["report"] == REPORT


def test_a_report_is_made_when_there_is_something_to_report(cli: Cli) -> None:
    run_import(cli, f"vin\n{HUMMER}\nx\n")
    assert Path(REPORT).exists()
    run_import(cli, f"vin\n{HUMMER}\n")
    assert not Path(REPORT).exists()  # it spoke of a file that is mended by now
    run_import(cli, f"vin\n{HUMMER}\n", "--report", "all.csv")
    assert read_report("all.csv") == [["line", "column", "detail"]]


@pytest.mark.parametrize(
    "report, said",
    [
        ("fleet.csv", "would overwrite the imported file"),
        ("./sub/../fleet.csv", "would overwrite the imported file"),
        ("other.csv", "would overwrite a file that is not a report"),
        ("none/report.csv", "cannot be written: there is no folder 'none'"),
        ("sub", "cannot be written: it is a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_told_before_anything_is_imported(cli: Cli, report: str, said: str) -> None:
    Path("sub").mkdir()
    Path("other.csv").write_text("precious")
    content = f"vin\n{HUMMER}\nx\n"
    check_sentence(run_import(cli, content, "--report", report), 2, said)
    assert read_details(HUMMER) is None
    assert Path("fleet.csv").read_text() == content
    assert Path("other.csv").read_text() == "precious"


def test_a_dry_run_says_what_would_change_and_changes_nothing(cli: Cli) -> None:
    content = f"vin,plate\n{HUMMER},ABC123\n{JEEP},ABC123\n"
    answer = run_import(cli, content, "--dry-run")
    assert (answer.status, answer.out) == (1, f"Dry run, nothing was changed. {SUMMARY.format(2, 1, 0, 0, 0, 1)}")
    assert read_report()[1][:2] == ["3", "plate"]
    assert read_details(HUMMER) is None
    assert run_import(cli, content, "--dry-run", "--json").document["dryRun"] is True


@pytest.mark.parametrize(
    "mapping",
    [
        '{"Unidad": "customId", "Km": null, "Estado": "-"}',
        "Unidad,customId\nKm,\n\nESTADO,-\n",
        pytest.param("Unidad;customId\r\nKm;-\r\nEstado;-\r\n", marks=pytest.mark.long),
    ],
)
def test_a_mapping_file_says_what_the_columns_are(cli: Cli, mapping: str) -> None:
    Path("mapping").write_text(mapping)
    content = f"NIV;Unidad;Km;Estado\n{HUMMER};A-1;1200;Jalisco\n"
    assert run_import(cli, content, "--mapping", "mapping").out == SUMMARY.format(1, 1, 0, 0, 0, 0)
    assert read_details(HUMMER) == {"customId": "A-1"}


@pytest.mark.parametrize(
    "mapping, said",
    [
        (b'{"a": 1}', "must have a text for each name"),
        (b'{"a": ', "is not JSON"),
        (b"a,b,c\n", "Line 1 of the mapping 'mapping' has 3 cells"),
        (b"\xff", "is not UTF-8"),
        (b"x" * 1_000_001, "more than 1 MB"),
        (None, "cannot be read: there is no such file"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_wrong_usage(cli: Cli, mapping: bytes | None, said: str) -> None:
    if mapping is not None:
        Path("mapping").write_bytes(mapping)
    check_sentence(run_import(cli, f"vin\n{HUMMER}\n", "--mapping", "mapping"), 2, said)


def test_a_workbook_is_imported_from_the_sheet_that_is_asked_for(cli: Cli) -> None:
    fleet = [["Serie", "Placas", "Estatus"], [HUMMER, "ABC123", "Robado"]]
    write_workbook(Path("fleet.xlsx"), [["Notas"], ["x"]], fleet)
    command = ("vehicles", "import", "--account", "Acme", "fleet.xlsx")
    check_sentence(cli(*command), 1, "Choose one with sheet (--sheet)")
    assert cli(*command, "--sheet", "More 2").out == SUMMARY.format(1, 1, 0, 0, 0, 0)
    assert read_details(HUMMER) == {"plate": "ABC123"}


def test_standard_input_is_read_like_a_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(f"vin\n{HUMMER}\nx\n".encode())))
    answer = cli("vehicles", "import", "--account", "Acme", "-")
    assert (answer.status, answer.out) == (1, SUMMARY.format(2, 1, 0, 0, 0, 1))
    assert read_report("import.report.csv")[1][:2] == ["3", "vin"]


def test_a_file_of_several_batches_is_read_to_its_end(cli: Cli) -> None:
    rows = [make_vin(number) for number in range(1_200)]
    content = "\n".join(["vin", *rows, rows[3], "?"])
    answer = run_import(cli, content)
    assert (answer.status, answer.out) == (1, SUMMARY.format(1_202, 1_200, 0, 0, 0, 2))
    assert [row[0] for row in read_report()[1:]] == ["1202", "1203"]
    check_sentence(run_import(cli, "colr\n"), 1, "'colr' (perhaps vehicleColor)")


def test_a_file_that_breaks_in_the_middle_stops_the_import_there(cli: Cli) -> None:
    comment = f"<!--{' ' * 200_000}-->"  # so that it breaks in a block of its own
    rows = give_row(1, "vin") + give_row(2, HUMMER) + comment + "<c><v>1</v></c></sheetData>"
    build_workbook(Path("fleet.xlsx"), rows)
    answer = cli("vehicles", "import", "--account", "Acme", "fleet.xlsx")
    assert (answer.status, answer.out) == (1, SUMMARY.format(1, 1, 0, 0, 0, 0))
    assert "stopped after 1 rows: The part 'xl/worksheets/sheet1.xml' is not well-formed XML" in answer.err
