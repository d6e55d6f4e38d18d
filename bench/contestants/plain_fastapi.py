"""The plain FastAPI service of ``fastapi_app``: its database, its fleet, its server."""

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.contestants.base import ACCOUNTS, Place, Running, Wording, list_vins, run_server
from bench.servers import ROOT

_APP = ROOT / "bench" / "contestants" / "fastapi_app.py"
_FILL = """
INSERT INTO vehicles (account_id, vin, plate, brand_name, model_name, owner_name, status, updated_at)
SELECT n / {each}, '3PADRN00X0' || lpad(n::text, 7, '0'), 'P' || lpad(n::text, 7, '0'), 'Lincoln', 'MKZ',
    'Flota Norte SA', 1, now()
FROM generate_series(0, {last}) AS n;
INSERT INTO api_keys (account_id, secret_sha256) VALUES {keys};
ANALYZE;
"""


class PlainFastApi:
    """What many would have instead: the same call by FastAPI and SQLAlchemy's ORM."""

    name = "fastapi"
    title = "FastAPI + SQLAlchemy ORM, PostgreSQL"

    def __init__(self) -> None:
        self._environment: dict[str, str] = {}
        self._python = Path()
        self._log = Path()
        self._database: psutil.Process | None = None
        self._wordings: list[Wording] = []

    def set_up(self, place: Place) -> None:
        """Make the database by the service's own models, and load the fleet."""
        url = place.create_database(self.name)
        self._environment = {**os.environ, "BENCH_DATABASE_URL": url.replace("postgresql://", "postgresql+asyncpg://")}
        self._python, self._log = place.rivals_python, place.folder / f"{self.name}.log"
        self._database = place.database_process
        subprocess.run([str(self._python), str(_APP)], env=self._environment, check=True)
        tokens = [f"bench-{account}-{os.urandom(16).hex()}" for account in range(ACCOUNTS)]
        digests = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
        keys = ", ".join(f"({account}, '{digest}')" for account, digest in enumerate(digests))
        fill = _FILL.format(each=place.vehicles // ACCOUNTS, last=place.vehicles - 1, keys=keys)
        place.postgres.psql(f"\\c {self.name}\n{fill}")
        self._wordings = [
            Wording(
                headers=f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n",
                vins=vins,
                change_line="PATCH /api/v2/vehicles/%s/status",
                change_body='{"vehicleStatusId":%d}',
                read_line="GET /api/v2/vehicles/%s",
            )
            for token, vins in zip(tokens, list_vins(place.vehicles), strict=True)
        ]

    @contextlib.contextmanager
    def start(self) -> Iterator[Running]:
        """Run the server until the block ends."""
        uvicorn = [str(self._python), "-m", "uvicorn", "fastapi_app:app", "--app-dir", str(_APP.parent)]
        quiet = ["--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
        command = [*uvicorn, *quiet, "--port", "{port}"]
        with run_server(command, "/docs", self._environment, self._log) as (port, pid):
            yield Running(port=port, process=psutil.Process(pid), database=self._database, wordings=self._wordings)
