"""Pictures of barcodes as phones send them, and pictures made to stop, fill or crash whoever opens them."""

import asyncio
import csv
import os
import random
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageChops, ImageFilter

from padron.domain.barcode import Barcode, Symbology
from padron.domain.errors import Code, PadronError
from padron.files import picture_reader, pictures
from padron.files.orders import ChildLimits
from padron.files.picture_reader import PIXELS_MAX, read_picture
from padron.files.pictures import LIMITS, can_read_pictures, read_barcodes
from tests.barcodes import draw_barcode, encode_picture, lay_out
from tests.cast import HUMMER, JEEP, wait_until
from tests.processes import list_readers
from tests.readers import PATIENT
from tests.tables import each_row

pytestmark = pytest.mark.timeout(180)  # a busy machine gives a process little time

_LINES = (Path(__file__).parents[1] / "domain" / "vins.csv").read_text(encoding="utf-8").splitlines()
VINS = [row["vin"] for row in csv.DictReader(_LINES)]
LEANING = [  # bars are the difficult ones: a line across them must meet all
    *product([Symbology.CODE_39, Symbology.CODE_128], range(0, 180, 15)),
    *product([Symbology.DATA_MATRIX, Symbology.QR_CODE], [30, 75, 200]),
]
LEANING_SHORT = {  # the others are long
    (Symbology.CODE_128, 150), (Symbology.DATA_MATRIX, 30)
}  # fmt: skip
each_symbology = pytest.mark.parametrize("symbology", Symbology)
short_for = {  # a test of one symbology in the short run, and of each in the long one
    one: pytest.mark.parametrize(
        "symbology", [pytest.param(each, marks=() if each is one else pytest.mark.long) for each in Symbology]
    )
    for one in Symbology
}


def list_processes() -> set[psutil.Process]:
    return {*list_readers(program=pictures.PROGRAM)}


def list_texts(found: list[Barcode]) -> list[str]:
    return [barcode.text for barcode in found]


@short_for[Symbology.CODE_128]  # the next test reads each kind
async def test_the_process_reads_each_kind_of_barcode(symbology: Symbology) -> None:
    picture = encode_picture(draw_barcode(f"I{HUMMER}", symbology))
    assert await read_barcodes(picture, PATIENT) == [Barcode(text=f"I{HUMMER}", symbology=symbology)]


@each_symbology
def test_any_vin_is_read_with_and_without_the_mark_of_an_import(symbology: Symbology) -> None:
    for vin, mark in product(random.Random(7).sample(VINS, 5), ("", "I")):
        picture = encode_picture(draw_barcode(mark + vin, symbology))
        assert read_picture(picture) == [Barcode(text=mark + vin, symbology=symbology)]


@pytest.mark.parametrize(
    "symbology, lean",
    [pytest.param(*one, marks=() if one in LEANING_SHORT else pytest.mark.long) for one in LEANING],
)
def test_a_barcode_may_lean_in_any_direction(symbology: Symbology, lean: int) -> None:
    label = lay_out(draw_barcode(HUMMER, symbology, 4))
    photo = label.rotate(lean, Image.Resampling.BICUBIC, expand=True, fillcolor=180)
    assert list_texts(read_picture(encode_picture(photo, "JPEG", quality=70))) == [HUMMER]


