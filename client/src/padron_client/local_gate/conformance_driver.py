"""Lets ``padron_client.conformance`` drive the local gate of this package: a JSON object on each line, in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from padron_client.local_gate.gate import LocalGate

Make = Callable[..., LocalGate]

_SETTINGS = {
    "maxAge": "max_age",
    "whenStale": "when_stale",
    "unknown": "unknown",
    "strict": "strict",
    "leaseSeconds": "lease_seconds",
    "snapshot": "snapshot",
}


class Driver:
    """One gate, and the requests that it understands."""

    def __init__(self, make: Make = LocalGate) -> None:
        self._make = make
        self._gate: LocalGate | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give the answer to a request, without its id."""
        match request.get("do"):
            case "start":
                self._close()
                settings = {name: request[given] for given, name in _SETTINGS.items() if given in request}
                self._gate = self._make(request["url"], request["key"], **settings)
                return {}
            case "check" if self._gate is not None:
                return self._check(self._gate, request)
            case "close":
                self._close()
                return {}
            case _:
                return {"error": "unsupported"}

    def _check(self, gate: LocalGate, request: dict[str, Any]) -> dict[str, Any]:
        answer = gate.check(request["vin"], max_age=request.get("maxAge"), at_least=request.get("atLeast"))
        return {
            "allowed": answer.allowed,
            "reason": None if answer.reason is None else answer.reason.value,
            "age": None if answer.source == "none" else answer.age,
            "number": answer.number,
        }

    def _close(self) -> None:
        if self._gate is not None:
            self._gate.close()
            self._gate = None


def main(make: Make = LocalGate) -> None:
    """Answer until the input ends."""
    driver = Driver(make)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request.get("id"), **driver.answer(request)}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
