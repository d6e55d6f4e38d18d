"""Writes a file that is whole or not there: under a temporary name, synced, and renamed at the end."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from padron.cli.outputs import word_trouble
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path

OWNER_ONLY = 0o600
AS_USUAL = 0o666  # less what the user's mask takes away


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What a command says to do about a target that cannot be used."""

    replace: str = "--replace"  # its option
    instead: str = "name a file"


_ADVICE = Advice()


@contextmanager
def write_whole(target: Path, *, replace: bool, mode: int = OWNER_ONLY, advice: Advice = _ADVICE) -> Iterator[Path]:
    """Give the path of an empty file to write.

    At the end of the block the file has the target's name. After an error nothing has changed. Raises
    ``bad_parameters`` for a target that exists, unless ``replace``.
    """
    place = Path(os.path.realpath(target))
    check_free(place, target, replace=replace, advice=advice)
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
            yield part
            _sync(part)
            _move(part, place, target, replace=replace, advice=advice)
            _sync(place.parent)
        except OSError as error:
            raise PadronError(
                Code.BAD_PARAMETERS, f"The file {quote_path(target)} cannot be written: {word_trouble(target, error)}."
            ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def check_free(place: Path, target: Path, *, replace: bool, advice: Advice = _ADVICE) -> None:
    """Raise ``bad_parameters`` for a target that is not a file, and for one that exists unless ``replace``."""
    if place.exists() and not place.is_file():
        raise PadronError(Code.BAD_PARAMETERS, f"{quote_path(target)} is not a file: {advice.instead}.")
    if place.exists() and not replace:
        raise PadronError(
            Code.BAD_PARAMETERS, f"The file {quote_path(target)} already exists. Use {advice.replace} to replace it."
        )


def _move(part: Path, place: Path, target: Path, *, replace: bool, advice: Advice) -> None:
    if replace:
        part.replace(place)
        return
    try:
        place.hardlink_to(part)  # unlike a rename, this never replaces a file that was created in the meantime
    except FileExistsError:
        check_free(place, target, replace=False, advice=advice)
    except OSError:  # a file system without links
        check_free(place, target, replace=False, advice=advice)
        part.replace(place)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
