"""padron vehicles import: the file, the summary, the exit status."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from padron.cli.vehicles import CHUNK_ROWS
from padron.config import read_settings
from padron.files.columns import ImportRow, Refusal
from padron.files.csv_rows import CsvRows
from padron.wiring import use_runtime
from tests.cast import HUMMER, JEEP, make_vin
from tests.cli.conftest import Answer, Cli, check_sentence

SUMMARY = "Read {}: registered {}, updated {}, unchanged {}, kept duplicates {}, refused {}.\n"


@pytest.fixture(autouse=True)
def acme(cli: Cli) -> None:
    assert cli("accounts", "add", "Acme").status == 0


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
        f"vin,plate,ownerName\n{HUMMER},ABC123,Águila\n{JEEP},,\n".encode(),
        f"VIN;Plate;OWNERNAME\r\n{HUMMER};abc123;Águila\r\n\r\n{JEEP};;\r\n".encode("utf-8-sig"),
        f'vin;plate;ownerName\n{HUMMER};ABC123;"Águila"\n{JEEP};;'.encode(),
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
    answer = run_import(cli, f'vin,observations\n{HUMMER},"two\nlines"\n{JEEP},ok\nSHRT,\n')
    assert answer.status == 1
    assert answer.out == SUMMARY.format(3, 1, 0, 0, 0, 2)
    first, second, third = answer.err.splitlines()
    assert third == "padron: All 2 refused lines are in fleet.csv.report.csv."
    assert first.startswith("padron: line 2, observations: observations contains '\\n'")
    assert second.startswith("padron: line 5, vin: The VIN has 4 characters")


def test_keep_duplicates_keeps_them_once(cli: Cli) -> None:
    content = f"vin,doors\n{HUMMER},2\n{HUMMER},3\n{HUMMER},3\n"
    answer = run_import(cli, content, "--keep-duplicates")
    assert (answer.status, answer.out) == (0, SUMMARY.format(3, 1, 0, 0, 2, 0))
    assert run_import(cli, content, "--keep-duplicates").out == SUMMARY.format(3, 0, 0, 3, 0, 0)


@pytest.mark.parametrize(
    "content, said",
    [
        (f"vin,colr\n{HUMMER},red\n", "There is no column 'colr': is it vehicleColor?"),
        (f"{HUMMER}\n", "There is no column"),
        ("", "one of them must be vin"),
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
        (f"{HUMMER},1,2".encode(), "3 cells"),
        (HUMMER.encode(), "1 cells"),
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
    assert "line 2: A quotation mark is opened" in answer.err
    assert read_details(HUMMER) is None
    assert read_details(JEEP) == {"ownerName": "ok"}


def test_what_does_not_exist_is_one_sentence(cli: Cli) -> None:
    check_sentence(cli("vehicles", "import", "--account", "Acme", "none.csv"), 1, "'none.csv' cannot be read")
    Path("fleet.csv").write_text(f"vin\n{HUMMER}\n")
    check_sentence(cli("vehicles", "import", "--account", "Beta", "fleet.csv"), 1, "no account named 'Beta'")


def test_ctrl_c_lets_the_transaction_end_and_gives_130_and_the_summary_so_far(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_row = CsvRows._give_row

    def press_ctrl_c(rows: CsvRows, line: int, cells: list[str]) -> ImportRow | Refusal:
        if line == 2:
            signal.raise_signal(signal.SIGINT)
        return give_row(rows, line, cells)

    monkeypatch.setattr(CsvRows, "_give_row", press_ctrl_c)
    answer = run_import(cli, "\n".join(["vin", *(make_vin(number) for number in range(CHUNK_ROWS + 1))]))
    assert answer.status == 130
    assert answer.out == SUMMARY.format(CHUNK_ROWS, CHUNK_ROWS, 0, 0, 0, 0)
    assert f"interrupted after {CHUNK_ROWS} rows" in answer.err
    assert read_details(make_vin(0)) is not None
