"""Draws barcodes, and makes pictures of them as a phone would send them."""

from io import BytesIO

import zxingcpp
from PIL import Image

from padron.domain.barcode import Symbology
from tests.cast import HUMMER

_FORMATS = {
    Symbology.CODE_39: zxingcpp.BarcodeFormat.Code39,
    Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
    Symbology.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    Symbology.QR_CODE: zxingcpp.BarcodeFormat.QRCode,
}
PAPER = 235  # of a label, which is not quite white


def draw_barcode(text: str, symbology: Symbology = Symbology.CODE_39, scale: int = 3) -> Image.Image:
    """Give a picture with nothing but a barcode. ``scale`` is the width of a bar or a dot, in pixels."""
    drawn = zxingcpp.create_barcode(text, _FORMATS[symbology]).to_image(scale=scale)
    bitmap = memoryview(drawn)  # type: ignore[arg-type] # its stub does not say that it is a buffer
    height, width = bitmap.shape  # type: ignore[misc]
    return Image.frombytes("L", (width, height), bitmap.tobytes())


def lay_out(*barcodes: Image.Image, size: tuple[int, int] = (1_600, 1_200)) -> Image.Image:
    """Give a label with several barcodes, one below the other."""
    label = Image.new("L", size, PAPER)
    for place, barcode in enumerate(barcodes):
        label.paste(barcode, (120, 60 + place * size[1] // max(len(barcodes), 1)))
    return label


def encode_picture(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def make_photo(text: str = HUMMER, symbology: Symbology = Symbology.CODE_39) -> bytes:
    """Give a picture with the barcode of a text."""
    return encode_picture(draw_barcode(text, symbology))
