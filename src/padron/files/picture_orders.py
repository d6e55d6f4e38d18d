"""The order for the process that reads pictures, and its answer."""

from typing import IO

import msgspec

from padron.domain.barcode import Barcode
from padron.files.orders import ChildLimits

ANSWER_BYTES_MAX = 1 << 20
SMALLER = "Take a smaller photo, nearer to the barcode."  # what a person can do about each limit

_LENGTH_BYTES = 4


class PictureOrder(msgspec.Struct, frozen=True, kw_only=True):
    """How to read the picture that follows."""

    limits: ChildLimits


class PictureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The barcodes, or the reason why the picture cannot be read."""

    barcodes: list[Barcode] = []
    error: str | None = None


def word_picture_memory() -> str:
    """Say that reading a picture takes too much memory."""
    return f"Reading the picture takes too much memory. {SMALLER}"


def pack_order(order: PictureOrder) -> bytes:
    """Give the order after its length. The picture follows it, until the end."""
    told = msgspec.json.encode(order)
    return len(told).to_bytes(_LENGTH_BYTES, "big") + told


def receive_order(stream: IO[bytes]) -> PictureOrder:
    """Read the order, and leave the picture in the stream: the limits must hold before it is read."""
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "big")
    return msgspec.json.decode(stream.read(length), type=PictureOrder)
