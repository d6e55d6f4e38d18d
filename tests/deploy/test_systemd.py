"""The units of systemd, against the program and against systemd's own tools where they are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from padron.cli.parent import END_S_MAX
from padron.cli.serve import BACKLOG
from padron.cli.watching import FRESH_S, HUNG_S
from padron.config import Settings
from tests.deploy.files import DEPLOY, read_unit

UNITS = DEPLOY / "systemd"
EXPOSURE_MAX = 2.0  # of ten; systemd calls up to two "OK" or better
ANALYZE = shutil.which("systemd-analyze")

HARDENED = {
    "CapabilityBoundingSet": "", "AmbientCapabilities": "", "NoNewPrivileges": "yes", "PrivateDevices": "yes",
    "PrivateTmp": "yes", "PrivateUsers": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes",
    "ProtectControlGroups": "yes", "ProtectClock": "yes", "ProtectHostname": "yes", "ProtectProc": "invisible",
    "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "RestrictSUIDSGID": "yes", "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
}  # fmt: skip


def give(directive: str) -> str:
    (value,) = read_unit("padron.service")[directive]
    return value


def test_systemd_waits_for_the_servers_signs_and_gives_it_the_time_that_it_needs() -> None:
    assert give("Type") == "notify"
    assert give("NotifyAccess") == "main"
    assert give("ExecStart") == "/opt/padron/bin/padron serve"
    assert give("ExecReload").startswith("/bin/kill -HUP")
    assert float(give("WatchdogSec")) > FRESH_S * 2
    assert float(give("WatchdogSec")) <= HUNG_S  # with several processes, the parent is fed by none of them
    assert float(give("TimeoutStopSec")) > END_S_MAX
    assert give("TimeoutStartSec") == "30min"
    assert give("Restart") == "always"
    assert give("KillMode") == "mixed"


def test_the_socket_is_the_servers() -> None:
    socket = read_unit("padron.socket")
    settings = Settings()
    assert socket["ListenStream"] == [f"{settings.host}:{settings.port}"]
    assert socket["Backlog"] == [str(BACKLOG)]
    assert "Accept" not in socket
    assert give("Requires") == "padron.socket"


def test_the_server_may_do_only_what_it_needs() -> None:
    unit = read_unit("padron.service")
    assert {name: unit.get(name) for name in HARDENED} == {name: [value] for name, value in HARDENED.items()}
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged"]
    assert unit["StateDirectory"] == ["padron"]
    assert unit["User"] == ["padron"]


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed.")
def test_systemd_finds_it_hardened_enough() -> None:
    assert ANALYZE is not None
    command: list[str | Path] = [ANALYZE, "security", "--offline=true", "--no-pager", UNITS / "padron.service"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (exposure,) = re.findall(r"Overall exposure level for padron\.service: ([0-9.]+)", done.stdout)
    assert float(exposure) <= EXPOSURE_MAX, done.stdout


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed.")
def test_systemd_knows_every_directive(tmp_path: Path) -> None:
    assert ANALYZE is not None
    program = shutil.which("true") or "/bin/true"
    for unit in UNITS.iterdir():  # only the program is another one, because it is not installed in its place here
        text = unit.read_text("utf-8").replace("/opt/padron/bin/padron serve", program)
        (tmp_path / unit.name).write_text(text, "utf-8")
    units: list[str | Path] = [tmp_path / "padron.service", tmp_path / "padron.socket"]
    command: list[str | Path] = [ANALYZE, "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "Unknown" in line]
    assert faults == []
