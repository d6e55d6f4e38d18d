"""Files made to stop, fill or crash whoever reads them: each ends in rows or in one sentence, within its limits."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from padron.domain.errors import PadronError
from padron.files import ahead
from padron.files.ahead import AheadRows, open_rows_ahead, stream_rows_ahead
from padron.files.child import give_limits
from padron.files.columns import FileRow
from padron.files.orders import ChildLimits, Order
from tests.cast import HUMMER, make_vin
from tests.files.workbooks import MAIN, RELATIONS, SHEET, TEXTS, build_workbook, give_relations, give_row

pytestmark = pytest.mark.timeout(180)  # a busy machine gives a process little time

HEADER = give_row(1, "vin", "observations")
STYLES = "xl/styles.xml"
CPU_S = 10  # enough for each file here, and for none that takes quadratic time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet"


def read(path: Path) -> list[FileRow]:
    with open_rows_ahead(path) as rows:
        return list(rows)


async def read_streamed(path: Path) -> None:
    async with stream_rows_ahead(Order(path=str(path))) as rows:
        await rows.open()
        await take_all(rows)


async def take_all(rows: AheadRows) -> None:
    while not rows.is_ended:
        await rows.take(100)


def give_styles(code: str) -> dict[str, str | bytes]:
    return {
        STYLES: f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts>'
        '<cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>',
        "xl/_rels/workbook.xml.rels": give_relations(
            ("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")
        ),
    }


def name_one_part_often(sheets: int) -> dict[str, str | bytes]:
    named = "".join(f'<sheet name="S{place}" sheetId="{place}" r:id="r{place}"/>' for place in range(1, sheets + 1))
    return {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": give_relations(*[("worksheet", "worksheets/sheet1.xml")] * sheets),
    }


def write_text(text: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text)


def write_book(rows: str, parts: dict[str, str | bytes] | None = None) -> Callable[[Path], object]:
    return lambda path: build_workbook(path, rows, parts=parts)


# They are made when they are needed: many are large.
FILES: dict[str, tuple[Callable[[], Callable[[Path], object]], str | None]] = {
    "a number format of brackets": (lambda: write_book(HEADER, give_styles("[" * 700_000)), None),
    "a number format of quotes": (lambda: write_book(HEADER, give_styles("&quot;[" * 160_000)), None),
    "empty rows of a sheet": (lambda: write_book(HEADER + "<row/>" * 100_000), None),
    "empty cells of a row": (lambda: write_book(HEADER + f"<row>{'<c/>' * 100_000}</row>"), None),
    "newlines": (lambda: write_text(b"vin\n" + b"\n" * 500_000), None),
    "blank lines of JSON": (lambda: write_text(b'{"vin":""}\n' + b" \n" * 250_000), None),
    "quotes that are not closed": (lambda: write_text(b"vin\n" + b'"a\n' * 20_000), None),
    "a quoted cell that never ends": (lambda: write_text(b'vin\n"' + b"\n" * 200_000), None),
    "JSON in JSON": (lambda: write_text((b'{"vin":' + b"[" * 100_000 + b"\n") * 7), None),
    "many sheets in one part": (
        lambda: write_book("<row/>" * 300_000, name_one_part_often(500)), "have the same part"
    ),
    "a bomb": (lambda: write_book(HEADER, {SHEET: b"<x>" + b" " * 60_000_000 + b"</x>"}), "compressed"),
    "elements in elements": (lambda: write_book(HEADER, {SHEET: b"<a>" * 300_000}), "nests more than 200 elements"),
    "a long shared text": (
        lambda: write_book(HEADER, {TEXTS: f"<sst><si><t>{'x' * 9_000_000}</t></si></sst>"}), "for a cell"
    ),
}  # fmt: skip


# Whether such files are read in time, the tests of each form also say, without a process.
FILES_LONG = {
    "a number format of brackets", "empty rows of a sheet", "newlines", "blank lines of JSON",
    "quotes that are not closed", "a quoted cell that never ends", "a bomb", "a long shared text",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in FILES_LONG else ()) for name in FILES]
)
def test_a_file_made_to_stop_the_program_is_read_or_refused_soon(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ahead, "give_limits", lambda *_, **__: ChildLimits(cpu_s=CPU_S, wall_s=150, memory_bytes=300 << 20)
    )
    build, said = FILES[name]
    build()(path)
    if said is None:
        read(path)
        return
    with pytest.raises(PadronError, match=said) as refused:
        read(path)
    assert len(refused.value.detail) < 300


@pytest.fixture(scope="module")
def slow_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with some seconds of reading, without a row. To write it on the event loop would hold that up."""
    path = tmp_path_factory.mktemp("slow") / "fleet"
    path.write_bytes(b"vin\n" + b"\n" * 30_000_000)
    return path


