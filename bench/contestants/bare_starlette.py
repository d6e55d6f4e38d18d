"""The bare route of ``bench.bare``: what a Python web server costs when it does nothing."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.contestants.base import Place, Running, Wording, list_vins, run_server


class BareStarlette:
    """Starlette on uvicorn, the same address, and 204 for everything: no key, no database."""

    name = "bare"
    title = "Starlette, a route that does nothing"

    def __init__(self) -> None:
        self._log = Path()
        self._wordings: list[Wording] = []

    def set_up(self, place: Place) -> None:
        """Word the same requests as Padrón's."""
        self._log = place.folder / f"{self.name}.log"
        self._wordings = [
            Wording(
                headers=f"Authorization: Bearer padron_bench_{'0' * 49}\r\nContent-Type: application/json\r\n",
                vins=vins,
                change_line="PATCH /api/v2/vehicles/%s/status",
                change_body='{"vehicleStatusId":%d}',
            )
            for vins in list_vins(place.vehicles)
        ]

    @contextlib.contextmanager
    def start(self) -> Iterator[Running]:
        """Run the server until the block ends."""
        uvicorn = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--no-access-log", "--log-level", "warning"]
        with run_server([*uvicorn, "--port", "{port}"], "/", dict(os.environ), self._log) as (port, pid):
            yield Running(port=port, process=psutil.Process(pid), database=None, wordings=self._wordings)
