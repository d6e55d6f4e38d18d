"""Schemathesis against the served document: no 5xx, and no answer that the document does not describe."""

import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from padron.http.routes import OPERATIONS
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import HUMMER, JEEP, make_cast, registered, save
from tests.http.serving import serve_in_thread

CASES = 30  # for each operation and each way of generating: over 2,000 in all
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Target:
    """A running server, the document that it serves, and a key of Acme."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.schema = schemathesis.openapi.from_url(f"{self.url}/openapi.json")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    path = tmp_path_factory.mktemp("schemathesis") / "padron.db"
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await sqlite.open_store(str(path)), read_clock)
        cast = await make_cast(runtime)
        account_id = cast.acme.account.account_id
        await save(runtime.store, account_id, registered(HUMMER, plate="RTA412C", doors=4), registered(JEEP))
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime) as port:
        target = Target(port, tokens[0])
        yield target
        target.session.close()
    shutil.rmtree(path.parent)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
def test_every_answer_is_a_documented_one_and_none_is_5xx(target: Target, name: str, mode: GenerationMode) -> None:
    operation: Any = target.schema.find_operation_by_id(name)
    if mode is GenerationMode.NEGATIVE and not (operation.path_parameters or operation.query or operation.body):
        return  # nothing in this call can be made wrong

    cases = operation.as_strategy(generation_mode=mode)
    if operation.path_parameters and "{vin}" in operation.path:  # made-up VINs are never found: name one that is there
        cases |= operation.as_strategy(generation_mode=mode, path_parameters={"vin": HUMMER})
    statuses = Counter[int]()

    @hypothesis.settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @hypothesis.given(case=cases)
    def try_case(case: schemathesis.Case[Any]) -> None:
        if str((case.query or {}).get("wait", "0")).isdigit():
            (case.query or {}).pop("wait", None)  # a wait for nothing is a matter of its own test
        if isinstance(case.body, dict) and isinstance(case.body.get("wait"), int):
            case.body.pop("wait")
        response = case.call(base_url=target.url, session=target.session)
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    try_case()
    assert statuses.total() > 0
    if mode is GenerationMode.POSITIVE:  # what is made wrong may be the key itself
        assert statuses[401] < statuses.total() / 2  # the requests come through to what they are for
