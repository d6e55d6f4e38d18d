"""A file that is being written at this moment is not taken for a damaged one."""

import shutil
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.store.sqlite import recognition
from padron.store.sqlite.recognition import check_file


@pytest.fixture
def short(template: Path, tmp_path: Path) -> Path:
    """Give a register of which only the beginning is in the file."""
    path = Path(shutil.copy(template, tmp_path / "padron.db"))
    path.write_bytes(template.read_bytes()[:-8_192])
    return path


def test_a_file_whose_rest_comes_from_the_log_while_it_is_looked_at_is_whole(
    short: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_and_delete_log(path: str) -> bool:
        """Do what a server does that ends at this moment, and say that there is no log."""
        with Path(path).open("r+b") as file:
            file.write(template.read_bytes())
        return False

    monkeypatch.setattr(recognition, "_has_log", copy_and_delete_log)
    check_file(str(short), may_create=False)


def test_a_file_that_is_replaced_by_a_shorter_one_while_it_is_looked_at_is_whole(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(template, tmp_path / "padron.db"))

    def replace_file(path: str) -> bool:
        (tmp_path / "new.db").write_bytes(template.read_bytes()[:-8_192])
        (tmp_path / "new.db").replace(path)
        return False

    monkeypatch.setattr(recognition, "_has_log", replace_file)
    check_file(str(path), may_create=False)


def test_a_file_that_stays_short_is_damaged(short: Path) -> None:
    with pytest.raises(PadronError, match="is damaged: it has"):
        check_file(str(short), may_create=False)