LIMITS = {
    "processor": (ChildLimits(cpu_s=1, wall_s=50), "took more than 1 seconds of processor time"),
    "time": (ChildLimits(cpu_s=50, wall_s=0.3), "was not read within 0 seconds"),
    "silence": (ChildLimits(cpu_s=50, wall_s=50, silence_s=0.02), "was not read within 0 seconds"),
    "memory": (ChildLimits(cpu_s=50, wall_s=50, memory_bytes=1 << 20), "takes more than 1 MB of memory"),
}


@pytest.mark.parametrize(
    "name, is_streamed",
    [
        pytest.param("processor", False, marks=pytest.mark.long),
        ("time", False),
        ("silence", False),
        pytest.param("memory", False, marks=pytest.mark.long),
        *((name, True) for name in LIMITS),
    ],
)
async def test_each_limit_ends_the_reading_with_a_sentence(
    slow_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, *, is_streamed: bool
) -> None:
    limits, said = LIMITS[name]
    monkeypatch.setattr(ahead, "give_limits", lambda *_, **__: limits)
    before = set(psutil.Process().children())
    with pytest.raises(PadronError, match=said):
        await (read_streamed(slow_path) if is_streamed else asyncio.to_thread(read, slow_path))
    assert set(psutil.Process().children()) <= before


def test_the_limits_grow_with_the_file_and_have_an_end(path: Path) -> None:
    limits = [give_limits(path, is_beside_server=True)]
    for size in (10_000_000, 10_000_000_000):
        with path.open("wb") as file:
            file.truncate(size)
        limits.append(give_limits(path, is_beside_server=True))
    assert [one.cpu_s for one in limits] == [120, 220, 1_800]
    assert {one.memory_bytes for one in limits} == {1 << 30}
    assert {one.niceness for one in limits} == {10}


async def test_while_a_file_is_read_the_event_loop_goes_on_and_the_file_can_be_given_up(slow_path: Path) -> None:
    async with stream_rows_ahead(Order(path=str(slow_path))) as rows:
        await rows.open()
        taking = asyncio.create_task(take_all(rows))
        late_s = 0.0
        for _ in range(50):
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            late_s = max(late_s, time.monotonic() - begun)
        assert late_s < 0.5
        rows.kill()
        with pytest.raises(PadronError, match="The reading of the file was stopped"):
            await taking


@pytest.mark.long
async def test_a_file_without_rows_is_told_how_far_it_is(slow_path: Path) -> None:
    async with stream_rows_ahead(Order(path=str(slow_path))) as rows:
        await rows.open()
        assert await rows.take(100) == []
        first = rows.bytes_read
        while await rows.take(100) == [] and rows.bytes_read == first:
            assert not rows.is_ended
        assert first < rows.bytes_read <= rows.bytes_total == slow_path.stat().st_size


def test_the_process_has_neither_settings_nor_files_of_the_server(
    slow_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRON_DATABASE_URL", "postgresql://padron:secret@db/padron")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    secret = os.open(slow_path.parent / "secret", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)  # noqa: FBT003 - it takes no name
    before = set(psutil.Process().children())
    try:
        with open_rows_ahead(slow_path):
            (child,) = set(psutil.Process().children()) - before
            assert "secret" not in str(child.environ())
            assert [Path(one.path).name for one in child.open_files()] == ["fleet"]
            assert child.net_connections() == []
            assert child.rlimit(psutil.RLIMIT_AS) == (1 << 30, 1 << 30)
    finally:
        os.close(secret)


def test_a_signal_to_the_whole_group_is_for_the_other_process_to_hear(path: Path) -> None:
    before = set(psutil.Process().children())
    path.write_text("vin\n" + "".join(f"{make_vin(place)}\n" for place in range(2_000)))
    with open_rows_ahead(path) as rows:
        (child,) = set(psutil.Process().children()) - before
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGINT)
        assert len(list(rows)) == 2_000


def test_what_the_process_writes_to_its_errors_is_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("padron.files.child.PROGRAM", "padron.files.nothing")
    path.write_text(f"vin\n{HUMMER}\n")
    with pytest.raises(PadronError, match=r"ended before the end of the file\. The program's log says why"):
        read(path)
    assert "No module named padron.files.nothing" in caplog.text


def test_a_process_that_writes_something_else_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(f"vin\n{HUMMER}\n")
    monkeypatch.setattr("padron.files.child.PROGRAM", "this")  # which prints a poem
    with pytest.raises(PadronError, match="sent damaged data"):
        read(path)
