"""A server without traces loads nothing of OpenTelemetry, and runs where it is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.starting import give_environment

_MAKE_APP = """
import sys
{before}
from padron.wiring import make_app
make_app()
loaded = {{name.partition(".")[0] for name, module in sys.modules.items() if module is not None}}
print(sorted(loaded & {{"google", "opentelemetry", "requests"}}))
"""
# As if the package, or only its exporter, were not installed.
_WITHOUT = "sys.modules['opentelemetry'] = None"
_WITHOUT_EXPORTER = "import opentelemetry; sys.modules['opentelemetry.exporter'] = None"
_SERVE = """
import sys
{before}
from padron.cli.app import run
sys.exit(run(["serve", "--port", "0", "--database-url", "sqlite:///p.db", "--otel", "on"]))
"""


def run_python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**give_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


@pytest.mark.long
def test_a_server_without_traces_loads_nothing_of_them(tmp_path: Path) -> None:
    done = run_python(_MAKE_APP.format(before=""), tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.long
def test_a_server_with_traces_loads_them(tmp_path: Path) -> None:
    done = run_python(_MAKE_APP.format(before=""), tmp_path, PADRON_OTEL="on")
    assert done.stdout == "['google', 'opentelemetry', 'requests']\n"


def test_a_server_without_traces_needs_no_packages_for_them_and_loads_nothing(tmp_path: Path) -> None:
    code = _MAKE_APP.format(before=_WITHOUT)
    done = run_python(code, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("before", [pytest.param(_WITHOUT, marks=pytest.mark.long), _WITHOUT_EXPORTER])
def test_traces_without_their_packages_are_refused_before_anything_is_touched(tmp_path: Path, before: str) -> None:
    done = run_python(_SERVE.format(before=before), tmp_path)
    assert done.returncode == 2
    assert "--otel on needs OpenTelemetry" in done.stderr
    assert "pip install" in done.stderr
    assert list(tmp_path.iterdir()) == []
