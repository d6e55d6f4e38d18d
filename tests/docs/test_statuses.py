"""docs/statuses.md and the README name the statuses as the program does."""

from pathlib import Path

from padron.domain.account import Scope
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus, is_operational

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "statuses.md").read_text("utf-8")
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


def test_the_readme_names_each_status_in_both_languages() -> None:
    for status, text in STATUS_TEXTS.items():
        assert f"| {status.value} | {text.name} | {text.nombre} |" in README
