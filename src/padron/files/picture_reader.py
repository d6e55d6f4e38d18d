"""The program of the process that reads a picture: the order and the picture come in, the barcodes go out.

Only this module knows the packages that open pictures and read barcodes, and only this process loads them.
"""

import math
import os
import sys
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from padron.domain.barcode import TEXT_LENGTH_MAX, Barcode, Symbology, find_vins
from padron.domain.errors import Code, PadronError
from padron.files.orders import EXIT_MEMORY, accept_limits
from padron.files.picture_orders import SMALLER, PictureAnswer, receive_order, word_picture_memory

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS_MAX = 64_000_000  # a phone's largest photo; most have 12 million
BARCODES_MAX = 100

_FORMS = ("JPEG", "PNG", "WEBP")  # the package knows many more, which nobody needs and somebody would have to trust
_SIDE = 3_000  # a larger JPEG is opened at a half or a quarter of its size, as long as its sides keep this length
_SEARCHED_PIXELS_MAX = 13_000_000
_TURNED_PIXELS_MAX = 4_000_000  # bars that lean are searched in a smaller picture, because each turn is a search
_TURNED_AREA_MAX = 40_000_000  # of the paper around a turned picture: a strip that is turned needs a lot of it
_TURNS = (23, 45, 68)  # degrees; a search finds bars that lean by up to 12, and those at a right angle to them
_LINEAR = {"Code39": Symbology.CODE_39, "Code128": Symbology.CODE_128}
_ALL = _LINEAR | {"DataMatrix": Symbology.DATA_MATRIX, "QRCode": Symbology.QR_CODE}


def read_picture(picture: bytes) -> list[Barcode]:
    """Give the barcodes of a picture. Raises ``bad_parameters`` for one that cannot be opened, or is too large."""
    grey = _open_picture(picture)
    found = _search(grey)
    small = _shrink(grey, _TURNED_PIXELS_MAX)
    searches = [partial(_search_turned, small, degrees) for degrees in _TURNS]
    if small is not grey:
        searches += [partial(_search_bars, grey, degrees) for degrees in _TURNS]
    for search in searches:
        if any(find_vins(barcode.text) for barcode in found):
            break
        found += search()
    return list(dict.fromkeys(found))[:BARCODES_MAX]


def _open_picture(picture: bytes) -> "Image":
    from PIL import Image  # noqa: PLC0415 - most servers do without, and it is wanted only under the limits

    Image.MAX_IMAGE_PIXELS = None  # the check below refuses more exactly, and without a warning
    try:
        with Image.open(BytesIO(picture), formats=_FORMS) as image:
            width, height = image.size
            if width * height > PIXELS_MAX:
                raise _refuse(f"The picture has {width:,} by {height:,} pixels, which are too many. {SMALLER}")
            image.draft("L", (_SIDE, _SIDE))
            grey = _flatten(image).convert("L")
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _refuse("The picture is damaged or incomplete. Take it again.") from error
    return _shrink(grey, _SEARCHED_PIXELS_MAX)


def _flatten(image: "Image") -> "Image":
    """Give a picture on white paper: the bars of a drawn label may be black on nothing."""
    from PIL import Image  # noqa: PLC0415

    if not image.has_transparency_data:
        return image
    drawn = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)


def _shrink(grey: "Image", pixels_max: int) -> "Image":
    from PIL.Image import Resampling  # noqa: PLC0415

    share = math.sqrt(pixels_max / (grey.width * grey.height))
    if share >= 1:
        return grey
    size = (max(1, int(grey.width * share)), max(1, int(grey.height * share)))
    return grey.resize(size, Resampling.BILINEAR)


def _turn(grey: "Image", degrees: int) -> "Image":
    from PIL.Image import Resampling  # noqa: PLC0415

    angle = math.radians(degrees)
    width = grey.width * math.cos(angle) + grey.height * math.sin(angle)
    height = grey.width * math.sin(angle) + grey.height * math.cos(angle)
    grey = _shrink(grey, int(grey.width * grey.height * _TURNED_AREA_MAX / (width * height)))
    # The simplest way to turn a picture would leave steps on the edges of the bars, which then cannot be read.
    return grey.rotate(degrees, Resampling.BILINEAR, expand=True, fillcolor="white")


def _search_turned(grey: "Image", degrees: int) -> list[Barcode]:
    return _search(_turn(grey, degrees))


def _search_bars(grey: "Image", degrees: int) -> list[Barcode]:
    """Search for linear codes that are too fine for a smaller picture. Everything else was searched there."""
    return _search(_turn(grey, degrees), _LINEAR, is_thorough=False)


def _search(grey: "Image", wanted: Mapping[str, Symbology] = _ALL, *, is_thorough: bool = True) -> list[Barcode]:
    import zxingcpp  # noqa: PLC0415

    names = {zxingcpp.barcode_format_from_str(name): symbology for name, symbology in wanted.items()}
    formats = zxingcpp.BarcodeFormats(list(names))
    found = zxingcpp.read_barcodes(grey, formats=formats, try_downscale=is_thorough, try_invert=is_thorough)
    return [
        Barcode(text=one.text[:TEXT_LENGTH_MAX], symbology=names[one.symbology])
        for one in found
        if one.symbology in names
    ]


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, detail)


def main() -> None:
    """Read the picture on standard input, and write the answer to standard output."""
    accept_limits(receive_order(sys.stdin.buffer).limits)
    try:
        answer = PictureAnswer(barcodes=read_picture(sys.stdin.buffer.read()))
    except PadronError as refused:
        answer = PictureAnswer(error=refused.detail)
    except MemoryError:
        answer = PictureAnswer(error=word_picture_memory())
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os._exit(EXIT_MEMORY)
