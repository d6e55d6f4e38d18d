"""Reads server-sent events from the bytes of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

EVENT_BYTES_MAX = 4_194_304


@dataclass(frozen=True)
class ServerEvent:
    """One event. Without ``data``, only its id counts."""

    id: str
    data: bytes


@dataclass
class EventParser:
    """Takes bytes as they come, and gives each event once it is complete. Comments are skipped."""

    _rest: bytes = b""
    _id: str = ""
    _data: list[bytes] = field(default_factory=list)
    _has_id: bool = False

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Give the events that this chunk completes. Raises ValueError for one that is too large."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) + sum(map(len, self._data)) > EVENT_BYTES_MAX:
            message = f"An event of the stream is larger than {EVENT_BYTES_MAX} bytes."
            raise ValueError(message)
        for line in lines:
            yield from self._take(line.rstrip(b"\r"))

    def _take(self, line: bytes) -> Iterator[ServerEvent]:
        if not line:
            if self._data or self._has_id:
                yield ServerEvent(id=self._id, data=b"\n".join(self._data))
            self._data, self._has_id = [], False
            return
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"id":
            self._id, self._has_id = value.decode("utf-8", "replace"), True
        elif name == b"data":
            self._data.append(value)
