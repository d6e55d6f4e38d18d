"""Generators of clients understand the whole document, and what they make reads real answers."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from padron.domain.status import VehicleStatus
from padron.http.routes import ROUTES
from padron.wiring import give_api_document
from tests.cast import HUMMER
from tests.http.api import STATUS, VEHICLE, Api

pytestmark = pytest.mark.timeout(180)  # each makes some hundred files
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
PLACES = ["inline", "extension", "none"]

# Runs the generator of clients several times, because most of its time is its own imports.
GENERATE = """
import json, sys
from openapi_python_client.cli import app
for words in json.loads(sys.argv[1]):
    app(words, standalone_mode=False)
"""


@pytest.fixture(scope="module", params=PLACES)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(give_api_document(request.param))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The classes that datamodel-code-generator makes of the document."""
    folder = tmp_path_factory.mktemp("models")
    source, path = folder / "openapi.json", folder / "padron_models.py"
    source.write_bytes(give_api_document())
    said = run(
        "-m", "datamodel_code_generator", "--input", source, "--input-file-type", "openapi", "--output", path,
        "--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin",
    )  # fmt: skip
    assert said == ""
    return load(path)


def run(*arguments: object) -> str:
    """Run a generator, and give all that it says."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def load(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.long
def test_the_document_is_valid_wherever_the_events_are(document: Path) -> None:
    OpenAPIV31SpecValidator(json.loads(document.read_text("utf-8"))).validate()


@pytest.mark.long
def test_clients_of_all_forms_have_every_call_and_no_warning(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    # To put it in form is no part of what is tried. The override is the one that docs/clients.md names.
    settings.write_text(
        '{"post_hooks": [], "content_type_overrides": {"application/x-ndjson": "application/octet-stream"}}'
    )
    clients = {place: tmp_path / f"client_{place}" for place in PLACES}
    for place in PLACES:
        (tmp_path / f"{place}.json").write_bytes(give_api_document(place))
    words = [
        ["generate", "--path", f"{tmp_path / place}.json", "--output-path", str(client), "--meta", "none",
         "--config", str(settings)]
        for place, client in clients.items()
    ]  # fmt: skip
    said = run("-c", GENERATE, json.dumps(words))
    assert said.replace("\n", "") == "".join(f"Generating {client}" for client in clients.values())
    for client in clients.values():
        made = {path.stem for path in client.rglob("api/*/*.py")} - {"__init__"}
        assert len(made) == len(ROUTES)
        names = (client / "models" / "vehicle_status_id.py").read_text("utf-8")
        assert all(f"{status.name} = {status.value}" in names for status in VehicleStatus)
    check_imports(tmp_path, clients.values())


def check_imports(folder: Path, clients: Iterable[Path]) -> None:
    """Import every module of the generated clients in a folder, with warnings as errors."""
    modules = [
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for client in clients
        for path in client.rglob("*.py")
    ]
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@on_sqlite
@pytest.mark.long
async def test_generated_models_read_real_answers_and_give_them_back(api: Api, models: ModuleType) -> None:
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    calls: list[tuple[str, str]] = [
        (VEHICLE, "Vehicle"),
        (STATUS, "VehicleStatusShape"),
        ("/api/v2/vehicles", "VehicleList"),
        ("/api/v2/changes", "ChangeList"),
        ("/api/v2/vehicle-statuses", "StatusNameList"),
        (f"/api/v2/gate/{HUMMER}?operation=dispatch", "GateSingle"),
    ]
    for target, name in calls:
        reply = await api.acme.get(target)
        assert reply.status == 200
        read: Any = getattr(models, name).model_validate_json(reply.content)
        assert json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)) == reply.body
    status = models.VehicleStatusShape.model_validate_json((await api.acme.get(STATUS)).content)
    assert status.vehicleStatusId is models.VehicleStatusId.IN_THE_SHOP
    assert status.since.tzinfo is not None
