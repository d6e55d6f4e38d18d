"""What the package is before anything is called: small, quick to import, and installable by itself."""

import ast
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import padron_client
from client.tests.conftest import Register
from tests.tables import each_row

FOLDER = Path(__file__).parents[1]
SOURCE = FOLDER / "src"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
ALLOWED = {"anyio", "httpx2", "msgspec", "padron_client", "typing_extensions"}
# What must not be loaded before it is needed: each takes longer than the whole package may.
HEAVY = {"anyio", "asyncio", "httpx2", "httpcore2", "msgspec", "ssl", "json", "dataclasses", "inspect"}
MODULES_MAX = 8  # that importing the package loads, besides those that Python has at its start
CALL = """
import sys
from padron_client import Client, VehicleStatusId, models
with Client(sys.argv[1], sys.argv[2]) as client:
    client.set_vehicle_status(sys.argv[3], models.StatusBody(vehicle_status_id=VehicleStatusId.SOLD))
    print(client.get_vehicle_status(sys.argv[3]).vehicle_status_id.name, sys.modules["padron_client"].__file__)
"""


def run(*words: object, folder: Path | None = None, **variables: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PADRON"))}
    command = [sys.executable, *map(str, words)]
    environment = {**inherited, **variables}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def list_loaded(statement: str) -> set[str]:
    code = f"import sys; before = {{*sys.modules}}\n{statement}\nprint(sorted({{*sys.modules}} - before))"
    return set(ast.literal_eval(run("-c", code, PYTHONPATH=str(SOURCE))))


def test_the_package_knows_its_version() -> None:
    assert padron_client.__version__ == PROJECT["version"]


def test_importing_the_package_loads_nearly_nothing() -> None:
    loaded = list_loaded("import padron_client")
    assert not loaded & HEAVY
    assert len(loaded) <= MODULES_MAX, loaded


def test_a_program_that_makes_no_client_has_none_of_the_libraries() -> None:
    loaded = list_loaded("from padron_client import AsyncClient, Client, Retries, PadronClientError")
    assert not loaded & {"anyio", "asyncio", "httpx2", "httpcore2", "msgspec", "ssl", "padron_client.models"}


def test_all_names_are_there() -> None:
    for name in padron_client.__all__:
        assert getattr(padron_client, name) is not None
        assert name in dir(padron_client)
    with pytest.raises(AttributeError):
        _ = padron_client.nothing


@each_row("path", sorted(SOURCE.rglob("*.py")))
def test_a_module_imports_nothing_of_the_server_and_suits_python_3_10(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 10))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            first = name.partition(".")[0]
            assert first in ALLOWED or first in sys.stdlib_module_names, name


def test_the_projects_dependencies_are_these() -> None:
    names = {each.partition(">")[0] for each in PROJECT["dependencies"]}
    assert names == {"httpx2", "msgspec"}
    assert PROJECT["license"] == "Apache-2.0"
    assert (FOLDER / "LICENSE").read_bytes() == (FOLDER.parent / "LICENSE").read_bytes()


def test_the_wheel_is_installed_by_itself_and_calls_a_server(register: Register, tmp_path: Path) -> None:
    pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "--isolated", "-q"]
    run("-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, folder=FOLDER)
    (wheel,) = tmp_path.glob("padron_client-*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    run(*pip, "install", "--no-deps", "--no-index", "--target", packages, wheel)
    installed = {path.name for path in packages.iterdir()}
    assert {"padron_client"} == {name for name in installed if "." not in name}
    assert (packages / "padron_client" / "py.typed").exists()
    # The libraries are those of this environment. The package is the wheel's, and the server is not there.
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    here = Path(sys.executable).parents[1].glob("lib/python*/site-packages/*")
    for path in here:
        if path.name.partition(".")[0].partition("-")[0] in {
            "anyio", "certifi", "h11", "httpcore2", "httpx2", "idna", "msgspec", "sniffio", "truststore",
            "typing_extensions",
        }:  # fmt: skip
            (libraries / path.name).symlink_to(path)
    (packages / "libraries.pth").write_text(f"{libraries}\n", "utf-8")
    command = [environment / "bin" / "python", "-I", "-c", CALL, register.url, register.key, register.vin]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    name, file = done.stdout.split()
    assert name == "SOLD"
    assert Path(file).is_relative_to(environment)
