"""The implementation under test: a process that reads a JSON object from each line and answers with one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

ANSWER_S_MAX = 15.0


class UnsupportedError(Exception):
    """The implementation says that it cannot do this. The trial is then skipped."""


class DriverError(Exception):
    """The implementation did not answer, or answered something that is no answer."""


class Checked(msgspec.Struct, frozen=True, rename="camel"):
    """What a check gave, and between which instants of the script it was made."""

    allowed: bool
    age: float | None = None
    reason: str | None = None
    number: int | None = None
    asked_at: float = 0.0
    answered_at: float = 0.0


class Driver:
    """Speaks with one process."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._count = 0

    async def start(self) -> None:
        """Start the process."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )

    async def stop(self) -> None:
        """End the process, however it is."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except (asyncio.TimeoutError, TimeoutError):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def tell(self, do: str, **members: object) -> dict[str, Any]:
        """Send one request and give its answer. Raises ``UnsupportedError`` and ``DriverError``."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise DriverError("The process does not run.")
        self._count += 1
        given = {name: value for name, value in members.items() if value is not None}
        process.stdin.write(json.dumps({"id": self._count, "do": do, **given}).encode() + b"\n")
        try:
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), ANSWER_S_MAX)
            answer = json.loads(line)
        except (OSError, ValueError, asyncio.TimeoutError, TimeoutError):
            raise DriverError(f"The process did not answer to {do!r} with a JSON object on one line.") from None
        if not isinstance(answer, dict) or answer.get("id") != self._count:
            raise DriverError(f"The answer to {do!r} has another id.")
        if answer.get("error") == "unsupported":
            raise UnsupportedError(do)
        if "error" in answer:
            raise DriverError(f"The process answered to {do!r}: {answer['error']}")
        return answer

    async def check(self, vin: str, **members: object) -> Checked:
        """Let the gate check a VIN."""
        asked_at = time.monotonic()
        answer = await self.tell("check", vin=vin, **members)
        answered_at = time.monotonic()
        try:
            return msgspec.convert({**answer, "askedAt": asked_at, "answeredAt": answered_at}, Checked)
        except msgspec.ValidationError as error:
            raise DriverError(f"The answer to a check is not one: {error}.") from None
