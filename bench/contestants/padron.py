"""Padrón itself, on either engine, with one process or several."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from bench.contestants.base import Place, Running, Wording, list_vins, run_server
from bench.servers import ALL_ACTIVE, fill_database_now


class Padron:
    """``padron serve``. Contestants with the same ``database`` share it, so that it is filled once."""

    def __init__(
        self,
        name: str,
        title: str,
        *,
        engine: str,
        workers: int = 1,
        is_watched: bool = True,
        traces: Mapping[str, str] | None = None,
    ) -> None:
        """``is_watched`` means with metrics and a log of the requests. Without it, neither is counted.

        ``traces`` are the variables that say where traces go, and how many.
        """
        self.name = name
        self.title = title
        self._engine = engine
        self._workers = workers
        self._watching = ["--metrics-listen", "127.0.0.1:0"] if is_watched else ["--access-log", "off"]
        if traces is not None:
            self._watching += ["--otel", "on"]
        self._variables = dict(traces or {})
        self._url = ""
        self._log = Path()
        self._database: psutil.Process | None = None
        self._wordings: list[Wording] = []

    def set_up(self, place: Place) -> None:
        """Make the database and load the fleet."""
        self._log = place.folder / f"{self.name}.log"
        if self._engine == "sqlite":
            self._url = f"sqlite:///{place.folder}/{self.name}.db"
        else:
            self._url = place.create_database(self.name.replace("-", "_"))
            self._database = place.database_process
        listed = fill_database_now(self._url, place.vehicles, ALL_ACTIVE)["bench"]
        for account, vins in zip(listed, list_vins(place.vehicles), strict=True):
            assert account["vins"] == vins, "The fleet is not the one that all have."
        self._wordings = [
            Wording(
                headers=f"Authorization: Bearer {account['token']}\r\nContent-Type: application/json\r\n",
                vins=account["vins"],
                change_line="PATCH /api/v2/vehicles/%s/status",
                change_body='{"vehicleStatusId":%d}',
                read_line="GET /api/v2/vehicles/%s",
                gate_line="GET /api/v2/gate/%s?operation=dispatch",
            )
            for account in listed
        ]

    @property
    def url(self) -> str:
        """The database's address."""
        return self._url

    @contextlib.contextmanager
    def start(self) -> Iterator[Running]:
        """Run the server until the block ends."""
        workers = ["--workers", str(self._workers)] if self._workers > 1 else []
        command = [sys.executable, "-m", "padron", "serve", "--port", "{port}", "--database-url", self._url, *workers]
        command += self._watching
        with run_server(command, "/livez", {**os.environ, **self._variables}, self._log) as (port, pid):
            yield Running(port=port, process=psutil.Process(pid), database=self._database, wordings=self._wordings)
