"""The file with the keys for secrets: what it may hold, and who may read it."""

import base64
import os
from pathlib import Path

import pytest

from padron.domain.errors import Code, PadronError
from padron.secret_files import FILE_BYTES_MAX, make_key, read_keys
from tests.tables import each_row

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()  # the same in each process that collects tests


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "padron.keys"
    path.write_text(text)
    path.chmod(mode)
    return path


def refuse(path: Path) -> str:
    with pytest.raises(PadronError) as refusal:
        read_keys(path)
    assert refusal.value.code is Code.SECRET_KEY_MISSING
    assert path.name in refusal.value.detail
    return refusal.value.detail


def test_keys_are_read_in_order_without_comments(tmp_path: Path) -> None:
    first, second = make_key(), make_key()
    assert first != second
    path = write(tmp_path, f"# the present one\n{first}\n\n  {second}  \n# end")
    assert read_keys(path) == [first, second]


@each_row("mode", [0o640, 0o604, 0o620, 0o660, 0o666])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    assert "chmod 600" in refuse(write(tmp_path, make_key(), mode))


@each_row(
    "text, said",
    [
        ("", "has no key."),
        ("# only this\n", "has no key."),
        ("short\n", "no key on line 1"),
        (f"{KEY}\nñ\n", "no key on line 2"),
        (f"{KEY[:-4]}\n", "no key on line 1"),
        (f"{KEY}\n{KEY} x\n", "no key on line 2"),
        ("#" * (FILE_BYTES_MAX + 1), f"more than {FILE_BYTES_MAX} bytes"),
    ],
)
def test_a_file_without_keys_is_refused_and_not_repeated(tmp_path: Path, text: str, said: str) -> None:
    detail = refuse(write(tmp_path, text))
    assert said in detail
    assert not any(len(word) > 20 and word in detail for word in text.split())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refuse(tmp_path / "none")
    assert "cannot be read" in refuse(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    assert "is not a file" in refuse(tmp_path / "pipe")
    os.close(writer)