@short_for[Symbology.DATA_MATRIX]
def test_a_photo_may_be_noisy_blurred_and_unevenly_lit(symbology: Symbology) -> None:
    label = lay_out(draw_barcode(HUMMER, symbology, 4)).filter(ImageFilter.GaussianBlur(1.2))
    light = Image.linear_gradient("L").resize(label.size).point(lambda value: 90 + value // 2)
    noise = Image.effect_noise(label.size, 30)
    photo = Image.blend(ImageChops.multiply(label, light), noise, 0.2)
    assert list_texts(read_picture(encode_picture(photo, "JPEG", quality=40))) == [HUMMER]


@short_for[Symbology.CODE_39]
def test_a_barcode_may_be_small_in_a_large_photo(symbology: Symbology) -> None:
    photo = lay_out(draw_barcode(HUMMER, symbology, 2), size=(4_000, 3_000)).convert("RGB")
    assert list_texts(read_picture(encode_picture(photo, "JPEG", quality=80))) == [HUMMER]


def test_small_bars_may_lean_in_a_large_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bars are too small once the photo is made as small as it is to be turned. It is a sixth of a phone's."""
    monkeypatch.setattr(picture_reader, "_TURNED_PIXELS_MAX", 600_000)
    photo = Image.new("L", (1_600, 1_200), 200)
    photo.paste(draw_barcode(HUMMER), (500, 500))
    leaning = photo.rotate(20, Image.Resampling.BICUBIC, fillcolor=200)
    assert list_texts(read_picture(encode_picture(leaning, "JPEG", quality=80))) == [HUMMER]


@each_row(
    "form, mode",
    [
        *product(["PNG"], ["L", "RGB", "P", "RGBA", "LA", "1"]),
        *product(["JPEG"], ["L", "RGB", "CMYK"]),
        *product(["WEBP"], ["L", "RGB", "RGBA"]),
    ],
)
def test_each_form_and_each_kind_of_colour_is_opened(form: str, mode: str) -> None:
    picture = draw_barcode(HUMMER, Symbology.QR_CODE, 8).convert(mode)
    assert list_texts(read_picture(encode_picture(picture, form))) == [HUMMER]


def test_bars_may_be_drawn_on_nothing() -> None:
    bars = draw_barcode(HUMMER, Symbology.QR_CODE, 6)
    picture = Image.merge("LA", (Image.new("L", bars.size, 0), ImageChops.invert(bars)))
    assert list_texts(read_picture(encode_picture(picture))) == [HUMMER]


def test_several_barcodes_of_a_picture_are_read() -> None:
    label = lay_out(
        draw_barcode(f"I{HUMMER}"),
        draw_barcode("TIRE 33 PSI", Symbology.CODE_128),
        draw_barcode(JEEP, Symbology.QR_CODE),
    )
    assert {*list_texts(read_picture(encode_picture(label)))} == {f"I{HUMMER}", "TIRE 33 PSI", JEEP}


def test_a_picture_without_a_barcode_has_none() -> None:
    assert read_picture(encode_picture(Image.effect_noise((450, 350), 60))) == []


def give_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def build_png(width: int, height: int, *chunks: bytes, depth: int = 1, colours: int = 0) -> bytes:
    head = give_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    return b"".join((b"\x89PNG\r\n\x1a\n", head, *chunks, give_chunk(b"IEND", b"")))


def build_bomb(width: int, height: int, depth: int, colours: int, channels: int) -> bytes:
    row = b"\0" * ((width * depth * channels + 7) // 8 + 1)
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    return build_png(width, height, give_chunk(b"IDAT", packed), depth=depth, colours=colours)


def build_gif(frames: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0" * frames + b";"


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def make_noise(size: int = 1_000) -> Image.Image:
    return Image.frombytes("L", (size, size), random.Random(5).randbytes(size * size))


@cache
def encode_slow_picture() -> bytes:
    return encode_picture(make_noise(3_400), "JPEG")


async def make_slow_picture() -> bytes:
    """Give a picture that takes seconds to read."""
    return await asyncio.to_thread(encode_slow_picture)


NO_PICTURE = "neither a JPEG, PNG nor WebP"
DAMAGED = "damaged or incomplete"
HOSTILE: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "50,000 by 50,000 pixels in 5 kB": (
        lambda: build_png(50_000, 50_000, give_chunk(b"IDAT", zlib.compress(bytes(4_000_000), 9))),
        "50,000 by 50,000 pixels, which are too many",
    ),
    "the most pixels, with the most bytes each": (lambda: build_bomb(8_000, 8_000, 16, 6, 4), "too much memory"),
    "texts that grow to gigabytes": (
        lambda: build_png(9, 9, *[give_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000), 9))] * 90),
        DAMAGED,
    ),
    "a WebP of the largest size": (
        lambda: encode_picture(Image.new("L", (16_383, 16_383)), "WEBP", quality=1),
        f"{DAMAGED}|too much memory|too many",
    ),
    "half a JPEG": (lambda: cut(encode_picture(make_noise(), "JPEG"), 0.5), DAMAGED),
    "half a PNG": (lambda: cut(encode_picture(make_noise()), 0.5), DAMAGED),
    "half a WebP": (lambda: cut(encode_picture(make_noise(), "WEBP"), 0.5), DAMAGED),
    "a JPEG of noise": (lambda: b"\xff\xd8\xff" + os.urandom(3_000_000), DAMAGED),
    "a PNG of noise": (lambda: b"\x89PNG\r\n\x1a\n" + os.urandom(11_000_000), DAMAGED),
    "a WebP of noise": (lambda: b"RIFF\x40\x42\x0f\0WEBPVP8L" + os.urandom(1_000_000), DAMAGED),
    "a photo of noise": (lambda: encode_picture(make_noise(3_000), "JPEG"), None),
    "a slow JPEG": (
        lambda: encode_picture(make_noise(2_000).resize((7_900, 8_000)), "JPEG", progressive=True, quality=3),
        None,
    ),
    "a strip, around which a turn needs much paper": (
        lambda: encode_picture(Image.new("L", (30_000, 40), "white")), None,
    ),
    "a GIF with 10,000 frames": (lambda: build_gif(10_000), NO_PICTURE),
    "a TIFF": (lambda: encode_picture(Image.new("L", (9, 9)), "TIFF"), NO_PICTURE),
    "a BMP": (lambda: encode_picture(Image.new("L", (9, 9)), "BMP"), NO_PICTURE),
    "an SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', NO_PICTURE),
    "a PDF": (lambda: b"%PDF-1.7", NO_PICTURE),
    "a HEIC": (lambda: b"\0\0\0\x18ftypheic" + bytes(99), "HEIC"),
    "a TIFF that calls itself a PNG": (lambda: b"\x89PNG\r\n\x1a\nII*\0" + bytes(99), DAMAGED),
    "nothing": (lambda: b"", "no picture"),
}  # fmt: skip


