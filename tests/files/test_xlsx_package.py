"""Workbooks as packages: parts that other programs name otherwise, archives that are none, and what is read of one."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padron.domain.errors import PadronError
from padron.files import xlsx_package, xlsx_workbook
from tests.cast import HUMMER, make_vin
from tests.files.reading import read_rows
from tests.files.workbooks import MAIN, RELATIONS, TEXTS, build_shared, build_workbook, give_row, write_workbook
from tests.tables import each_row

STRICT = "http://purl.oclc.org/ooxml/"
HEADER = give_row(1, "vin", "observations")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.xlsx"


def rewrite(path: Path, change: Callable[[str], str], inside: Callable[[str], str] = str) -> None:
    """Give the parts of a workbook other names and other content."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name).decode() for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(change(name), inside(content))


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda name: name.replace("/", "\\"),
        lambda name: f"/{name}",
        lambda name: name.replace("sheet1", "Sheet1"),
    ],
    ids=["upper case", "backslashes", "slashes before", "a letter"],
)
def test_the_names_of_parts_may_be_written_otherwise(path: Path, change: Callable[[str], str]) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER, "ok"))
    rewrite(path, change)
    assert len(read_rows(path)) == 1


def test_a_target_with_backslashes_is_found(path: Path) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER, "ok"))
    rewrite(path, str, lambda content: content.replace('Target="worksheets/', 'Target="worksheets\\'))
    assert len(read_rows(path)) == 1


def test_a_strict_workbook_is_read(path: Path) -> None:
    texts = f'<sst xmlns="{MAIN}"><si><t>ok</t></si></sst>'
    build_workbook(path, HEADER + give_row(2, HUMMER, '<c t="s"><v>0</v></c>'), parts={TEXTS: texts})

    def make_strict(content: str) -> str:
        strict = content.replace(MAIN, STRICT + "spreadsheetml/main")
        return strict.replace(RELATIONS, STRICT + "officeDocument/relationships")

    rewrite(path, str, make_strict)
    assert [cells["observations"] for _, cells in read_rows(path)] == ["ok"]


@each_row(
    "parts, said",
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}, r"\.ods"),
        ({"_rels/.rels": "<x/>", "xl/workbook.bin": b"\x00"}, r"\.xlsb"),
        ({"_rels/.rels": "<x/>", "word/document.xml": "<x/>"}, "a Word document"),
        ({"Index/Document.iwa": b"x"}, "a Numbers document"),
        ({"fleet.csv": f"vin\n{HUMMER}\n"}, "a ZIP archive. Unpack it"),
    ],
)
def test_another_kind_of_archive_is_named_for_what_it_is(path: Path, parts: dict[str, str | bytes], said: str) -> None:
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    with pytest.raises(PadronError, match=f"^The file is .*{said}"):
        read_rows(path)


def test_an_empty_archive_is_named_too(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(PadronError, match=r"a ZIP archive"):
        read_rows(path)


def test_each_part_is_read_at_most_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook(path, [], [["vin"], [HUMMER]], [])
    opened: list[str] = []
    whole = zipfile.ZipFile.open

    def note(self: zipfile.ZipFile, name: zipfile.ZipInfo, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        opened.append(name.filename)
        return whole(self, name, *rest, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", note)
    assert read_rows(path) == [(2, {"vin": HUMMER})]
    assert sum("worksheets/sheet" in name for name in opened) == 3
    assert len(opened) == len(set(opened))


def test_the_parts_of_a_workbook_have_a_limit_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_workbook(path, HEADER + give_row(2, HUMMER, "ok" * 500))
    monkeypatch.setattr(xlsx_package, "BYTES_MAX", 2_000)
    with pytest.raises(PadronError, match="The unpacked file has more than 2,000 bytes"):
        read_rows(path)


@pytest.mark.parametrize("name, limit", [("TEXTS_MAX", 3), ("TEXTS_CHARACTERS_MAX", 30)])
def test_shared_texts_have_a_limit(path: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: int) -> None:
    build_shared(path, [["vin", "ownerName"], *([make_vin(number), f"Dueño {number}"] for number in range(9))])
    assert len(read_rows(path)) == 9
    monkeypatch.setattr(xlsx_workbook, name, limit)
    with pytest.raises(PadronError, match="too many texts"):
        read_rows(path)


def test_a_part_packed_in_a_way_that_has_no_bound_is_refused(path: Path) -> None:
    build_workbook(path, HEADER)
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    with pytest.raises(PadronError, match="has an unknown compression"):
        read_rows(path)
