"""Commands that name the server's addresses name them as clients reach the server."""

import json
from collections.abc import Iterator

import pytest

from padron.cli.demo import prepare_demo
from padron.http.reach import set_root_path
from padron.service.runtime import Runtime, build_runtime
from tests.cli.conftest import Cli
from tests.conftest import OpenStore, SteppedClock


@pytest.fixture
def no_root_path() -> Iterator[None]:
    """Take back the root path, which is the process's, after the test."""
    yield
    set_root_path("")


@pytest.fixture
async def runtime(open_store: OpenStore, clock: SteppedClock) -> Runtime:
    return build_runtime(await open_store(), clock)


@pytest.mark.usefixtures("no_root_path")
def test_the_printed_document_is_of_the_server_below_its_root_path(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(cli("openapi").out)["servers"][0]["url"] == "/"
    monkeypatch.setenv("PADRON_ROOT_PATH", "/padron")
    document = json.loads(cli("openapi").out)
    assert document["servers"][0]["url"] == "/padron"
    assert document["components"]["examples"]["Forbidden"]["value"]["type"] == "/padron/errors/forbidden"


@pytest.mark.long("postgres")
async def test_the_call_that_the_demo_prints_has_scheme_and_root_path(runtime: Runtime) -> None:
    greeting = await prepare_demo(runtime, "https://127.0.0.1:8080/padron")
    assert "https://127.0.0.1:8080/padron/docs" in greeting
    assert "curl -i -X PATCH https://127.0.0.1:8080/padron/api/v2/vehicles/" in greeting
