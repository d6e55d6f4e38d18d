"""docs/statuses.md and the README name the statuses as the program does."""

import re
from pathlib import Path

from padron.domain.account import Scope
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus, is_operational

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "statuses.md").read_text("utf-8")
HISTORIES = {"CHANGELOG.md", "api-changelog.md"}  # they count what there was
WORDS = {8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen"}
_find_counts = re.compile(
    rf"\b({'|'.join(WORDS.values())})(?= (?:vehicle )?(?:status|ids\b|that a call may set|, from Inactive))",
    re.IGNORECASE,
).findall
_find_last_ids = re.compile(r"0, 1(?:,| and| or) 3 to ([0-9]+)").findall
README = (ROOT / "README.md").read_text("utf-8")


def test_the_guide_has_a_row_for_each_status_and_no_other() -> None:
    rows = [line for line in GUIDE.splitlines() if line.startswith("| ") and not line.startswith("| id")]
    assert len(rows) == len(STATUS_TEXTS)
    for row, (status, text) in zip(rows, STATUS_TEXTS.items(), strict=True):
        number, name, nombre, meaning, operations, setter = (cell.strip() for cell in row.strip("|").split("|"))
        assert (number, name, nombre, meaning) == (str(status.value), text.name, text.nombre, text.meaning)
        assert operations == ("may touch it" if is_operational(status) else "leave it out")
        is_settable = status in SETTABLE_STATUSES.values()
        assert (f"`{Scope.VEHICLES_STATUS.value}`" in setter) == is_settable
        assert (setter == "the system alone") == (status is VehicleStatus.INFO_CHANGED)


def test_no_guide_counts_the_statuses_wrongly() -> None:
    guides = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for guide in (guide for guide in guides if guide.name not in HISTORIES):
        text = guide.read_text("utf-8")
        counts = {word.lower() for word in _find_counts(text)}
        assert counts <= {WORDS[len(VehicleStatus)], WORDS[len(SETTABLE_STATUSES)]}, guide.name
        assert {*_find_last_ids(text)} <= {str(max(VehicleStatus).value)}, guide.name


def test_a_wrong_count_would_be_found() -> None:
    assert _find_counts("one of eleven statuses, all ten ids, and the nine that a call may set") == [
        "eleven",
        "ten",
        "nine",
    ]
    assert _find_last_ids("the call takes 0, 1 and 3 to 10") == ["10"]


def test_the_readme_names_each_status_in_both_languages() -> None:
    for status, text in STATUS_TEXTS.items():
        assert f"| {status.value} | {text.name} | {text.nombre} |" in README
