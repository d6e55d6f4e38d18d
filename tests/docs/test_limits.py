"""docs/limits.md names each limit with its default, and each error that a client can meet."""

import re
from dataclasses import asdict
from pathlib import Path

from padron.domain.file_import import UPLOAD_BYTES_MAX
from padron.domain.limits import DEFAULT_LIMITS, VALUE_MAX
from padron.files.pictures import PICTURE_BYTES_MAX
from padron.http import calls
from padron.http.answers.problems import ALL_PROBLEMS
from padron.http.places import UNCOUNTED_BYTES
from padron.service import rates
from tests.tables import each_row

GUIDE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
_find_rows = re.compile(r"^\| `(\w+)` \| (.+?) \| in (the register|a process) \| ([\d,]+) \| (.+?) \|$", re.MULTILINE)
_find_errors = re.compile(r"([0-9]{3}) `(\w+)`").findall


def test_the_table_has_each_limit_in_order_with_its_default() -> None:
    rows = _find_rows.findall(GUIDE)
    assert {name: int(default.replace(",", "")) for name, _, _, default, _ in rows} == asdict(DEFAULT_LIMITS)
    assert [name for name, *_ in rows] == [*asdict(DEFAULT_LIMITS)]


def test_every_error_of_the_page_is_one_of_the_api_with_its_status() -> None:
    known = {(str(problem.status), problem.error_detail) for problem in ALL_PROBLEMS}
    assert {*_find_errors(GUIDE)} <= known
    silent = {name: end for name, _, _, _, end in _find_rows.findall(GUIDE) if not _find_errors(end)}
    assert [name for name, end in silent.items() if "connection" not in name and "connection" not in end] == []


@each_row(
    "said",
    [
        f"from 1 to {VALUE_MAX:,}",
        f"at least {rates.KEYS_KEPT:,} keys and {rates.ADDRESSES_KEPT:,} addresses",
        f"all bodies above {UNCOUNTED_BYTES:,} bytes",
        f"counts as {calls.STREAM_HELD_BYTES:,} bytes",
        f"| {calls.HEADER_COUNT_MAX} | 431",
        f"| {calls.HEADER_BYTES_MAX:,} | 431",
        f"| {calls.TARGET_BYTES_MAX:,} bytes | 414",
        f"| {calls.BODY_BYTES_MAX:,} bytes | 413",
        f"| {calls.BULK_BODY_BYTES_MAX:,} bytes | 413",
        f"| {UPLOAD_BYTES_MAX:,} bytes | 413",
        f"| {PICTURE_BYTES_MAX:,} bytes | 413",
        f"{calls.STREAM_BYTES_PER_S_MIN:,} bytes a second",
    ],
)
def test_the_page_says_what_the_program_holds_to(said: str) -> None:
    assert said in " ".join(GUIDE.split())
