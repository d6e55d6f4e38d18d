"""Schemathesis against the served document: no 5xx, and no answer that the document does not describe.

Some 6,250 requests in all: 100 for each operation, generated right and again generated wrong (fewer where there are
fewer to make, one where nothing varies), every one with a right key; and ten to each operation without a right key.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from padron.http.calls import TARGET_BYTES_MAX
from padron.http.routes import ROUTES
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests import effort
from tests.cast import HUMMER, JEEP, make_cast, make_vin, registered, save
from tests.http.serving import serve_in_thread

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The key is no part of what is generated, or most of what is made wrong would be the key alone.
CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
SETTINGS = hypothesis.settings(
    max_examples=effort.DOCUMENT_CASES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)
# One call of each kind: by an address alone, with a query, and with bodies of one member, of many, and of lists.
SHORT = {"getVehicleStatus", "listDeletions", "setVehicleStatus", "putVehicle", "undoRequest", "startRun", "createKey"}
NAMES = [pytest.param(route.name, marks=() if route.name in SHORT else pytest.mark.long) for route in ROUTES]
wrong_keys = st.one_of(
    st.none(),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60).flatmap(
        lambda text: st.sampled_from([text, f"Basic {text}", f"Bearer {text}", f"Bearer padron_{text}"])
    ),
)


class Target:
    """A running server, the document that it serves, a key of Acme, and the ids of what Acme has."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.schema = schemathesis.openapi.from_url(f"{self.url}/openapi.json", config=CONFIG)
        route = "/api/v2/operations/query-fines"
        self._call("PUT", route, {"description": "Ask for fines", "leaseSeconds": 60, "attempts": 3})
        run = self._call("POST", f"{route}/runs", {"all": True})
        later = {"vehicleStatusId": 4, "effectiveAt": (read_clock() + timedelta(days=1)).isoformat()}
        webhook = {"url": "https://fleet.example/hook", "eventTypes": ["vehicle.registered"]}
        self.ids: dict[str, str] = {
            "vin": HUMMER,
            "name": "query-fines",
            "runId": run["runId"],
            "requestId": "r-registered",  # of registrations: nothing is taken back
            "planId": self._call("PATCH", f"/api/v2/vehicles/{HUMMER}/status", later)["id"],
            "webhookId": self._call("POST", "/api/v2/webhooks", webhook)["id"],
        }

    def find_ids(self, route: Any) -> dict[str, str] | None:  # noqa: ANN401 - Schemathesis' own type has no types
        """Give ids for an operation's path that lead somewhere, which made-up ones never do."""
        names = re.findall(r"{(\w+)}", route.path)
        if not names or route.method == "delete" or not {*names} <= {*self.ids}:
            return None
        return {name: self.ids[name] for name in names}

    def _call(self, method: str, path: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        response = self.session.request(method, f"{self.url}{path}", json=body, timeout=10)
        assert response.ok, response.text
        return response.json()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    path = tmp_path_factory.mktemp("schemathesis") / "padron.db"
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await sqlite.open_store(str(path)), read_clock)
        cast = await make_cast(runtime)
        account_id = cast.acme.account.account_id
        await save(runtime.store, account_id, registered(HUMMER, plate="RTA412C", doors=4), registered(JEEP))
        await save(runtime.store, account_id, registered(make_vin(1), doors=4), registered(make_vin(1), slot=1))
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime) as port:
        target = Target(port, tokens[0])
        yield target
        target.session.close()
    shutil.rmtree(path.parent)


@pytest.mark.campaign
@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_a_documented_one_and_none_is_5xx(target: Target, name: str, mode: GenerationMode) -> None:
    route: Any = target.schema.find_operation_by_id(name)
    can_vary = bool(route.query or route.headers or route.body)
    if mode is GenerationMode.NEGATIVE and not (route.path_parameters or can_vary):
        return  # nothing in this call can be made wrong

    cases = route.as_strategy(generation_mode=mode)
    ids = target.find_ids(route)
    if ids is not None and (can_vary or mode is GenerationMode.POSITIVE):
        cases |= route.as_strategy(generation_mode=mode, path_parameters=ids)
    statuses = Counter[int]()

    @SETTINGS
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
    assert statuses.total() >= (effort.DOCUMENT_CASES if route.query or route.body else 1)
    assert statuses[401] == 0  # each request came through to what it is for


@pytest.mark.long
@pytest.mark.campaign
@pytest.mark.parametrize("name", [route.name for route in ROUTES if not route.public])
def test_a_right_request_without_a_right_key_is_401_as_documented(target: Target, name: str) -> None:
    route: Any = target.schema.find_operation_by_id(name)

    @hypothesis.settings(SETTINGS, max_examples=effort.DOCUMENT_CASES_WITHOUT_KEY)
    @hypothesis.given(case=route.as_strategy(generation_mode=GenerationMode.POSITIVE), key=wrong_keys)
    def try_case(case: schemathesis.Case[Any], key: str | None) -> None:
        headers = {} if key is None else {"Authorization": key}
        with requests.Session() as session:
            response = case.call(base_url=target.url, session=session, headers=headers)
        case.validate_response(response, checks=CHECKS)
        is_too_long = len(response.request.path_url) > TARGET_BYTES_MAX  # which is refused before the key is read
        assert response.status_code == (414 if is_too_long else 401)

    try_case()
