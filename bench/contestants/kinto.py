"""Kinto with its history plugin: a JSON store with versions, the closest to a register that installs from PyPI.

Each account is a user with a bucket of its own, so that histories do not share a parent; vehicles are records. The
cheapest authentication that Kinto has is used, its cache is in memory, its log is off.
"""

import base64
import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.contestants.base import ACCOUNTS, Place, Running, Wording, list_vins, run_server

THREADS = 16
POOL_SIZE = 20

_SETTINGS = """
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s
threads = {threads}

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.history
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {url}
kinto.storage_pool_size = {pool_size}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {url}
kinto.permission_pool_size = {pool_size}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = bench
kinto.bucket_create_principals = system.Authenticated
multiauth.policies = basicauth
multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy

[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
level = CRITICAL
handlers =
"""

# A record that Kinto has made by itself is copied for the others of its account, with its history entry and its
# permissions; last_modified is unique in a collection.
_FILL = """
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT '3PADRN00X0' || lpad(n::text, 7, '0'), o.parent_id, o.resource_name, o.last_modified + n * interval '1 ms',
    o.data || jsonb_build_object('plate', 'P' || lpad(n::text, 7, '0')), false
FROM objects AS o, generate_series({account} * {each} + 1, ({account} + 1) * {each} - 1) AS n
WHERE o.resource_name = 'record' AND o.parent_id = '/buckets/account-{account}/collections/vehicles';
"""


class Kinto:
    """A JSON store over HTTP, with the history of every record."""

    name = "kinto"
    title = "Kinto 26 + history plugin, PostgreSQL"

    def __init__(self) -> None:
        self._command: list[str] = []
        self._log = Path()
        self._database: psutil.Process | None = None
        self._wordings: list[Wording] = []

    def set_up(self, place: Place) -> None:
        """Make the database by Kinto's own migration, a first record of each account by its API, and copy that."""
        url = place.create_database(self.name)
        settings = place.folder / "kinto.ini"
        settings.write_text(_SETTINGS.format(url=url, threads=THREADS, pool_size=POOL_SIZE), "utf-8")
        program = [str(place.rivals_python.parent / "kinto")]
        self._log = place.folder / "kinto.log"
        with self._log.open("ab") as log:
            subprocess.run([*program, "migrate", "--ini", str(settings)], check=True, stdout=log, stderr=log)
        self._command = [*program, "start", "--ini", str(settings), "--port", "{port}"]
        self._database = place.database_process
        vins = list_vins(place.vehicles)
        self._wordings = [self._word(account, vins[account]) for account in range(ACCOUNTS)]
        with self.start() as running:
            for account, wording in enumerate(self._wordings):
                self._make_first(running.port, account, wording)
        each = place.vehicles // ACCOUNTS
        fill = "".join(_FILL.format(account=account, each=each) for account in range(ACCOUNTS))
        place.postgres.psql(f"\\c {self.name}\n{fill}\nANALYZE;")

    @contextlib.contextmanager
    def start(self) -> Iterator[Running]:
        """Run the server until the block ends."""
        with run_server(self._command, "/v1/", dict(os.environ), self._log) as (port, pid):
            yield Running(port=port, process=psutil.Process(pid), database=self._database, wordings=self._wordings)

    def _word(self, account: int, vins: list[str]) -> Wording:
        user = base64.b64encode(f"account-{account}:bench".encode()).decode()
        path = f"/v1/buckets/account-{account}/collections/vehicles/records/%s"
        return Wording(
            headers=f"Authorization: Basic {user}\r\nContent-Type: application/json\r\n",
            vins=vins,
            change_line=f"PATCH {path}",
            change_body='{"data":{"vehicleStatusId":%d}}',
            read_line=f"GET {path}",
        )

    def _make_first(self, port: int, account: int, wording: Wording) -> None:
        bucket = f"/v1/buckets/account-{account}"
        number = wording.vins[0][-7:]
        vehicle = {"plate": f"P{number}", "brandName": "Lincoln", "modelName": "MKZ", "ownerName": "Flota Norte SA"}
        for path, data in (
            (bucket, {}),
            (f"{bucket}/collections/vehicles", {}),
            (f"{bucket}/collections/vehicles/records/{wording.vins[0]}", {**vehicle, "vehicleStatusId": 1}),
        ):
            headers = dict(line.split(": ", 1) for line in wording.headers.strip().split("\r\n"))
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{path}", json.dumps({"data": data}).encode(), headers, method="PUT"
            )
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - our own loopback address
                reply.read()