# They take long to make or to read, and differ from others in their form alone.
HOSTILE_LONG = {
    "the most pixels, with the most bytes each", "a WebP of the largest size", "half a PNG", "half a WebP",
    "a PNG of noise", "a WebP of noise", "a photo of noise", "a slow JPEG",
}  # fmt: skip


@pytest.fixture
def no_reader_is_left() -> Iterator[None]:
    before = list_processes()
    yield
    assert list_processes() <= before


@pytest.mark.usefixtures("no_reader_is_left")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in HOSTILE_LONG else ()) for name in HOSTILE]
)
async def test_a_picture_made_to_stop_the_server_is_read_or_refused_soon(name: str) -> None:
    build, said = HOSTILE[name]
    picture = await asyncio.to_thread(build)
    if said is None:
        assert await read_barcodes(picture, PATIENT) == []
    else:
        with pytest.raises(PadronError, match=said) as refused:
            await read_barcodes(picture, PATIENT)
        assert refused.value.code is Code.BAD_PARAMETERS
        assert len(refused.value.detail) < 200


@pytest.mark.usefixtures("no_reader_is_left")
@pytest.mark.parametrize(
    "limits, said",
    [
        pytest.param(
            ChildLimits(cpu_s=1, wall_s=60),
            "more than 1 seconds of processor time",
            id="processor",
            marks=pytest.mark.long,
        ),
        pytest.param(ChildLimits(cpu_s=60, wall_s=0.5), "not read within 0 seconds", id="time"),
        pytest.param(
            ChildLimits(cpu_s=60, wall_s=60, memory_bytes=1 << 20), "too much memory|ended early", id="memory"
        ),
    ],
)
async def test_each_limit_ends_the_reading_with_a_sentence(limits: ChildLimits, said: str) -> None:
    picture = await make_slow_picture()
    with pytest.raises(PadronError, match=said):
        await read_barcodes(picture, limits)


@pytest.mark.usefixtures("no_reader_is_left")
async def test_the_event_loop_goes_on_while_a_picture_is_read_and_who_gives_up_ends_the_process() -> None:
    before = list_processes()
    reading = asyncio.create_task(read_barcodes(await make_slow_picture()))
    late_s = 0.0
    for _ in range(30):
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        late_s = max(late_s, time.monotonic() - begun)
    assert late_s < 0.5
    (process,) = list_processes() - before
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.to_thread(psutil.wait_procs, [process], timeout=10)
    assert not process.is_running()


async def test_the_process_has_neither_settings_nor_files_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRON_DATABASE_URL", "postgresql://padron:secret@db/padron")
    secret = os.open(tmp_path / "secret", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)  # noqa: FBT003 - it takes no name
    before = list_processes()

    async def is_limited() -> bool:
        return any(one.rlimit(psutil.RLIMIT_CPU)[0] == LIMITS.cpu_s for one in list_processes() - before)

    async def has_no_file() -> bool:
        """Tell whether nothing is open. The program's own libraries are, for a moment each, while it loads them."""
        return process.open_files() == []

    reading = asyncio.create_task(read_barcodes(await make_slow_picture()))
    try:
        await wait_until(is_limited)
        (process,) = list_processes() - before
        assert "secret" not in str(process.environ())
        await wait_until(has_no_file)
        assert process.net_connections() == []
        assert process.rlimit(psutil.RLIMIT_AS) == (LIMITS.memory_bytes, LIMITS.memory_bytes)
    finally:
        os.close(secret)
        reading.cancel()


async def test_an_answer_that_is_none_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    picture = encode_picture(draw_barcode(HUMMER))
    monkeypatch.setattr(pictures, "PROGRAM", "this")  # which prints a poem
    with pytest.raises(PadronError, match=r"ended early\. The server's log says why"):
        await read_barcodes(picture)
    monkeypatch.setattr(pictures, "PROGRAM", "padron.files.nothing")
    with pytest.raises(PadronError, match=r"ended early\. The server's log says why"):
        await read_barcodes(picture)
    assert "No module named padron.files.nothing" in caplog.text


def test_no_picture_is_larger_than_the_memory_that_there_is() -> None:
    assert LIMITS.memory_bytes > PIXELS_MAX * 4


@pytest.mark.parametrize("name", ["PIL", "zxingcpp"])
async def test_without_a_package_of_the_extra_no_picture_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = encode_picture(draw_barcode(HUMMER))
    can_read_pictures.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, name, None)
    try:
        assert not can_read_pictures()
        with pytest.raises(PadronError, match="extra scan") as refused:
            await read_barcodes(picture)
        assert refused.value.code is Code.SCANNING_UNAVAILABLE
    finally:
        can_read_pictures.cache_clear()
