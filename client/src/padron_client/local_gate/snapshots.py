"""The snapshot of a copy in a file, for a start without the server.

The first line is the head as JSON, then one VIN on each line, then ``sha256:`` with the sum of everything before. The
file is replaced as a whole, so a reader finds the old one or the new one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from itertools import chain
from math import inf
from pathlib import Path

import msgspec

from padron_client.local_gate.answers import Copy
from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.errors import SnapshotUnusableError
from padron_client.local_gate.loading import LoadedSet
from padron_client.local_gate.vin_set import VinSet

FORMAT = 1
_SUM = b"sha256:"
_BUCKETS_AT_ONCE = 1_024


class _Head(msgspec.Struct, rename="camel", kw_only=True):
    padron_local_gate: int  # the format
    source: str  # a mark of the server's address and the key
    of: str
    number: int
    cursor: str
    count: int
    proven_at: float  # by the wall clock
    boot: str
    proven_steady: float  # by the steady clock, which is worth something only in the same boot


def mark_source(url: str, key: str) -> str:
    """Give a mark of the server and of the key's public id, so that a file of another account is not taken."""
    prefix, _, rest = key.partition("_")
    key_id = rest.partition("_")[0] if prefix == "padron" else ""
    return hashlib.sha256(f"{url.rstrip('/')}\n{key_id}".encode()).hexdigest()[:16]


def write_snapshot(path: Path, copy: Copy, buckets: list[str], source: str, clocks: Clocks) -> None:
    """Replace the file by this copy, whose buckets nobody changes any more. Raises ``OSError``."""
    age = max(clocks.steady() - copy.proven_at, 0.0)
    head = _Head(
        padron_local_gate=FORMAT,
        source=source,
        of="operable" if copy.has_operable else "refused",
        number=copy.number,
        cursor=copy.cursor,
        count=sum(bucket.count("\n") - 1 for bucket in buckets),
        proven_at=clocks.wall() - age,
        boot=clocks.boot,
        proven_steady=copy.proven_at,
    )
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            lines = (
                "".join(bucket[1:] for bucket in buckets[place : place + _BUCKETS_AT_ONCE]).encode("ascii")
                for place in range(0, len(buckets), _BUCKETS_AT_ONCE)
            )
            for part in chain([msgspec.json.encode(head) + b"\n"], lines):
                digest.update(part)
                file.write(part)
            file.write(_SUM + digest.hexdigest().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a power cut. Windows has no such call."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_snapshot(path: Path, source: str, of: str, clocks: Clocks) -> tuple[LoadedSet, float]:
    """Give the file's set, and since when it is right on the steady clock. That is minus infinity when unknown.

    Raises ``SnapshotUnusableError`` with the reason.
    """
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise SnapshotUnusableError(f"The snapshot cannot be read: {error.strerror}.") from None
    place = len(whole) - len(_SUM) - hashlib.sha256().digest_size * 2 - 1
    body, sum_line = whole[: max(place, 0)], whole[max(place, 0) :]
    if sum_line != _SUM + hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise SnapshotUnusableError("The snapshot is damaged: its sum does not fit.")
    line, _, lines = body.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=_Head)
        texts = lines.decode("ascii").split("\n")[:-1]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SnapshotUnusableError("The snapshot is not one of this program.") from None
    if head.padron_local_gate != FORMAT:
        raise SnapshotUnusableError(f"The snapshot has the format {head.padron_local_gate}, not {FORMAT}.")
    if head.source != source or head.of != of:
        raise SnapshotUnusableError("The snapshot belongs to another server, key or kind of set.")
    if head.count != len(texts):
        raise SnapshotUnusableError("The snapshot does not have as many VINs as it says.")
    vins = VinSet()
    vins.load(texts)
    vins.finish_loading()
    return LoadedSet(vins, head.number, head.cursor), clocks.steady() - _compute_age(head, clocks)


def _compute_age(head: _Head, clocks: Clocks) -> float:
    """Give the most that the file's age can be. A clock that went backwards makes it unknown, which is too old."""
    wall_age = clocks.wall() - head.proven_at
    steady = clocks.steady()
    if not wall_age >= 0:
        return inf
    if not clocks.boot:
        return wall_age
    if head.boot != clocks.boot:
        return max(wall_age, steady)  # it was written before this start of the machine
    steady_age = steady - head.proven_steady
    return max(wall_age, steady_age) if steady_age >= 0 else inf
