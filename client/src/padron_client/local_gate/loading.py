"""Loading the whole set from the server, and from a snapshot's lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec

from padron_client.local_gate.errors import BadAnswerError
from padron_client.local_gate.vin_set import VIN_LENGTH, VinSet
from padron_client.local_gate.wire import SetEnd, SetHead, Wire

_LINE_BYTES_MAX = 4_096

_Shape = TypeVar("_Shape")


class LoadedSet(msgspec.Struct):
    """A whole set, right as of its number."""

    vins: VinSet
    number: int
    cursor: str


async def load_set(wire: Wire, of: str) -> LoadedSet:
    """Give the server's set. Raises ``BadAnswerError`` if it is cut or is not what its own lines say."""
    async with wire.read_set(of) as parts:
        return await _read_set(parts, of)


async def _read_set(parts: AsyncIterator[bytes], of: str) -> LoadedSet:
    vins = VinSet()
    head: SetHead | None = None
    end: SetEnd | None = None
    rest = b""
    async for part in parts:
        whole, found, rest = (rest + part).rpartition(b"\n")
        if not found:
            if len(rest) > _LINE_BYTES_MAX:
                raise BadAnswerError("A line of the set is too long.")
            continue
        if head is None:
            first, _, whole = whole.partition(b"\n")
            head = _decode(first, SetHead)
        body, _, last = whole.rpartition(b"\n")
        if last.startswith(b"{"):
            end, whole = _decode(last, SetEnd), body
        if whole:
            vins.load(_read_vins(whole))
    vins.finish_loading()
    if head is None or end is None or rest:
        raise BadAnswerError("The set was cut.")
    count = head.operable if of == "operable" else head.refused
    if head.of != of or not len(vins) == end.end == count:
        raise BadAnswerError(f"The set has {len(vins)} VINs and says that it has {count}.")
    return LoadedSet(vins, head.number, head.cursor)


def _decode(line: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(line, type=shape)
    except msgspec.DecodeError:
        raise BadAnswerError("A line of the set is not what the protocol says.") from None


def _read_vins(lines: bytes) -> list[str]:
    """Give the VINs of lines that are JSON texts."""
    try:
        vins = lines.decode("ascii").replace('"', "").split("\n")
    except UnicodeDecodeError:
        raise BadAnswerError("The set has a line that is no VIN.") from None
    if not "".join(vins).isalnum() or set(map(len, vins)) != {VIN_LENGTH}:
        raise BadAnswerError("The set has a line that is no VIN.")
    return vins
