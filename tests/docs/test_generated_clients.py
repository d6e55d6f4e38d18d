"""Generated clients compile whole, and programs call a server with them (docs/clients.md)."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openapi_generator_cli
import pytest

from padron.domain.account import Scope
from padron.http.docs.openapi import WebhookPlace
from padron.wiring import give_api_document
from tests.cast import HUMMER, UNKNOWN_VIN
from tests.e2e.program import make_fleets, run_server
from tests.languages import GO_PACKAGES, NODE, find_go, find_java, make_scripts, run_quietly
from tests.starting import give_environment

# Each makes some hundred files and compiles them.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent
CALLERS = Path(__file__).parent / "callers"
GENERATOR = Path(sys.executable).parent / "openapi-generator-cli"
JAR = Path(openapi_generator_cli.__file__).parent / "openapi-generator.jar"  # it has Jackson, too

# The words after -g, as in docs/clients.md.
OPTIONS = {
    "python": "-g python",
    "typescript": "-g typescript-fetch --additional-properties importFileExtension=.js",
    "java": "-g java --library native --additional-properties "
    "useJakartaEe=false,openApiNullable=false,useOneOfDiscriminatorLookup=true",
    "go": "-g go --additional-properties enumClassPrefix=true,useOneOfDiscriminatorLookup=true",
}
# What the generator says of itself, and not of the document.
REMARKS = re.compile(
    "OpenAPI 3.1 support is still in beta|Failed to get the schema name: null|Ignoring complex example on request body"
    r"|\(reserved word\) cannot be used as (model|parameter) name"
)


def generate(language: str, folder: Path) -> Path:
    """Make a client, and give its folder."""
    document, client = folder / "openapi.json", folder / "client"
    document.write_bytes(give_api_document(WebhookPlace.NONE))
    command = [str(GENERATOR), "generate", *OPTIONS[language].split(), "-i", str(document), "-o", str(client)]
    said = run_quietly(command, environment=give_environment() | {"JAVA_OPTS": "-XX:TieredStopAtLevel=1"})
    troubles = [line for line in said.splitlines() if re.search(r"\[main\] (WARN|ERROR)", line)]
    assert [line for line in troubles if not REMARKS.search(line)] == []
    return client


def build_python(folder: Path) -> list[str]:
    client = generate("python", folder)
    modules = sorted(
        ".".join(path.relative_to(client).with_suffix("").parts) for path in client.glob("openapi_client/**/*.py")
    )
    run_quietly([sys.executable, "-W", "error", "-c", "\n".join(f"import {module}" for module in modules)], client)
    shutil.copy(CALLERS / "calls.py", client)
    return [sys.executable, str(client / "calls.py")]


def build_with_attrs(folder: Path) -> list[str]:
    """Make a client with openapi-python-client. Another test imports all of it (``tests/http/test_generators.py``)."""
    document, settings = folder / "openapi.json", folder / "settings.json"
    document.write_bytes(give_api_document())
    settings.write_text('{"post_hooks": []}')  # to put it in form is no part of what is tried
    command: list[str | Path] = [
        GENERATOR.with_name("openapi-python-client"),
        "generate",
        "--path",
        document,
        "--meta",
        "none",
    ]
    run_quietly([*command, "--output-path", folder / "padron_api", "--config", settings])
    shutil.copy(CALLERS / "calls_attrs.py", folder)
    return [sys.executable, str(folder / "calls_attrs.py")]


def build_typescript(folder: Path) -> list[str]:
    generate("typescript", folder)
    shutil.copy(CALLERS / "calls.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    make_scripts([folder / "calls.ts", folder / "client" / "index.ts"], folder / "made")
    shutil.copy(folder / "package.json", folder / "made")
    return [str(NODE), str(folder / "made" / "calls.js")]


def build_java(folder: Path) -> list[str]:
    tools = find_java()
    sources = [*generate("java", folder).glob("src/main/**/*.java"), CALLERS / "Calls.java"]
    # An annotation that the generator's own jar lacks. It only marks.
    generated = folder / "javax" / "annotation" / "Generated.java"
    generated.parent.mkdir(parents=True)
    members = "String value(); String date(); String comments();"
    generated.write_text(f"package javax.annotation; public @interface Generated {{ {members} }}", "utf-8")
    run_quietly([tools / "javac", "-nowarn", "-proc:none", "-cp", JAR, "-d", folder / "made", generated, *sources])
    return [str(tools / "java"), "-cp", f"{folder / 'made'}:{JAR}", "Calls"]


def build_go(folder: Path) -> list[str]:
    go = find_go()
    places = folder / "go" / "src"
    shutil.copytree(generate("go", folder), places / "padron")
    (places / "calls").mkdir()
    shutil.copy(CALLERS / "calls.go", places / "calls")
    environment = give_environment() | {
        "GO111MODULE": "off",
        "GOPATH": f"{folder / 'go'}:{GO_PACKAGES}",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    run_quietly([go, "build", "-o", str(folder / "calls"), "calls"], environment=environment)
    return [str(folder / "calls")]


@pytest.mark.parametrize("build", [build_python, build_with_attrs, build_typescript, build_java, build_go])
async def test_a_program_calls_a_server_with_a_generated_client(
    build: Callable[[Path], list[str]], template: Path, tmp_path: Path
) -> None:
    command = build(tmp_path)
    shutil.copy(template, tmp_path / "padron.db")
    url = f"sqlite:///{tmp_path}/padron.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=2)
    async with run_server(url, tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}"
        said: Any = json.loads(run_quietly([*command, address, fleet.token, HUMMER, UNKNOWN_VIN]))
    # Java leaves out what is null.
    acts = [
        (kind, {name: value for name, value in details.items() if value is not None}) for kind, details in said["acts"]
    ]
    scopes = sorted(scope.value for scope in Scope)
    assert acts == [
        ("keyAdded", {"label": "load", "scopes": scopes, "networks": []}),
        ("accountAdded", {"name": "Fleet 1"}),
    ]
    assert {name: value for name, value in said.items() if name != "acts"} == {
        "operational": True,
        "types": ["vehicle.registered", "vehicle.info_changed", "vehicle.status_changed"],
        "toStatusIds": [4],
        "allowed": False,
        "reason": "notActive",
        "formerPlate": "RTA412C",
        "error": "VehicleNotFound",
    }


@pytest.mark.parametrize("language", OPTIONS)
def test_the_guide_has_the_command(language: str) -> None:
    command = f"openapi-generator-cli generate {OPTIONS[language]} -i openapi.json -o client"
    assert command in " ".join((ROOT / "docs" / "clients.md").read_text("utf-8").split())
