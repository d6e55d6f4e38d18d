"""Reads the barcodes of a picture, in a process of its own with limits on all that it uses.

A picture can be made to fill, stop or crash whoever opens it. That happens to this process alone. It gets nothing of
the server but the picture: no settings, no sockets, no files.
"""

import asyncio
import importlib.util
import logging
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Event, Timer

import msgspec

from padron.domain.barcode import Barcode
from padron.domain.errors import Code, PadronError
from padron.files import child
from padron.files.orders import EXIT_MEMORY, ChildLimits
from padron.files.picture_orders import (
    ANSWER_BYTES_MAX,
    SMALLER,
    PictureAnswer,
    PictureOrder,
    pack_order,
    word_picture_memory,
)

PROGRAM = "padron.files.picture_reader"
PICTURE_BYTES_MAX = 12_000_000  # a phone's photo has two to eight million
LIMITS = ChildLimits(cpu_s=15, wall_s=30.0, memory_bytes=640 << 20, niceness=5)

_PACKAGES = ("PIL", "zxingcpp")
_JPEG, _PNG, _RIFF, _WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"
_PHONE_FORMS = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"})
_decode = msgspec.msgpack.Decoder(PictureAnswer).decode
_log = logging.getLogger("padron.files")


@cache
def can_read_pictures() -> bool:
    """Say whether the packages for it are installed. They are not loaded here."""
    return all(importlib.util.find_spec(name) is not None for name in _PACKAGES)


async def read_barcodes(picture: bytes, limits: ChildLimits | None = None) -> Sequence[Barcode]:
    """Give the barcodes of a JPEG, PNG or WebP picture, in the order in which they were found.

    Raises ``scanning_unavailable`` without the packages, and ``bad_parameters`` for a picture that cannot be read.
    """
    if not can_read_pictures():
        detail = "This server cannot read pictures. Its operator can install Padrón with its extra scan."
        raise PadronError(Code.SCANNING_UNAVAILABLE, detail)
    _check_form(picture)
    process = child.start_process(child.give_environment(), PROGRAM)
    try:
        answer = await asyncio.to_thread(_ask, process, picture, limits or LIMITS)
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # a caller who gives up leaves nothing behind, and the thread ends
    if answer.error is not None:
        raise _refuse(answer.error)
    return answer.barcodes


def _ask(process: subprocess.Popen[bytes], picture: bytes, limits: ChildLimits) -> PictureAnswer:
    """Give the picture to the process, and wait for its answer and its end."""
    is_late = Event()

    def give_up() -> None:
        is_late.set()
        process.kill()

    timer = Timer(limits.wall_s, give_up)
    timer.daemon = True  # nobody waits for it, whatever happens here
    timer.start()
    output, errors = child.give_pipe(process.stdout), child.give_pipe(process.stderr)
    with output, errors:
        with suppress(BrokenPipeError), child.give_pipe(process.stdin) as asked:
            asked.write(pack_order(PictureOrder(limits=limits)))
            asked.write(picture)
        said = output.read(ANSWER_BYTES_MAX)
        timer.cancel()
        status = _await_end(process)
        os.set_blocking(errors.fileno(), False)
        written = errors.read(child.ERRORS_BYTES_MAX) or b""
    if text := written.decode("utf-8", "replace").strip():
        _log.warning("The process that reads a picture wrote: %s", text)
    if is_late.is_set():
        raise _refuse(f"The picture was not read within {limits.wall_s:,.0f} seconds, the limit. {SMALLER}")
    try:
        return _decode(said)
    except (msgspec.DecodeError, ValueError):
        raise _refuse(_word_end(status, limits)) from None


def _await_end(process: subprocess.Popen[bytes]) -> int:
    """Give the exit status of a process that has closed its output, or sends more than it may."""
    try:
        return process.wait(child.WAIT_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _word_end(status: int, limits: ChildLimits) -> str:
    if status == -signal.SIGXCPU:
        return f"Reading the picture took more than {limits.cpu_s} seconds of processor time, the limit. {SMALLER}"
    if status == EXIT_MEMORY:
        return word_picture_memory()
    return "The process that reads the picture ended early. The server's log says why."


def _check_form(picture: bytes) -> None:
    """Raise ``bad_parameters`` for what is no picture of a known form, before a process is started for it."""
    if not picture:
        raise _refuse("There is no picture. Choose one.")
    if picture.startswith((_JPEG, _PNG)) or (picture.startswith(_RIFF) and picture[8:12] == _WEBP):
        return
    if picture[4:8] == b"ftyp" and picture[8:12] in _PHONE_FORMS:
        raise _refuse("The picture is HEIC or AVIF. Send it as JPEG, PNG or WebP.")
    raise _refuse("This is neither a JPEG, PNG nor WebP picture. Send it in one of these forms.")


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, detail)
